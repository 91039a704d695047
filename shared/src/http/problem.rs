//! What each condition means in HTTP: the one table of statuses and codes, and the form of a refusal (RFC 9457).

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::multipart::FORM;
use crate::{
    Error,
    domain::{
        account::Status,
        connection::{Obstacle, Refused},
        credential::{CredentialId, Refused as MintRefused},
        media::Trouble,
        meta_error::Refusal,
    },
    shown::meta_fault::MetaFault,
};

/// `application/problem+json`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: &'static str,
    pub status: u16,
    pub detail: String,
    /// Stable: programs may branch on it.
    pub code: &'static str,
    pub request_id: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// What a person can do about it.
    pub remedy: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// What Meta said, where it is Meta that refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<MetaFault>,
    /// The thing a repeated request made the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<CredentialId>,
}

/// Why we failed, for the log: it travels to where the call's id is known.
#[derive(Debug, Clone)]
pub struct Cause(pub String);

/// Where the input is at fault.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub struct Fault {
    /// A JSON pointer into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// A query parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    pub detail: String,
}

type Meaning = (StatusCode, &'static str, &'static str);

fn of_connection(refused: Refused) -> Meaning {
    use StatusCode as S;
    match refused {
        Refused::Over => (S::GONE, "connection_over", "Begin a new connection."),
        Refused::Unconfirmed => (S::CONFLICT, "confirmation_required", Obstacle::ConfirmationRequired.remedy()),
        Refused::WrongVerifier => {
            (S::FORBIDDEN, "confirmation_required", "Confirm with the verifier that came with the return to your page.")
        }
        Refused::NotAuthorized => {
            (S::CONFLICT, "not_authorized_yet", "Open the start URL and allow access at Meta first.")
        }
        Refused::Busy => (S::CONFLICT, "connection_busy", "Wait a moment and try again."),
        Refused::OtherNumber => (S::UNPROCESSABLE_ENTITY, "number_mismatch", Obstacle::NumberMismatch.remedy()),
        Refused::UnknownNumber => (S::UNPROCESSABLE_ENTITY, "number_not_in_waba", Obstacle::NumberNotInWaba.remedy()),
    }
}

fn of_file(trouble: Trouble) -> Meaning {
    use StatusCode as S;
    match trouble {
        Trouble::TooLargeToSend => (
            S::PAYLOAD_TOO_LARGE,
            "media_too_large",
            "Send it by `link` instead: put it at a public https address, from which Meta fetches it.",
        ),
        Trouble::TooLargeToFetch => (
            S::PAYLOAD_TOO_LARGE,
            "media_too_large",
            "Files above 4 MiB do not come through here: ask for a smaller one, or for a link to it.",
        ),
        Trouble::Expired => (
            S::GONE,
            "media_expired",
            "Meta keeps what people send for 7 days and uploads for 30: ask for it again, or upload it again.",
        ),
        Trouble::OtherType | Trouble::OtherSize | Trouble::OtherHash => {
            (S::BAD_GATEWAY, "media_broken", "Try again: what Meta's host gave is not the file, or not all of it.")
        }
    }
}

/// In what form a body is to be sent.
fn how(wanted: &str) -> &'static str {
    if wanted == FORM {
        "Send the file as `multipart/form-data`, in the field `file`."
    } else {
        "Send `Content-Type: application/json`."
    }
}

fn code_of(status: Status) -> &'static str {
    match status {
        Status::Active | Status::Disconnected => "account_disconnected",
        Status::Paused => "account_paused",
        Status::NeedsReconnect => "account_needs_reconnect",
        Status::Restricted => "account_restricted",
    }
}

impl Error {
    /// Status, code and remedy of a condition.
    fn meaning(&self) -> Meaning {
        use StatusCode as S;
        match self {
            Self::Unauthenticated => (
                S::UNAUTHORIZED,
                "unauthenticated",
                "Send `Authorization: Bearer` with a key or session token that has not expired or been revoked.",
            ),
            Self::KeyInBrowser => (
                S::FORBIDDEN,
                "key_in_browser",
                "Give browsers a session token (POST /v1/sessions) and revoke this key if a browser has had it.",
            ),
            Self::ScopeMissing(_) | Self::MintRefused(MintRefused::Scope(_)) => {
                (S::FORBIDDEN, "scope_missing", "Use a key that has this scope.")
            }
            Self::KeyRequired => (S::FORBIDDEN, "key_required", "Call this from your backend with an operator's key."),
            Self::SessionRequired => {
                (S::FORBIDDEN, "session_required", "Call this with the session token it is to end.")
            }
            Self::TenantMismatch | Self::MintRefused(MintRefused::Tenant) => (
                S::FORBIDDEN,
                "tenant_mismatch",
                "Name the tenant this credential is bound to, or use one that is not bound.",
            ),
            Self::MintRefused(MintRefused::Expiry) => {
                (S::FORBIDDEN, "expiry_exceeded", "Ask for an earlier expiry, or use a key that lives longer.")
            }
            Self::TenantRequired => {
                (S::BAD_REQUEST, "tenant_required", "Name the tenant in the Patchbay-Tenant header.")
            }
            Self::InvalidHeader { .. } => (S::BAD_REQUEST, "invalid_header", "Correct the header."),
            Self::InvalidQuery { .. } => (S::BAD_REQUEST, "invalid_query", "Correct the query parameter."),
            Self::MalformedJson { .. } => (S::BAD_REQUEST, "malformed_json", "Send one JSON document in UTF-8."),
            Self::NotFound { .. } => (S::NOT_FOUND, "not_found", "Check the address and the id."),
            Self::MethodNotAllowed { .. } => {
                (S::METHOD_NOT_ALLOWED, "method_not_allowed", "Use a method the Allow header lists.")
            }
            Self::IdempotencyInFlight => {
                (S::CONFLICT, "idempotency_in_flight", "Wait a moment and send the same request again.")
            }
            Self::SecretNotRepeated { .. } => (
                S::CONFLICT,
                "idempotency_secret_not_repeated",
                "If the first answer was lost, revoke the id given and make another with a new Idempotency-Key.",
            ),
            Self::BodyTooLarge { .. } => (S::PAYLOAD_TOO_LARGE, "body_too_large", "Send a smaller body."),
            Self::UnsupportedMediaType { wanted } => (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", how(wanted)),
            Self::MalformedForm { .. } => (S::BAD_REQUEST, "malformed_form", "Let your HTTP client write the form."),
            Self::File(trouble) => of_file(*trouble),
            Self::Unprocessable(_) => (S::UNPROCESSABLE_ENTITY, "invalid_body", "Correct what `errors` points at."),
            Self::IdempotencyMismatch => {
                (S::UNPROCESSABLE_ENTITY, "idempotency_mismatch", "Use a new Idempotency-Key for a new request.")
            }
            Self::Connection(refused) => of_connection(*refused),
            Self::ReturnUrlNotAllowed => (
                S::UNPROCESSABLE_ENTITY,
                "return_url_not_allowed",
                "Use an https address (http on this machine) of an origin in AllowedOrigins.",
            ),
            Self::ProviderUnavailable => (S::UNPROCESSABLE_ENTITY, "provider_unavailable", "Use the provider meta."),
            Self::ManualNeedsKey => {
                (S::FORBIDDEN, "key_required", "Send tokens from your backend, with an operator's key.")
            }
            Self::NonceMismatch => (S::FORBIDDEN, "nonce_mismatch", Obstacle::NonceMismatch.remedy()),
            Self::StateUnknown | Self::StateBrowserMismatch | Self::StateExpired { .. } | Self::FormMismatch => {
                self.of_visit()
            }
            Self::NotSigned => (S::BAD_REQUEST, "not_signed", "Only Meta calls this, with a signed_request."),
            Self::AccountDisconnected
            | Self::AccountUnusable { .. }
            | Self::NoDefaultAccount
            | Self::WindowClosed
            | Self::AlreadyClaimed => self.of_use(),
            Self::VersionMismatch => (
                S::PRECONDITION_FAILED,
                "version_mismatch",
                "Read the account again, and send the change with its ETag.",
            ),
            Self::EventsGone => (
                S::GONE,
                "events_gone",
                "Read what you need to know from the lists, and go on with `after=now`: events are kept for 7 days.",
            ),
            Self::NothingShared => (S::CONFLICT, "no_business_account", Obstacle::NoBusinessAccount.remedy()),
            Self::Outdated => (S::CONFLICT, "conflict", "Read it again, and send the change again if it still holds."),
            Self::Meta(error) if error.is_temporary() => (S::SERVICE_UNAVAILABLE, "meta_unavailable", error.remedy()),
            Self::Meta(error) => (S::BAD_GATEWAY, "meta_refused", error.remedy()),
            Self::MetaAppNotConfigured => (
                S::CONFLICT,
                "meta_app_not_configured",
                "Enter the Meta app's id and secret as parameters of the deployment (docs/deploy.md).",
            ),
            Self::SealBroken => (
                S::SERVICE_UNAVAILABLE,
                "seal_broken",
                "Connect the number again; if more than one is affected, the operator looks at the KMS key.",
            ),
            Self::Aws(_) => (S::SERVICE_UNAVAILABLE, "unavailable", "Try again in a moment."),
            Self::Corrupt(_) => (S::SERVICE_UNAVAILABLE, "internal", "Report the request_id to the operator."),
        }
    }

    /// Of a browser on its way to Meta and back.
    fn of_visit(&self) -> Meaning {
        use StatusCode as S;
        match self {
            Self::StateUnknown => (S::BAD_REQUEST, "state_unknown", "Open the link you were given again."),
            Self::StateBrowserMismatch => (
                S::FORBIDDEN,
                "state_browser_mismatch",
                "Open the link you were given in this browser, and come back in the same one.",
            ),
            Self::StateExpired { .. } => (S::GONE, "state_expired", "Start again: ten minutes had passed."),
            _ => (S::FORBIDDEN, "form_mismatch", "Reload the page and try again."),
        }
    }

    /// Of an account, as one would use it.
    fn of_use(&self) -> Meaning {
        use StatusCode as S;
        match self {
            Self::AccountDisconnected => {
                (S::CONFLICT, "account_disconnected", "Connect the number again first (POST /v1/connections).")
            }
            // Its remedy is its own.
            Self::AccountUnusable { status, .. } => {
                (S::CONFLICT, code_of(*status), "Look at the account's status_reason.")
            }
            Self::NoDefaultAccount => (
                S::CONFLICT,
                "no_default_account",
                "Connect a number, or make one the default (PATCH /v1/accounts/{id}, `default`: true).",
            ),
            Self::WindowClosed => (
                S::UNPROCESSABLE_ENTITY,
                "window_closed",
                "Send an approved template; or send with `force`: true if Meta is to decide.",
            ),
            _ => (
                S::CONFLICT,
                "already_claimed",
                "It can be cancelled only before it goes out: look at its status (GET /v1/messages/{id}).",
            ),
        }
    }

    /// What it is called, and what to do about it: where it is told inside an answer.
    pub fn told(&self) -> (&'static str, &'static str) {
        let (_, code, remedy) = self.meaning();
        (code, remedy)
    }

    fn faults(&self) -> Vec<Fault> {
        match self {
            Self::Unprocessable(violations) => violations
                .iter()
                .map(|violation| Fault {
                    pointer: Some(violation.pointer.clone()),
                    parameter: None,
                    detail: violation.detail.clone(),
                })
                .collect(),
            Self::InvalidQuery { parameter, detail } => {
                vec![Fault { pointer: None, parameter: Some(parameter.clone()), detail: detail.clone() }]
            }
            Self::InvalidHeader { name, detail } => {
                vec![Fault { pointer: None, parameter: Some((*name).to_owned()), detail: detail.clone() }]
            }
            _ => Vec::new(),
        }
    }

    /// A header the status obliges us to.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Unauthenticated => Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            Self::MethodNotAllowed { allowed } => Some((header::ALLOW, HeaderValue::from_str(allowed).ok()?)),
            Self::IdempotencyInFlight | Self::Aws(_) => Some((header::RETRY_AFTER, HeaderValue::from_static("1"))),
            Self::Meta(error) if error.is_temporary() => Some((header::RETRY_AFTER, HeaderValue::from_static("10"))),
            _ => None,
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            Self::IdempotencyInFlight | Self::Aws(_) => true,
            Self::File(trouble) => trouble.may_pass(),
            Self::Meta(error) => error.is_temporary(),
            _ => false,
        }
    }

    fn meta(&self) -> Option<&Refusal> {
        if let Self::Meta(error) = self { error.refusal() } else { None }
    }

    /// What we say of it. Of our own troubles: nothing but that.
    fn detail(&self) -> String {
        match self {
            Self::Aws(_) | Self::Corrupt(_) | Self::SealBroken => {
                "something this service rests on did not answer as it should".to_owned()
            }
            other => other.to_string(),
        }
    }
}

/// The problem travels as an extension: its request id is known to the outermost layer alone.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, code, remedy) = self.meaning();
        let cause = status.is_server_error().then(|| Cause(format!("{code}: {}", self.chain())));
        let problem = Problem {
            kind: format!("urn:patchbay:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: self.detail(),
            code,
            request_id: String::new(),
            retryable: self.is_retryable(),
            remedy: if let Self::AccountUnusable { remedy, .. } = &self { remedy.clone() } else { remedy.to_owned() },
            errors: self.faults(),
            meta: self.meta().map(MetaFault::from),
            id: if let Self::SecretNotRepeated { id } = &self { Some(id.clone()) } else { None },
        };
        let mut response = status.into_response();
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(problem);
        if let Some(cause) = cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}

impl Problem {
    /// Writes itself into the response it travelled with.
    pub fn render(mut self, request_id: &str, response: Response) -> Response {
        request_id.clone_into(&mut self.request_id);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let (mut parts, _) = response.into_parts();
        parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Response::from_parts(parts, body.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::meta_error::MetaError;

    fn shown(error: Error) -> (Value, Option<String>) {
        let response = error.into_response();
        let retry_after = response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
        let problem = response.extensions().get::<Problem>().unwrap();
        (serde_json::to_value(problem).unwrap(), retry_after)
    }

    #[test]
    fn a_refusal_of_meta_s_shows_its_numbers_and_none_of_its_words() {
        let refusal = Refusal {
            code: 133_005,
            details: Some("words of Meta's".to_owned()),
            user_message: Some("words of Meta's".to_owned()),
            fbtrace_id: Some("Az8".to_owned()),
            status: 400,
            ..Refusal::default()
        };

        assert_eq!(
            shown(MetaError::Refused(refusal).into()),
            (
                json!({
                    "type": "urn:patchbay:problem:meta_refused",
                    "title": "Bad Gateway",
                    "status": 502,
                    "detail": "Meta refused: pin_mismatch (133005)",
                    "code": "meta_refused",
                    "request_id": "",
                    "retryable": false,
                    "remedy": "The number has a two-step PIN and this was not it: enter the right one, or set a new one in WhatsApp Manager.",
                    "meta": {"code": 133_005, "subcode": null, "fbtrace_id": "Az8"},
                }),
                None
            )
        );
    }

    #[test]
    fn what_passes_at_meta_is_worth_another_try() {
        let throttled = Refusal { code: 80_007, status: 400, ..Refusal::default() };
        for error in [MetaError::Refused(throttled), MetaError::Unreachable("timeout"), MetaError::Unreadable] {
            let (problem, retry_after) = shown(error.into());
            let told = (&problem["status"], &problem["code"], &problem["retryable"], retry_after.as_deref());
            assert_eq!(told, (&json!(503), &json!("meta_unavailable"), &json!(true), Some("10")));
        }
    }

    #[test]
    fn no_app_and_a_broken_seal_have_their_codes() {
        let (unconfigured, _) = shown(Error::MetaAppNotConfigured);
        let (broken, _) = shown(Error::SealBroken);

        assert_eq!((&unconfigured["status"], &unconfigured["code"]), (&json!(409), &json!("meta_app_not_configured")));
        assert_eq!((&broken["status"], &broken["code"]), (&json!(503), &json!("seal_broken")));
    }
}
