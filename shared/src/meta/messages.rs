//! What is said to people. Sending is the one call that must not be made twice: see `flow/deliver`.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    graph::Session,
    wire::{self, Done},
};
use crate::domain::{meta_error::MetaError, meta_id::PhoneNumberId};

/// Meta has taken a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub wamid: String,
    /// What it will do with it, where that is not simply to send it.
    pub remark: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default, deserialize_with = "wire::text")]
    id: Option<String>,
    #[serde(default, deserialize_with = "wire::text")]
    message_status: Option<String>,
}

/// What it says of every message.
const ACCEPTED: &str = "accepted";

impl Session<'_> {
    /// Sends a message. `body` goes as it is. Without an id in the answer nobody knows what became of it.
    pub async fn send(&self, number: &PhoneNumberId, body: &Map<String, Value>) -> Result<Taken, MetaError> {
        let answer: Answer = self.post_object(&format!("{number}/messages"), body).await?;
        let message = answer.messages.into_iter().next().ok_or(MetaError::Unreadable)?;
        Ok(Taken {
            wamid: message.id.filter(|id| !id.is_empty()).ok_or(MetaError::Unreadable)?,
            remark: message.message_status.filter(|status| status != ACCEPTED),
        })
    }

    /// Shows a person that their message was read, and perhaps that an answer is being written.
    pub async fn mark_read(&self, number: &PhoneNumberId, wamid: &str, typing: bool) -> Result<(), MetaError> {
        let mut body = Map::from_iter([
            ("messaging_product".to_owned(), json!("whatsapp")),
            ("status".to_owned(), json!("read")),
            ("message_id".to_owned(), json!(wamid)),
        ]);
        if typing {
            body.insert("typing_indicator".to_owned(), json!({ "type": "text" }));
        }
        let done: Done = self.post_object(&format!("{number}/messages"), &body).await?;
        done.check()
    }
}
