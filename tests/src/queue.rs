//! The mapping between the inbound queue and its function: batches of ten go in, and what is done leaves the queue.

use std::sync::Arc;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use shared::{batch::inbound, clock::Random};

use crate::{World, product_clock};

/// What came of taking in all that could be had.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    pub batches: usize,
    /// Records that are done, and left the queue.
    pub done: usize,
    /// Records that come again, once their visibility is over.
    pub again: usize,
}

impl World {
    /// A cold environment of `inbound`.
    pub fn cold_inbound(&self, caller: &str) -> Arc<inbound::Context> {
        let env = self.functions.env("inbound", caller);
        let context = inbound::Context::from_env(&env, product_clock(&self.clock), Random::system());
        Arc::new(context.expect("inbound starts"))
    }

    /// Takes in what can be had from the queue, in the environment that stays warm through the test.
    pub async fn drain(&self) -> Drained {
        let warm = Arc::clone(self.inbound.get_or_init(|| self.cold_inbound("inbound")));
        self.drain_with(&warm, "inbound").await
    }

    /// Takes in what can be had from the queue in an environment of a test's own, which a fault may kill.
    pub async fn drain_with(&self, environment: &Arc<inbound::Context>, caller: &str) -> Drained {
        let mut drained = Drained::default();
        loop {
            let batch = self.receive().await;
            if batch.is_empty() {
                return drained;
            }
            let failed = self.invoke(environment, caller, &batch).await;
            let is_done = |message: &&Message| {
                failed.as_ref().is_some_and(|failed| !failed.contains(message.message_id.as_ref().expect("an id")))
            };
            let done: Vec<&Message> = batch.iter().filter(is_done).collect();
            drained.batches += 1;
            drained.done += done.len();
            drained.again += batch.len() - done.len();
            self.delete(&done).await;
        }
    }

    /// The next batch, which is hidden from then on.
    pub async fn receive(&self) -> Vec<Message> {
        let receive = self.aws_clients().sqs().receive_message().queue_url(self.inbound_queue());
        let receive = receive.max_number_of_messages(10).wait_time_seconds(0);
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        receive.send().await.expect("the queue answers").messages.unwrap_or_default()
    }

    /// The ids that must come again; `None`: the process was killed, and all must.
    pub async fn invoke(
        &self,
        environment: &Arc<inbound::Context>,
        caller: &str,
        batch: &[Message],
    ) -> Option<Vec<String>> {
        let event = json!({ "Records": batch.iter().map(record).collect::<Vec<_>>() });
        let event = serde_json::from_value(event).expect("the function reads the mapping's events");
        let handling = Arc::clone(environment).handle(LambdaEvent::new(event, Context::default()));
        let answer = self.as_process(caller, handling).await?.expect("it answers");
        let answer = serde_json::to_value(answer).expect("JSON");
        let failures = answer["batchItemFailures"].as_array().expect("failures");
        Some(failures.iter().map(|failure| failure["itemIdentifier"].as_str().expect("an id").to_owned()).collect())
    }

    async fn delete(&self, messages: &[&Message]) {
        let sqs = self.aws_clients().sqs();
        for message in messages {
            let delete = sqs.delete_message().queue_url(self.inbound_queue());
            delete.set_receipt_handle(message.receipt_handle.clone()).send().await.expect("the queue answers");
        }
    }

    fn inbound_queue(&self) -> String {
        self.variable("webhook", "INBOUND_QUEUE")
    }
}

fn record(message: &Message) -> Value {
    let attributes = message.attributes().expect("attributes").iter();
    let attributes: serde_json::Map<_, _> = attributes.map(|(name, value)| (name.to_string(), json!(value))).collect();
    json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "awsRegion": "us-east-1",
    })
}
