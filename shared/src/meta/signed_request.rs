//! What Meta posts when a person removes the app or wants their data deleted: a payload signed with the app's secret.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::Mac;
use jiff::Timestamp;
use serde::Deserialize;

use super::{graph::keyed, wire};
use crate::domain::{meta_app::MetaApp, meta_id::SubjectId};

const ALGORITHM: &str = "HMAC-SHA256";

/// About whom, and when. What was permitted after `issued_at` is not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    pub subject: SubjectId,
    pub issued_at: Timestamp,
}

/// Not signed by Meta for this app, whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a request that Meta signed for this app")]
pub struct Invalid;

#[derive(Deserialize)]
struct Payload {
    algorithm: String,
    issued_at: i64,
    #[serde(deserialize_with = "wire::id")]
    user_id: SubjectId,
}

/// Nothing of the payload is looked at before its signature is: with the app's secret, or the one before it until its
/// date.
pub fn verify(text: &str, app: &MetaApp, now: Timestamp) -> Result<SignedRequest, Invalid> {
    let (signature, payload) = text.split_once('.').ok_or(Invalid)?;
    let signature = decode(signature)?;
    let is_signed = |secret| keyed(secret).chain_update(payload).verify_slice(&signature).is_ok();
    if !app.secrets_at(now).any(is_signed) {
        return Err(Invalid);
    }
    let payload: Payload = serde_json::from_slice(&decode(payload)?).map_err(|_| Invalid)?;
    if payload.algorithm != ALGORITHM {
        return Err(Invalid);
    }
    let issued_at = Timestamp::from_second(payload.issued_at).map_err(|_| Invalid)?;
    Ok(SignedRequest { subject: payload.user_id, issued_at })
}

fn decode(text: &str) -> Result<Vec<u8>, Invalid> {
    BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| Invalid)
}
