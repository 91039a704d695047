//! What DynamoDB says to a request that meets a transaction on the same item. Dynoxide, one at a time, never has to.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::wire::{Answer, Request};

/// The operations that can meet one.
pub(crate) const CONFLICTING: [&str; 5] =
    ["TransactWriteItems", "TransactGetItems", "PutItem", "UpdateItem", "DeleteItem"];

const ONGOING: &str = "Transaction is ongoing for the item";

/// The answer to a request whose first item another transaction holds.
pub(crate) fn conflict(request: &Request) -> Answer {
    let body = match members(request) {
        0 => json!({ "__type": kind("TransactionConflictException"), "message": ONGOING }),
        members => cancelled(members),
    };
    Answer { status: 400, body: Bytes::from(body.to_string()) }
}

/// One reason for each member, as the caller counts them.
fn cancelled(members: usize) -> Value {
    let mut codes = vec!["None"; members];
    codes[0] = "TransactionConflict";
    let reason = |code: &&str| match *code {
        "None" => json!({ "Code": "None" }),
        code => json!({ "Code": code, "Message": ONGOING }),
    };
    let reasons: Vec<Value> = codes.iter().map(reason).collect();
    let codes = codes.join(", ");
    json!({
        "__type": kind("TransactionCanceledException"),
        "Message": format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"),
        "CancellationReasons": reasons,
    })
}

fn members(request: &Request) -> usize {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Transaction {
        #[serde(default)]
        transact_items: Vec<Box<RawValue>>,
    }
    request.parse::<Transaction>().map_or(0, |transaction| transaction.transact_items.len())
}

fn kind(name: &str) -> String {
    format!("com.amazonaws.dynamodb.v20120810#{name}")
}
