//! How many conversations are unread: all that whoever shows accounts may know of what was said.

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, Select},
};

use super::number_key;
use crate::{Error, Result, domain::conversation::Line};

/// As many stand for more.
const MOST: i32 = 1_000;

#[derive(Debug, Clone)]
pub struct Unread {
    client: Client,
    table: String,
}

impl Unread {
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    pub async fn count(&self, line: &Line) -> Result<u64> {
        let counted = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :partition")
            .expression_attribute_values(":partition", AttributeValue::S(number_key(line, 'u')))
            .select(Select::Count)
            .limit(MOST)
            .send()
            .await
            .map_err(Error::aws)?;
        Ok(u64::try_from(counted.count).unwrap_or_default())
    }
}
