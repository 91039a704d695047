//! What Meta tells of messages: facts on the message, and facts that wait for theirs to come.

use aws_sdk_dynamodb::{
    operation::{put_item::PutItemError, update_item::UpdateItemError},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::{SignedDuration, Timestamp};

use super::{HEAD, Messages, conversation_key, number_key, row, seconds, text_key};
use crate::{
    Error, Result,
    aws::transaction::Item,
    domain::{
        conversation::{Alias, ConversationId, Line, MessageId},
        hex,
        message::{Fact, Stored, Told},
        tenant::TenantId,
    },
};

/// How long a fact waits for its message: longer than Meta repeats itself.
const WAITS: SignedDuration = SignedDuration::from_hours(24 * 15);
/// The names of whom it is of: whoever erases them finds it by these.
pub(super) const OF: &str = "of";
/// A status may come before what the index shows: so many of the conversation's newest messages are looked through.
const LOOKED_THROUGH: i32 = 100;

/// What a fact came to.
#[derive(Debug, PartialEq)]
pub enum Kept {
    /// The first of its kind, of this message.
    New(Box<Stored>),
    Known,
    /// There is no such message.
    Nowhere,
}

impl Messages {
    /// The message with Meta's id, where the index shows it yet.
    pub async fn message_of(&self, tenant: &TenantId, wamid: &str) -> Result<Option<MessageId>> {
        let query = self.client.query().table_name(&self.table).index_name("by_wamid");
        let query = query.key_condition_expression("wamid_key = :wamid");
        let query = query.expression_attribute_values(":wamid", AttributeValue::S(row::wamid_key(tenant, wamid)));
        let found = query.limit(1).send().await.map_err(Error::aws)?;
        Ok(found.items.and_then(|items| items.first().and_then(row::id_of)))
    }

    /// The same among the newest of one conversation, which shows what was put a moment ago.
    pub async fn recent_of(
        &self,
        tenant: &TenantId,
        conversation: ConversationId,
        wamid: &str,
    ) -> Result<Option<MessageId>> {
        let query = self.client.query().table_name(&self.table).consistent_read(true).scan_index_forward(false);
        let found = query
            .key_condition_expression("pk = :conversation AND sk > :head")
            .filter_expression("wamid = :wamid")
            .expression_attribute_values(":conversation", AttributeValue::S(conversation_key(tenant, &conversation)))
            .expression_attribute_values(":head", AttributeValue::S(HEAD.to_owned()))
            .expression_attribute_values(":wamid", AttributeValue::S(wamid.to_owned()))
            .projection_expression("pk, sk")
            .limit(LOOKED_THROUGH)
            .send()
            .await
            .map_err(Error::aws)?;
        Ok(found.items.and_then(|items| items.first().and_then(row::id_of)))
    }

    /// Keeps a fact on its message: of several of one kind the earliest, so that their order does not matter.
    pub async fn tell(&self, tenant: &TenantId, message: &MessageId, kind: &str, fact: &Fact) -> Result<Kept> {
        self.keep_fact(tenant, message, kind, fact, None).await.map(|(kept, _)| kept)
    }

    /// The same of a message that we sent, with the id that Meta has given it: the first one that is told stays. A second
    /// one says that Meta has taken the message twice.
    pub async fn tell_ours(
        &self,
        tenant: &TenantId,
        message: &MessageId,
        wamid: &str,
        kind: &str,
        fact: &Fact,
    ) -> Result<Kept> {
        let (kept, known) = self.keep_fact(tenant, message, kind, fact, Some(wamid)).await?;
        if known.is_some_and(|known| known != wamid) {
            tracing::warn!(%message, "duplicate_detected: Meta has given a message two ids");
            let place = text_key(conversation_key(tenant, &message.conversation), message.sort_key());
            let update = self.client.update_item().table_name(&self.table).set_key(Some(place));
            let update = update.update_expression("SET twin = if_not_exists(twin, :wamid)");
            let update = update.expression_attribute_values(":wamid", AttributeValue::S(wamid.to_owned()));
            update.send().await.map_err(Error::aws)?;
        }
        Ok(kept)
    }

    /// Also what id of Meta's the message had.
    async fn keep_fact(
        &self,
        tenant: &TenantId,
        message: &MessageId,
        kind: &str,
        fact: &Fact,
        wamid: Option<&str>,
    ) -> Result<(Kept, Option<String>)> {
        let place = text_key(conversation_key(tenant, &message.conversation), message.sort_key());
        let fact_at = AttributeValue::S(fact.at.to_string());
        let mut update = self.client.update_item();
        let mut expression = "SET st.#kind = :fact".to_owned();
        if let Some(wamid) = wamid {
            expression += ", wamid = if_not_exists(wamid, :wamid), wamid_key = if_not_exists(wamid_key, :wamid_key)";
            update = update.expression_attribute_values(":wamid", AttributeValue::S(wamid.to_owned()));
            let key = row::wamid_key(tenant, wamid);
            update = update.expression_attribute_values(":wamid_key", AttributeValue::S(key));
        }
        let sent = update
            .table_name(&self.table)
            .set_key(Some(place))
            .update_expression(expression)
            .condition_expression("attribute_exists(pk) AND (attribute_not_exists(st.#kind) OR st.#kind.#at > :at)")
            .expression_attribute_names("#kind", kind)
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":fact", AttributeValue::M(serde_dynamo::to_item(fact)?))
            .expression_attribute_values(":at", fact_at)
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(before) => {
                let before = before.attributes.ok_or_else(|| Error::Corrupt("a message without a row".to_owned()))?;
                let before = self.whole(tenant, before).await?;
                let known = before.wamid.clone();
                let kept = if before.statuses.contains_key(kind) { Kept::Known } else { Kept::New(Box::new(before)) };
                Ok((kept, known))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    let known = refused.item().and_then(|item| item.get("wamid")?.as_s().ok().cloned());
                    Ok((if refused.item().is_some() { Kept::Known } else { Kept::Nowhere }, known))
                }
                _ => Err(Error::aws(error)),
            },
        }
    }

    /// Lets a fact wait for its message: of several of one kind the earliest.
    pub async fn wait(&self, line: &Line, told: &Told, now: Timestamp) -> Result<()> {
        let Told { wamid, fact, recipient, .. } = told;
        let mut item: Item = serde_dynamo::to_item(fact)?;
        item.extend(text_key(number_key(line, 's'), format!("{}#{}", short(wamid), told.key())));
        item.insert("ttl".to_owned(), seconds(now + WAITS));
        let of: Vec<String> = recipient.aliases().iter().map(Alias::key).collect();
        if !of.is_empty() {
            item.insert(OF.to_owned(), AttributeValue::Ss(of));
        }
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR #at > :at")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":at", AttributeValue::S(fact.at.to_string()));
        let Err(error) = put.send().await else { return Ok(()) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
            _ => Err(Error::aws(error)),
        }
    }

    /// The facts that wait for a message, each with its kind.
    pub async fn waiting(&self, line: &Line, wamid: &str) -> Result<Vec<(String, Fact)>> {
        let begin = format!("{}#", short(wamid));
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :begin)")
            .expression_attribute_values(":pk", AttributeValue::S(number_key(line, 's')))
            .expression_attribute_values(":begin", AttributeValue::S(begin.clone()))
            .send()
            .await
            .map_err(Error::aws)?;
        let read = |item: Item| {
            let kind = item.get("sk").and_then(|sk| sk.as_s().ok()).and_then(|sk| sk.strip_prefix(&begin));
            let kind = kind.unwrap_or_default().to_owned();
            Ok((kind, serde_dynamo::from_item(item)?))
        };
        found.items.unwrap_or_default().into_iter().map(read).collect()
    }

    /// It waits no more.
    pub async fn stop_waiting(&self, line: &Line, wamid: &str, kind: &str) -> Result<()> {
        let place = text_key(number_key(line, 's'), format!("{}#{kind}", short(wamid)));
        self.client.delete_item().table_name(&self.table).set_key(Some(place)).send().await.map_err(Error::aws)?;
        Ok(())
    }
}

/// An id that fits into a key.
fn short(wamid: &str) -> String {
    if wamid.len() <= 300 { wamid.to_owned() } else { hex::sha256(wamid.as_bytes()) }
}
