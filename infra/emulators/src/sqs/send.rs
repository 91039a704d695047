//! Accepting messages: content rules, deduplication, sequence numbers.

use super::{
    State, batch,
    message::{self, Message, MessageAttribute, MessageAttributes, Millis, Sequence},
    queue::Remembered,
    refusal,
    settings::{MAX_BYTES, Settings},
};
use crate::{
    random,
    wire::{Answer, Refusal, Request},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Send {
    queue_url: String,
    #[serde(flatten)]
    content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendBatch {
    queue_url: String,
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: String,
    #[serde(flatten)]
    content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    #[serde(default)]
    message_body: String,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: MessageAttributes,
    #[serde(default)]
    message_system_attributes: BTreeMap<String, MessageAttribute>,
    message_group_id: Option<String>,
    message_deduplication_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Sent {
    message_id: String,
    #[serde(rename = "MD5OfMessageBody")]
    md5_of_message_body: String,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    md5_of_message_attributes: Option<String>,
    #[serde(rename = "MD5OfMessageSystemAttributes", skip_serializing_if = "Option::is_none")]
    md5_of_message_system_attributes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence_number: Option<String>,
}

/// A sequence as SQS shows it: twenty digits, so that the order of texts is the order of numbers.
pub(super) fn sequence_number(sequence: Sequence) -> String {
    (10_000_000_000_000_000_000 + sequence).to_string()
}

impl State {
    pub(super) fn send(&mut self, request: &Request, now: Millis) -> Result<Answer, Refusal> {
        let Send { queue_url, content } = request.parse()?;
        Answer::of(&self.accept(&queue_url, content, &request.caller, now)?)
    }

    pub(super) fn send_batch(&mut self, request: &Request, now: Millis) -> Result<Answer, Refusal> {
        let SendBatch { queue_url, entries } = request.parse()?;
        self.entry(&queue_url, now)?;
        batch::check("SendMessageBatchRequestEntry", entries.iter().map(|entry| entry.id.as_str()))?;
        // What is too large by itself fails by itself; the sum is the batch's.
        let bytes = entries
            .iter()
            .filter_map(|entry| message::size(&entry.content.message_body, &entry.content.message_attributes).ok());
        let bytes: usize = bytes.sum();
        if bytes > MAX_BYTES {
            return Err(refusal::batch_too_long(bytes));
        }
        batch::answer(entries.into_iter().map(|Entry { id, content }| {
            let sent = self.accept(&queue_url, content, &request.caller, now);
            (id, sent)
        }))
    }

    fn accept(&mut self, url: &str, content: Content, sender: &str, now: Millis) -> Result<Sent, Refusal> {
        let settings = &self.entry(url, now)?.about.settings;
        content.check(settings)?;
        let deduplication = content.deduplication(settings)?;
        let scope = match (&deduplication, &content.message_group_id) {
            (Some(id), Some(group)) if settings.deduplicates_by_group() => Some(format!("{group} {id}")),
            (id, _) => id.clone(),
        };
        let delay = content.delay_seconds.unwrap_or_else(|| settings.delay_seconds());
        let is_fifo = settings.is_fifo();
        let mut sent = content.digests();
        let queue = &mut self.entry(url, now)?.queue;
        if let Some(earlier) = scope.as_ref().and_then(|scope| queue.remembered(scope)) {
            sent.message_id.clone_from(&earlier.id);
            sent.sequence_number = Some(sequence_number(earlier.sequence));
            return Ok(sent);
        }
        let sequence = self.next_sequence();
        sent.message_id = random::uuid();
        sent.sequence_number = is_fifo.then(|| sequence_number(sequence));
        let queue = &mut self.entry(url, now)?.queue;
        if let Some(scope) = scope {
            queue.remember(scope, Remembered { id: sent.message_id.clone(), sequence, at: now });
        }
        queue.add(Message {
            sequence,
            id: sent.message_id.clone(),
            body: content.message_body,
            attributes: content.message_attributes,
            trace_header: content.message_system_attributes.into_values().find_map(|attribute| attribute.string_value),
            group: content.message_group_id,
            deduplication,
            sender: sender.to_owned(),
            sent: now,
            dead_from: None,
            in_flight: false,
            held_until: (delay > 0).then_some(now + delay * 1000),
            receives: 0,
            first_received: None,
            comes_back: false,
        });
        Ok(sent)
    }
}

impl Content {
    fn check(&self, settings: &Settings) -> Result<(), Refusal> {
        let size = message::size(&self.message_body, &self.message_attributes)?;
        let max = settings.max_bytes();
        if size > max {
            let message =
                format!("One or more parameters are invalid. Reason: Message must be shorter than {max} bytes.");
            return Err(refusal::invalid(message));
        }
        if let Some(name) = self.message_system_attributes.keys().find(|name| *name != "AWSTraceHeader") {
            return Err(refusal::invalid(format!("Message system attribute name '{name}' is invalid.")));
        }
        for (parameter, id) in
            [("MessageGroupId", &self.message_group_id), ("MessageDeduplicationId", &self.message_deduplication_id)]
        {
            if let Some(id) = id {
                message::check_fifo_id(parameter, id)?;
            }
        }
        let delay = self.delay_seconds.unwrap_or_default();
        if !(0..=900).contains(&delay) {
            return Err(refusal::invalid_value(
                &delay.to_string(),
                "DelaySeconds",
                "DelaySeconds must be >= 0 and <= 900.",
            ));
        }
        let wrong_type = "The request include parameter that is not valid for this queue type";
        if settings.is_fifo() {
            if self.message_group_id.is_none() {
                return Err(refusal::missing("MessageGroupId"));
            }
            if delay != 0 {
                return Err(refusal::invalid_value(&delay.to_string(), "DelaySeconds", wrong_type));
            }
        } else if let Some(id) = &self.message_deduplication_id {
            return Err(refusal::invalid_value(id, "MessageDeduplicationId", wrong_type));
        }
        Ok(())
    }

    fn deduplication(&self, settings: &Settings) -> Result<Option<String>, Refusal> {
        match &self.message_deduplication_id {
            _ if !settings.is_fifo() => Ok(None),
            Some(id) => Ok(Some(id.clone())),
            None if settings.deduplicates_by_content() => Ok(Some(hex(&Sha256::digest(&self.message_body)))),
            None => Err(refusal::invalid(
                "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
            )),
        }
    }

    fn digests(&self) -> Sent {
        Sent {
            message_id: String::new(),
            md5_of_message_body: message::md5_of_body(&self.message_body),
            md5_of_message_attributes: message::md5_of_attributes(&self.message_attributes),
            md5_of_message_system_attributes: message::md5_of_attributes(&self.message_system_attributes),
            sequence_number: None,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
