//! Conversations, people and messages as every call that answers with one shows them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::meta_fault::MetaFault;
use crate::domain::{
    conversation::{Alias, Contact, ContactId, ConversationId, Head, MessageId},
    message::{Direction, Failure, MetaCode, Origin, Reading, Step, Stored},
    meta_id::PhoneNumberId,
    sending::Source,
    time::rfc3339,
};

/// One conversation: what one number and one person, or one group, say to each other.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConversationBody {
    id: ConversationId,
    phone_number_id: PhoneNumberId,
    contact: ContactBody,
    /// Until then anything may be written; null: only templates may.
    #[schemars(extend("format" = "date-time"))]
    window_open_until: Option<String>,
    /// Messages that came in since somebody has read it.
    unread: u64,
    last_message: Option<MessageBody>,
    #[schemars(extend("format" = "date-time"))]
    updated_at: String,
}

/// One person, as one number knows them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ContactBody {
    id: ContactId,
    phone_number_id: PhoneNumberId,
    /// Digits, as Meta writes them; null where WhatsApp does not tell it.
    phone: Option<String>,
    user_id: Option<String>,
    username: Option<String>,
    /// Every name they were known by here, the first one first.
    aliases: Vec<AliasBody>,
    /// Yours where you gave one, else the one of their profile.
    name: Option<String>,
    tags: Vec<String>,
    pinned: bool,
    blocked: bool,
    notes: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
    #[schemars(extend("format" = "date-time"))]
    updated_at: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct AliasBody {
    kind: AliasKind,
    value: String,
    #[schemars(extend("format" = "date-time"))]
    since: String,
    /// Null: it is still theirs.
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum AliasKind {
    Phone,
    UserId,
    GroupId,
}

/// Whom a message was written by, or to.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PersonBody {
    id: ContactId,
    name: Option<String>,
    phone: Option<String>,
    user_id: Option<String>,
    username: Option<String>,
}

/// One message.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MessageBody {
    id: MessageId,
    /// Meta's id; null until Meta has accepted it.
    wamid: Option<String>,
    phone_number_id: PhoneNumberId,
    conversation_id: ConversationId,
    contact: PersonBody,
    direction: Direction,
    origin: Origin,
    /// Meta's type where we know it, else `unsupported`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Meta's object under its type, as it came.
    #[schemars(with = "Option<Value>")]
    content: Option<Box<RawValue>>,
    /// The first words of it, where it has any.
    preview: Option<String>,
    /// `received`; or how far it came: `accepted`, `sending`, `sent`, `delivered`, `read`, `played`; how it ended:
    /// `failed`, `unconfirmed`, `expired`, `cancelled`; `held` where the number cannot send; or what Meta says.
    status: String,
    /// What happened to it, oldest first.
    history: Vec<StepBody>,
    error: Option<FailureBody>,
    /// What it answers or forwards, as it came.
    #[schemars(with = "Option<Value>")]
    context: Option<Box<RawValue>>,
    /// What Meta charges for it, as it came.
    #[schemars(with = "Option<Value>")]
    pricing: Option<Box<RawValue>>,
    /// When it was written, by Meta's clock, to the second; null where Meta does not tell.
    #[schemars(extend("format" = "date-time"))]
    meta_timestamp: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
    /// Meta's own object, where it was asked for with `include=raw`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    raw: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct StepBody {
    #[schemars(extend("format" = "date-time"))]
    at: String,
    status: String,
    source: Source,
    /// In a group, whom it is about; else what is said of it in words.
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FailureBody>,
}

/// What went wrong with a message, and what can be done about it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MessageFailure")]
struct FailureBody {
    /// Stable: programs may branch on it.
    code: &'static str,
    /// In Meta's words.
    detail: Option<String>,
    meta: Option<MetaFault>,
    remedy: &'static str,
    /// Whether the same message may come through later.
    retryable: bool,
}

impl ConversationBody {
    pub fn of(id: ConversationId, head: &Head, last: Option<&Stored>, now: Timestamp) -> Self {
        Self {
            id,
            phone_number_id: head.number.clone(),
            contact: ContactBody::of(id, head),
            window_open_until: head.window_until.filter(|until| now < *until).map(rfc3339),
            unread: head.unread,
            last_message: last.map(|last| MessageBody::of(last, id, head, false)),
            updated_at: rfc3339(head.updated_at),
        }
    }
}

impl ContactBody {
    pub fn of(id: ConversationId, head: &Head) -> Self {
        let Contact { phone, user_id, username, aliases, tags, pinned, blocked, notes, .. } = head.contact.clone();
        let alias = |known: crate::domain::conversation::Known| {
            let (kind, value) = match known.alias {
                Alias::Phone(digits) => (AliasKind::Phone, digits),
                Alias::User(id) => (AliasKind::UserId, id),
                Alias::Group(id) => (AliasKind::GroupId, id),
            };
            AliasBody { kind, value, since: rfc3339(known.since), until: known.until.map(rfc3339) }
        };
        Self {
            id: ContactId(id),
            phone_number_id: head.number.clone(),
            phone,
            user_id,
            username,
            aliases: aliases.into_iter().map(alias).collect(),
            name: head.contact.shown_name().map(str::to_owned),
            tags,
            pinned,
            blocked,
            notes,
            created_at: rfc3339(head.created_at),
            updated_at: rfc3339(head.contact.updated_at.unwrap_or(head.created_at)),
        }
    }
}

impl PersonBody {
    fn of(id: ConversationId, contact: &Contact) -> Self {
        Self {
            id: ContactId(id),
            name: contact.shown_name().map(str::to_owned),
            phone: contact.phone.clone(),
            user_id: contact.user_id.clone(),
            username: contact.username.clone(),
        }
    }
}

impl MessageBody {
    /// A message of the conversation `id`, of which it may have been said in a part.
    pub fn of(stored: &Stored, id: ConversationId, head: &Head, with_raw: bool) -> Self {
        let reading = Reading::of(stored);
        Self {
            id: stored.id,
            wamid: stored.wamid.clone(),
            phone_number_id: stored.number.clone(),
            conversation_id: id,
            contact: PersonBody::of(id, &head.contact),
            direction: stored.direction,
            origin: stored.origin,
            kind: reading.kind(),
            content: reading.content().and_then(verbatim),
            preview: reading.preview(),
            status: stored.status().to_owned(),
            history: stored.steps().into_iter().map(StepBody::of).collect(),
            error: reading.failure().map(FailureBody::of),
            context: reading.context().and_then(verbatim),
            pricing: stored.pricing().map(str::to_owned).and_then(verbatim),
            meta_timestamp: reading.at().map(rfc3339),
            created_at: rfc3339(stored.received_at),
            raw: if with_raw { verbatim(stored.raw.clone()) } else { None },
        }
    }
}

/// What is no JSON, which Meta never sends, is not shown as such.
fn verbatim(json: String) -> Option<Box<RawValue>> {
    RawValue::from_string(json).ok()
}

impl StepBody {
    fn of(step: Step) -> Self {
        Self {
            at: rfc3339(step.at),
            status: step.status,
            source: step.source,
            detail: step.detail,
            error: step.failure.map(FailureBody::of),
        }
    }
}

impl FailureBody {
    fn of(failure: Failure) -> Self {
        Self {
            code: failure.code,
            detail: failure.detail,
            meta: failure.meta.map(|MetaCode { code, subcode, trace }| MetaFault { code, subcode, fbtrace_id: trace }),
            remedy: failure.remedy,
            retryable: failure.is_retryable,
        }
    }
}
