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

/// Does `work` once for a repetition and keeps its answer, if it is a success. Without one it is just done.
///
/// `work` gets the id to make its thing under: the one an earlier attempt claimed, should that have died half-way, or
/// `fresh`. What it writes must be conditional on that id. Half: the claim expires, and the next request goes on.
pub async fn answer_once(
    receipts: &Receipts,
    repetition: Option<&Repetition>,
    random: &Random,
    fresh: &str,
    now: jiff::Timestamp,
    work: impl AsyncFnOnce(&str) -> Result<Response>,
) -> Result<Response> {
    let Some(repetition) = repetition else { return work(fresh).await };
    let held = match claim(receipts, repetition, random, fresh, now).await? {
        Claim::Answered(answer) => return replay(answer),
        Claim::Mine(held) => held,
    };
    match work(&held.id).await {
        Ok(response) if response.status().is_success() => keep(receipts, &held, response).await,
        refused => {
            give_back(receipts, &held, refused.as_ref().err()).await;
            refused
        }
    }
}

/// A thing that is made once for a repetition, and shown as it is now whenever the request comes again: its answer holds
/// secrets, or changes.
#[derive(Debug)]
pub enum Made<T> {
    Now(T),
    /// Under this id.
    Before(String),
}

/// Makes a thing once, under the id that `work` gets: see [`answer_once`].
pub async fn made_once<T>(
    receipts: &Receipts,
    repetition: &Repetition,
    random: &Random,
    fresh: &str,
    now: jiff::Timestamp,
    work: impl AsyncFnOnce(&str) -> Result<T>,
) -> Result<Made<T>> {
    let held = match claim(receipts, repetition, random, fresh, now).await? {
        Claim::Answered(made) => return Ok(Made::Before(made.body)),
        Claim::Mine(held) => held,
    };
    let made = work(&held.id).await;
    match &made {
        Ok(_) => {
            let id = Answer { status: StatusCode::CREATED.as_u16(), content_type: None, body: held.id.clone() };
            // Unkept, the same request goes on under the same id once the claim has ended.
            if let Err(error) = receipts.keep(&held, &id).await {
                tracing::error!(error = %error.chain(), "an answer was not kept");
            }
        }
        Err(error) => give_back(receipts, &held, Some(error)).await,
    }
    made.map(Made::Now)
}

async fn claim(
    receipts: &Receipts,
    repetition: &Repetition,
    random: &Random,
    fresh: &str,
    now: jiff::Timestamp,
) -> Result<Claim> {
    receipts.claim(repetition, fresh, &hex::encode(&random.bytes::<16>()), now).await
}

/// A claim whose work was refused, or failed: then the thing may have been made, and its id stays.
async fn give_back(receipts: &Receipts, held: &Held, error: Option<&Error>) {
    let is_ours = matches!(error, Some(Error::Aws(_) | Error::Corrupt(_)));
    let given_back =
        if is_ours || held.is_resumed { receipts.abandon(held).await } else { receipts.release(held).await };
    // The claim ends by itself; the refusal is what the caller needs to hear.
    if let Err(error) = given_back {
        tracing::error!(error = %error.chain(), "a claim was not given back");
    }
}

/// Marks an answer as one to a repeated request.
pub fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
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
    Ok(replayed(response))
}
