//! The table of what is told. Each tenant has a log of its events; the log of all tenants points into those.
//!
//! | item | pk | sk |
//! |---|---|---|
//! | pack: events of one tenant that came together | `<tenant>#log` | place |
//! | pointer: the packs that came together | `*` | place |
//! | what does not fit in a pack | `<tenant>#log#<hash>` | `0`, `1`, … |
//! | anchor: the era that a log is in, and whose turn it is | `<tenant>#log`, `*` | `anchor` |
//!
//! An item is put at the place behind the last one, where nothing stands: so nothing is ever put before what a reader has
//! seen. A log that has been quiet for long goes on by way of its anchor, which never ends: what is deleted meanwhile must
//! not let it begin again from the first place. `docs/adr/0033` has the reasons.

mod append;
mod forget;
mod read;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_sdk_dynamodb::{Client, primitives::Blob, types::AttributeValue};
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    batch_get,
    transaction::{Item, Transactions},
};
use crate::{
    Error, Result,
    domain::{
        event::{Event, Place},
        tenant::TenantId,
    },
};

/// A log.
#[derive(Debug, Clone, Copy)]
pub enum Log<'a> {
    Of(&'a TenantId),
    OfAll,
}

#[derive(Debug, Clone)]
pub struct Events {
    client: Client,
    table: String,
    transactions: Transactions,
    /// The last place of each log, as this environment knows it. Whoever is wrong is refused, and looks.
    ends: Arc<Mutex<HashMap<String, End>>>,
}

/// The last item of a log.
#[derive(Debug, Clone, Copy)]
struct End {
    place: Place,
    at: Timestamp,
}

/// An item of a log as it is stored.
struct Stored {
    place: Place,
    at: Timestamp,
    bytes: Vec<u8>,
    more: usize,
    /// Whose content is what: also where the rest of it is.
    hash: String,
}

/// A tenant's pack, as the log of all tenants points to it.
pub type Pointer = (TenantId, Place);

/// A little longer than anybody may read it.
const UNTIL_DELETED: SignedDuration = SignedDuration::from_hours(24 * 8);
/// An item holds 400 KB.
const IN_ONE_ITEM: usize = 300_000;
/// What one pack may inflate to.
const INFLATED: usize = 16 * 1024 * 1024;
const ANCHOR: &str = "anchor";
/// Before all places, and behind the anchor.
const FIRST: &str = "e";
/// Ends that are remembered.
const REMEMBERED: usize = 1_000;

impl Events {
    pub fn new(client: Client, table: String) -> Self {
        Self { transactions: Transactions::new(client.clone()), client, table, ends: Arc::default() }
    }

    /// Puts events of a tenant behind all others of it.
    pub async fn tell(&self, tenant: &TenantId, pack: &[Event], now: Timestamp) -> Result<Place> {
        self.append(Log::Of(tenant), &deflated(pack)?, now).await
    }

    /// Puts what points to packs behind all others. They must be there.
    pub async fn point(&self, packs: &[Pointer], now: Timestamp) -> Result<Place> {
        self.append(Log::OfAll, &deflated(packs)?, now).await
    }

    /// Where a log ends; none where nothing is in it.
    async fn end(&self, log: Log<'_>) -> Result<Option<End>> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :log AND sk > :first")
            .expression_attribute_values(":log", AttributeValue::S(log.partition()))
            .expression_attribute_values(":first", AttributeValue::S(FIRST.to_owned()))
            .projection_expression("sk, #at")
            .expression_attribute_names("#at", "at")
            .scan_index_forward(false)
            .limit(1)
            .send()
            .await
            .map_err(Error::aws)?;
        let last = answer.items.unwrap_or_default().into_iter().next();
        last.map(|last| end_of(&last).ok_or_else(|| Error::Corrupt("an item of a log".to_owned()))).transpose()
    }

    /// The content of a stored item, with what did not fit in it.
    async fn contents<T: DeserializeOwned>(&self, partition: &str, stored: Stored) -> Result<T> {
        let mut bytes = stored.bytes;
        if stored.more > 0 {
            let rest = rest_of(partition, &stored.hash);
            let keys = (0..stored.more).map(|index| (self.table.as_str(), key(rest.clone(), index.to_string())));
            let mut items = batch_get::items(&self.client, keys.collect()).await?;
            items.sort_by_key(|(_, item)| text(item, "sk").and_then(|index| index.parse::<usize>().ok()));
            for (_, mut item) in items {
                bytes.append(&mut bytes_of(&mut item));
            }
        }
        let unreadable = || Error::Corrupt("the content of an item of a log".to_owned());
        let json = miniz_oxide::inflate::decompress_to_vec_with_limit(&bytes, INFLATED).map_err(|_| unreadable())?;
        serde_json::from_slice(&json).map_err(|_| unreadable())
    }

    fn ends(&self) -> MutexGuard<'_, HashMap<String, End>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log<'_> {
    fn partition(self) -> String {
        match self {
            Self::Of(tenant) => format!("{tenant}#log"),
            Self::OfAll => "*".to_owned(),
        }
    }
}

impl Stored {
    fn read(mut item: Item) -> Result<Self> {
        let corrupt = || Error::Corrupt("an item of a log".to_owned());
        let End { place, at } = end_of(&item).ok_or_else(corrupt)?;
        let more = number(&item, "more").unwrap_or_default();
        let hash = text(&item, "hash").ok_or_else(corrupt)?.to_owned();
        Ok(Self { place, at, bytes: bytes_of(&mut item), more: usize::try_from(more).map_err(|_| corrupt())?, hash })
    }
}

fn deflated(content: &(impl Serialize + ?Sized)) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(content).map_err(|error| Error::Corrupt(error.to_string()))?;
    Ok(miniz_oxide::deflate::compress_to_vec(&json, 6))
}

/// The partition of what did not fit.
fn rest_of(partition: &str, hash: &str) -> String {
    format!("{partition}#{hash}")
}

fn end_of(item: &Item) -> Option<End> {
    let at = Timestamp::from_millisecond(number(item, "at")?).ok()?;
    Some(End { place: text(item, "sk")?.parse().ok()?, at })
}

fn key(pk: String, sk: String) -> Item {
    Item::from([("pk".to_owned(), AttributeValue::S(pk)), ("sk".to_owned(), AttributeValue::S(sk))])
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

fn bytes_of(item: &mut Item) -> Vec<u8> {
    match item.remove("z") {
        Some(AttributeValue::B(bytes)) => bytes.into_inner(),
        _ => Vec::new(),
    }
}

fn blob(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}
