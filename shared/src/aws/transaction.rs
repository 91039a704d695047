//! Several writes that happen together or not at all.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, TransactWriteItem},
};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// An item as the SDK takes it.
pub type Item = HashMap<String, AttributeValue>;

/// One write of a transaction.
pub type Write = TransactWriteItem;

/// How a transaction ended that was not an error.
#[derive(Debug)]
pub enum Outcome {
    Committed,
    /// The condition of the write at `index` did not hold; what stood there, where the write asked to be told.
    Refused {
        index: usize,
        found: Option<Item>,
    },
}

/// Commits writes to any of a function's tables.
#[derive(Debug, Clone)]
pub struct Transactions(Client);

impl Transactions {
    pub fn new(client: Client) -> Self {
        Self(client)
    }

    /// The SDK adds a token, so that its own retries take effect once. It does not retry a conflict with another
    /// transaction on the same item, so that is done here, briefly.
    pub async fn commit(&self, writes: Vec<TransactWriteItem>) -> Result<Outcome> {
        for wait in CONFLICT_WAITS {
            let sent = self.0.transact_write_items().set_transact_items(Some(writes.clone())).send().await;
            let Err(error) = sent else { return Ok(Outcome::Committed) };
            let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() else {
                return Err(Error::aws(error));
            };
            let reasons = canceled.cancellation_reasons();
            let place = |code| reasons.iter().position(|reason| reason.code() == Some(code));
            if let Some(index) = place("ConditionalCheckFailed") {
                let found = reasons[index].item().cloned().filter(|item| !item.is_empty());
                return Ok(Outcome::Refused { index, found });
            }
            match (place("TransactionConflict"), wait) {
                (Some(_), Some(wait)) => tokio::time::sleep(wait).await,
                _ => return Err(Error::aws(error)),
            }
        }
        Err(Error::aws("a transaction met others without end"))
    }
}

/// Between attempts that met another transaction; after the last there is none.
const CONFLICT_WAITS: [Option<Duration>; 5] = [
    Some(Duration::from_millis(10)),
    Some(Duration::from_millis(30)),
    Some(Duration::from_millis(90)),
    Some(Duration::from_millis(270)),
    None,
];

/// Where a page ended: the keys DynamoDB goes on from, all of them strings in our tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(BTreeMap<String, String>);

impl Position {
    /// Where a page ended that no table gave.
    pub fn at(name: &str, value: String) -> Self {
        Self(BTreeMap::from([(name.to_owned(), value)]))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn of(key: &Item) -> Self {
        let text = |value: &AttributeValue| value.as_s().cloned().unwrap_or_default();
        Self(key.iter().map(|(name, value)| (name.clone(), text(value))).collect())
    }

    pub(super) fn into_key(self) -> Item {
        self.0.into_iter().map(|(name, value)| (name, AttributeValue::S(value))).collect()
    }
}
