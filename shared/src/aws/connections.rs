//! The table of attempts to connect: one item each, saved whole, and only over the state it was made from.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    changes::Change,
    delete,
    transaction::{Item, Outcome, Position, Transactions},
};
use crate::{
    Error, Result,
    domain::{connection::Connection, connection_id::ConnectionId, meta_id::SubjectId, tenant::TenantId},
};

/// How long an attempt stays after its time is over. Cleaning up, not expiry.
const KEPT_AFTER_END: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Somebody changed it between our look and our write: look again, so often.
const LOOKS: usize = 8;
/// What one batch of reads takes.
const BATCH: usize = 100;

#[derive(Debug, Clone)]
pub struct Connections {
    client: Client,
    table: String,
    transactions: Transactions,
}

/// An attempt as it was read, and of which writing.
#[derive(Debug, Clone)]
pub struct Stored {
    pub connection: Connection,
    revision: u64,
}

/// The stored form: renaming a field here is a migration.
#[derive(Serialize, Deserialize)]
struct Row {
    id: ConnectionId,
    tenant: TenantId,
    listed: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<SubjectId>,
    revision: u64,
    ttl: i64,
    state: Connection,
}

/// One page of ids, and where the next begins.
#[derive(Debug)]
pub struct Ids {
    pub ids: Vec<ConnectionId>,
    pub next: Option<Position>,
}

/// Some of all attempts, and where to go on.
#[derive(Debug)]
pub struct Stock {
    pub stored: Vec<Stored>,
    /// The ids of those that cannot be read.
    pub unreadable: Vec<String>,
    pub next: Option<Position>,
}

impl Connections {
    pub fn new(client: Client, table: String) -> Self {
        Self { transactions: Transactions::new(client.clone()), client, table }
    }

    pub async fn find(&self, id: &ConnectionId) -> Result<Option<Stored>> {
        let answer = self.client.get_item().table_name(&self.table).set_key(Some(key(id))).consistent_read(true);
        answer.send().await.map_err(Error::aws)?.item.map(read).transpose()
    }

    pub fn is_of(&self, change: &Change) -> bool {
        change.is_of(&self.table)
    }

    /// Whose a change is, where it says so.
    pub fn whose(change: &Change) -> Option<TenantId> {
        change.text("tenant")?.parse().ok()
    }

    /// An attempt as it was and as it is. None: its time was over, and nobody sees it any more.
    pub fn changed(change: &Change) -> Result<Option<(Option<Connection>, Connection)>> {
        let Some(is) = change.is.clone().filter(|_| !change.is_expiry) else { return Ok(None) };
        let was = change.was.clone().map(read).transpose()?;
        Ok(Some((was.map(|was| was.connection), read(is)?.connection)))
    }

    /// Adds a new attempt, together with `others`. False: its id stands there already, from the same request before.
    pub async fn add(&self, connection: &Connection, now: Timestamp, others: Vec<TransactWriteItem>) -> Result<bool> {
        let first = self.put(&Stored { connection: connection.clone(), revision: 0 }, now)?;
        let writes = [vec![first], others].concat();
        match self.transactions.commit(writes).await? {
            Outcome::Committed => Ok(true),
            Outcome::Refused { index: 0, .. } => Ok(false),
            Outcome::Refused { .. } => {
                Err(Error::Corrupt("something stood where a new connection's belongings go".to_owned()))
            }
        }
    }

    /// Changes an attempt, and saves what `change` made of it. Where somebody was faster, `change` is asked again with
    /// what stands there now.
    pub async fn change<T, E: From<Error>>(
        &self,
        stored: &mut Stored,
        now: Timestamp,
        mut change: impl FnMut(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        self.change_with(stored, now, &[], |connection| change(connection)).await
    }

    /// The same, in one transaction with `others`, whose conditions must hold: otherwise `Error::Outdated`.
    pub async fn change_with<T, E: From<Error>>(
        &self,
        stored: &mut Stored,
        now: Timestamp,
        others: &[TransactWriteItem],
        mut change: impl FnMut(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        for _ in 0..LOOKS {
            let mut changed = stored.clone();
            let result = change(&mut changed.connection)?;
            if others.is_empty() && changed.connection == stored.connection {
                return Ok(result);
            }
            changed.connection.updated_at = now;
            let writes = [&[self.put(&changed, now)?], others].concat();
            match self.transactions.commit(writes).await? {
                Outcome::Committed => {
                    *stored = Stored { revision: stored.revision + 1, ..changed };
                    return Ok(result);
                }
                Outcome::Refused { index: 0, .. } => *stored = self.reread(&stored.connection.id).await?,
                Outcome::Refused { .. } => return Err(Error::Outdated.into()),
            }
        }
        Err(Error::aws("a connection was changed by others without end").into())
    }

    /// Takes an attempt away, unless it has changed meanwhile.
    pub async fn forget(&self, stored: &Stored) -> Result<()> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key(&stored.connection.id)))
            .condition_expression("revision = :read")
            .expression_attribute_values(":read", AttributeValue::N(stored.revision.to_string()));
        delete::send(delete).await
    }

    async fn reread(&self, id: &ConnectionId) -> Result<Stored> {
        self.find(id).await?.ok_or(Error::NotFound { thing: "connection" })
    }

    /// The write of a changed attempt over the one it was made from.
    fn put(&self, changed: &Stored, now: Timestamp) -> Result<TransactWriteItem> {
        let put = Put::builder().table_name(&self.table).set_item(Some(serde_dynamo::to_item(Row::of(changed, now))?));
        let put = if changed.revision == 0 {
            put.condition_expression("attribute_not_exists(id)")
        } else {
            put.condition_expression("revision = :read")
                .expression_attribute_values(":read", AttributeValue::N(changed.revision.to_string()))
        };
        Ok(TransactWriteItem::builder().put(put.build().map_err(Error::aws)?).build())
    }

    /// A tenant's attempts, newest first.
    pub async fn list(
        &self,
        tenant: &TenantId,
        limit: i32,
        after: Option<Position>,
    ) -> Result<(Vec<Connection>, Option<Position>)> {
        let page = self.ids("by_tenant", ("tenant", tenant.as_str()), false, limit, after).await?;
        Ok((self.all(&page.ids).await?, page.next))
    }

    /// Attempts with something to be done by `now`, the longest waiting first.
    pub async fn due(&self, now: Timestamp, limit: i32) -> Result<Vec<ConnectionId>> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("due")
            .key_condition_expression("due = :due AND due_at <= :now")
            .expression_attribute_values(":due", text(DUE))
            .expression_attribute_values(":now", text(&sortable(now)))
            .limit(limit)
            .send()
            .await
            .map_err(Error::aws)?;
        ids_of(answer.items.unwrap_or_default())
    }

    /// Attempts whose token a Meta subject gave.
    pub async fn of_subject(&self, subject: &SubjectId, after: Option<Position>) -> Result<Ids> {
        self.ids("by_subject", ("subject", subject.as_str()), true, 25, after).await
    }

    /// The next attempts after `after`, of any tenant, in no order that means anything.
    pub async fn stock(&self, limit: i32, after: Option<Position>) -> Result<Stock> {
        let answer = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .limit(limit)
            .set_exclusive_start_key(after.map(Position::into_key))
            .send()
            .await
            .map_err(Error::aws)?;
        let next = answer.last_evaluated_key.as_ref().map(Position::of);
        let mut stock = Stock { stored: Vec::new(), unreadable: Vec::new(), next };
        for item in answer.items.unwrap_or_default() {
            let id = item.get("id").and_then(|id| id.as_s().ok()).cloned().unwrap_or_default();
            match read(item) {
                Ok(stored) => stock.stored.push(stored),
                Err(error) => {
                    tracing::error!(id, error = %error.chain(), "a connection cannot be read");
                    stock.unreadable.push(id);
                }
            }
        }
        Ok(stock)
    }

    async fn ids(
        &self,
        index: &str,
        (attribute, value): (&str, &str),
        forward: bool,
        limit: i32,
        after: Option<Position>,
    ) -> Result<Ids> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(index)
            .key_condition_expression("#partition = :value")
            .expression_attribute_names("#partition", attribute)
            .expression_attribute_values(":value", text(value))
            .scan_index_forward(forward)
            .limit(limit)
            .set_exclusive_start_key(after.map(Position::into_key))
            .send()
            .await
            .map_err(Error::aws)?;
        let next = answer.last_evaluated_key.as_ref().map(Position::of);
        Ok(Ids { ids: ids_of(answer.items.unwrap_or_default())?, next })
    }

    /// The attempts with these ids, in their order; what is gone meanwhile is left out.
    async fn all(&self, ids: &[ConnectionId]) -> Result<Vec<Connection>> {
        let mut found = HashMap::new();
        let mut wanted: Vec<Item> = ids.iter().map(key).collect();
        while !wanted.is_empty() {
            let batch = wanted.drain(..wanted.len().min(BATCH)).collect();
            let keys = KeysAndAttributes::builder().set_keys(Some(batch)).consistent_read(true).build();
            let ask = self.client.batch_get_item().request_items(&self.table, keys.map_err(Error::aws)?);
            let answer = ask.send().await.map_err(Error::aws)?;
            for item in answer.responses.and_then(|mut tables| tables.remove(&self.table)).unwrap_or_default() {
                let stored = read(item)?;
                found.insert(stored.connection.id.clone(), stored.connection);
            }
            let left = answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.table));
            wanted.extend(left.map(|left| left.keys).unwrap_or_default());
        }
        Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
    }
}

/// The one partition of what is due: attempts are few.
const DUE: &str = "connections";

impl Row {
    fn of(stored: &Stored, now: Timestamp) -> Self {
        let connection = &stored.connection;
        let due_at = connection.due_at(now);
        let token = connection.token.as_ref();
        Self {
            id: connection.id.clone(),
            tenant: connection.tenant.clone(),
            listed: format!("{}#{}", sortable(connection.created_at), connection.id),
            due: due_at.map(|_| DUE.to_owned()),
            due_at: due_at.map(sortable),
            subject: token.and_then(|token| token.subject.clone()),
            revision: stored.revision + 1,
            ttl: (connection.expires_at + KEPT_AFTER_END).as_second(),
            state: connection.clone(),
        }
    }
}

fn read(item: Item) -> Result<Stored> {
    let row: Row = serde_dynamo::from_item(item)?;
    Ok(Stored { connection: row.state, revision: row.revision })
}

fn ids_of(items: Vec<Item>) -> Result<Vec<ConnectionId>> {
    #[derive(Deserialize)]
    struct Key {
        id: ConnectionId,
    }
    items.into_iter().map(|item| Ok(serde_dynamo::from_item::<_, Key>(item)?.id)).collect()
}

/// Sorts as text as it does in time.
fn sortable(at: Timestamp) -> String {
    format!("{:013}", at.as_millisecond())
}

fn key(id: &ConnectionId) -> Item {
    Item::from([("id".to_owned(), text(id.as_str()))])
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}
