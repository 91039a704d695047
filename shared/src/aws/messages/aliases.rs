//! The names that lead to a conversation. One name leads to one: it is put only where there is none, moved only from
//! where it was.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use jiff::Timestamp;

use super::{Messages, NOTHING_STANDS, conversation_key, number_key, row, seconds, text_key};
use crate::{
    Error, Result,
    aws::{
        transaction::{Item, Outcome, Transactions},
        update,
    },
    domain::{
        conversation::{Alias, ConversationId, Head, Leads, Line},
        hex,
    },
};

pub(super) const CONVERSATION: &str = "conversation";
pub(super) const BEFORE: &str = "before";
pub(super) const UNTIL: &str = "until";

/// A conversation with its head, as a change of names saves it.
#[derive(Debug)]
pub struct Side<'a> {
    pub id: ConversationId,
    pub head: &'a Head,
}

impl Messages {
    /// Lets names lead to a conversation. False, and nothing is changed, where one of them leads somewhere already.
    pub async fn name(&self, line: &Line, conversation: ConversationId, aliases: &[Alias]) -> Result<bool> {
        let namings = aliases.iter().map(|alias| self.naming(line, conversation, alias, None));
        let mut namings = namings.collect::<Result<Vec<_>>>()?;
        match (namings.pop(), namings.is_empty()) {
            (None, _) => Ok(true),
            // One alone costs half of what it would in a transaction.
            (Some(naming), true) => update::send(&self.client, naming).await,
            (Some(naming), false) => {
                namings.push(naming);
                self.commit(namings.into_iter().map(in_transaction).collect()).await
            }
        }
    }

    /// Begins a conversation with somebody of whom nothing is known: the name and the head, or, where the name leads
    /// somewhere already, neither.
    pub async fn begin(
        &self,
        line: &Line,
        conversation: ConversationId,
        head: &Head,
        alias: &Alias,
        now: Timestamp,
    ) -> Result<bool> {
        let head = self.replacing(line, &Side { id: conversation, head }, now)?;
        self.commit(vec![in_transaction(self.naming(line, conversation, alias, None)?), head]).await
    }

    /// Makes one conversation of two that turned out to be with the same person: at once, or not at all where either has
    /// changed meanwhile. Both heads are as they are to be.
    pub async fn merge(&self, line: &Line, winner: Side<'_>, loser: Side<'_>, now: Timestamp) -> Result<bool> {
        let mut writes = vec![self.replacing(line, &winner, now)?, self.replacing(line, &loser, now)?];
        for alias in loser.head.contact.living() {
            writes.push(in_transaction(self.naming(line, winner.id, alias, Some(loser.id))?));
        }
        self.commit(writes).await
    }

    /// Lets a person's old names lead to them only for what was said until then. Where one leads elsewhere by now, it is
    /// left as it is.
    pub async fn unname(
        &self,
        line: &Line,
        conversation: ConversationId,
        aliases: &[Alias],
        until: Timestamp,
    ) -> Result<()> {
        for alias in aliases {
            let update = Update::builder()
                .table_name(&self.table)
                .set_key(Some(alias_key(line, alias)))
                .update_expression("SET #before = :here, #until = :until REMOVE #conversation")
                .condition_expression("#conversation = :here")
                .expression_attribute_names("#conversation", CONVERSATION)
                .expression_attribute_names("#before", BEFORE)
                .expression_attribute_names("#until", UNTIL)
                .expression_attribute_values(":here", AttributeValue::S(conversation.hex()))
                .expression_attribute_values(":until", AttributeValue::N(until.as_millisecond().to_string()));
            update::send(&self.client, update.build().map_err(Error::aws)?).await?;
        }
        Ok(())
    }

    async fn commit(&self, writes: Vec<TransactWriteItem>) -> Result<bool> {
        Ok(matches!(Transactions::new(self.client.clone()).commit(writes).await?, Outcome::Committed))
    }

    /// `from`: it may lead there so far.
    fn naming(
        &self,
        line: &Line,
        conversation: ConversationId,
        alias: &Alias,
        from: Option<ConversationId>,
    ) -> Result<Update> {
        let mut update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(alias_key(line, alias)))
            .update_expression("SET #conversation = :here")
            .expression_attribute_names("#conversation", CONVERSATION)
            .expression_attribute_values(":here", AttributeValue::S(conversation.hex()));
        update = match from {
            None => update.condition_expression("attribute_not_exists(#conversation)"),
            Some(from) => update
                .condition_expression("attribute_not_exists(#conversation) OR #conversation IN (:from, :here)")
                .expression_attribute_values(":from", AttributeValue::S(from.hex())),
        };
        update.build().map_err(Error::aws)
    }

    fn replacing(&self, line: &Line, side: &Side<'_>, now: Timestamp) -> Result<TransactWriteItem> {
        let before = side.head.revision;
        let head = Head { revision: before + 1, ..side.head.clone() };
        let item = row::write_head(&line.tenant, &side.id, &head, now + self.retention)?;
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = if before == 0 {
            put.condition_expression(NOTHING_STANDS)
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":now", seconds(now))
        } else {
            put.condition_expression("revision = :before")
                .expression_attribute_values(":before", AttributeValue::N(before.to_string()))
        };
        Ok(TransactWriteItem::builder().put(put.build().map_err(Error::aws)?).build())
    }
}

fn in_transaction(update: Update) -> TransactWriteItem {
    TransactWriteItem::builder().update(update).build()
}

pub(super) fn alias_key(line: &Line, alias: &Alias) -> Item {
    text_key(number_key(line, 'a'), alias.key())
}

/// Where a name leads.
pub(super) fn leads(item: &Item) -> Leads {
    let conversation = |name| hex::decode(item.get(name)?.as_s().ok()?).map(ConversationId::new);
    let until = || Timestamp::from_millisecond(item.get(UNTIL)?.as_n().ok()?.parse().ok()?).ok();
    Leads { now: conversation(CONVERSATION), before: conversation(BEFORE).zip(until()) }
}

pub(super) fn head_key(line: &Line, conversation: &ConversationId) -> Item {
    text_key(conversation_key(&line.tenant, conversation), super::HEAD.to_owned())
}
