//! Items of any tables by their keys, in one consistent read where they are not too many.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{Client, types::KeysAndAttributes};

use super::transaction::Item;
use crate::{Error, Result};

const MOST_AT_ONCE: usize = 100;
/// Between tries at what was left over; then it is an error.
const WAITS: [Duration; 4] =
    [Duration::from_millis(20), Duration::from_millis(60), Duration::from_millis(180), Duration::from_millis(540)];

/// The items there are, each with its table. No key may stand twice in `keys`.
pub(super) async fn items(client: &Client, keys: Vec<(&str, Item)>) -> Result<Vec<(String, Item)>> {
    let mut found = Vec::new();
    for chunk in keys.chunks(MOST_AT_ONCE) {
        let mut of_tables: HashMap<String, Vec<Item>> = HashMap::new();
        for (table, key) in chunk {
            of_tables.entry((*table).to_owned()).or_default().push(key.clone());
        }
        let wanted = of_tables.into_iter().map(|(table, keys)| {
            let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            keys.map(|keys| (table, keys)).map_err(Error::aws)
        });
        let mut open = Some(wanted.collect::<Result<HashMap<_, _>>>()?);
        let mut waits = WAITS.into_iter();
        while let Some(request) = open.take() {
            let answer = client.batch_get_item().set_request_items(Some(request)).send().await.map_err(Error::aws)?;
            for (table, items) in answer.responses.into_iter().flatten() {
                found.extend(items.into_iter().map(|item| (table.clone(), item)));
            }
            open = answer.unprocessed_keys.filter(|left| !left.is_empty());
            if open.is_some() {
                let wait = waits.next().ok_or_else(|| Error::aws("a batch was left half read without end"))?;
                tokio::time::sleep(wait).await;
            }
        }
    }
    Ok(found)
}
