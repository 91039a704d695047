//! People who are being forgotten. That somebody is, is one transaction: from then on nobody is known by their
//! conversation, and what is left to do is due until it is done.

use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    types::{AttributeValue, Put, TransactWriteItem},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Messages, number_key, row, text_key};
use crate::{
    Error, Result,
    aws::{
        batch_get, delete,
        transaction::{Item, Outcome, Transactions},
    },
    domain::{
        conversation::{ConversationId, Line},
        erasure::{Erasure, REMEMBERED, Step, Whom},
        hex,
    },
};

/// The partition of the index `due` that has all of them.
const ERASURES: &str = "erasures";

/// The stored form: renaming a field here is a migration.
#[derive(Serialize, Deserialize)]
struct Row {
    conversations: Vec<String>,
    whom: Whom,
    asked_at: Timestamp,
    step: Step,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    is_again: bool,
    due: String,
    due_at: i64,
}

impl Messages {
    /// Erases a conversation as it was seen, at `revision`, with its parts. False: it is not any more what it was.
    pub async fn erase(
        &self,
        erasure: &Erasure,
        revision: u64,
        noted: TransactWriteItem,
        now: Timestamp,
    ) -> Result<bool> {
        let tenant = &erasure.line.tenant;
        let mut writes = Vec::new();
        for (place, id) in erasure.conversations.iter().enumerate() {
            let head = row::erased_head(tenant, id, now, now + REMEMBERED);
            let mut put = Put::builder().table_name(&self.table).set_item(Some(head));
            if place == 0 {
                put = put
                    .condition_expression("revision = :seen")
                    .expression_attribute_values(":seen", AttributeValue::N(revision.to_string()));
            }
            writes.push(TransactWriteItem::builder().put(put.build().map_err(Error::aws)?).build());
        }
        let put = Put::builder().table_name(&self.table).set_item(Some(write(erasure)?)).build();
        writes.push(TransactWriteItem::builder().put(put.map_err(Error::aws)?).build());
        writes.push(noted);
        Ok(matches!(Transactions::new(self.client.clone()).commit(writes).await?, Outcome::Committed))
    }

    /// Those of whom something is left to do by then, the longest overdue first.
    pub async fn erasures_due(&self, by: Timestamp, limit: i32) -> Result<Vec<Erasure>> {
        let found = self.due(ERASURES, Some(by), limit, None).await?.items.unwrap_or_default();
        let keys = found.iter().filter_map(|item| Some(text_key(text(item, "pk")?, text(item, "sk")?)));
        let keys = keys.map(|key| (self.table.as_str(), key)).collect();
        let items = batch_get::items(&self.client, keys).await?.into_iter();
        let mut erasures = Vec::new();
        for (_, item) in items {
            match read(item) {
                Ok(erasure) => erasures.extend(Some(erasure).filter(|erasure| erasure.due_at <= by)),
                // It holds up none of the others.
                Err(error) => tracing::error!(error = %error.chain(), "an erasure failed"),
            }
        }
        erasures.sort_by_key(|erasure| erasure.due_at);
        Ok(erasures)
    }

    /// Notes how far it has come, over what it was at `before`. False: somebody else is at it.
    pub async fn note_erasure(&self, erasure: &Erasure, before: Timestamp) -> Result<bool> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(write(erasure)?))
            .condition_expression("due_at = :before")
            .expression_attribute_values(":before", millis(before));
        let Err(error) = put.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(Error::aws(error)),
        }
    }

    /// Nothing is left to do.
    pub async fn end_erasure(&self, erasure: &Erasure) -> Result<()> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key(&erasure.line, erasure.conversations.first())?))
            .condition_expression("due_at = :before")
            .expression_attribute_values(":before", millis(erasure.due_at));
        delete::send(delete).await
    }
}

fn write(erasure: &Erasure) -> Result<Item> {
    let mut item: Item = serde_dynamo::to_item(Row {
        conversations: erasure.conversations.iter().map(ConversationId::hex).collect(),
        whom: erasure.whom.clone(),
        asked_at: erasure.asked_at,
        step: erasure.step,
        place: erasure.place.clone(),
        is_again: erasure.is_again,
        due: ERASURES.to_owned(),
        due_at: erasure.due_at.as_millisecond(),
    })?;
    item.extend(key(&erasure.line, erasure.conversations.first())?);
    Ok(item)
}

fn read(item: Item) -> Result<Erasure> {
    let corrupt = || Error::Corrupt("an erasure".to_owned());
    let partition = text(&item, "pk").ok_or_else(corrupt)?;
    let (tenant, number) = partition.rsplit_once("#x#").ok_or_else(corrupt)?;
    let line = Line { tenant: tenant.parse().map_err(|_| corrupt())?, number: number.parse().map_err(|_| corrupt())? };
    let row: Row = serde_dynamo::from_item(item)?;
    let id = |text: &String| hex::decode(text).map(ConversationId::new);
    Ok(Erasure {
        line,
        conversations: row.conversations.iter().map(id).collect::<Option<_>>().ok_or_else(corrupt)?,
        whom: row.whom,
        asked_at: row.asked_at,
        step: row.step,
        place: row.place,
        is_again: row.is_again,
        due_at: Timestamp::from_millisecond(row.due_at).map_err(|_| corrupt())?,
    })
}

fn key(line: &Line, id: Option<&ConversationId>) -> Result<Item> {
    let id = id.ok_or_else(|| Error::Corrupt("an erasure of nobody".to_owned()))?;
    Ok(text_key(number_key(line, 'x'), id.hex()))
}

fn text(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

fn millis(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_millisecond().to_string())
}
