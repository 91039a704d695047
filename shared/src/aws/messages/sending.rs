//! Messages of ours on their way out. Each step is saved over the step it was made from.

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};

use super::{Messages, conversation_key, row, text_key};
use crate::{
    Error, Result,
    domain::{
        conversation::{Backlog, Line, MessageId},
        message::Stored,
        sending::{Sending, State},
        tenant::TenantId,
    },
};

/// What became of a step.
#[derive(Debug)]
pub enum Stepped {
    Done,
    /// It is somewhere else by now.
    Moved(Box<Stored>),
    /// There is no such message.
    Gone,
}

impl Messages {
    /// Saves the next step of a message: `after` is a revision later than what it was made from. An answer that was lost
    /// is known again by whose the step is. `wamid`: Meta's id, where this step has brought it.
    pub async fn step(&self, line: &Line, id: &MessageId, after: &Sending, wamid: Option<&str>) -> Result<Stepped> {
        let mut sets = vec!["#out = :out"];
        let mut remove = Vec::new();
        let place = text_key(conversation_key(&line.tenant, &id.conversation), id.sort_key());
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(place))
            .condition_expression("#out.#r = :before")
            .expression_attribute_names("#out", row::SENDING)
            .expression_attribute_names("#r", "r")
            .expression_attribute_values(":before", number(after.revision - 1))
            .expression_attribute_values(":out", AttributeValue::M(serde_dynamo::to_item(after)?))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match after.due_at {
            Some(at) => {
                let partition = due_partition(line, after.state);
                sets.push("due = :due, due_at = :due_at");
                update = update.expression_attribute_values(":due", AttributeValue::S(partition));
                update =
                    update.expression_attribute_values(":due_at", AttributeValue::N(at.as_millisecond().to_string()));
            }
            None => remove.push("due, due_at"),
        }
        if let Some(wamid) = wamid {
            // A status may have brought it before.
            sets.push("wamid = if_not_exists(wamid, :wamid), wamid_key = if_not_exists(wamid_key, :wamid_key)");
            update = update.expression_attribute_values(":wamid", AttributeValue::S(wamid.to_owned()));
            let key = row::wamid_key(&line.tenant, wamid);
            update = update.expression_attribute_values(":wamid_key", AttributeValue::S(key));
        }
        let remove = if remove.is_empty() { String::new() } else { format!(" REMOVE {}", remove.join(", ")) };
        let sent = update.update_expression(format!("SET {}{remove}", sets.join(", "))).send().await;
        let Err(error) = sent else { return Ok(Stepped::Done) };
        let Some(UpdateItemError::ConditionalCheckFailedException(refused)) = error.as_service_error() else {
            return Err(Error::aws(error));
        };
        let Some(item) = refused.item().cloned() else { return Ok(Stepped::Gone) };
        let there = self.whole(&line.tenant, item).await?;
        Ok(match &there.sending {
            Some(now) if now.revision == after.revision && now.by == after.by => Stepped::Done,
            _ => Stepped::Moved(Box::new(there)),
        })
    }

    /// The messages of a backlog that have not gone out, in their order, without those from `before` on.
    pub async fn backlog(
        &self,
        tenant: &TenantId,
        backlog: &Backlog,
        before: Option<&MessageId>,
        limit: i32,
    ) -> Result<Vec<Stored>> {
        let until = before.map_or_else(|| format!("{}~", backlog.to.sort_key()), MessageId::sort_key);
        let from = backlog.from.sort_key();
        let mut found = Vec::new();
        if until <= from {
            return Ok(found);
        }
        let mut start = None;
        loop {
            let partition = conversation_key(tenant, &backlog.from.conversation);
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("pk = :conversation AND sk BETWEEN :from AND :until")
                .filter_expression("#out.#s IN (:waiting, :held)")
                .expression_attribute_names("#out", row::SENDING)
                .expression_attribute_names("#s", "s")
                .expression_attribute_values(":waiting", word(State::Waiting))
                .expression_attribute_values(":held", word(State::Held))
                .expression_attribute_values(":conversation", AttributeValue::S(partition))
                .expression_attribute_values(":from", AttributeValue::S(from.clone()))
                .expression_attribute_values(":until", AttributeValue::S(until.clone()))
                .limit(PAGE)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(Error::aws)?;
            for item in page.items.unwrap_or_default() {
                let message = row::read(item)?.message;
                if before.is_none_or(|before| message.id != *before) {
                    found.push(message);
                }
            }
            start = page.last_evaluated_key;
            if start.is_none() || found.len() >= usize::try_from(limit).unwrap_or_default() {
                found.truncate(usize::try_from(limit).unwrap_or_default());
                return Ok(found);
            }
        }
    }
}

/// Messages that are looked through at a time.
const PAGE: i32 = 200;

/// Where the index `due` has what waits of a number; what is held stands apart, for nobody looks at it until it may go.
pub(super) fn due_partition(line: &Line, state: State) -> String {
    let kind = if state == State::Held { 'h' } else { 'w' };
    super::number_key(line, kind)
}

fn word(state: State) -> AttributeValue {
    let word = match state {
        State::Held => "held",
        _ => "waiting",
    };
    AttributeValue::S(word.to_owned())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
