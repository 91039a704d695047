//! `Idempotency-Key`: the same request again gets the first answer, and does nothing.

use axum::{
    body::{Bytes, to_bytes},
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};

use super::caller::Caller;
use crate::{
    Error, Result,
    aws::{
        receipts::{Answer, Claim, Held, Receipts},
        stack_secret::StackSecret,
    },
    clock::Random,
    domain::{
        hex,
        idempotency::{IdempotencyKey, Repetition},
    },
};

pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The header, where it is sent, and the concrete request it stands on.
#[derive(Debug)]
pub struct Once {
    key: Option<IdempotencyKey>,
    method: String,
    path: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Once {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let malformed = |detail: String| Error::InvalidHeader { name: "Idempotency-Key", detail };
        let key = match (values.next(), values.next()) {
            (None, _) => None,
            (Some(value), None) => {
                Some(IdempotencyKey::parse(value.as_bytes()).map_err(|error| malformed(error.to_string()))?)
            }
            (Some(_), Some(_)) => return Err(malformed("it stands twice".to_owned())),
        };
        Ok(Self { key, method: parts.method.to_string(), path: parts.uri.path().to_owned() })
    }
}

impl Once {
    /// What identifies this request, where the caller sent a key: only then is the secret read.
    pub async fn repetition(&self, caller: &Caller, body: &Bytes, secret: &StackSecret) -> Result<Option<Repetition>> {
        let Some(key) = &self.key else { return Ok(None) };
        let keys = secret.keyring().await?;
        Ok(Some(Repetition::new(key, caller.tenant.as_ref(), (&self.method, &self.path), body, keys)))
    }
}

/// Does `work` once for a repetition and keeps its answer, if it is a success.
///
/// `work` gets the id to make its thing under: the one an earlier attempt claimed, should that have died half-way, or
/// `fresh`. What it writes must be conditional on that id. Half: the claim expires, and the next request goes on.
pub async fn answer_once(
    receipts: &Receipts,
    repetition: &Repetition,
    random: &Random,
    fresh: &str,
    now: jiff::Timestamp,
    work: impl AsyncFnOnce(&str) -> Result<Response>,
) -> Result<Response> {
    let attempt = hex::encode(&random.bytes::<16>());
    match receipts.claim(repetition, fresh, &attempt, now).await? {
        Claim::Answered(answer) => replay(answer),
        Claim::Mine(held) => match work(&held.id).await {
            Ok(response) if response.status().is_success() => keep(receipts, &held, response).await,
            refused => {
                let is_ours = matches!(refused, Err(Error::Aws(_) | Error::Corrupt(_)));
                // The thing may have been made, now or by an attempt that died: then its id stays.
                let given_back = if is_ours || held.is_resumed {
                    receipts.abandon(&held).await
                } else {
                    receipts.release(&held).await
                };
                // The claim ends by itself; the refusal is what the caller needs to hear.
                if let Err(error) = given_back {
                    tracing::error!(error = %error.chain(), "a claim was not given back");
                }
                refused
            }
        },
    }
}

async fn keep(receipts: &Receipts, held: &Held, response: Response) -> Result<Response> {
    let (parts, body) = response.into_parts();
    if parts.headers.contains_key(header::CACHE_CONTROL) {
        return Err(Error::Corrupt("an answer with a secret in it is never kept".to_owned()));
    }
    let body = to_bytes(body, usize::MAX).await.map_err(Error::aws)?;
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let answer = Answer {
        status: parts.status.as_u16(),
        content_type: content_type.map(str::to_owned),
        body: String::from_utf8(body.to_vec()).map_err(|_| Error::Corrupt("an answer that is not text".to_owned()))?,
    };
    // The thing is made. Unkept, the same request goes on under the same id once the claim has ended.
    if let Err(error) = receipts.keep(held, &answer).await {
        tracing::error!(error = %error.chain(), "an answer was not kept");
    }
    Ok(Response::from_parts(parts, body.into()))
}

fn replay(answer: Answer) -> Result<Response> {
    let status = StatusCode::from_u16(answer.status).map_err(|_| Error::Corrupt("a kept status".to_owned()))?;
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    if let Some(kind) = answer.content_type.and_then(|kind| HeaderValue::from_str(&kind).ok()) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
