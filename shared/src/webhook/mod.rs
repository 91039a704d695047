//! The edge towards Meta's webhooks. A delivery is answered 200 when each of its units is on the queue, and nothing of it
//! is looked at before its signature is.

mod event;

use lambda_runtime::LambdaEvent;
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use crate::{
    Error, Result,
    aws::{blobs::Blobs, clients::Aws, fifo::Fifo, meta_app::MetaApps},
    clock::Clock,
    domain::delivery,
    env::{Env, EnvError},
    meta::signature::Signature,
};

pub use event::{Answer, Event};

/// Meta sends 3 MB at most, and Lambda takes 6 MB as base64.
const LARGEST_BODY: usize = 4 * 1024 * 1024;
const LONGEST_CHALLENGE: usize = 128;

/// What this function may touch: its role in the template grants the same, its environment names the same.
#[derive(Debug, Clone)]
pub struct Context {
    apps: MetaApps,
    inbound: Fifo,
    blobs: Blobs,
    clock: Clock,
}

/// Why a delivery is not taken. None of it tells a stranger more than its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    TooLarge,
    /// Not signed, or not by this app.
    Unsigned(&'static str),
}

impl Context {
    pub fn from_env(env: &Env, clock: Clock) -> Result<Self, EnvError> {
        let aws = Aws::from_env(env)?;
        Ok(Self {
            apps: MetaApps::new(aws.secrets(clock.clone()), env.required("META_APP_SECRETS")?, clock.clone()),
            inbound: aws.fifo(env.required("INBOUND_QUEUE")?, clock.clone()),
            blobs: Blobs::new(aws.later(Aws::dynamodb), env.required("RECEIPTS_TABLE")?),
            clock,
        })
    }

    /// Answers one request. It does not fail: what it could not do is a 500, and Meta comes again.
    pub async fn handle(&self, event: LambdaEvent<Event>) -> Answer {
        let answered = match event.payload.method() {
            "GET" | "HEAD" => self.confirm(&event.payload).await,
            "POST" => self.receive(&event.payload).await,
            _ => Ok(Answer::status(405)),
        };
        answered.unwrap_or_else(|error| {
            tracing::error!(error = %error.chain(), "a delivery was not taken");
            Answer::status(500)
        })
    }

    /// Meta's handshake: whoever knows the verify token entered it at Meta.
    async fn confirm(&self, event: &Event) -> Result<Answer> {
        let (mode, token, challenge) =
            (event.parameter("hub.mode"), event.parameter("hub.verify_token"), event.parameter("hub.challenge"));
        let (Some("subscribe"), Some(token)) = (mode.as_deref(), token) else { return Ok(Answer::status(403)) };
        let expected = match self.apps.current().await {
            Ok(app) => app.verify_token.clone(),
            Err(Error::MetaAppNotConfigured) => None,
            Err(error) => return Err(error),
        };
        let is_ours = |expected: &str| bool::from(expected.as_bytes().ct_eq(token.as_bytes()));
        if !expected.is_some_and(|expected| is_ours(expected.expose_secret())) {
            tracing::warn!("a handshake with another verify token");
            return Ok(Answer::status(403));
        }
        match challenge.filter(|challenge| is_challenge(challenge)) {
            Some(challenge) => Ok(Answer::text(200, challenge.into_owned())),
            None => Ok(Answer::status(400)),
        }
    }

    async fn receive(&self, event: &Event) -> Result<Answer> {
        let Ok(body) = event.body() else { return Ok(Answer::status(400)) };
        if let Err(refused) = self.admit(event.signature(), &body).await? {
            tracing::warn!(?refused, bytes = body.len(), "a delivery was refused");
            return Ok(Answer::status(refused.status()));
        }
        let now = self.clock.now();
        let (parcels, oversized) = delivery::split(&body, now);
        for unit in &oversized {
            self.blobs.keep(unit, now).await?;
        }
        self.inbound.send(parcels).await?;
        Ok(Answer::status(200))
    }

    /// Whether Meta signed it. A stranger's flood costs no call: what looks like no signature is none, and the secret is
    /// read again by time alone.
    async fn admit(&self, signature: Option<&str>, body: &[u8]) -> Result<Result<(), Refused>> {
        if body.len() > LARGEST_BODY {
            return Ok(Err(Refused::TooLarge));
        }
        let Some(signature) = signature.and_then(Signature::parse) else {
            return Ok(Err(Refused::Unsigned("no signature")));
        };
        let app = match self.apps.current().await {
            Ok(app) => app,
            Err(Error::MetaAppNotConfigured) => return Ok(Err(Refused::Unsigned("no Meta app is configured"))),
            Err(error) => return Err(error),
        };
        let is_signed = signature.is_of(body, &app, self.clock.now());
        Ok(if is_signed { Ok(()) } else { Err(Refused::Unsigned("another's signature")) })
    }
}

impl Refused {
    fn status(self) -> u16 {
        match self {
            Self::TooLarge => 413,
            Self::Unsigned(_) => 401,
        }
    }
}

/// It is shown again, so it is nothing that a browser could take for more than a word.
fn is_challenge(text: &str) -> bool {
    (1..=LONGEST_CHALLENGE).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_a_word() {
        for good in ["1158201444", "a", "A-b_9", &"x".repeat(128)] {
            assert!(is_challenge(good), "{good}");
        }
        for bad in ["", "<script>", "a b", "a\n", "é", "a.b", &"x".repeat(129)] {
            assert!(!is_challenge(bad), "{bad}");
        }
    }
}
