//! Which conversations a filter may mean: found by phone, by name, by what is unread, wherever those are few.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    Messages, aliases,
    lists::{partition, text},
};
use crate::{
    Error, Result,
    aws::transaction::Item,
    domain::{
        conversation::{Alias, ConversationId, Wanted},
        hex,
        meta_id::PhoneNumberId,
        tenant::TenantId,
    },
};

/// More than this are not few: then the list itself is walked, in which they are frequent.
const FEW: i32 = 1_000;

impl Messages {
    /// All that may be wanted; none: there is no filter, or there are many.
    pub(super) async fn candidates(
        &self,
        tenant: &TenantId,
        numbers: &[PhoneNumberId],
        wanted: &Wanted,
    ) -> Result<Option<Vec<ConversationId>>> {
        if !wanted.phones.is_empty() {
            return self.with_phone(tenant, numbers, &wanted.phones).await.map(Some);
        }
        let (kind, prefix) = match &wanted.name {
            Some(name) => ('q', name.as_str()),
            None if wanted.unread => ('u', ""),
            None => return Ok(None),
        };
        let (mut found, mut left) = (Vec::new(), FEW);
        for number in numbers {
            let Some(some) = self.marked(partition(tenant, number, kind), prefix, left).await? else {
                return Ok(None);
            };
            left -= i32::try_from(some.len()).unwrap_or(FEW);
            found.extend(some);
        }
        Ok(Some(found))
    }

    async fn with_phone(
        &self,
        tenant: &TenantId,
        numbers: &[PhoneNumberId],
        phones: &[String],
    ) -> Result<Vec<ConversationId>> {
        let keys = |number| {
            let partition = partition(tenant, number, 'a');
            phones.iter().map(move |phone| (partition.clone(), Alias::Phone(phone.clone()).key()))
        };
        let items = self.items(numbers.iter().flat_map(keys).collect()).await?;
        Ok(items.iter().filter_map(|item| aliases::leads(item).now).collect())
    }

    /// The conversations that the sort keys of a partition end with; none: they are more than `most`.
    async fn marked(&self, partition: String, prefix: &str, most: i32) -> Result<Option<Vec<ConversationId>>> {
        let mut query = self
            .client
            .query()
            .table_name(&self.table)
            .expression_attribute_values(":partition", AttributeValue::S(partition))
            .limit(most + 1);
        // An empty beginning is none that DynamoDB takes.
        query = if prefix.is_empty() {
            query.key_condition_expression("pk = :partition")
        } else {
            query
                .key_condition_expression("pk = :partition AND begins_with(sk, :prefix)")
                .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
        };
        let answer = query.send().await.map_err(Error::aws)?;
        let items = answer.items.unwrap_or_default();
        let are_few =
            answer.last_evaluated_key.is_none() && i32::try_from(items.len()).is_ok_and(|count| count <= most);
        let living = items.iter().filter(|item| self.lives(item));
        Ok(are_few.then(|| living.filter_map(marked_conversation).collect()))
    }
}

fn marked_conversation(item: &Item) -> Option<ConversationId> {
    let key = text(item, "sk")?;
    let hex = key.rsplit_once('#').map_or(key, |(_, conversation)| conversation);
    hex::decode(hex).map(ConversationId::new)
}
