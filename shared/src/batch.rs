//! The edge towards queues and streams: a batch of records comes in, and those that must come again are named.

pub mod feed;
pub mod inbound;
pub mod outbound;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::record::Record;

/// What a queue's mapping sends. Fields that nobody needs are not read.
#[derive(Debug, Deserialize)]
pub struct Event {
    #[serde(rename = "Records")]
    records: Vec<Sent>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    message_id: String,
    receipt_handle: String,
    body: String,
    attributes: Attributes,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    message_group_id: String,
    sequence_number: String,
    approximate_receive_count: String,
}

/// What the mapping is told: all others are deleted from the queue.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    batch_item_failures: Vec<Failure>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

impl Event {
    fn into_records(self) -> Vec<Record> {
        let record = |sent: Sent| Record {
            id: sent.message_id,
            handle: sent.receipt_handle,
            group: sent.attributes.message_group_id,
            sequence: sent.attributes.sequence_number,
            receives: sent.attributes.approximate_receive_count.parse().unwrap_or(1),
            body: sent.body,
        };
        self.records.into_iter().map(record).collect()
    }
}

impl Answer {
    fn again(first: Option<String>) -> Self {
        Self { batch_item_failures: first.into_iter().map(|item_identifier| Failure { item_identifier }).collect() }
    }

    fn naming(records: &[Record], failed: &BTreeSet<usize>) -> Self {
        let failure = |place: &usize| Failure { item_identifier: records[*place].id.clone() };
        Self { batch_item_failures: failed.iter().map(failure).collect() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_batch_is_read_and_answered_as_lambda_has_it() {
        let sent = |id: &str| {
            json!({
                "messageId": id, "receiptHandle": "x", "body": "{}", "messageAttributes": {}, "eventSource": "aws:sqs",
                "attributes": {"MessageGroupId": "g", "SequenceNumber": "18", "ApproximateReceiveCount": "3"},
            })
        };
        let event: Event = serde_json::from_value(json!({"Records": [sent("a"), sent("b")]})).unwrap();
        let records = event.into_records();

        assert_eq!((records[0].id.as_str(), records[0].group.as_str(), records[0].receives), ("a", "g", 3));
        let answer = Answer::naming(&records, &BTreeSet::from([1]));
        assert_eq!(serde_json::to_value(answer).unwrap(), json!({"batchItemFailures": [{"itemIdentifier": "b"}]}));
    }
}
