//! SQS to a function: batches, partial failures, concurrency. What fails comes back by its visibility timeout.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{Failed, failed};
use crate::runtime::Pool;
use crate::template::{QueueMapping, REGION};

/// Lambda's limit on an event, less room for what surrounds the records.
const EVENT_BYTES: usize = 6 * 1024 * 1024 - 64 * 1024;
const LONG_POLL_SECONDS: i32 = 20;
const AFTER_AN_ERROR: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(crate) struct QueuePoller {
    pub(crate) mapping: QueueMapping,
    pub(crate) function: Arc<Pool>,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) url: String,
    pub(crate) arn: String,
}

impl QueuePoller {
    /// Polls until the returned future is dropped.
    pub(crate) async fn run(self) {
        let limit = self.mapping.maximum_concurrency.unwrap_or_else(|| self.function.concurrency());
        let slots = Arc::new(Semaphore::new(limit));
        let mut batches = tokio::task::JoinSet::new();
        loop {
            while batches.try_join_next().is_some() {}
            // A message is only taken when a function can have it: in flight it would age for nothing.
            let Ok(slot) = slots.clone().acquire_owned().await else { return };
            let messages = self.gather().await;
            if messages.is_empty() {
                continue;
            }
            let poller = self.clone();
            batches.spawn(async move {
                for batch in split(messages) {
                    poller.deliver(batch).await;
                }
                drop(slot);
            });
        }
    }

    /// One batch: as many as fit, within the batching window.
    async fn gather(&self) -> Vec<Message> {
        let mut messages = self.receive(self.mapping.batch_size, LONG_POLL_SECONDS).await;
        let until = Instant::now() + self.mapping.batching_window;
        while !messages.is_empty() && messages.len() < self.mapping.batch_size && Instant::now() < until {
            messages.extend(self.receive(self.mapping.batch_size - messages.len(), 1).await);
        }
        messages
    }

    async fn receive(&self, wanted: usize, wait_seconds: i32) -> Vec<Message> {
        let wanted = i32::try_from(wanted.min(10)).unwrap_or(10);
        let received = self
            .sqs
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(wanted)
            .wait_time_seconds(wait_seconds)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await;
        match received {
            Ok(received) => received.messages.unwrap_or_default(),
            Err(error) => {
                let reason = error.as_service_error().map_or_else(|| error.to_string(), ToString::to_string);
                self.function.say(&self.mapping.queue, &format!("the queue cannot be read: {reason}"));
                tokio::time::sleep(AFTER_AN_ERROR).await;
                Vec::new()
            }
        }
    }

    async fn deliver(&self, batch: Vec<Message>) {
        let records: Vec<Value> = batch.iter().map(|message| record(message, &self.arn)).collect();
        let event = Bytes::from(json!({ "Records": records }).to_string());
        let known: BTreeSet<String> = batch.iter().filter_map(|message| message.message_id.clone()).collect();
        let outcome = self.function.invoke_when_free(event).await;
        let failed = failed(&outcome, self.mapping.partial_failures, &known);
        let is_done = |message: &Message| match &failed {
            Failed::Nothing => true,
            Failed::Everything => false,
            Failed::These(identifiers) => message.message_id.as_ref().is_some_and(|id| !identifiers.contains(id)),
        };
        let done: Vec<&Message> = batch.iter().filter(|message| is_done(message)).collect();
        for chunk in done.chunks(10) {
            self.delete(chunk).await;
        }
    }

    async fn delete(&self, done: &[&Message]) {
        let entry = |(index, message): (usize, &&Message)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(message.receipt_handle.as_deref().unwrap_or_default())
                .build()
                .ok()
        };
        let entries = done.iter().enumerate().filter_map(entry).collect();
        // What could not be deleted is delivered again: at least once is what a queue promises.
        let _ = self.sqs.delete_message_batch().queue_url(&self.url).set_entries(Some(entries)).send().await;
    }
}

/// Splits what was received so that no event exceeds Lambda's limit; the order stays.
fn split(messages: Vec<Message>) -> Vec<Vec<Message>> {
    let mut batches: Vec<Vec<Message>> = Vec::new();
    let mut size = 0;
    for message in messages {
        // As JSON in an event; escapes make it longer than the body.
        let length = message.body.as_deref().map_or(0, |body| json!(body).to_string().len()) + 2048;
        match batches.last_mut() {
            Some(batch) if size + length <= EVENT_BYTES => {
                size += length;
                batch.push(message);
            }
            _ => {
                size = length;
                batches.push(vec![message]);
            }
        }
    }
    batches
}

fn record(message: &Message, arn: &str) -> Value {
    let attributes: BTreeMap<&str, &String> =
        message.attributes.iter().flatten().map(|(name, value)| (name.as_str(), value)).collect();
    let mut message_attributes = Map::new();
    for (name, value) in message.message_attributes.iter().flatten() {
        let mut attribute = json!({ "dataType": value.data_type, "stringListValues": [], "binaryListValues": [] });
        if let Some(text) = &value.string_value {
            attribute["stringValue"] = json!(text);
        }
        if let Some(bytes) = &value.binary_value {
            attribute["binaryValue"] = json!(STANDARD.encode(bytes));
        }
        message_attributes.insert(name.clone(), attribute);
    }
    json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": message_attributes,
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": REGION,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_too_large_for_one_event_is_split_in_order() {
        let message = |id: &str, size| Message::builder().message_id(id).body("x".repeat(size)).build();
        let sizes = split(vec![message("a", 4 << 20), message("b", 1 << 20), message("c", 1 << 20), message("d", 10)]);

        let ids = |batch: &Vec<Message>| batch.iter().filter_map(|one| one.message_id.clone()).collect::<Vec<_>>();
        assert_eq!(sizes.iter().map(ids).collect::<Vec<_>>(), [vec!["a", "b"], vec!["c", "d"]]);
    }
}
