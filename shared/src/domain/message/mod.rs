//! A message as it is kept: Meta's own object, and beside it what Meta does not say in it.

mod counts;
mod fields;
mod meta;
mod reading;
mod standing;
mod status;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{conversation::MessageId, meta_id::PhoneNumberId, sending::Sending};

pub use counts::{Counted, Counts, Granularity, Period};
pub use fields::{Fields, readable};
pub use meta::{KINDS, MetaMessage, Renamed, UNSUPPORTED, counterpart_of, person_of};
pub use reading::{Failure, MetaCode, Reading, Step};
pub use standing::Standing;
pub use status::{Told, shown};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Inbound,
    Outbound,
}

/// Who made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Customer,
    /// Sent through us.
    Api,
    /// Written on the phone that shares the number.
    App,
    /// From before the number was connected.
    History,
}

/// One message, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub id: MessageId,
    pub number: PhoneNumberId,
    /// None: not accepted by Meta yet.
    pub wamid: Option<String>,
    pub direction: Direction,
    pub origin: Origin,
    /// Meta's object, as its text came. What a reader is shown is parsed from it.
    pub raw: String,
    /// Orders messages of one second: as they came through the queue. Also whose put it was.
    pub sequence: String,
    pub received_at: Timestamp,
    /// What statuses said, each once, by `<status>` or `<status>#<participant>`.
    pub statuses: BTreeMap<String, Fact>,
    /// The conversation's number at the time it was said in: a row of a former life of the number stays its tenant's.
    pub generation: u64,
    /// Of one that goes out through us.
    pub sending: Option<Sending>,
    /// Another id of Meta's for the same message: it went out twice, and nobody here made it.
    pub duplicate: Option<String>,
}

/// What one status said. The first one of its kind stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    pub at: Timestamp,
    /// Meta's error, as its text came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Meta's pricing, as its text came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pricing: Option<String>,
    /// All else it said, as one JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rest: Option<String>,
}

impl Stored {
    /// As it was when it was accepted: nothing had been done with it, and nothing told of it.
    #[must_use]
    pub fn as_accepted(&self) -> Self {
        let begun = |sending: &Sending| Sending {
            callback_data: sending.callback_data.clone(),
            ..Sending::new(sending.recipient.clone(), sending.expires_at, sending.on_unknown)
        };
        Self {
            wamid: None,
            statuses: BTreeMap::new(),
            sending: self.sending.as_ref().map(begun),
            duplicate: None,
            ..self.clone()
        }
    }

    /// By Meta's time, or ours where Meta gave none.
    pub fn happened_at(&self) -> Timestamp {
        let milliseconds = i64::try_from(self.id.milliseconds()).ok().filter(|milliseconds| *milliseconds > 0);
        milliseconds.and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or(self.received_at)
    }
}

impl Fact {
    /// The code of its error.
    pub fn code(&self) -> Option<String> {
        Fields::of(self.error.as_ref()?)?.text("code")
    }
}

/// Where a message's put ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is new.
    New,
    /// An earlier try of the same unit had put it.
    Own,
    /// Meta said it twice.
    Known,
    /// Meta said it again, and now with what was a placeholder before.
    Completed,
}

impl Put {
    /// Whether this unit, now or in an earlier try, is the one that put it.
    pub fn is_own(self) -> bool {
        matches!(self, Self::New | Self::Own)
    }
}
