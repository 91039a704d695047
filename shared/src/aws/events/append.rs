//! Putting something behind all else in a log. Twice: it stands there twice.

use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    types::{AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use jiff::{SignedDuration, Timestamp};

use super::{ANCHOR, End, Events, IN_ONE_ITEM, Log, REMEMBERED, UNTIL_DELETED, blob, key, number, rest_of, text};
use crate::{
    Error, Result,
    aws::transaction::{Item, Outcome},
    domain::{
        event::{GRACE, KEPT, Place},
        hex,
    },
};

/// How often one may be slower than others that put something into the same log. Each time, one of them was not.
const TRIES: usize = 100;
/// An end that is younger is certain to stand there while something is put behind it, and so is all that may have been put
/// behind it since.
const CERTAIN: SignedDuration = SignedDuration::from_hours(24);

/// The era a log is in, and how often something was put by the anchor itself.
#[derive(Debug, Default)]
struct Anchor {
    era: u32,
    turn: u32,
}

impl Events {
    pub(super) async fn append(&self, log: Log<'_>, bytes: &[u8], now: Timestamp) -> Result<Place> {
        let partition = log.partition();
        let item = self.item(&partition, bytes, now).await?;
        let mut known = self.ends().get(&partition).copied().filter(|end| end.is_certain(now));
        for _ in 0..TRIES {
            let end = match known.take() {
                Some(end) => Some(end),
                None => self.end(log).await?,
            };
            let place = match end {
                Some(end) if end.is_certain(now) => self.put_behind(end.place, &item).await?,
                _ => self.put_by_anchor(log, &item, now).await?,
            };
            if let Some(place) = place {
                self.remember(partition, End { place, at: now });
                return Ok(place);
            }
        }
        Err(Error::aws("a log grew without end"))
    }

    /// An item without its place. What does not fit in it is put before it: what is there is there whole.
    async fn item(&self, partition: &str, bytes: &[u8], now: Timestamp) -> Result<Item> {
        let hash = hex::sha256(bytes)[..32].to_owned();
        let until = AttributeValue::N((now + UNTIL_DELETED).as_second().to_string());
        let mut pieces = bytes.chunks(IN_ONE_ITEM);
        let first = pieces.next().unwrap_or_default();
        let mut more = 0;
        for piece in pieces {
            let mut item = key(rest_of(partition, &hash), more.to_string());
            item.extend([("z".to_owned(), blob(piece)), ("ttl".to_owned(), until.clone())]);
            self.client.put_item().table_name(&self.table).set_item(Some(item)).send().await.map_err(Error::aws)?;
            more += 1;
        }
        let mut item = key(partition.to_owned(), String::new());
        item.extend([
            ("at".to_owned(), AttributeValue::N(now.as_millisecond().to_string())),
            ("z".to_owned(), blob(first)),
            ("hash".to_owned(), AttributeValue::S(hash)),
            ("ttl".to_owned(), until),
        ]);
        if more > 0 {
            item.insert("more".to_owned(), AttributeValue::N(more.to_string()));
        }
        Ok(item)
    }

    /// None: something stands there already.
    async fn put_behind(&self, end: Place, item: &Item) -> Result<Option<Place>> {
        let place = end.next();
        let sent = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(at(place, item)))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else { return Ok(Some(place)) };
        match error.as_service_error() {
            // An answer that was lost is asked for again: then it is our own.
            Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                let is_own = refused.item().is_some_and(|there| text(there, "hash") == text(item, "hash"));
                Ok(is_own.then_some(place))
            }
            _ => Err(Error::aws(error)),
        }
    }

    /// Behind an end that may be deleted any moment, or where nothing is left. Everybody who goes by the anchor turns it, so
    /// that of two who looked at the same time one is refused. None: it was this one, or somebody else was faster.
    async fn put_by_anchor(&self, log: Log<'_>, item: &Item, now: Timestamp) -> Result<Option<Place>> {
        let before = self.anchor(log).await?;
        let place = match self.end(log).await? {
            Some(end) if end.is_certain(now) => return Ok(None),
            Some(end) if now < end.at + KEPT + GRACE => end.place.next(),
            // What is left of an older era is deleted in any order: its last is not the last there was.
            _ => Place { era: before.era, number: 0 }.next_era(),
        };
        let mut anchor = key(log.partition(), ANCHOR.to_owned());
        anchor.extend([
            ("era".to_owned(), AttributeValue::N(place.era.to_string())),
            ("turn".to_owned(), AttributeValue::N((before.turn + 1).to_string())),
        ]);
        let anchor = Put::builder().table_name(&self.table).set_item(Some(anchor));
        let anchor = if before.turn == 0 {
            anchor.condition_expression("attribute_not_exists(pk)")
        } else {
            anchor
                .condition_expression("turn = :before")
                .expression_attribute_values(":before", AttributeValue::N(before.turn.to_string()))
        };
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(at(place, item)))
            .condition_expression("attribute_not_exists(pk)");
        let writes = [anchor, put].map(|put| {
            let put = put.build().map_err(Error::aws);
            put.map(|put| TransactWriteItem::builder().put(put).build())
        });
        let writes = writes.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(matches!(self.transactions.commit(writes).await?, Outcome::Committed).then_some(place))
    }

    async fn anchor(&self, log: Log<'_>) -> Result<Anchor> {
        let key = key(log.partition(), ANCHOR.to_owned());
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        let Some(item) = get.send().await.map_err(Error::aws)?.item else { return Ok(Anchor::default()) };
        let count = |name| number(&item, name).and_then(|count| u32::try_from(count).ok());
        let anchor = count("era").zip(count("turn")).map(|(era, turn)| Anchor { era, turn });
        anchor.ok_or_else(|| Error::Corrupt("the anchor of a log".to_owned()))
    }

    fn remember(&self, partition: String, end: End) {
        let mut ends = self.ends();
        if ends.len() >= REMEMBERED {
            ends.clear();
        }
        // Of two that were at it at once the later one is right.
        let known = ends.entry(partition).or_insert(end);
        if known.place < end.place {
            *known = end;
        }
    }
}

impl End {
    fn is_certain(&self, now: Timestamp) -> bool {
        now < self.at + CERTAIN
    }
}

fn at(place: Place, item: &Item) -> Item {
    let mut item = item.clone();
    item.insert("sk".to_owned(), AttributeValue::S(place.to_string()));
    item
}
