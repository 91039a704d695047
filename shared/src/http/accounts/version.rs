//! Versions as HTTP has them: an account's `ETag`, and the `If-Match` of whoever has seen one.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, header, request::Parts},
};

use crate::{Error, Result, domain::account::Account};

/// The versions a caller would change; none given, or `*`: whichever it is.
#[derive(Debug)]
pub(super) struct IfMatch(Option<Vec<u64>>);

impl IfMatch {
    pub(super) fn allows(&self, account: &Account) -> Result<()> {
        let is_allowed = self.0.as_ref().is_none_or(|versions| versions.contains(&account.version));
        if is_allowed { Ok(()) } else { Err(Error::VersionMismatch) }
    }
}

pub(super) fn etag(version: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let mut versions = Vec::new();
        for value in parts.headers.get_all(header::IF_MATCH) {
            let text = value.to_str().map_err(|_| malformed())?;
            for tag in text.split(',').map(str::trim) {
                if tag == "*" {
                    return Ok(Self(None));
                }
                // A weak tag is well-formed and matches nothing.
                let opaque = tag.strip_prefix("W/").unwrap_or(tag);
                let opaque = opaque.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or_else(malformed)?;
                if !tag.starts_with("W/") {
                    versions.extend(opaque.parse::<u64>());
                }
            }
        }
        Ok(Self(parts.headers.contains_key(header::IF_MATCH).then_some(versions)))
    }
}

fn malformed() -> Error {
    Error::InvalidHeader { name: "If-Match", detail: "it is an ETag as an account's answer gave it, or *".to_owned() }
}
