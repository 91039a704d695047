//! The mappings between queues and their functions: batches of ten go in, and what is done leaves the queue.

use std::sync::Arc;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use shared::{
    batch::{inbound, outbound},
    clock::Random,
};

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

/// An environment of a function that a queue feeds.
#[derive(Debug, Clone)]
pub enum Consumer {
    Inbound(Arc<inbound::Context>),
    Outbound(Arc<outbound::Context>),
}

impl Consumer {
    /// The function that names the queue in its environment, and how.
    fn queue(&self) -> (&'static str, &'static str) {
        match self {
            Self::Inbound(_) => ("webhook", "INBOUND_QUEUE"),
            Self::Outbound(_) => ("outbound", "OUTBOUND_QUEUE"),
        }
    }

    async fn handle(self, event: Value) -> Value {
        let context = Context::default();
        let answer = match self {
            Self::Inbound(inbound) => inbound.handle(LambdaEvent::new(parsed(event), context)).await,
            Self::Outbound(outbound) => outbound.handle(LambdaEvent::new(parsed(event), context)).await,
        };
        serde_json::to_value(answer.expect("it answers")).expect("JSON")
    }
}

fn parsed(event: Value) -> shared::batch::Event {
    serde_json::from_value(event).expect("the function reads the mapping's events")
}

impl World {
    /// A cold environment of `inbound`.
    pub fn cold_inbound(&self, caller: &str) -> Consumer {
        let env = self.functions.env("inbound", caller);
        let context = inbound::Context::from_env(&env, product_clock(&self.clock), Random::system());
        Consumer::Inbound(Arc::new(context.expect("inbound starts")))
    }

    /// A cold environment of `outbound`.
    pub fn cold_outbound(&self, caller: &str) -> Consumer {
        let env = self.functions.env("outbound", caller);
        let context = outbound::Context::from_env(&env, product_clock(&self.clock), Random::system());
        Consumer::Outbound(Arc::new(context.expect("outbound starts")))
    }

    /// Takes in what can be had from the queue, in the environment that stays warm through the test.
    pub async fn drain(&self) -> Drained {
        let warm = self.inbound.get_or_init(|| self.cold_inbound("inbound")).clone();
        self.drain_with(&warm, "inbound").await
    }

    /// Sends what can be had from the queue, in the environment that stays warm through the test.
    pub async fn send_out(&self) -> Drained {
        let warm = self.outbound.get_or_init(|| self.cold_outbound("outbound")).clone();
        self.drain_with(&warm, "outbound").await
    }

    /// Handles what can be had from the queue in an environment of a test's own, which a fault may kill.
    pub async fn drain_with(&self, consumer: &Consumer, caller: &str) -> Drained {
        let mut drained = Drained::default();
        while self.batch(consumer, caller, &mut drained).await {}
        drained
    }

    /// Handles one batch, if there is one.
    pub async fn one_batch(&self, consumer: &Consumer, caller: &str) -> bool {
        self.batch(consumer, caller, &mut Drained::default()).await
    }

    async fn batch(&self, consumer: &Consumer, caller: &str, drained: &mut Drained) -> bool {
        let batch = self.receive(consumer).await;
        if batch.is_empty() {
            return false;
        }
        let failed = self.invoke(consumer, caller, &batch).await;
        let is_done = |message: &&Message| {
            failed.as_ref().is_some_and(|failed| !failed.contains(message.message_id.as_ref().expect("an id")))
        };
        let done: Vec<&Message> = batch.iter().filter(is_done).collect();
        drained.batches += 1;
        drained.done += done.len();
        drained.again += batch.len() - done.len();
        self.delete(consumer, &done).await;
        true
    }

    /// The next batch, which is hidden from then on.
    pub async fn receive(&self, consumer: &Consumer) -> Vec<Message> {
        let receive = self.aws_clients().sqs().receive_message().queue_url(self.queue_of(consumer));
        let receive = receive.max_number_of_messages(10).wait_time_seconds(0);
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        receive.send().await.expect("the queue answers").messages.unwrap_or_default()
    }

    /// The ids that must come again; `None`: the process was killed, and all must.
    pub async fn invoke(&self, consumer: &Consumer, caller: &str, batch: &[Message]) -> Option<Vec<String>> {
        let event = json!({ "Records": batch.iter().map(record).collect::<Vec<_>>() });
        let answer = self.as_process(caller, consumer.clone().handle(event)).await?;
        let failures = answer["batchItemFailures"].as_array().expect("failures");
        Some(failures.iter().map(|failure| failure["itemIdentifier"].as_str().expect("an id").to_owned()).collect())
    }

    /// How many records there are: those that can be had, and those that somebody has.
    pub async fn queued(&self, consumer: &Consumer) -> usize {
        use aws_sdk_sqs::types::QueueAttributeName::{
            ApproximateNumberOfMessages as Visible, ApproximateNumberOfMessagesNotVisible as Hidden,
        };
        let asked = self.aws_clients().sqs().get_queue_attributes().queue_url(self.queue_of(consumer));
        let asked = asked.attribute_names(Visible).attribute_names(Hidden).send().await.expect("the queue answers");
        let counts = asked.attributes.unwrap_or_default().into_values();
        counts.map(|count| count.parse::<usize>().expect("a count")).sum()
    }

    async fn delete(&self, consumer: &Consumer, messages: &[&Message]) {
        let sqs = self.aws_clients().sqs();
        for message in messages {
            let delete = sqs.delete_message().queue_url(self.queue_of(consumer));
            delete.set_receipt_handle(message.receipt_handle.clone()).send().await.expect("the queue answers");
        }
    }

    fn queue_of(&self, consumer: &Consumer) -> String {
        let (function, variable) = consumer.queue();
        self.variable(function, variable)
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
