//! The stored forms: renaming a field here is a migration. Names are short, for a message of everyday size is to fit in
//! one unit of writing.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{HEAD, conversation_key, seconds, text_key};
use crate::{
    Error, Result,
    aws::transaction::Item,
    domain::{
        conversation::{ConversationId, Head, MessageId},
        hex,
        message::{Direction, Fact, Origin, Stored},
        meta_id::PhoneNumberId,
        sending::Sending,
        tenant::TenantId,
    },
};

/// An item holds 400 KB.
const IN_ONE_ITEM: usize = 300_000;
/// Deflating less than this makes it longer.
const WORTH_DEFLATING: usize = 200;
const LONGEST_WAMID: usize = 1_000;
/// What a raw object may inflate to: more than Meta sends in one delivery.
const INFLATED: usize = 8 * 1024 * 1024;

/// When a conversation was erased.
const ERASED_AT: &str = "erased_at";
/// How the sending of a message is kept.
pub(super) const SENDING: &str = "out";
/// What of an item is Meta's object: the bytes, whether they are deflated, and how many items have the rest.
pub(super) const RAW: &[&str] = &["raw", "z", "more"];

#[derive(Serialize, Deserialize)]
struct Row {
    number: PhoneNumberId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wamid: Option<String>,
    dir: Direction,
    origin: Origin,
    /// Raw is deflated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    z: bool,
    seq: String,
    at: Timestamp,
    #[serde(default)]
    st: BTreeMap<String, Fact>,
    generation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    out: Option<Sending>,
    /// A second id of Meta's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    twin: Option<String>,
    /// How many items hold the rest of raw.
    #[serde(default, skip_serializing_if = "is_zero")]
    more: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
pub(super) fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A message of which the raw object may not be complete yet.
pub(super) struct Read {
    pub(super) message: Stored,
    pub(super) more: usize,
    bytes: Vec<u8>,
    is_deflated: bool,
}

/// The item of a message, and the items of what does not fit in it.
pub(super) fn write(tenant: &TenantId, message: &Stored, until: Timestamp) -> Result<(Item, Vec<Item>)> {
    let raw = message.raw.as_bytes();
    let deflated = (raw.len() >= WORTH_DEFLATING).then(|| miniz_oxide::deflate::compress_to_vec(raw, 6));
    let deflated = deflated.filter(|deflated| deflated.len() < raw.len());
    let is_deflated = deflated.is_some();
    let bytes = deflated.unwrap_or_else(|| raw.to_vec());
    let mut pieces = bytes.chunks(IN_ONE_ITEM);
    let first = pieces.next().unwrap_or_default().to_vec();

    let partition = conversation_key(tenant, &message.id.conversation);
    let sort_key = message.id.sort_key();
    let rest: Vec<Item> = pieces
        .enumerate()
        .map(|(index, piece)| {
            let mut item = text_key(partition.clone(), format!("{sort_key}#c{index}"));
            item.insert("raw".to_owned(), AttributeValue::B(Blob::new(piece)));
            item.insert("ttl".to_owned(), seconds(until));
            item
        })
        .collect();
    let row = Row {
        number: message.number.clone(),
        wamid: message.wamid.clone(),
        dir: message.direction,
        origin: message.origin,
        z: is_deflated,
        seq: message.sequence.clone(),
        at: message.received_at,
        st: message.statuses.clone(),
        generation: message.generation,
        out: message.sending.clone(),
        twin: message.duplicate.clone(),
        more: rest.len(),
    };
    let mut item: Item = serde_dynamo::to_item(row)?;
    item.extend(text_key(partition, sort_key));
    item.insert("raw".to_owned(), AttributeValue::B(Blob::new(first)));
    item.insert("ttl".to_owned(), seconds(until));
    // An index takes no longer key; Meta's ids have a hundred characters.
    if let Some(wamid) = message.wamid.as_ref().filter(|wamid| wamid.len() <= LONGEST_WAMID) {
        item.insert("wamid_key".to_owned(), AttributeValue::S(wamid_key(tenant, wamid)));
    }
    Ok((item, rest))
}

/// What the index `by_wamid` is keyed by.
pub(super) fn wamid_key(tenant: &TenantId, wamid: &str) -> String {
    format!("{tenant}#{wamid}")
}

pub(super) fn read(mut item: Item) -> Result<Read> {
    let id = id_of(&item).ok_or_else(|| Error::Corrupt("a message's key".to_owned()))?;
    let bytes = raw_of(&mut item);
    let row: Row = serde_dynamo::from_item(item)?;
    let message = Stored {
        id,
        number: row.number,
        wamid: row.wamid,
        direction: row.dir,
        origin: row.origin,
        raw: String::new(),
        sequence: row.seq,
        received_at: row.at,
        statuses: row.st,
        generation: row.generation,
        sending: row.out,
        duplicate: row.twin,
    };
    Ok(Read { message, more: row.more, bytes, is_deflated: row.z })
}

/// With what did not fit, in its order.
pub(super) fn joined(read: Read, rest: Vec<Item>) -> Result<Stored> {
    let Read { mut message, mut bytes, is_deflated, .. } = read;
    for mut item in rest {
        bytes.append(&mut raw_of(&mut item));
    }
    if is_deflated {
        bytes = miniz_oxide::inflate::decompress_to_vec_with_limit(&bytes, INFLATED)
            .map_err(|error| Error::Corrupt(format!("a message does not inflate: {error}")))?;
    }
    message.raw = String::from_utf8(bytes).map_err(|_| Error::Corrupt("a message is no text".to_owned()))?;
    Ok(message)
}

/// The id that an item's key, or an index's entry, says.
pub(super) fn id_of(item: &Item) -> Option<MessageId> {
    MessageId::from_sort_key(conversation_of(item)?, item.get("sk")?.as_s().ok()?)
}

/// Whose conversation an item is.
pub(super) fn conversation_of(item: &Item) -> Option<ConversationId> {
    let (_, conversation) = item.get("pk")?.as_s().ok()?.rsplit_once("#c#")?;
    hex::decode(conversation).map(ConversationId::new)
}

/// Whether an item holds what did not fit in a message's.
pub(super) fn is_part(item: &Item) -> bool {
    item.get("sk").and_then(|key| key.as_s().ok()).is_some_and(|key| key.matches('#').count() > 2)
}

pub(super) fn sequence_of(item: &Item) -> Option<&str> {
    item.get("seq")?.as_s().ok().map(String::as_str)
}

fn raw_of(item: &mut Item) -> Vec<u8> {
    match item.remove("raw") {
        Some(AttributeValue::B(bytes)) => bytes.into_inner(),
        _ => Vec::new(),
    }
}

pub(super) fn write_head(
    tenant: &TenantId,
    conversation: &ConversationId,
    head: &Head,
    until: Timestamp,
) -> Result<Item> {
    let mut item: Item = serde_dynamo::to_item(head)?;
    item.extend(text_key(conversation_key(tenant, conversation), HEAD.to_owned()));
    item.insert("ttl".to_owned(), seconds(until));
    Ok(item)
}

/// None: the conversation was erased, and this says that it was.
pub(super) fn read_head(item: Item) -> Result<Option<Head>> {
    if item.contains_key(ERASED_AT) {
        return Ok(None);
    }
    Ok(Some(serde_dynamo::from_item(item)?))
}

/// What stands where the head of an erased conversation stood: nothing can be put there, and nobody is known by it.
pub(super) fn erased_head(tenant: &TenantId, conversation: &ConversationId, at: Timestamp, until: Timestamp) -> Item {
    let mut item = text_key(conversation_key(tenant, conversation), HEAD.to_owned());
    item.insert(ERASED_AT.to_owned(), AttributeValue::N(at.as_millisecond().to_string()));
    item.insert("ttl".to_owned(), seconds(until));
    item
}
