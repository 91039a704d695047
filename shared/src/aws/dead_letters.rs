//! What a queue's consumers gave up, and moving it back to the queue it comes from.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::direct::Direct;
use crate::Result;

#[derive(Debug, Clone)]
pub struct DeadLetters {
    service: Direct,
    url: String,
    home: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Receive<'a> {
    queue_url: &'a str,
    max_number_of_messages: usize,
    wait_time_seconds: u8,
    message_system_attribute_names: [&'static str; 1],
    message_attribute_names: [&'static str; 1],
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Received {
    messages: Option<Vec<Letter>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Letter {
    message_id: String,
    receipt_handle: String,
    body: String,
    attributes: Attributes,
    message_attributes: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    message_group_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Send<'a> {
    queue_url: &'a str,
    message_body: &'a str,
    message_group_id: &'a str,
    message_deduplication_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_attributes: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Delete<'a> {
    queue_url: &'a str,
    receipt_handle: &'a str,
}

impl DeadLetters {
    pub(super) fn new(service: Direct, url: String, home: String) -> Self {
        Self { service, url, home }
    }

    /// Moves up to `limit` letters (ten at most) to the end of the queue they come from, each group in its order. Says how
    /// many.
    ///
    /// Half: a letter that was sent and not deleted is moved again. Within five minutes SQS knows it by its
    /// deduplication id, which is derived from the letter; later, consumers do.
    pub async fn move_some_back(&self, limit: usize) -> Result<usize> {
        let receive = Receive {
            queue_url: &self.url,
            max_number_of_messages: limit.min(10),
            // A short poll may miss what is there.
            wait_time_seconds: 1,
            message_system_attribute_names: ["MessageGroupId"],
            message_attribute_names: ["All"],
        };
        let received: Received = self.service.ask("ReceiveMessage", &receive).await?;
        let letters = received.messages.unwrap_or_default();
        // One by one: a batch has a size of its own, and could let a letter overtake one that failed.
        for letter in &letters {
            self.move_back(letter).await?;
        }
        Ok(letters.len())
    }

    async fn move_back(&self, letter: &Letter) -> Result<()> {
        let send = Send {
            queue_url: &self.home,
            message_body: &letter.body,
            message_group_id: &letter.attributes.message_group_id,
            // Not the first one's: within its window the queue would take this for a repetition and drop it.
            message_deduplication_id: format!("redrive-{}", letter.message_id),
            message_attributes: letter.message_attributes.as_deref(),
        };
        self.service.tell("SendMessage", &send).await?;
        let delete = Delete { queue_url: &self.url, receipt_handle: &letter.receipt_handle };
        self.service.tell("DeleteMessage", &delete).await.map(drop)
    }
}
