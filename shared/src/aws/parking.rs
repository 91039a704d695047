//! Admitted units, in the table of receipts: each an item of its lot, and one item per lot that counts them.
//!
//! | item | pk | sk |
//! |---|---|---|
//! | unit | `park#<reason>#<subject>` | `<Meta's second>#<digest>` |
//! | lot | `parked` | `<reason>#<subject>` |
//!
//! A unit and its count are one transaction, so that a cap is a cap. Twice: a unit that is there is counted once.

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Delete, Put, TransactWriteItem, Update},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    delete,
    transaction::{Item, Outcome, Position, Transactions},
    update,
};
use crate::{
    Error, Result,
    domain::{
        parking::{Lot, MOST_BYTES, MOST_UNITS, Parked, Reason, Subject},
        tenant::TenantId,
    },
};

const ATTEMPTS: usize = 3;
/// How long TTL waits for the sweeper to remove a unit, and to count it out.
const SWEPT_WITHIN: SignedDuration = SignedDuration::from_hours(48);

#[derive(Debug, Clone)]
pub struct Parking {
    client: Client,
    table: String,
    transactions: Transactions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    Kept,
    /// It was there already.
    Known,
    /// The lot is full: dropped, and counted.
    Dropped,
}

/// How many units a lot has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    pub lot: Lot,
    pub units: u64,
    pub bytes: u64,
    pub dropped: u64,
    /// When its first unit came.
    pub since: Timestamp,
}

/// The stored form of a unit: renaming a field here is a migration.
#[derive(Serialize, Deserialize)]
struct Row {
    pk: String,
    sk: String,
    group: String,
    body: String,
    second: i64,
    sequence: String,
    received_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<TenantId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    neighbours: Vec<TenantId>,
    digest: String,
    expires_at: i64,
    ttl: i64,
}

#[derive(Deserialize)]
struct CountRow {
    sk: String,
    #[serde(default)]
    units: i64,
    #[serde(default)]
    bytes: i64,
    #[serde(default)]
    dropped: u64,
    since: Timestamp,
}

impl Parking {
    pub fn new(client: Client, table: String) -> Self {
        Self { transactions: Transactions::new(client.clone()), client, table }
    }

    /// Keeps a unit, and counts it. One that is there is noted as having come again: whoever was about to take it out
    /// then does not.
    pub async fn park(&self, lot: &Lot, parked: &Parked, now: Timestamp) -> Result<Admitted> {
        for _ in 0..ATTEMPTS {
            match self.put(lot, parked, now).await? {
                Admitted::Known if !self.came_again(lot, parked).await? => {}
                admitted => return Ok(admitted),
            }
        }
        Err(Error::aws("a parked unit came and went without end"))
    }

    async fn put(&self, lot: &Lot, parked: &Parked, now: Timestamp) -> Result<Admitted> {
        let row = Row::new(lot, parked, now);
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(serde_dynamo::to_item(&row)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(Error::aws)?;
        let put = TransactWriteItem::builder().put(put).build();
        match self.transactions.commit(vec![put, self.counting_in(lot, parked, now)?]).await? {
            Outcome::Committed => Ok(Admitted::Kept),
            Outcome::Refused { index: 0, .. } => Ok(Admitted::Known),
            Outcome::Refused { .. } => {
                self.count_dropped(lot, now).await?;
                Ok(Admitted::Dropped)
            }
        }
    }

    /// Says whether it still was there.
    async fn came_again(&self, lot: &Lot, parked: &Parked) -> Result<bool> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(partition(lot), parked.sort_key())))
            .update_expression("SET #sequence = :again")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#sequence", "sequence")
            .expression_attribute_values(":again", AttributeValue::S(parked.sequence.clone()))
            .build()
            .map_err(Error::aws)?;
        update::send(&self.client, update).await
    }

    /// The lots there are, with their counts.
    pub async fn lots(&self, limit: i32, after: Option<Position>) -> Result<(Vec<Count>, Option<Position>)> {
        let (items, next) = self.page("parked", limit, after).await?;
        let counts = items.into_iter().map(serde_dynamo::from_item::<_, CountRow>);
        // One that cannot be read hides none of the others.
        Ok((counts.filter_map(|row| Count::of(&row.ok()?)).collect(), next))
    }

    /// The oldest units of a lot, in their order.
    pub async fn units(
        &self,
        lot: &Lot,
        limit: i32,
        after: Option<Position>,
    ) -> Result<(Vec<Parked>, Option<Position>)> {
        let (items, next) = self.page(&partition(lot), limit, after).await?;
        let rows: Vec<Row> = items.into_iter().map(serde_dynamo::from_item).collect::<Result<_, _>>()?;
        let mut parked: Vec<Parked> = rows.into_iter().map(Row::into_parked).collect();
        parked.sort_by(|one, other| (one.second, &one.sequence).cmp(&(other.second, &other.sequence)));
        Ok((parked, next))
    }

    /// Takes a unit out as it was seen, and out of the count. Twice: it is gone, and counted out once. One that has come
    /// again since stays.
    pub async fn take_out(&self, lot: &Lot, parked: &Parked) -> Result<()> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .set_key(Some(key(partition(lot), parked.sort_key())))
            .condition_expression("#sequence = :seen")
            .expression_attribute_names("#sequence", "sequence")
            .expression_attribute_values(":seen", AttributeValue::S(parked.sequence.clone()))
            .build()
            .map_err(Error::aws)?;
        let count = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key("parked".to_owned(), name(lot))))
            .update_expression("ADD units :less, bytes :fewer")
            .expression_attribute_values(":less", AttributeValue::N("-1".to_owned()))
            .expression_attribute_values(":fewer", AttributeValue::N(format!("-{}", parked.size())))
            .build()
            .map_err(Error::aws)?;
        let writes = vec![
            TransactWriteItem::builder().delete(delete).build(),
            TransactWriteItem::builder().update(count).build(),
        ];
        self.transactions.commit(writes).await.map(|_| ())
    }

    /// Forgets a lot that has no units. One that got some meanwhile stays.
    pub async fn close(&self, lot: &Lot) -> Result<()> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key("parked".to_owned(), name(lot))))
            .condition_expression("units <= :none")
            .expression_attribute_values(":none", AttributeValue::N("0".to_owned()));
        delete::send(delete).await
    }

    fn counting_in(&self, lot: &Lot, parked: &Parked, now: Timestamp) -> Result<TransactWriteItem> {
        let mut update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key("parked".to_owned(), name(lot))))
            .update_expression("SET since = if_not_exists(since, :now) ADD units :one, bytes :size")
            .expression_attribute_values(":now", AttributeValue::S(now.to_string()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":size", AttributeValue::N(parked.size().to_string()));
        if lot.reason == Reason::Unowned {
            update = update
                .condition_expression("attribute_not_exists(units) OR (units < :most AND bytes <= :room)")
                .expression_attribute_values(":most", AttributeValue::N(MOST_UNITS.to_string()))
                .expression_attribute_values(
                    ":room",
                    AttributeValue::N(MOST_BYTES.saturating_sub(parked.size()).to_string()),
                );
        }
        Ok(TransactWriteItem::builder().update(update.build().map_err(Error::aws)?).build())
    }

    async fn count_dropped(&self, lot: &Lot, now: Timestamp) -> Result<()> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key("parked".to_owned(), name(lot))))
            .update_expression("SET since = if_not_exists(since, :now) ADD dropped :one")
            .expression_attribute_values(":now", AttributeValue::S(now.to_string()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
        update.send().await.map(|_| ()).map_err(Error::aws)
    }

    async fn page(
        &self,
        partition: &str,
        limit: i32,
        after: Option<Position>,
    ) -> Result<(Vec<Item>, Option<Position>)> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(partition.to_owned()))
            .consistent_read(true)
            .limit(limit)
            .set_exclusive_start_key(after.map(Position::into_key))
            .send()
            .await
            .map_err(Error::aws)?;
        let next = answer.last_evaluated_key.as_ref().map(Position::of);
        Ok((answer.items.unwrap_or_default(), next))
    }
}

impl Row {
    fn new(lot: &Lot, parked: &Parked, now: Timestamp) -> Self {
        let expires_at = now + lot.reason.kept_for();
        Self {
            pk: partition(lot),
            sk: parked.sort_key(),
            group: parked.group.clone(),
            body: parked.body.clone(),
            second: parked.second,
            sequence: parked.sequence.clone(),
            received_at: parked.received_at,
            owner: parked.owner.clone(),
            neighbours: parked.neighbours.clone(),
            digest: parked.digest.clone(),
            expires_at: expires_at.as_millisecond(),
            ttl: (expires_at + SWEPT_WITHIN).as_second(),
        }
    }

    fn into_parked(self) -> Parked {
        Parked {
            group: self.group,
            body: self.body,
            second: self.second,
            sequence: self.sequence,
            received_at: self.received_at,
            expires_at: Timestamp::from_millisecond(self.expires_at).unwrap_or(Timestamp::MAX),
            owner: self.owner,
            neighbours: self.neighbours,
            digest: self.digest,
        }
    }
}

impl Count {
    fn of(row: &CountRow) -> Option<Self> {
        let (reason, subject) = row.sk.split_once('#')?;
        let reason = Reason::ALL.into_iter().find(|known| known.name() == reason)?;
        Some(Self {
            lot: Lot { reason, subject: Subject::from_text(subject)? },
            units: row.units.try_into().unwrap_or(0),
            bytes: row.bytes.try_into().unwrap_or(0),
            dropped: row.dropped,
            since: row.since,
        })
    }
}

fn name(lot: &Lot) -> String {
    format!("{}#{}", lot.reason.name(), lot.subject.text())
}

fn partition(lot: &Lot) -> String {
    format!("park#{}", name(lot))
}

fn key(pk: String, sk: String) -> Item {
    Item::from([("pk".to_owned(), AttributeValue::S(pk)), ("sk".to_owned(), AttributeValue::S(sk))])
}
