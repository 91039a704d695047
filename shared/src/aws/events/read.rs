//! Reading a log from where a reader has come to. One request does a bounded amount of work: it may find little, and says
//! how far it has come.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::{Events, FIRST, Log, Pointer, Stored, batch_get, key, text};
use crate::{
    Error, Result,
    domain::event::{Cursor, Event, KEPT, Place},
};

/// How many items of a log are looked at in one request, and at once.
const MOST_LOOKED_AT: usize = 200;
const AT_ONCE: i32 = 10;
/// A page ends before it has more than this: an answer holds 6 MB, in which quotation marks are written twice over.
const MOST_BYTES: usize = 1_500_000;

/// Some of a log, and how far that is.
#[derive(Debug)]
pub struct Told {
    pub events: Vec<Event>,
    pub cursor: Cursor,
}

/// A page as it comes together.
struct Page {
    events: Vec<Event>,
    bytes: usize,
    limit: usize,
}

impl Events {
    /// Behind all there is.
    pub async fn now(&self, log: Log<'_>, now: Timestamp) -> Result<Cursor> {
        let end = self.end(log).await?;
        Ok(Cursor { place: end.map(|end| end.place).unwrap_or_default(), seen: usize::MAX, since: now })
    }

    /// What is wanted of what comes behind a cursor; without one, of all that is kept.
    pub async fn read(
        &self,
        log: Log<'_>,
        from: Option<Cursor>,
        is_wanted: impl Fn(&Event) -> bool,
        limit: usize,
        now: Timestamp,
    ) -> Result<Told> {
        let mut cursor = from.unwrap_or(Cursor { place: Place::default(), seen: usize::MAX, since: now });
        let mut page = Page { events: Vec::new(), bytes: 0, limit };
        let mut looked_at = 0;
        while looked_at < MOST_LOOKED_AT {
            let items = self.behind(log, &cursor).await?;
            if items.is_empty() {
                return Ok(Told { events: page.events, cursor: Cursor { since: now, ..cursor } });
            }
            looked_at += items.len();
            for (place, at, events) in self.opened(log, items).await? {
                let seen = if place == cursor.place { cursor.seen } else { 0 };
                let is_old = from.is_none() && at < now - KEPT;
                let since = if is_old { now - KEPT } else { at };
                cursor = Cursor { place, seen: usize::MAX, since };
                if !is_old && let Some(seen) = page.take(events, seen, &is_wanted) {
                    return Ok(Told { events: page.events, cursor: Cursor { seen, ..cursor } });
                }
            }
        }
        Ok(Told { events: page.events, cursor })
    }

    /// The items behind a cursor; the one it stands in as well, where something of it is left.
    async fn behind(&self, log: Log<'_>, cursor: &Cursor) -> Result<Vec<Stored>> {
        let condition =
            if cursor.seen == usize::MAX { "pk = :log AND sk > :place" } else { "pk = :log AND sk >= :place" };
        let place = if cursor.place == Place::default() { FIRST.to_owned() } else { cursor.place.to_string() };
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression(condition)
            .expression_attribute_values(":log", AttributeValue::S(log.partition()))
            .expression_attribute_values(":place", AttributeValue::S(place))
            .limit(AT_ONCE)
            .send()
            .await
            .map_err(Error::aws)?;
        answer.items.unwrap_or_default().into_iter().map(Stored::read).collect()
    }

    /// The events of items of a log, in their order.
    async fn opened(&self, log: Log<'_>, items: Vec<Stored>) -> Result<Vec<(Place, Timestamp, Vec<Event>)>> {
        let partition = log.partition();
        let mut opened = Vec::new();
        let Log::OfAll = log else {
            for item in items {
                opened.push((item.place, item.at, self.contents(&partition, item).await?));
            }
            return Ok(opened);
        };
        let mut pointing = Vec::new();
        for item in items {
            pointing.push((item.place, item.at, self.contents::<Vec<Pointer>>(&partition, item).await?));
        }
        // A batch that came again may have pointed to the same pack once more.
        let packs = self.packs(pointing.iter().flat_map(|(.., pointers)| pointers).collect()).await?;
        for (place, at, pointers) in pointing {
            // What is there no more was deleted with what pointed to it.
            let events = pointers.iter().filter_map(|pointer| packs.get(pointer)).flatten();
            opened.push((place, at, events.cloned().collect()));
        }
        Ok(opened)
    }

    async fn packs(&self, pointers: HashSet<&Pointer>) -> Result<HashMap<Pointer, Vec<Event>>> {
        let place_of = |(tenant, place): &Pointer| key(Log::Of(tenant).partition(), place.to_string());
        let keys = pointers.into_iter().map(|pointer| (self.table.as_str(), place_of(pointer))).collect();
        let mut packs = HashMap::new();
        for (_, item) in batch_get::items(&self.client, keys).await? {
            let corrupt = || Error::Corrupt("the key of a pack".to_owned());
            let partition = text(&item, "pk").ok_or_else(corrupt)?.to_owned();
            let tenant = partition.strip_suffix("#log").and_then(|tenant| tenant.parse().ok()).ok_or_else(corrupt)?;
            let item = Stored::read(item)?;
            packs.insert((tenant, item.place), self.contents(&partition, item).await?);
        }
        Ok(packs)
    }
}

impl Page {
    /// Takes what is wanted of the events from `seen` on. Says up to where, once the page is full.
    fn take(&mut self, events: Vec<Event>, seen: usize, is_wanted: impl Fn(&Event) -> bool) -> Option<usize> {
        for (place, event) in events.into_iter().enumerate().skip(seen) {
            if !is_wanted(&event) {
                continue;
            }
            self.bytes += event.weight();
            if self.bytes > MOST_BYTES && !self.events.is_empty() {
                return Some(place);
            }
            self.events.push(event);
            if self.events.len() == self.limit {
                return Some(place + 1);
            }
        }
        None
    }
}
