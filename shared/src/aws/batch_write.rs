//! Puts and deletes that need no condition, many in a call.

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    types::{DeleteRequest, WriteRequest},
};

use super::transaction::Item;
use crate::{Error, Result};

const MOST_AT_ONCE: usize = 25;
/// Between tries at what was left over; then it is an error.
const WAITS: [Duration; 4] =
    [Duration::from_millis(20), Duration::from_millis(60), Duration::from_millis(180), Duration::from_millis(540)];

/// Half: some are written, and the rest when all are written again. No key may stand twice in `writes`.
pub(super) async fn all(client: &Client, table: &str, writes: Vec<WriteRequest>) -> Result<()> {
    for chunk in writes.chunks(MOST_AT_ONCE) {
        let mut open = Some(HashMap::from([(table.to_owned(), chunk.to_vec())]));
        let mut waits = WAITS.into_iter();
        while let Some(request) = open.take() {
            let answer = client.batch_write_item().set_request_items(Some(request)).send().await.map_err(Error::aws)?;
            open = answer.unprocessed_items.filter(|left| !left.is_empty());
            if open.is_some() {
                let wait = waits.next().ok_or_else(|| Error::aws("a batch was left half written without end"))?;
                tokio::time::sleep(wait).await;
            }
        }
    }
    Ok(())
}

/// Deletes items by their keys. What is not there is gone.
pub(super) async fn delete(client: &Client, table: &str, items: &[Item]) -> Result<()> {
    let delete = |item: &Item| {
        let key = ["pk", "sk"].into_iter().filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())));
        let delete = DeleteRequest::builder().set_key(Some(key.collect())).build().map_err(Error::aws)?;
        Ok(WriteRequest::builder().delete_request(delete).build())
    };
    let writes = items.iter().map(delete).collect::<Result<Vec<_>>>()?;
    all(client, table, writes).await
}
