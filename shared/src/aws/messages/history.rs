//! What was said in a conversation, newest first.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::{
    Messages, conversation_key,
    lists::text,
    merged::{Entry, Merged, Range},
    row,
};
use crate::{
    Error, Result,
    aws::transaction::Item,
    domain::{
        conversation::{ConversationId, Head, MessageId},
        message::{Direction, Standing, Stored},
        tenant::TenantId,
    },
};

/// How many messages a page looks at: one that finds little in them is short, and the next goes on behind.
const MOST_LOOKED_AT: usize = 500;
/// A page ends before it has more than this: an answer holds 6 MB, in which quotation marks are written twice over.
pub const MOST_BYTES: usize = 1_500_000;

/// One page of messages, and the place the next begins below.
#[derive(Debug)]
pub struct Said {
    pub messages: Vec<Stored>,
    pub next: Option<Standing>,
}

/// From when, and until before when, by Meta's time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

impl Messages {
    /// The messages of these conversations, which are one, that are wanted.
    pub async fn history(
        &self,
        tenant: &TenantId,
        conversations: &[ConversationId],
        span: Span,
        is_wanted: impl Fn(&Stored) -> bool,
        below: Option<&Standing>,
        limit: usize,
    ) -> Result<Said> {
        let lowest = span.since.map_or_else(|| "m#0".to_owned(), beginning);
        let until = span.until.map_or_else(|| "m#~".to_owned(), beginning);
        let highest = match below {
            Some(below) => until.min(format!("m#{:015}#~", below.milliseconds)),
            None => until,
        };
        if lowest > highest {
            return Ok(Said { messages: Vec::new(), next: None });
        }
        let range = |conversation| Range {
            partition: conversation_key(tenant, conversation),
            lowest: lowest.clone(),
            highest: highest.clone(),
        };
        let page = i32::try_from(limit + 1).unwrap_or(100);
        let mut merged = Merged::<Stored>::new(self, conversations.iter().map(range).collect(), below, page);
        let (mut messages, mut last, mut bytes) = (Vec::new(), None, 0);
        for _ in 0..MOST_LOOKED_AT {
            let Some(message) = merged.next().await? else { return Ok(Said { messages, next: None }) };
            let place = message.standing();
            if is_wanted(&message) {
                bytes += message.raw.len();
                if messages.len() == limit || (bytes > MOST_BYTES && !messages.is_empty()) {
                    return Ok(Said { messages, next: last });
                }
                messages.push(message);
            }
            last = Some(place);
        }
        Ok(Said { messages, next: last })
    }

    /// The newest message that the person of a conversation wrote.
    pub async fn newest_heard(&self, tenant: &TenantId, id: ConversationId, head: &Head) -> Result<Option<Stored>> {
        let parts = [&[id][..], &head.parts].concat();
        let is_heard = |message: &Stored| message.direction == Direction::Inbound && message.wamid.is_some();
        let said = self.history(tenant, &parts, Span::default(), is_heard, None, 1).await?;
        Ok(said.messages.into_iter().next())
    }

    /// The message that Meta knows by this id.
    pub async fn find_wamid(&self, tenant: &TenantId, wamid: &str) -> Result<Option<Stored>> {
        let Some(id) = self.id_of_wamid(tenant, wamid).await? else { return Ok(None) };
        self.find(tenant, &id).await
    }

    /// An index lags behind: what came this very moment may not be in it.
    async fn id_of_wamid(&self, tenant: &TenantId, wamid: &str) -> Result<Option<MessageId>> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("by_wamid")
            .key_condition_expression("wamid_key = :wamid")
            .expression_attribute_values(":wamid", AttributeValue::S(row::wamid_key(tenant, wamid)))
            .limit(1)
            .send()
            .await
            .map_err(Error::aws)?;
        Ok(answer.items.unwrap_or_default().first().and_then(row::id_of))
    }
}

/// The sort key that messages of this time, and later ones, come behind.
fn beginning(at: Timestamp) -> String {
    format!("m#{:015}", u64::try_from(at.as_millisecond()).unwrap_or(0))
}

impl Entry for Stored {
    type Standing = Standing;

    fn standing(&self) -> Standing {
        Self::standing(self)
    }

    fn moment(&self) -> u64 {
        self.id.milliseconds()
    }

    /// What did not fit in a message's item sorts behind it, the last part first on the way down.
    fn read(item: Item, parts: &mut Vec<Item>) -> Result<Vec<Self>> {
        if row::is_part(&item) {
            parts.push(item);
            return Ok(Vec::new());
        }
        let read = row::read(item)?;
        let of_it = format!("{}#c", read.message.id.sort_key());
        parts.retain(|part| text(part, "sk").is_some_and(|key| key.starts_with(&of_it)));
        parts.reverse();
        if parts.len() != read.more {
            return Err(Error::Corrupt("a message has lost a part".to_owned()));
        }
        Ok(vec![row::joined(read, std::mem::take(parts))?])
    }
}
