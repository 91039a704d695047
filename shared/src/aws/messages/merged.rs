//! Several partitions, each sorted by time, read downwards as one list: a page of each at a time.

use std::collections::VecDeque;

use aws_sdk_dynamodb::types::AttributeValue;
use tokio::task::JoinSet;

use super::Messages;
use crate::{Error, Result, aws::transaction::Item};

/// What a partition is read as.
pub(super) trait Entry: Send + Sized + 'static {
    /// Where it stands. The list goes down from the greatest.
    type Standing: Ord + Clone + Send + 'static;

    fn standing(&self) -> Self::Standing;

    /// What its sort key begins with. Entries that share it lie in the partition in any order.
    fn moment(&self) -> u64;

    /// The entries of an item. One that is only a part of another, which comes after it, is left in `parts`.
    fn read(item: Item, parts: &mut Vec<Item>) -> Result<Vec<Self>>;
}

/// A partition, and which sort keys of it.
#[derive(Debug)]
pub(super) struct Range {
    pub(super) partition: String,
    pub(super) lowest: String,
    pub(super) highest: String,
}

pub(super) struct Merged<E: Entry> {
    messages: Messages,
    streams: Vec<Stream<E>>,
    page: i32,
}

struct Stream<E: Entry> {
    range: Range,
    below: Option<E::Standing>,
    /// In order, to be given out.
    ready: VecDeque<E>,
    /// Of a moment that may go on in the next page.
    waiting: Vec<E>,
    parts: Vec<Item>,
    next: Next,
}

enum Next {
    Page(Option<Item>),
    Nothing,
}

impl<E: Entry> Merged<E> {
    /// Everything in `ranges` that stands below a place, `page` items of each at a time.
    pub(super) fn new(messages: &Messages, ranges: Vec<Range>, below: Option<&E::Standing>, page: i32) -> Self {
        let stream = |range| Stream {
            range,
            below: below.cloned(),
            ready: VecDeque::new(),
            waiting: Vec::new(),
            parts: Vec::new(),
            next: Next::Page(None),
        };
        Self { messages: messages.clone(), streams: ranges.into_iter().map(stream).collect(), page }
    }

    /// The next of all.
    pub(super) async fn next(&mut self) -> Result<Option<E>> {
        self.fill().await?;
        let greatest = self.streams.iter_mut().max_by_key(|stream| stream.ready.front().map(E::standing));
        Ok(greatest.and_then(|stream| stream.ready.pop_front()))
    }

    /// Reads on wherever nothing is ready, everywhere at once.
    async fn fill(&mut self) -> Result<()> {
        let empty = |stream: &Stream<E>| stream.ready.is_empty() && !stream.is_over();
        if !self.streams.iter().any(empty) {
            return Ok(());
        }
        let mut reading = JoinSet::new();
        for mut stream in self.streams.extract_if(.., |stream| empty(stream)) {
            let (messages, page) = (self.messages.clone(), self.page);
            reading.spawn(async move {
                while stream.ready.is_empty() && !stream.is_over() {
                    stream.read(&messages, page).await?;
                }
                Ok::<_, Error>(stream)
            });
        }
        while let Some(read) = reading.join_next().await {
            self.streams.push(read.map_err(|error| Error::Corrupt(error.to_string()))??);
        }
        Ok(())
    }
}

impl<E: Entry> Stream<E> {
    fn is_over(&self) -> bool {
        matches!(self.next, Next::Nothing)
    }

    async fn read(&mut self, messages: &Messages, page: i32) -> Result<()> {
        let Next::Page(start) = std::mem::replace(&mut self.next, Next::Nothing) else { return Ok(()) };
        let answer = messages
            .client
            .query()
            .table_name(&messages.table)
            .key_condition_expression("pk = :partition AND sk BETWEEN :lowest AND :highest")
            .expression_attribute_values(":partition", AttributeValue::S(self.range.partition.clone()))
            .expression_attribute_values(":lowest", AttributeValue::S(self.range.lowest.clone()))
            .expression_attribute_values(":highest", AttributeValue::S(self.range.highest.clone()))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(page)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(Error::aws)?;
        for item in answer.items.unwrap_or_default().into_iter().filter(|item| messages.lives(item)) {
            self.waiting.extend(E::read(item, &mut self.parts)?);
        }
        if let Some(key) = answer.last_evaluated_key {
            self.next = Next::Page(Some(key));
        }
        self.release();
        Ok(())
    }

    /// Lets go of the moments that are complete.
    fn release(&mut self) {
        let open = if self.is_over() { None } else { self.waiting.last().map(E::moment) };
        let complete = self.waiting.iter().position(|entry| Some(entry.moment()) == open);
        let mut complete: Vec<E> = self.waiting.drain(..complete.unwrap_or(self.waiting.len())).collect();
        complete.sort_by_cached_key(|entry| std::cmp::Reverse(entry.standing()));
        complete.dedup_by_key(|entry| entry.standing());
        let is_below = |entry: &E| self.below.as_ref().is_none_or(|below| entry.standing() < *below);
        self.ready.extend(complete.into_iter().filter(is_below));
    }
}
