//! A queue: how much waits in it, and moving back what ended in its dead letters.

use aws_sdk_sqs::{
    Client,
    types::{Message, MessageSystemAttributeName, QueueAttributeName},
};

use super::clients::Later;
use crate::{Error, Result};

#[derive(Debug, Clone)]
pub struct Queue {
    client: Later<Client>,
    pub name: &'static str,
    url: String,
}

/// How many messages a queue holds, as SQS estimates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    pub waiting: u64,
    pub in_flight: u64,
}

impl Queue {
    pub fn new(client: Later<Client>, name: &'static str, url: String) -> Self {
        Self { client, name, url }
    }

    pub async fn depth(&self) -> Result<Depth> {
        let (waiting, in_flight) = (
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        );
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(waiting.clone())
            .attribute_names(in_flight.clone())
            .send()
            .await
            .map_err(Error::aws)?;
        let number = |name: &QueueAttributeName| {
            let text = answer.attributes().and_then(|attributes| attributes.get(name));
            text.and_then(|text| text.parse().ok()).ok_or_else(|| Error::Corrupt(format!("{name} of {}", self.name)))
        };
        Ok(Depth { waiting: number(&waiting)?, in_flight: number(&in_flight)? })
    }

    /// Puts a message at the end of its group. Within five minutes one with the same deduplication id is dropped.
    pub async fn send(&self, group: &str, deduplication: &str, body: &str) -> Result<()> {
        let send = self.client.send_message().queue_url(&self.url).message_body(body);
        let send = send.message_group_id(group).message_deduplication_id(deduplication);
        send.send().await.map(|_| ()).map_err(Error::aws)
    }

    /// Moves up to `limit` messages (ten at most) to the end of `target`, each group in its order. Says how many.
    ///
    /// Half: a message that was sent and not deleted is moved again. Within five minutes SQS knows it by its
    /// deduplication id, which is derived from the message; later, consumers do.
    pub async fn move_some_to(&self, target: &Self, limit: usize) -> Result<usize> {
        let received = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(limit.min(10)).unwrap_or(10))
            // A short poll may miss what is there.
            .wait_time_seconds(1)
            .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId)
            .message_attribute_names("All")
            .send()
            .await
            .map_err(Error::aws)?;
        let messages = received.messages.unwrap_or_default();
        // One by one: a batch has a size of its own, and could let a message overtake one that failed.
        for message in &messages {
            self.move_one(message, target).await?;
        }
        Ok(messages.len())
    }

    async fn move_one(&self, message: &Message, target: &Self) -> Result<()> {
        let group = message.attributes().and_then(|known| known.get(&MessageSystemAttributeName::MessageGroupId));
        let send = target.client.send_message().queue_url(&target.url);
        send.message_body(message.body().unwrap_or_default())
            .set_message_attributes(message.message_attributes.clone())
            .set_message_group_id(group.cloned())
            // Not the first one's: within its window the queue would take this for a repetition and drop it.
            .message_deduplication_id(format!("redrive-{}", message.message_id().unwrap_or_default()))
            .send()
            .await
            .map_err(Error::aws)?;
        let delete = self.client.delete_message().queue_url(&self.url);
        delete.receipt_handle(message.receipt_handle().unwrap_or_default()).send().await.map_err(Error::aws)?;
        Ok(())
    }
}
