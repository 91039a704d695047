//! Handing out messages, and what their receivers do with the receipts.

use super::{
    Sqs, State, batch,
    message::{self, Message, MessageAttributes, Millis},
    queue::{Receipt, Receive, Stale},
    refusal, send,
    settings::{Redrive, arn_of, name_in},
};
use crate::wire::{Answer, Refusal, Request};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{ops::RangeInclusive, sync::Arc};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Poll {
    queue_url: String,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    receive_request_attempt_id: Option<String>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Receipted {
    queue_url: String,
    receipt_handle: String,
    visibility_timeout: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HandleBatch {
    queue_url: String,
    #[serde(default)]
    entries: Vec<HandleEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HandleEntry {
    id: String,
    receipt_handle: String,
    visibility_timeout: Option<i64>,
}

/// A message as a receiver gets it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Delivery {
    message_id: String,
    receipt_handle: String,
    #[serde(rename = "MD5OfBody")]
    md5_of_body: String,
    body: String,
    #[serde(skip_serializing_if = "Map::is_empty")]
    attributes: Map<String, Value>,
    #[serde(rename = "MD5OfMessageAttributes", skip_serializing_if = "Option::is_none")]
    md5_of_message_attributes: Option<String>,
    #[serde(skip_serializing_if = "MessageAttributes::is_empty")]
    message_attributes: MessageAttributes,
}

impl Sqs {
    /// Waits as long as a `ReceiveMessage` asks for. False where it would find nothing; what is wrong with the request is
    /// left for `answer` to say.
    pub(crate) async fn wait(&self, request: &Request) -> bool {
        let Ok(poll) = request.parse::<Poll>() else { return true };
        if poll.check().is_err() {
            return true;
        }
        let started = self.now();
        loop {
            let (arrived, wake) = {
                let now = self.now();
                let mut state = self.state();
                if state.bury_poison(&poll.queue_url, now).is_err() {
                    return true;
                }
                let Ok(entry) = state.entry(&poll.queue_url, now) else { return true };
                let is_repeat =
                    poll.receive_request_attempt_id.as_ref().is_some_and(|id| entry.queue.knows_attempt(id));
                if is_repeat || entry.queue.has_ready(None) {
                    return true;
                }
                let wait = poll.wait_time_seconds.unwrap_or_else(|| entry.about.settings.wait_seconds());
                let deadline = started + wait.clamp(0, 20) * 1000;
                if now >= deadline {
                    return false;
                }
                // Made while the state is locked: no arrival is missed.
                let arrived = Arc::clone(&entry.arrivals).notified_owned();
                (arrived, entry.queue.next_release().map_or(deadline, |release| release.min(deadline)))
            };
            tokio::select! {
                () = arrived => {}
                () = self.clock.sleep_until(Timestamp::from_millisecond(wake).unwrap_or(Timestamp::MAX)) => {}
            }
        }
    }
}

impl State {
    pub(super) fn receive(&mut self, request: &Request, now: Millis) -> Result<Answer, Refusal> {
        let poll: Poll = request.parse()?;
        poll.check()?;
        let source = name_in(&poll.queue_url).to_owned();
        let settings = &self.entry(&poll.queue_url, now)?.about.settings;
        let visibility = poll.visibility_timeout.unwrap_or_else(|| settings.visibility_seconds());
        let is_fifo = settings.is_fifo();
        let redrive = self.redrive(&source);
        let attempt = poll.receive_request_attempt_id.as_deref();
        if attempt.is_some() && !is_fifo {
            let reason = "The request include parameter that is not valid for this queue type";
            return Err(refusal::invalid_value(attempt.unwrap_or_default(), "ReceiveRequestAttemptId", reason));
        }
        let entry = self.entry(&poll.queue_url, now)?;
        if !is_fifo && entry.queue.counts().in_flight >= MAX_IN_FLIGHT {
            return Err(refusal::over_limit());
        }
        let received = entry.queue.receive(&Receive {
            now,
            max: poll.max_number_of_messages.and_then(|max| usize::try_from(max).ok()).unwrap_or(1),
            visible_at: now + visibility * 1000,
            max_receives: redrive.as_ref().map(|redrive| redrive.max_receives),
            attempt,
            twice: request.deliver_twice,
        });
        if visibility == 0 {
            entry.pass_time(now);
        }
        let id = entry.about.id;
        if let Some(redrive) = redrive {
            self.bury(received.dead, &source, &redrive.target, now);
        }
        let messages: Vec<_> = received.handed_out.into_iter().map(|message| deliver(message, id, &poll)).collect();
        if messages.is_empty() { Ok(Answer::empty()) } else { Answer::of(&json!({ "Messages": messages })) }
    }

    /// Moves to the dead letters what stands before a poll that would find nothing.
    fn bury_poison(&mut self, url: &str, now: Millis) -> Result<(), Refusal> {
        let Some(redrive) = self.redrive(name_in(url)) else { return Ok(()) };
        let entry = self.entry(url, now)?;
        if !entry.queue.has_ready(Some(redrive.max_receives)) {
            let poison = entry.queue.take_poison(redrive.max_receives);
            self.bury(poison, name_in(url), &redrive.target, now);
            self.commit()?;
        }
        Ok(())
    }

    /// Where a queue's poison goes, if that queue still exists.
    fn redrive(&self, queue: &str) -> Option<Redrive> {
        let redrive = self.queues.get(queue)?.about.settings.redrive()?;
        self.queues.contains_key(&redrive.target).then_some(redrive)
    }

    /// Moves poison to the dead letters, in order. In a FIFO queue it is as if sent there now.
    fn bury(&mut self, dead: Vec<Message>, source: &str, target: &str, now: Millis) {
        for message in dead {
            let sequence = self.next_sequence();
            let Some(grave) = self.queues.get_mut(target) else { continue };
            let sent = if grave.about.settings.is_fifo() { now } else { message.sent };
            grave.queue.add(Message { sequence, sent, dead_from: Some(arn_of(source)), ..message });
        }
    }

    pub(super) fn delete_message(&mut self, request: &Request, now: Millis) -> Result<Answer, Refusal> {
        let Receipted { queue_url, receipt_handle, .. } = request.parse()?;
        self.delete(&queue_url, &receipt_handle, now)?;
        Ok(Answer::empty())
    }

    pub(super) fn delete_batch(&mut self, request: &Request, now: Millis) -> Result<Answer, Refusal> {
        let HandleBatch { queue_url, entries } = request.parse()?;
        self.entry(&queue_url, now)?;
        batch::check("DeleteMessageBatchRequestEntry", entries.iter().map(|entry| entry.id.as_str()))?;
        batch::answer(entries.into_iter().map(|entry| {
            let deleted = self.delete(&queue_url, &entry.receipt_handle, now);
            (entry.id, deleted.map(|()| Map::new()))
        }))
    }

    pub(super) fn change_visibility(&mut self, request: &Request, now: Millis) -> Result<Answer, Refusal> {
        let Receipted { queue_url, receipt_handle, visibility_timeout } = request.parse()?;
        self.hold(&queue_url, &receipt_handle, visibility_timeout, now)?;
        Ok(Answer::empty())
    }

    pub(super) fn change_visibility_batch(&mut self, request: &Request, now: Millis) -> Result<Answer, Refusal> {
        let HandleBatch { queue_url, entries } = request.parse()?;
        self.entry(&queue_url, now)?;
        batch::check("ChangeMessageVisibilityBatchRequestEntry", entries.iter().map(|entry| entry.id.as_str()))?;
        batch::answer(entries.into_iter().map(|entry| {
            let held = self.hold(&queue_url, &entry.receipt_handle, entry.visibility_timeout, now);
            (entry.id, held.map(|()| Map::new()))
        }))
    }

    fn delete(&mut self, url: &str, handle: &str, now: Millis) -> Result<(), Refusal> {
        let entry = self.entry(url, now)?;
        let receipt = receipt_in(handle, entry.about.id)?;
        entry.queue.delete(receipt).map_err(|_| refusal::expired_handle(handle))
    }

    fn hold(&mut self, url: &str, handle: &str, seconds: Option<i64>, now: Millis) -> Result<(), Refusal> {
        let seconds = seconds.ok_or_else(|| refusal::missing("VisibilityTimeout"))?;
        within("VisibilityTimeout", Some(seconds), VISIBILITY)?;
        let entry = self.entry(url, now)?;
        let receipt = receipt_in(handle, entry.about.id)?;
        let is_fifo = entry.about.settings.is_fifo();
        entry.queue.change_visibility(receipt, now, now + seconds * 1000).map_err(|stale| match stale {
            Stale::Gone => refusal::gone_message(handle),
            Stale::Expired if is_fifo => refusal::expired_handle(handle),
            Stale::Expired => refusal::not_in_flight(),
        })
    }
}

impl Poll {
    fn check(&self) -> Result<(), Refusal> {
        within("MaxNumberOfMessages", self.max_number_of_messages, 1..=10)?;
        within("WaitTimeSeconds", self.wait_time_seconds, 0..=20)?;
        within("VisibilityTimeout", self.visibility_timeout, VISIBILITY)
    }
}

const MAX_IN_FLIGHT: usize = 120_000;
const VISIBILITY: RangeInclusive<i64> = 0..=43_200;

fn within(parameter: &str, value: Option<i64>, range: RangeInclusive<i64>) -> Result<(), Refusal> {
    match value {
        Some(value) if !range.contains(&value) => {
            let reason = format!("Must be between {} and {}, if provided.", range.start(), range.end());
            Err(refusal::invalid_value(&value.to_string(), parameter, &reason))
        }
        _ => Ok(()),
    }
}

/// A receipt handle names the queue, the message and which of its hand-outs it was.
fn handle_of(receipt: Receipt, queue: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{HANDLE}.{queue}.{}.{}", receipt.sequence, receipt.receives))
}

fn receipt_in(handle: &str, queue: u64) -> Result<Receipt, Refusal> {
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(handle).ok()?).ok()?;
        let mut parts = text.split('.');
        let own = parts.next()? == HANDLE && parts.next()?.parse() == Ok(queue);
        let receipt = Receipt { sequence: parts.next()?.parse().ok()?, receives: parts.next()?.parse().ok()? };
        (own && parts.next().is_none()).then_some(receipt)
    };
    read().ok_or_else(refusal::invalid_handle)
}

const HANDLE: &str = "patchbay-receipt";

fn deliver(message: Message, queue: u64, poll: &Poll) -> Delivery {
    let receipt_handle = handle_of(message.receipt(), queue);
    let md5_of_body = message::md5_of_body(&message.body);
    let attributes = system_attributes(&message, poll);
    let asked = |name: &String| poll.message_attribute_names.iter().any(|pattern| matches(pattern, name));
    let message_attributes: MessageAttributes =
        message.attributes.into_iter().filter(|(name, _)| asked(name)).collect();
    Delivery {
        message_id: message.id,
        receipt_handle,
        md5_of_body,
        body: message.body,
        attributes,
        md5_of_message_attributes: message::md5_of_attributes(&message_attributes),
        message_attributes,
    }
}

fn system_attributes(message: &Message, poll: &Poll) -> Map<String, Value> {
    let known = [
        ("SenderId", Some(message.sender.clone())),
        ("SentTimestamp", Some(message.sent.to_string())),
        ("ApproximateReceiveCount", Some(message.receives.to_string())),
        ("ApproximateFirstReceiveTimestamp", message.first_received.map(|at| at.to_string())),
        ("SequenceNumber", message.deduplication.as_ref().map(|_| send::sequence_number(message.sequence))),
        ("MessageDeduplicationId", message.deduplication.clone()),
        ("MessageGroupId", message.group.clone()),
        ("AWSTraceHeader", message.trace_header.clone()),
        ("DeadLetterQueueSourceArn", message.dead_from.clone()),
    ];
    let asked = |name: &str| {
        poll.attribute_names
            .iter()
            .chain(&poll.message_system_attribute_names)
            .any(|asked| asked == "All" || asked == name)
    };
    let known = known.into_iter().filter(|(name, _)| asked(name));
    known.filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect()
}

/// `All`, `.*`, a prefix followed by `.*`, or the name itself.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix(".*") {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == "All" || pattern == name,
    }
}
