//! Lists: pages of bounded size, and cursors that open for the list they came from and no other.

use std::str::FromStr;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::Serialize;

use super::{caller::Caller, query::Parameters};
use crate::{
    Error, Result,
    aws::{stack_secret::StackSecret, transaction::Position},
    clock::Random,
    domain::{
        keyring::{Keyring, Purpose},
        tenant::TenantId,
    },
};

/// One page.
#[derive(Debug, Serialize, JsonSchema)]
pub struct List<T> {
    pub data: Vec<T>,
    /// What to send as `after` for the next page; null on the last.
    pub next: Option<String>,
}

/// Which page is asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Page {
    pub limit: i32,
    pub after: Option<Position>,
}

/// What a cursor is bound to: tenant, route and filters, but not the limit.
#[derive(Debug)]
pub struct Bound(String);

impl Bound {
    pub fn to(caller: &Caller, route: &str, filters: &[&str]) -> Self {
        let tenant = caller.tenant.as_ref().map_or("-", TenantId::as_str);
        let parts = [&[tenant, route][..], filters].concat();
        // The length before each part: two lists of filters are never one text.
        Self(parts.iter().fold(String::new(), |bound, part| bound + &part.len().to_string() + ":" + part))
    }

    /// The cursor for what comes after `position`. The secret is read only where there is a next page.
    pub async fn seal(
        &self,
        position: Option<&Position>,
        secret: &StackSecret,
        random: &Random,
    ) -> Result<Option<String>> {
        let Some(position) = position else { return Ok(None) };
        let keys = secret.keyring().await?;
        let plain = serde_json::to_vec(position).map_err(|error| Error::Corrupt(error.to_string()))?;
        let sealed = keys.seal(Purpose::Cursor, random.bytes(), self.0.as_bytes(), &plain);
        Ok(Some(BASE64_URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// What a cursor of this list holds.
    pub async fn opened(&self, cursor: &str, secret: &StackSecret) -> Result<Position> {
        self.open(cursor, &*secret.keyring().await?).ok_or_else(|| Error::InvalidQuery {
            parameter: "after".to_owned(),
            detail: "it is not a cursor of this list".to_owned(),
        })
    }

    fn open(&self, cursor: &str, keys: &Keyring) -> Option<Position> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        serde_json::from_slice(&keys.open(Purpose::Cursor, self.0.as_bytes(), &sealed)?).ok()
    }
}

impl Page {
    pub async fn take(parameters: &mut Parameters, bound: &Bound, secret: &StackSecret) -> Result<Self> {
        let limit = parameters.take("limit", |text| match text.parse() {
            Ok(limit @ 1..=100) => Ok(limit),
            _ => Err("it is a number from 1 to 100".to_owned()),
        })?;
        let after = match parameters.take("after", |cursor| Ok(cursor.to_owned()))? {
            None => None,
            Some(cursor) => Some(bound.opened(&cursor, secret).await?),
        };
        Ok(Self { limit: limit.unwrap_or(25), after })
    }

    /// Where the page before ended, in lists that are in no table as they are shown.
    pub fn place<T: FromStr>(&self, name: &str) -> Result<Option<T>> {
        let place = self.after.as_ref().and_then(|after| after.get(name));
        // A cursor that opened is one we made.
        place.map(|place| place.parse().map_err(|_| Error::Corrupt("a cursor of ours".to_owned()))).transpose()
    }
}
