//! The table of messages and conversations. Every partition key begins with the tenant, so that what one tenant may
//! name cannot be another's. What is in which item, and what a unit costs, is in `docs/adr/0021`.
//!
//! | item | pk | sk |
//! |---|---|---|
//! | message, and what does not fit in it | `<tenant>#c#<conversation>` | `m#<ms>#<hash>`, and `#c<i>` behind that |
//! | head of a conversation | the same | `head` |
//! | alias → conversation | `<tenant>#a#<number>` | `p#…` `u#…` `g#…` |
//! | activity: conversations touched together | `<tenant>#r#<number>` | `<ms>#<hex>` |
//! | unread conversation | `<tenant>#u#<number>` | conversation |
//! | name of a contact, to be searched | `<tenant>#q#<number>` | `<lower case>#<conversation>` |
//! | counts | `<tenant>#n#<number>` | hour |
//! | event of a WABA | `<tenant>#e#<waba>` | `<ms>#<hash>` |
//! | template, and `!`: when Meta's list was read | `<tenant>#t#<waba>` | `<name>#<language>` |
//! | file at Meta | `<tenant>#f#<number>` | id |
//! | status that waits for its message | `<tenant>#s#<number>` | `<wamid>#<status>#<participant>` |
//! | erasure of a conversation | `<tenant>#x#<number>` | conversation |
//! | large unit that came for it | `<tenant>#c#<conversation>` | `b#<hash>` |
//! | gate: a number's rate and what is due | `<tenant>#g#<number>` | `-` |
//! | job: a batch to be made into messages | `<tenant>#j#<job>` | `-`, and `#c<i>` behind that |
//!
//! The sparse index `due` has by time: in `numbers` the gates; in `erasures` people who are being forgotten; in
//! `<tenant>#w#<number>` and `<tenant>#h#<number>` what of a number waits, and what is held.

mod aliases;
mod changes;
mod erasures;
mod events;
mod files;
mod forgetting;
mod gates;
mod history;
mod jobs;
mod left;
mod lists;
mod merged;
mod notes;
mod people;
mod recount;
mod row;
mod search;
mod seen;
mod sending;
mod stats;
mod statuses;
mod templates;
mod unread;

use aws_sdk_dynamodb::{
    Client,
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::{SignedDuration, Timestamp};

use super::transaction::Item;
use crate::{
    Error, Result,
    clock::Clock,
    domain::{
        conversation::{ConversationId, Head, Line, MessageId},
        message::{MetaMessage, Origin, Put, Stored, readable},
        tenant::TenantId,
    },
};

pub use aliases::Side;
pub use changes::{Changed, Found, Whole};
pub use events::Event;
pub use forgetting::{Hanging, OfTenant};
pub use gates::{DuePage, DueThing};
pub use history::{MOST_BYTES, Said, Span};
pub use jobs::Job;
pub use left::Left;
pub use lists::{Listed, People};
pub use notes::{Counts, Note};
pub use people::{Edited, Met};
pub use recount::Name;
pub use seen::{Seen, Wanted};
pub use sending::Stepped;
pub use statuses::Kept;
pub use templates::{TemplatePage, Templates};
pub use unread::Unread;

#[derive(Debug, Clone)]
pub struct Messages {
    client: Client,
    table: String,
    /// How long what was said is kept.
    retention: SignedDuration,
    clock: Clock,
}

impl Messages {
    pub fn new(client: Client, table: String, retention_days: u32, clock: Clock) -> Self {
        Self { client, table, retention: SignedDuration::from_hours(24 * i64::from(retention_days)), clock }
    }

    /// Keeps a message unless it is there. Twice by the same unit of the queue is its own; by another, a repetition.
    pub async fn put(&self, tenant: &TenantId, message: &Stored, now: Timestamp) -> Result<Put> {
        let (item, more) = row::write(tenant, message, now + self.retention)?;
        // What does not fit goes first: a message that is there is there whole.
        self.put_all(more).await?;
        let sent = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else { return Ok(Put::New) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refused)) => match refused.item() {
                Some(there) if is_mine(there, message) => Ok(Put::Own),
                Some(there) => self.complete(there.clone(), tenant, message, now).await,
                None => Ok(Put::Known),
            },
            _ => Err(Error::aws(error)),
        }
    }

    /// Where a message stands already, in a conversation that is now a part of its own.
    pub async fn stands_in(&self, tenant: &TenantId, part: ConversationId, message: &Stored) -> Result<Option<Put>> {
        let there = self.get(conversation_key(tenant, &part), message.id.sort_key()).await?;
        Ok(there.map(|there| if is_mine(&there, message) { Put::Own } else { Put::Known }))
    }

    /// A history tells of media first without them. What it says later takes that one's place, and keeps its turn.
    async fn complete(&self, there: Item, tenant: &TenantId, message: &Stored, now: Timestamp) -> Result<Put> {
        if message.origin != Origin::History || is_placeholder(&message.raw) {
            return Ok(Put::Known);
        }
        if !is_placeholder(&self.whole(tenant, there).await?.raw) {
            return Ok(Put::Known);
        }
        let (item, more) = row::write(tenant, message, now + self.retention)?;
        self.put_all(more).await?;
        let update = self.client.update_item().table_name(&self.table);
        let mut update = update.set_key(Some(key(item["pk"].clone(), item["sk"].clone())));
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        for (place, name) in row::RAW.iter().enumerate() {
            update = update.expression_attribute_names(format!("#{place}"), *name);
            match item.get(*name) {
                Some(value) => {
                    set.push(format!("#{place} = :{place}"));
                    update = update.expression_attribute_values(format!(":{place}"), value.clone());
                }
                None => remove.push(format!("#{place}")),
            }
        }
        let remove = if remove.is_empty() { String::new() } else { format!(" REMOVE {}", remove.join(", ")) };
        update.update_expression(format!("SET {}{remove}", set.join(", "))).send().await.map_err(Error::aws)?;
        Ok(Put::Completed)
    }

    async fn put_all(&self, items: Vec<Item>) -> Result<()> {
        for item in items {
            self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await.map_err(Error::aws)?;
        }
        Ok(())
    }

    pub async fn find(&self, tenant: &TenantId, id: &MessageId) -> Result<Option<Stored>> {
        let item = self.get(conversation_key(tenant, &id.conversation), id.sort_key()).await?;
        match item {
            Some(item) => self.whole(tenant, item).await.map(Some),
            None => Ok(None),
        }
    }

    /// A message of an item, with what did not fit in it.
    async fn whole(&self, tenant: &TenantId, item: Item) -> Result<Stored> {
        let read = row::read(item)?;
        let mut rest = Vec::new();
        for index in 0..read.more {
            let sort_key = format!("{}#c{index}", read.message.id.sort_key());
            let item = self.get(conversation_key(tenant, &read.message.id.conversation), sort_key).await?;
            rest.push(item.ok_or_else(|| Error::Corrupt("a message has lost a part".to_owned()))?);
        }
        row::joined(read, rest)
    }

    pub async fn head(&self, tenant: &TenantId, conversation: &ConversationId) -> Result<Option<Head>> {
        let item = self.get(conversation_key(tenant, conversation), HEAD.to_owned()).await?;
        Ok(item.map(row::read_head).transpose()?.flatten())
    }

    /// Writes a head over the revision it was made from. Says whether it did.
    pub async fn save_head(
        &self,
        tenant: &TenantId,
        conversation: &ConversationId,
        head: &mut Head,
        now: Timestamp,
    ) -> Result<bool> {
        let before = head.revision;
        head.revision += 1;
        let item = row::write_head(tenant, conversation, head, now + self.retention)?;
        let mut put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        // A new one is put where there is none; what was erased in between must not come back.
        put = if before == 0 {
            put.condition_expression(NOTHING_STANDS)
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":now", seconds(now))
        } else {
            put.condition_expression("revision = :before")
                .expression_attribute_values(":before", AttributeValue::N(before.to_string()))
        };
        let Err(error) = put.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(Error::aws(error)),
        }
    }

    async fn get(&self, pk: String, sk: String) -> Result<Option<Item>> {
        Ok(self.get_any(pk, sk).await?.filter(|item| self.lives(item)))
    }

    /// Whether the time of an item is not over. One whose time is over is not there, whenever the table takes it away.
    fn lives(&self, item: &Item) -> bool {
        lives(item, self.clock.now())
    }

    async fn get_any(&self, pk: String, sk: String) -> Result<Option<Item>> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(text_key(pk, sk))).consistent_read(true);
        Ok(get.send().await.map_err(Error::aws)?.item)
    }
}

const HEAD: &str = "head";
/// Nothing does, or what TTL has yet to take away.
const NOTHING_STANDS: &str = "attribute_not_exists(pk) OR #ttl <= :now";

fn lives(item: &Item, now: Timestamp) -> bool {
    let until = item.get("ttl").and_then(|ttl| ttl.as_n().ok()?.parse::<i64>().ok());
    until.is_none_or(|until| now.as_second() < until)
}

fn key(pk: AttributeValue, sk: AttributeValue) -> Item {
    Item::from([("pk".to_owned(), pk), ("sk".to_owned(), sk)])
}

fn text_key(pk: String, sk: String) -> Item {
    key(AttributeValue::S(pk), AttributeValue::S(sk))
}

fn conversation_key(tenant: &TenantId, conversation: &ConversationId) -> String {
    format!("{tenant}#c#{}", conversation.hex())
}

/// The partition of one kind of item of one number: `a` aliases, `f` files, `r` activity, `u` unread, `q` names, `n` counts, `s`
/// waiting statuses, `g` gate, `w` and `h` what is due.
fn number_key(line: &Line, kind: char) -> String {
    format!("{}#{kind}#{}", line.tenant, line.number)
}

/// A time as part of a key, which sorts as it does.
fn sortable(at: Timestamp) -> String {
    format!("{:015}", at.as_millisecond().max(0))
}

fn seconds(until: Timestamp) -> AttributeValue {
    AttributeValue::N(until.as_second().to_string())
}

fn is_mine(there: &Item, message: &Stored) -> bool {
    row::sequence_of(there) == Some(message.sequence.as_str())
}

fn is_placeholder(raw: &str) -> bool {
    MetaMessage::of(&readable(raw)).is_some_and(|message| message.kind() == "media_placeholder")
}
