//! What counting again needs: the names a number knows people by, who counted each hour last, and an hour's counts anew.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{operation::put_item::PutItemError, primitives::Blob, types::AttributeValue};
use jiff::{SignedDuration, Timestamp};

use super::{Messages, aliases, lists::text, notes::hour, number_key, seconds, text_key};
use crate::{
    Error, Result,
    aws::transaction::Item,
    domain::{
        conversation::{Alias, ConversationId, Line},
        hex,
    },
};

/// TTL takes what is older than what is kept, and what is being read must outlast the reading.
const READING: SignedDuration = SignedDuration::from_hours(24);

/// A name as its key is written, and the conversations it leads or led to.
#[derive(Debug)]
pub struct Name {
    pub key: String,
    pub conversations: Vec<ConversationId>,
}

/// Some names, and the one after which there are more.
#[derive(Debug)]
pub struct Names {
    pub names: Vec<Name>,
    pub next: Option<String>,
}

impl Messages {
    /// Since when there is everything that was said.
    pub fn kept_since(&self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.retention).map_or(Timestamp::MIN, |since| since + READING)
    }

    /// The names a number knows people and groups by, in the order of their keys.
    pub async fn names(&self, line: &Line, after: Option<&str>, limit: i32) -> Result<Names> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :partition AND sk > :after")
            .expression_attribute_values(":partition", AttributeValue::S(number_key(line, 'a')))
            .expression_attribute_values(":after", AttributeValue::S(after.unwrap_or(" ").to_owned()))
            .limit(limit)
            .send()
            .await
            .map_err(Error::aws)?;
        let names = answer
            .items
            .unwrap_or_default()
            .into_iter()
            .filter_map(|item| Some(Name { key: text(&item, "sk")?.to_owned(), conversations: led_to(&item) }));
        let next = answer.last_evaluated_key.as_ref().and_then(|key| text(key, "sk")).map(str::to_owned);
        Ok(Names { names: names.collect(), next })
    }

    /// The conversations a name leads or led to.
    pub async fn led(&self, line: &Line, alias: &Alias) -> Result<Vec<ConversationId>> {
        let item = self.get(number_key(line, 'a'), alias.key()).await?;
        Ok(item.map(|item| led_to(&item)).unwrap_or_default())
    }

    /// Which count was the last of each hour that has any.
    pub async fn last_counts(&self, line: &Line, from: Timestamp, to: Timestamp) -> Result<BTreeMap<String, String>> {
        let (mut hours, mut start) = (BTreeMap::new(), None);
        loop {
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .key_condition_expression("pk = :partition AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":partition", AttributeValue::S(number_key(line, 'n')))
                .expression_attribute_values(":from", AttributeValue::S(hour(from)))
                .expression_attribute_values(":to", AttributeValue::S(hour(to)))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(Error::aws)?;
            for item in answer.items.unwrap_or_default() {
                let by = item.get("by").and_then(|by| by.as_b().ok()).map(|by| hex::encode(by.as_ref()));
                hours.extend(text(&item, "sk").map(|hour| (hour.to_owned(), by.unwrap_or_default())));
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(hours);
            }
        }
    }

    /// Puts an hour's counts in the place of those that stand there. False, and nothing is changed, where the last count
    /// is neither `seen` nor this one, `token`, from before.
    pub async fn recount(
        &self,
        line: &Line,
        hour: &str,
        counts: &BTreeMap<String, u64>,
        seen: Option<&str>,
        token: [u8; 6],
        now: Timestamp,
    ) -> Result<bool> {
        let mut item = text_key(number_key(line, 'n'), hour.to_owned());
        item.extend(counts.iter().map(|(name, count)| (name.clone(), AttributeValue::N(count.to_string()))));
        item.insert("ttl".to_owned(), seconds(now + self.retention));
        item.insert("by".to_owned(), AttributeValue::B(Blob::new(token)));
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .expression_attribute_names("#by", "by")
            .expression_attribute_values(":token", AttributeValue::B(Blob::new(token)));
        let put = match seen {
            None => put.condition_expression("attribute_not_exists(pk) OR #by = :token"),
            Some(seen) => {
                let seen: [u8; 6] = hex::decode(seen).ok_or_else(|| Error::Corrupt("which count it was".to_owned()))?;
                put.condition_expression("#by IN (:seen, :token)")
                    .expression_attribute_values(":seen", AttributeValue::B(Blob::new(seen)))
            }
        };
        let Err(error) = put.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(Error::aws(error)),
        }
    }
}

fn led_to(item: &Item) -> Vec<ConversationId> {
    aliases::leads(item).all().collect()
}
