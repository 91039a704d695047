//! SQS: order, groups, deduplication, visibility, dead letters, batches, content.

mod batches;
mod content;
mod dead_letters;
mod fifo;
mod queues;
mod visibility;

use super::{
    check::{Check, Granted, Outcome, fresh},
    clients::Clients,
};
use aws_sdk_sqs::{
    operation::send_message::builders::SendMessageFluentBuilder,
    types::{Message, MessageSystemAttributeName, QueueAttributeName},
};

pub(super) fn checks() -> Vec<Check> {
    [batches::CHECKS, content::CHECKS, dead_letters::CHECKS, fifo::CHECKS, queues::CHECKS, visibility::CHECKS].concat()
}

/// A queue of a check's own.
#[derive(Clone)]
struct Queue {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

impl Queue {
    async fn standard(clients: &Clients, attributes: &[(QueueAttributeName, &str)]) -> Outcome<Self> {
        Self::create(clients, &fresh("queue"), attributes).await
    }

    /// A FIFO queue that deduplicates by content.
    async fn fifo(clients: &Clients, attributes: &[(QueueAttributeName, &str)]) -> Outcome<Self> {
        let own = [(QueueAttributeName::FifoQueue, "true"), (QueueAttributeName::ContentBasedDeduplication, "true")];
        Self::create(clients, &format!("{}.fifo", fresh("queue")), &[&own, attributes].concat()).await
    }

    async fn create(clients: &Clients, name: &str, attributes: &[(QueueAttributeName, &str)]) -> Outcome<Self> {
        let mut create = clients.sqs.create_queue().queue_name(name);
        for (attribute, value) in attributes {
            create = create.attributes(attribute.clone(), *value);
        }
        let url = create.send().await.granted()?.queue_url.ok_or("no URL")?;
        Ok(Self { sqs: clients.sqs.clone(), url })
    }

    fn message(&self, body: &str) -> SendMessageFluentBuilder {
        self.sqs.send_message().queue_url(&self.url).message_body(body)
    }

    async fn send(&self, bodies: &[&str]) -> Outcome {
        for body in bodies {
            self.message(body).send().await.granted()?;
        }
        Ok(())
    }

    async fn send_to(&self, group: &str, bodies: &[&str]) -> Outcome {
        for body in bodies {
            self.message(body).message_group_id(group).send().await.granted()?;
        }
        Ok(())
    }

    /// What there is now, up to `max`.
    async fn receive(&self, max: i32) -> Outcome<Vec<Message>> {
        let receive = self.sqs.receive_message().queue_url(&self.url).max_number_of_messages(max);
        let receive =
            receive.message_system_attribute_names(MessageSystemAttributeName::All).message_attribute_names("All");
        Ok(receive.send().await.granted()?.messages.unwrap_or_default())
    }

    async fn bodies(&self, max: i32) -> Outcome<Vec<String>> {
        Ok(bodies(&self.receive(max).await?))
    }

    async fn delete(&self, message: &Message) -> Outcome {
        let delete = self.sqs.delete_message().queue_url(&self.url).set_receipt_handle(message.receipt_handle.clone());
        delete.send().await.granted().map(drop)
    }

    async fn hold(&self, message: &Message, seconds: i32) -> Outcome {
        let change = self.sqs.change_message_visibility().queue_url(&self.url).visibility_timeout(seconds);
        change.set_receipt_handle(message.receipt_handle.clone()).send().await.granted().map(drop)
    }

    async fn attribute(&self, name: QueueAttributeName) -> Outcome<String> {
        let answer = self
            .sqs
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(name.clone())
            .send()
            .await
            .granted()?;
        answer.attributes.and_then(|mut attributes| attributes.remove(&name)).ok_or_else(|| format!("no {name}"))
    }

    async fn arn(&self) -> Outcome<String> {
        self.attribute(QueueAttributeName::QueueArn).await
    }
}

fn bodies(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|message| message.body.clone().unwrap_or_default()).collect()
}

fn system(message: &Message, name: &MessageSystemAttributeName) -> String {
    message.attributes.as_ref().and_then(|attributes| attributes.get(name)).cloned().unwrap_or_default()
}
