//! The one error: conditions, not mechanisms. What each means in HTTP is `http/problem.rs`'s to say.

use std::{error::Error as StdError, fmt};

use crate::domain::{
    account::Status,
    connection,
    credential::{CredentialId, Refused},
    media,
    meta_error::MetaError,
    scope::Scope,
};

pub use crate::domain::violation::Violation;

pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    // Who is calling
    #[error("a valid key or session token is needed")]
    Unauthenticated,
    #[error("an operator's key has no place in a browser")]
    KeyInBrowser,
    #[error("this takes the scope {0}")]
    ScopeMissing(Scope),
    #[error("this takes an operator's key")]
    KeyRequired,
    #[error("this takes a session token")]
    SessionRequired,
    #[error("the Patchbay-Tenant header must name a tenant")]
    TenantRequired,
    #[error("this credential is bound to another tenant")]
    TenantMismatch,
    #[error(transparent)]
    MintRefused(#[from] Refused),

    // What is asked
    #[error("{thing} not found")]
    NotFound { thing: &'static str },
    #[error("this path does not take that method")]
    MethodNotAllowed { allowed: String },
    #[error("the header {name} is malformed: {detail}")]
    InvalidHeader { name: &'static str, detail: String },
    #[error("the parameter {parameter} is malformed: {detail}")]
    InvalidQuery { parameter: String, detail: String },
    #[error("the body is not JSON: {detail}")]
    MalformedJson { detail: String },
    #[error("the body is not a form: {detail}")]
    MalformedForm { detail: &'static str },
    #[error("the body must be {wanted}")]
    UnsupportedMediaType { wanted: &'static str },
    #[error("the body is larger than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error(transparent)]
    File(#[from] media::Trouble),
    #[error("the body breaks a rule: {}", list(.0))]
    Unprocessable(Vec<Violation>),

    #[error("events behind this cursor may be gone")]
    EventsGone,

    // Repetition
    #[error("this Idempotency-Key was used with another body")]
    IdempotencyMismatch,
    #[error("a request with this Idempotency-Key is still being worked on")]
    IdempotencyInFlight,
    #[error("the answer held a secret, which is shown once")]
    SecretNotRepeated { id: CredentialId },

    // Connecting
    #[error(transparent)]
    Connection(#[from] connection::Refused),
    #[error("this return_url is not allowed")]
    ReturnUrlNotAllowed,
    #[error("this provider is not available yet")]
    ProviderUnavailable,
    #[error("a session token may not do this")]
    ManualNeedsKey,
    #[error("the nonce is another connection's")]
    NonceMismatch,
    #[error("this return from Meta belongs to no visit of ours")]
    StateUnknown,
    #[error("this return from Meta belongs to another browser")]
    StateBrowserMismatch,
    #[error("the visit to Meta took longer than ten minutes")]
    StateExpired { ticket: String },
    #[error("the permission given names no account")]
    NothingShared,
    #[error("this form was not made for this browser")]
    FormMismatch,
    #[error("this is not signed by Meta for this app")]
    NotSigned,
    #[error("the account is disconnected")]
    AccountDisconnected,
    /// It is connected, and does not send: the reason is for the person whose number it is.
    #[error("the account does not send: {detail}")]
    AccountUnusable { status: Status, detail: String, remedy: String },
    #[error("the tenant has no default account")]
    NoDefaultAccount,
    // Sending
    #[error("the customer has not written within the last 24 hours")]
    WindowClosed,
    #[error("a try at sending the message has begun, or it has ended")]
    AlreadyClaimed,
    #[error("the account is not the version that If-Match names")]
    VersionMismatch,
    #[error("something else changed what this call was about to change")]
    Outdated,

    // What we rest on
    #[error(transparent)]
    Meta(#[from] MetaError),
    #[error("no Meta app is configured")]
    MetaAppNotConfigured,
    #[error("a stored secret does not open")]
    SealBroken,
    #[error("an AWS call failed")]
    Aws(#[source] Source),
    #[error("something stored cannot be read: {0}")]
    Corrupt(String),
}

fn list(violations: &[Violation]) -> String {
    violations
        .iter()
        .map(|found| format!("{} {}", found.pointer, found.detail).trim().to_owned())
        .collect::<Vec<_>>()
        .join("; ")
}

impl Error {
    pub fn aws(source: impl Into<Source>) -> Self {
        Self::Aws(source.into())
    }

    /// The error and what caused it, for the log.
    pub fn chain(&self) -> Chain<'_> {
        Chain(self)
    }

    pub fn breaks(pointer: &str, detail: impl Into<String>) -> Self {
        Self::Unprocessable(vec![Violation { pointer: pointer.to_owned(), detail: detail.into() }])
    }
}

impl From<serde_dynamo::Error> for Error {
    fn from(error: serde_dynamo::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}

/// By `Display` alone: `Debug` of an SDK error prints requests and items.
#[derive(Debug)]
pub struct Chain<'a>(&'a dyn StdError);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
