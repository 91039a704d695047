//! Which files at Meta are a number's: those its tenant uploaded, and those that came in messages it was sent. Whoever has
//! the number next has none of them, though Meta would hand them out.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};

use super::{Messages, number_key};
use crate::{
    Error, Result,
    domain::{conversation::Line, meta_id::MediaId},
};

const EXPIRES_AT: &str = "expires_at";
/// So long it is known that a file was there: one hears of its end, and not that it never was.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 30);

impl Messages {
    /// Until when Meta has a file; none: it is no file of this number and tenant.
    pub async fn file_expires_at(&self, line: &Line, id: &MediaId) -> Result<Option<Timestamp>> {
        let Some(item) = self.get(number_key(line, 'f'), id.to_string()).await? else { return Ok(None) };
        let at = item.get(EXPIRES_AT).and_then(|at| at.as_s().ok()).and_then(|at| at.parse().ok());
        at.map(Some).ok_or_else(|| Error::Corrupt("a file's end".to_owned()))
    }
}

pub(super) fn end(expires_at: Timestamp) -> (String, AttributeValue) {
    (EXPIRES_AT.to_owned(), AttributeValue::S(expires_at.to_string()))
}

pub(super) fn remembered_until(expires_at: Timestamp) -> Timestamp {
    expires_at + REMEMBERED
}
