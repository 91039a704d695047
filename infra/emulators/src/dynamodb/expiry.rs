//! Time to live on the movable clock: dynoxide's own sweep knows only the machine's time.

use dynoxide::{AttributeValue, Database, Item, actions};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::streams::Records;

/// Deletes every item that has expired at `now`, each under the condition that it still has.
pub(super) fn sweep(database: &Database, records: &Records, now: Timestamp) -> Result<usize, String> {
    let mut swept = 0;
    let tables = database.list_tables(request(json!({}))?).map_err(|error| error.to_string())?;
    for table in tables.table_names {
        let named = json!({ "TableName": table });
        let ttl = database.describe_time_to_live(request(named.clone())?).map_err(|error| error.to_string())?;
        if let Some(attribute) = ttl.time_to_live_description.attribute_name {
            let keys = keys_of(database, request(named)?)?;
            swept += Sweep { database, records, table, attribute, keys, now: now.as_second() }.run()?;
        }
    }
    Ok(swept)
}

/// One table's part of a sweep.
struct Sweep<'a> {
    database: &'a Database,
    records: &'a Records,
    table: String,
    attribute: String,
    keys: Vec<String>,
    now: i64,
}

impl Sweep<'_> {
    fn run(&self) -> Result<usize, String> {
        let mut swept = 0;
        let mut after: Option<Value> = None;
        loop {
            let mut scan =
                json!({ "TableName": self.table, "FilterExpression": "#ttl < :now", "ConsistentRead": true });
            self.name(&mut scan);
            if let Some(after) = after {
                scan["ExclusiveStartKey"] = after;
            }
            let page = self.database.scan(request(scan)?).map_err(|error| error.to_string())?;
            for item in page.items.unwrap_or_default() {
                swept += usize::from(self.delete(&item)?);
            }
            match page.last_evaluated_key {
                Some(key) => after = Some(serde_json::to_value(key).map_err(|error| error.to_string())?),
                None => return Ok(swept),
            }
        }
    }

    /// False where the item was changed or deleted since it was found.
    fn delete(&self, item: &Item) -> Result<bool, String> {
        let key: Item = self.keys.iter().filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect();
        let mut delete = json!({ "TableName": self.table, "Key": key, "ConditionExpression": "#ttl < :now" });
        self.name(&mut delete);
        let (keys, delete) = (json!(key).to_string(), request(delete)?);
        let deleted = self.records.expiring(&self.table, &keys, || self.database.delete_item(delete));
        match deleted.map_err(|error| error.to_string())? {
            Ok(_) => Ok(true),
            Err(dynoxide::DynoxideError::ConditionalCheckFailedException(..)) => Ok(false),
            Err(error) => Err(error.to_string()),
        }
    }

    fn name(&self, request: &mut Value) {
        request["ExpressionAttributeNames"] = json!({ "#ttl": self.attribute });
        request["ExpressionAttributeValues"] = json!({ ":now": AttributeValue::N(self.now.to_string()) });
    }
}

fn keys_of(database: &Database, named: actions::describe_table::DescribeTableRequest) -> Result<Vec<String>, String> {
    let described = database.describe_table(named).map_err(|error| error.to_string())?;
    let described = serde_json::to_value(described).map_err(|error| error.to_string())?;
    let keys = described["Table"]["KeySchema"].as_array().cloned().unwrap_or_default();
    Ok(keys.iter().filter_map(|key| key["AttributeName"].as_str().map(str::to_owned)).collect())
}

fn request<T: DeserializeOwned>(request: Value) -> Result<T, String> {
    serde_json::from_value(request).map_err(|error| error.to_string())
}
