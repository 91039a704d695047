//! How many conversations are unread: all that whoever shows accounts may know of what was said.

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Select},
};

use super::{number_key, seconds};
use crate::{Error, Result, clock::Clock, domain::conversation::Line};

/// As many stand for more.
const MOST: i32 = 1_000;

#[derive(Debug, Clone)]
pub struct Unread {
    client: Client,
    table: String,
    clock: Clock,
}

impl Unread {
    pub fn new(client: Client, table: String, clock: Clock) -> Self {
        Self { client, table, clock }
    }

    pub async fn count(&self, line: &Line) -> Result<u64> {
        let counted = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :partition")
            .expression_attribute_values(":partition", AttributeValue::S(number_key(line, 'u')))
            .filter_expression("#ttl > :now")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", seconds(self.clock.now()))
            .select(Select::Count)
            .limit(MOST)
            .send()
            .await
            .map_err(Error::aws)?;
        Ok(u64::try_from(counted.count).unwrap_or_default())
    }
}
