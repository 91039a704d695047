//! What is told to the operator's systems: something that a reader can see has changed.

mod log;

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use sha2::{Digest, Sha256};

use super::{conversation::ConversationId, meta_id::PhoneNumberId, tenant::TenantId};

pub use log::{Cursor, GRACE, InvalidPlace, KEPT, Place, packed};

/// One of them, as it is shown and kept.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// The same however often it is told.
    pub id: EventId,
    #[serde(rename = "type")]
    pub kind: EventType,
    #[serde(with = "milliseconds")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    pub tenant: TenantId,
    pub phone_number_id: Option<PhoneNumberId>,
    pub conversation_id: Option<ConversationId>,
    /// The names of the fields of `data` that are not what they were. None: it could not be shown; read it.
    pub changed: Vec<String>,
    /// The thing as its GET shows it; null where it is there no more, or could not be shown.
    #[schemars(with = "Option<Value>")]
    pub data: Option<Box<RawValue>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EventType {
    #[serde(rename = "message.received")]
    MessageReceived,
    #[serde(rename = "message.updated")]
    MessageUpdated,
    #[serde(rename = "conversation.updated")]
    ConversationUpdated,
    #[serde(rename = "contact.updated")]
    ContactUpdated,
    #[serde(rename = "account.updated")]
    AccountUpdated,
    #[serde(rename = "connection.updated")]
    ConnectionUpdated,
    #[serde(rename = "template.updated")]
    TemplateUpdated,
}

/// Derived from the change that it tells of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("pattern" = "^evt_[A-Za-z0-9_-]{22}$"))]
pub struct EventId(String);

#[derive(Debug, thiserror::Error)]
#[error("it is one of {}", EventType::ALL.map(EventType::as_str).join(", "))]
pub struct InvalidEventType;

impl Event {
    /// Whether it is among those that a reader asks for.
    pub fn is_of(&self, kind: Option<EventType>, number: Option<&PhoneNumberId>) -> bool {
        kind.is_none_or(|kind| kind == self.kind)
            && number.is_none_or(|number| self.phone_number_id.as_ref() == Some(number))
    }

    /// How much of a page or a pack it takes.
    pub fn weight(&self) -> usize {
        ENVELOPE + self.data.as_ref().map_or(0, |data| data.get().len())
    }
}

/// All of an event but its data.
const ENVELOPE: usize = 400;

impl EventType {
    pub const ALL: [Self; 7] = [
        Self::MessageReceived,
        Self::MessageUpdated,
        Self::ConversationUpdated,
        Self::ContactUpdated,
        Self::AccountUpdated,
        Self::ConnectionUpdated,
        Self::TemplateUpdated,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessageReceived => "message.received",
            Self::MessageUpdated => "message.updated",
            Self::ConversationUpdated => "conversation.updated",
            Self::ContactUpdated => "contact.updated",
            Self::AccountUpdated => "account.updated",
            Self::ConnectionUpdated => "connection.updated",
            Self::TemplateUpdated => "template.updated",
        }
    }
}

impl FromStr for EventType {
    type Err = InvalidEventType;

    fn from_str(text: &str) -> Result<Self, InvalidEventType> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(InvalidEventType)
    }
}

impl EventId {
    /// `change` is one of all changes there are. Of one there may be several events: of several kinds, or of several tenants.
    pub fn of(change: &str, kind: EventType, tenant: &TenantId, thing: &str) -> Self {
        let parts = [change, kind.as_str(), tenant.as_str(), thing];
        let digest = Sha256::digest(parts.join("\0"));
        Self(format!("evt_{}", BASE64_URL_SAFE_NO_PAD.encode(&digest[..16])))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

mod milliseconds {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::domain::time::rfc3339;

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339(*at))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_kept_as_it_is_shown() {
        let shown = json!({
            "id": "evt_AAAAAAAAAAAAAAAAAAAAAA", "type": "message.received", "at": "2026-11-21T10:00:00.000Z",
            "tenant": "acme", "phone_number_id": "300", "conversation_id": null, "changed": ["status"],
            "data": {"price": 1.10},
        });

        let event: Event = serde_json::from_value(shown.clone()).unwrap();

        assert_eq!(serde_json::to_value(&event).unwrap(), shown);
        let gone = Event { data: None, ..event };
        let again: Event = serde_json::from_str(&serde_json::to_string(&gone).unwrap()).unwrap();
        assert!(again.data.is_none());
    }

    #[test]
    fn every_type_is_read_as_it_is_written() {
        for kind in EventType::ALL {
            assert_eq!(kind.as_str().parse::<EventType>().unwrap(), kind);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert!("message.deleted".parse::<EventType>().is_err());
    }

    #[test]
    fn an_id_is_of_one_change_one_kind_and_one_tenant() {
        let (acme, bravo) = ("acme".parse().unwrap(), "bravo".parse().unwrap());
        let id = |change, kind, tenant, thing| EventId::of(change, kind, tenant, thing).to_string();
        let first = id("1", EventType::AccountUpdated, &acme, "7");

        assert_eq!(first, id("1", EventType::AccountUpdated, &acme, "7"));
        for other in [
            id("2", EventType::AccountUpdated, &acme, "7"),
            id("1", EventType::ContactUpdated, &acme, "7"),
            id("1", EventType::AccountUpdated, &bravo, "7"),
            id("1", EventType::AccountUpdated, &acme, "8"),
        ] {
            assert_ne!(first, other);
        }
    }
}
