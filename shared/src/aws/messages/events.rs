//! What Meta tells of that is no message: kept as it came, once.

use aws_sdk_dynamodb::{operation::put_item::PutItemError, primitives::Blob, types::AttributeValue};
use jiff::Timestamp;

use super::{Messages, seconds, sortable, text_key};
use crate::{
    Error, Result,
    domain::{hex, meta_id::PhoneNumberId, tenant::TenantId},
};

/// One of them.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    pub tenant: &'a TenantId,
    /// Whose it is: the WABA, or what Meta named in its place.
    pub waba: &'a str,
    pub number: Option<&'a PhoneNumberId>,
    /// Meta's name for this kind of change.
    pub field: &'a str,
    /// What part of a change it is.
    pub kind: &'a str,
    /// None: Meta gave no time.
    pub at: Option<Timestamp>,
    pub received_at: Timestamp,
    pub raw: &'a str,
}

impl Event<'_> {
    /// Its partition and sort key.
    fn place(&self) -> (String, String) {
        let said = format!("{}\0{}\0{}", self.field, self.kind, self.raw);
        let at = self.at.unwrap_or(Timestamp::UNIX_EPOCH);
        let sort_key = format!("{}#{}", sortable(at), &hex::sha256(said.as_bytes())[..20]);
        (format!("{}#e#{}", self.tenant, self.waba), sort_key)
    }
}

impl Messages {
    /// Whether it was kept before: known is what was said in the same words of the same thing at the same time.
    pub async fn is_kept(&self, event: &Event<'_>) -> Result<bool> {
        let (pk, sk) = event.place();
        Ok(self.get(pk, sk).await?.is_some())
    }

    /// Says whether it is new.
    pub async fn keep(&self, event: &Event<'_>) -> Result<bool> {
        let (pk, sk) = event.place();
        let mut item = text_key(pk, sk);
        let deflated = miniz_oxide::deflate::compress_to_vec(event.raw.as_bytes(), 6);
        let text = |value: &str| AttributeValue::S(value.to_owned());
        item.insert("field".to_owned(), text(event.field));
        item.insert("kind".to_owned(), text(event.kind));
        item.insert("received_at".to_owned(), text(&event.received_at.to_string()));
        item.insert("raw".to_owned(), AttributeValue::B(Blob::new(deflated)));
        item.insert("ttl".to_owned(), seconds(event.received_at + self.retention));
        item.extend(event.number.map(|number| ("number".to_owned(), text(number.as_str()))));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let Err(error) = put.condition_expression("attribute_not_exists(pk)").send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(Error::aws(error)),
        }
    }
}
