//! What of a number stands beside its account while it sends, and which numbers have something due.

use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::Timestamp;

use super::{Messages, number_key, text_key};
use crate::{
    Error, Result,
    aws::{batch_get, transaction::Item},
    domain::{
        conversation::{Line, MessageId},
        sending::Gate,
    },
};

/// How often a gate meets faster hands before that is an error.
const TRIES: usize = 20;
/// The partition of the index `due` that has all numbers.
const NUMBERS: &str = "numbers";
const GATE: &str = "-";

/// What is due of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DueThing {
    Message(MessageId),
    Job(String),
}

/// Some of what is due.
#[derive(Debug, Default)]
pub struct DuePage {
    pub things: Vec<(DueThing, Timestamp)>,
    pub next: Option<Item>,
}

impl Messages {
    /// Changes a gate, over what it was made from. `seen` is where to begin: what was read before.
    pub async fn edit_gate<T>(&self, line: &Line, seen: Gate, change: impl Fn(&mut Gate) -> T) -> Result<(Gate, T)> {
        let mut before = seen;
        for _ in 0..TRIES {
            let mut gate = before.clone();
            let given = change(&mut gate);
            if gate == before {
                return Ok((gate, given));
            }
            gate.revision += 1;
            match self.put_gate(line, &gate).await? {
                None => return Ok((gate, given)),
                Some(there) => before = there,
            }
        }
        Err(Error::aws("a number was sending without end"))
    }

    /// None: it is put. Otherwise what stands there.
    async fn put_gate(&self, line: &Line, gate: &Gate) -> Result<Option<Gate>> {
        let mut item: Item = serde_dynamo::to_item(gate)?;
        item.extend(gate_key(line));
        if gate.due_at.is_some() {
            item.insert("due".to_owned(), AttributeValue::S(NUMBERS.to_owned()));
        }
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = if gate.revision == 1 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("revision = :before")
                .expression_attribute_values(":before", AttributeValue::N((gate.revision - 1).to_string()))
        };
        let Err(error) = put.send().await else { return Ok(None) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                Ok(Some(refused.item().cloned().map(read).transpose()?.unwrap_or_default()))
            }
            _ => Err(Error::aws(error)),
        }
    }

    pub async fn gate(&self, line: &Line) -> Result<Gate> {
        let (pk, sk) = (number_key(line, 'g'), GATE.to_owned());
        Ok(self.get(pk, sk).await?.map(read).transpose()?.unwrap_or_default())
    }

    /// The numbers of which something is due by then, the longest overdue first.
    pub async fn numbers_due(&self, by: Timestamp, limit: i32) -> Result<Vec<(Line, Gate)>> {
        let found = self.due(NUMBERS, Some(by), limit, None).await?.items.unwrap_or_default();
        let lines = found.iter().filter_map(|item| line_of(item.get("pk")?.as_s().ok()?));
        let lines: Vec<Line> = lines.collect();
        let keys = lines.iter().map(|line| (self.table.as_str(), gate_key(line))).collect();
        let mut gates = Vec::new();
        for (_, item) in batch_get::items(&self.client, keys).await? {
            let line = item.get("pk").and_then(|pk| pk.as_s().ok()).and_then(|pk| line_of(pk));
            gates.extend(line.map(|line| read(item).map(|gate| (line, gate))));
        }
        let mut gates = gates.into_iter().collect::<Result<Vec<_>>>()?;
        gates.sort_by_key(|(_, gate)| gate.due_at);
        Ok(gates)
    }

    /// What is due of a number by then, or at all.
    pub async fn due_of(
        &self,
        line: &Line,
        is_held: bool,
        by: Option<Timestamp>,
        limit: i32,
        after: Option<Item>,
    ) -> Result<DuePage> {
        let partition = number_key(line, if is_held { 'h' } else { 'w' });
        let page = self.due(&partition, by, limit, after).await?;
        let thing = |item: &Item| {
            let millis = item.get("due_at")?.as_n().ok()?.parse().ok()?;
            let job = item.get("pk")?.as_s().ok()?.rsplit_once("#j#").map(|(_, job)| DueThing::Job(job.to_owned()));
            let thing = job.or_else(|| super::row::id_of(item).map(DueThing::Message))?;
            Some((thing, Timestamp::from_millisecond(millis).ok()?))
        };
        let things = page.items().iter().filter_map(thing).collect();
        Ok(DuePage { things, next: page.last_evaluated_key })
    }

    pub(super) async fn due(
        &self,
        partition: &str,
        by: Option<Timestamp>,
        limit: i32,
        after: Option<Item>,
    ) -> Result<aws_sdk_dynamodb::operation::query::QueryOutput> {
        let until = if by.is_some() { " AND due_at <= :by" } else { "" };
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("due")
            .key_condition_expression(format!("due = :partition{until}"))
            .expression_attribute_values(":partition", AttributeValue::S(partition.to_owned()))
            .limit(limit)
            .set_exclusive_start_key(after);
        if let Some(by) = by {
            query = query.expression_attribute_values(":by", AttributeValue::N(by.as_millisecond().to_string()));
        }
        query.send().await.map_err(Error::aws)
    }
}

pub(super) fn gate_key(line: &Line) -> Item {
    text_key(number_key(line, 'g'), GATE.to_owned())
}

pub(super) fn read(item: Item) -> Result<Gate> {
    Ok(serde_dynamo::from_item(item)?)
}

/// Back from the key.
fn line_of(partition: &str) -> Option<Line> {
    let (tenant, number) = partition.rsplit_once("#g#")?;
    Some(Line { tenant: tenant.parse().ok()?, number: number.parse().ok()? })
}
