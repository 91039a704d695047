//! What lists and figures are made from: conversations touched together, who is unread, names to search, counts.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{
    config::retry::RetryConfig,
    operation::update_item::UpdateItemError,
    primitives::Blob,
    types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest},
};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{Messages, files, number_key, seconds, sortable, text_key};
use crate::{
    Error, Result,
    aws::{batch_write, transaction::Item},
    domain::{
        conversation::{ConversationId, Line, searched},
        hex,
        message::{Direction, Fact, MetaMessage, Origin, Period, Stored, readable},
        meta_id::MediaId,
        sending::{Fault, Mark, State},
    },
};

/// What changed in lists. All of it may be written twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// These conversations have a new place in the list, each that of its head's `updated_at`.
    Touched(Line, Vec<(ConversationId, Timestamp)>),
    /// Something in it is unread now.
    Unread(Line, ConversationId),
    /// Nothing in it is unread any more.
    Read(Line, ConversationId),
    /// It is found by this name.
    Named(Line, ConversationId, String),
    /// It is found by this name no more.
    Unnamed(Line, ConversationId, String),
    /// A file came, which Meta keeps until then.
    File(Line, MediaId, Timestamp),
}

/// What was counted of one number, by the hour it happened in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts(BTreeMap<String, BTreeMap<String, u64>>);

impl Counts {
    /// A message, or what became of it.
    pub fn message(&mut self, at: Timestamp, direction: Direction, kind: &str, status: &str) {
        let direction = match direction {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        };
        self.add(at, format!("m#{direction}#{kind}#{status}"));
    }

    /// A failure, by Meta's code.
    pub fn failure(&mut self, at: Timestamp, code: &str) {
        self.add(at, format!("f#{code}"));
    }

    /// What became of a message. Nothing where it is of a time before the number was connected.
    pub fn fact(&mut self, message: &Stored, kind: &str, fact: &Fact) {
        if message.origin == Origin::History {
            return;
        }
        let status = kind.split('#').next().unwrap_or_default();
        self.message(fact.at, message.direction, kind_of(message), status);
        if status == "failed" {
            self.failure(fact.at, &fact.code().unwrap_or_else(|| "unknown".to_owned()));
        }
    }

    /// What we did with a message, where that is an end, or Meta has taken it.
    pub fn mark(&mut self, message: &Stored, mark: &Mark) {
        let status = match mark.state {
            State::Sent => "accepted",
            State::Failed | State::Expired | State::Cancelled | State::Unconfirmed => mark.state.word(),
            State::Accepted | State::Waiting | State::Held | State::Sending | State::Unknown => return,
        };
        self.message(mark.at, message.direction, kind_of(message), status);
        if let Some(Fault::Meta { code, .. }) = &mark.fault {
            self.failure(mark.at, &code.to_string());
        }
    }

    /// All that a message was ever counted as. That something was said by us is a fact about it, among the others.
    pub fn stored(&mut self, message: &Stored) {
        for mark in message.sending.iter().flat_map(|sending| &sending.marks) {
            self.mark(message, mark);
        }
        if message.direction == Direction::Inbound && message.origin != Origin::History {
            self.message(message.happened_at(), Direction::Inbound, kind_of(message), "received");
        }
        for (kind, fact) in &message.statuses {
            self.fact(message, kind, fact);
        }
    }

    /// Forgets all hours that are not in a period.
    pub fn keep(&mut self, period: &Period) {
        self.0.retain(|hour, _| Self::has(period, hour));
    }

    pub fn has(period: &Period, hour: &str) -> bool {
        (self::hour(period.from).as_str()..self::hour(period.to).as_str()).contains(&hour)
    }

    pub fn hours(&self) -> impl Iterator<Item = (&String, &BTreeMap<String, u64>)> {
        self.0.iter()
    }

    /// Of one hour, by the names they are stored under.
    pub fn of(&self, hour: &str) -> Option<&BTreeMap<String, u64>> {
        self.0.get(hour)
    }

    pub fn add_all(&mut self, more: Self) {
        for (hour, counts) in more.0 {
            let known = self.0.entry(hour).or_default();
            for (what, count) in counts {
                *known.entry(what).or_default() += count;
            }
        }
    }

    fn add(&mut self, at: Timestamp, what: String) {
        *self.0.entry(hour(at)).or_default().entry(what).or_default() += 1;
    }
}

fn kind_of(message: &Stored) -> &'static str {
    MetaMessage::of(&readable(&message.raw)).map_or("unsupported", |message| message.kind())
}

/// As the sort key of counts has it.
pub(super) fn hour(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H").to_string()
}

impl Messages {
    pub async fn note(&self, notes: &[Note], now: Timestamp) -> Result<()> {
        let mut writes = BTreeMap::new();
        for note in notes {
            let (key, write) = self.write_of(note, now)?;
            // What is noted twice in one call is written as it was noted last.
            writes.insert(key, write);
        }
        batch_write::all(&self.client, &self.table, writes.into_values().collect()).await
    }

    fn write_of(&self, note: &Note, now: Timestamp) -> Result<((String, String), WriteRequest)> {
        let until = match note {
            Note::File(.., expires_at) => files::remembered_until(*expires_at),
            _ => now + self.retention,
        };
        let until = ("ttl".to_owned(), seconds(until));
        let (line, kind, sort_key, more) = match note {
            Note::Touched(line, touched) => {
                let newest = touched.iter().map(|(_, at)| *at).max().unwrap_or(now);
                let of: Vec<AttributeValue> = touched.iter().map(touch).collect();
                let names: Vec<String> = touched.iter().map(|(id, at)| format!("{}{at}", id.hex())).collect();
                let sort_key = format!("{}#{}", sortable(newest), &hex::sha256(names.concat().as_bytes())[..16]);
                (line, 'r', sort_key, Some(("touched".to_owned(), AttributeValue::L(of))))
            }
            Note::Unread(line, id) | Note::Read(line, id) => (line, 'u', id.hex(), None),
            Note::Named(line, id, name) | Note::Unnamed(line, id, name) => {
                (line, 'q', format!("{}#{}", searched(name), id.hex()), None)
            }
            Note::File(line, id, expires_at) => (line, 'f', id.to_string(), Some(files::end(*expires_at))),
        };
        let partition = number_key(line, kind);
        let mut item = text_key(partition.clone(), sort_key.clone());
        let write = if matches!(note, Note::Read(..) | Note::Unnamed(..)) {
            let delete = DeleteRequest::builder().set_key(Some(item)).build().map_err(Error::aws)?;
            WriteRequest::builder().delete_request(delete)
        } else {
            item.extend(more.into_iter().chain([until]));
            WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build().map_err(Error::aws)?)
        };
        Ok(((partition, sort_key), write.build()))
    }

    /// Adds counts, never twice: an answer that is lost is not asked for again, and a request that comes twice is known
    /// by `token`, which is this batch's own.
    pub async fn count(&self, line: &Line, counts: &Counts, token: [u8; 6], now: Timestamp) -> Result<()> {
        for (hour, counts) in &counts.0 {
            let mut update = self.client.update_item().table_name(&self.table);
            update = update.set_key(Some(text_key(number_key(line, 'n'), hour.clone())));
            let mut add = Vec::new();
            for (place, (name, count)) in counts.iter().enumerate() {
                add.push(format!("#{place} :{place}"));
                update = update.expression_attribute_names(format!("#{place}"), name);
                update = update.expression_attribute_values(format!(":{place}"), AttributeValue::N(count.to_string()));
            }
            let update = update
                .update_expression(format!("ADD {} SET #ttl = :ttl, #by = :by", add.join(", ")))
                .condition_expression("attribute_not_exists(#by) OR #by <> :by")
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_names("#by", "by")
                .expression_attribute_values(":ttl", seconds(now + self.retention))
                .expression_attribute_values(":by", AttributeValue::B(Blob::new(token)));
            let once = aws_sdk_dynamodb::config::Builder::new().retry_config(RetryConfig::disabled());
            let Err(error) = update.customize().config_override(once).send().await else { continue };
            if !error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) {
                return Err(Error::aws(error));
            }
        }
        Ok(())
    }
}

fn touch((conversation, at): &(ConversationId, Timestamp)) -> AttributeValue {
    AttributeValue::M(Item::from([
        ("c".to_owned(), AttributeValue::S(conversation.hex())),
        ("t".to_owned(), AttributeValue::N(at.as_millisecond().to_string())),
    ]))
}
