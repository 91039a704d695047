//! Taking what events show of somebody out of a log. The events stay where they are, so that nobody's place in the log
//! changes, and say that the thing is there no more. Twice: nothing is left to take out. Half: what did not fit in an item
//! is marked before it is deleted.

use aws_sdk_dynamodb::types::{AttributeValue, Update};

use super::{Events, FIRST, Log, Stored, blob, deflated, key, number, rest_of, text};
use crate::{
    Error, Result,
    aws::{batch_write, transaction::Item, update},
    domain::{
        conversation::ConversationId,
        event::{Event, Place},
        tenant::TenantId,
    },
};

/// Items of a log that are looked at in one call.
const PAGE: i32 = 25;
/// How much lay beside an item whose events show less now.
const GONE: &str = "gone";

impl Events {
    /// Looks through some of a tenant's log for conversations. Gives behind what to go on; none: it is at its end.
    pub async fn forget(
        &self,
        tenant: &TenantId,
        of: &[ConversationId],
        after: Option<Place>,
    ) -> Result<Option<Place>> {
        let partition = Log::Of(tenant).partition();
        let (items, next) = self.page(&partition, after).await?;
        for item in items {
            self.forget_in(&partition, item, of).await?;
        }
        Ok(next)
    }

    /// Takes away some of a tenant's log. Says how much, and behind what to go on. The anchor stays: a log that is told
    /// into again goes on behind what its readers have seen.
    pub async fn forget_tenant(&self, tenant: &TenantId, after: Option<Place>) -> Result<(u64, Option<Place>)> {
        let partition = Log::Of(tenant).partition();
        let (items, next) = self.page(&partition, after).await?;
        let mut keys = Vec::new();
        for item in &items {
            let rest = rest_of(&partition, text(item, "hash").unwrap_or_default());
            let beside = ["more", GONE].into_iter().filter_map(|name| number(item, name)).max().unwrap_or_default();
            keys.extend((0..beside).map(|place| key(rest.clone(), place.to_string())));
        }
        // What lies beside an item goes first: it is found by the item alone.
        batch_write::delete(&self.client, &self.table, &keys).await?;
        batch_write::delete(&self.client, &self.table, &items).await?;
        Ok((u64::try_from(items.len()).unwrap_or_default(), next))
    }

    async fn page(&self, partition: &str, after: Option<Place>) -> Result<(Vec<Item>, Option<Place>)> {
        let after = after.map_or_else(|| FIRST.to_owned(), |place| place.to_string());
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :log AND sk > :after")
            .expression_attribute_values(":log", AttributeValue::S(partition.to_owned()))
            .expression_attribute_values(":after", AttributeValue::S(after))
            .limit(PAGE)
            .send()
            .await
            .map_err(Error::aws)?;
        let next = page.last_evaluated_key.as_ref().and_then(|key| text(key, "sk")?.parse().ok());
        Ok((page.items.unwrap_or_default(), next))
    }

    async fn forget_in(&self, partition: &str, item: Item, of: &[ConversationId]) -> Result<()> {
        let sort_key = text(&item, "sk").unwrap_or_default().to_owned();
        let gone = number(&item, GONE);
        let stored = Stored::read(item)?;
        let (hash, more) = (stored.hash.clone(), stored.more);
        let mut events: Vec<Event> = self.contents(partition, stored).await?;
        let mut has_shown = false;
        for event in &mut events {
            let is_theirs = event.conversation_id.is_some_and(|id| of.contains(&id));
            has_shown |= is_theirs && event.data.take().is_some();
        }
        if has_shown {
            self.show_less(partition, &sort_key, &events, more).await?;
        }
        let beside = if has_shown && more > 0 { Some(more) } else { gone.and_then(|gone| usize::try_from(gone).ok()) };
        if let Some(beside) = beside {
            self.forget_rest(partition, &sort_key, &hash, beside).await?;
        }
        Ok(())
    }

    /// What is left of a pack fits in its item: only a single event is larger, and that shows nothing now.
    async fn show_less(&self, partition: &str, sort_key: &str, events: &[Event], more: usize) -> Result<()> {
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(partition.to_owned(), sort_key.to_owned())))
            // What has expired meanwhile must not come back.
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":less", blob(&deflated(events)?));
        let update = if more > 0 {
            update
                .update_expression("SET z = :less, #gone = :gone REMOVE #more")
                .expression_attribute_names("#gone", GONE)
                .expression_attribute_names("#more", "more")
                .expression_attribute_values(":gone", AttributeValue::N(more.to_string()))
        } else {
            update.update_expression("SET z = :less")
        };
        update::send(&self.client, update.build().map_err(Error::aws)?).await.map(drop)
    }

    async fn forget_rest(&self, partition: &str, sort_key: &str, hash: &str, beside: usize) -> Result<()> {
        let rest = rest_of(partition, hash);
        let keys: Vec<Item> = (0..beside).map(|place| key(rest.clone(), place.to_string())).collect();
        batch_write::delete(&self.client, &self.table, &keys).await?;
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key(partition.to_owned(), sort_key.to_owned())))
            .update_expression("REMOVE #gone")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#gone", GONE);
        update::send(&self.client, update.build().map_err(Error::aws)?).await.map(drop)
    }
}
