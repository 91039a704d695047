//! A conversation: what an account and one person say to each other. What is kept of it beside its messages is its head.

mod head;
mod id;
mod identity;
mod lane;
mod listed;
mod person;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{meta_id::PhoneNumberId, tenant::TenantId};

pub use head::{Arrival, Place, Speaker, Touch};
pub use id::{ContactId, ConversationId, InvalidId, JobId, MessageId};
pub use identity::{Alias, Leads, phone_variants};
pub use lane::{Backlog, Lane};
pub use listed::{Shown, Standing, Wanted, searched};
pub use person::{Names, Person};

/// How long after a person wrote they may be answered freely.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// A number in the hands of a tenant: what conversations, names and counts are of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Line {
    pub tenant: TenantId,
    pub number: PhoneNumberId,
}

/// The head of a conversation: one item, read and written whole, each time over the revision it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub number: PhoneNumberId,
    pub contact: Contact,
    /// None: they never wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_until: Option<Timestamp>,
    #[serde(default)]
    pub unread: u64,
    /// The newest message, by Meta's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<MessageId>,
    /// How far each group of the queue has been taken in: units up to there are in this head already.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reached: BTreeMap<String, String>,
    /// A conversation that turned out to be with the same person, whose messages are this one's too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ConversationId>,
    /// Where it turned out to be a part of another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<ConversationId>,
    pub created_at: Timestamp,
    /// Also the place in the list: see `aws/messages`.
    pub updated_at: Timestamp,
    /// Its places before, in milliseconds, the latest last: who pages through a list still finds it there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stood: Vec<i64>,
    /// How its messages go out.
    #[serde(default, skip_serializing_if = "Lane::is_empty")]
    pub lane: Lane,
    pub revision: u64,
}

/// What an account knows of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Contact {
    /// Digits, as Meta writes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// As their WhatsApp profile says, or as the operator overrode it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The operator's: what arrives does not change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_name: Option<String>,
    /// Every name they were ever known by here, and since when.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Known>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub blocked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// None: it never changed since the conversation began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    #[serde(flatten)]
    pub alias: Alias,
    pub since: Timestamp,
    /// None: it still leads here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Head {
    pub fn new(number: PhoneNumberId, now: Timestamp) -> Self {
        Self {
            number,
            contact: Contact::default(),
            window_until: None,
            unread: 0,
            last: None,
            reached: BTreeMap::new(),
            parts: Vec::new(),
            merged_into: None,
            created_at: now,
            updated_at: now,
            stood: Vec::new(),
            lane: Lane::default(),
            revision: 0,
        }
    }

    /// Of somebody of whom nothing was known: they are about to be written to.
    pub fn begun(number: PhoneNumberId, names: &Names, now: Timestamp) -> Self {
        let mut head = Self::new(number, now);
        head.contact.meets(names, now);
        head
    }

    pub fn is_open(&self, now: Timestamp) -> bool {
        self.window_until.is_some_and(|until| now < until)
    }
}
