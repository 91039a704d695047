//! Redriving dead letters: the whole move happens at once, and is complete when it is answered.

use super::{
    State,
    message::{Message, Millis},
    refusal,
    settings::{arn_of, name_in},
};
use crate::{
    random,
    wire::{Answer, Refusal, Request},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Start {
    source_arn: String,
    destination_arn: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Redriven {
    #[serde(rename = "TaskHandle")]
    handle: String,
    status: &'static str,
    source_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_arn: Option<String>,
    approximate_number_of_messages_moved: usize,
    approximate_number_of_messages_to_move: usize,
    started_timestamp: Millis,
}

impl State {
    /// A moved message is as new: another id, another place in the order, received by nobody.
    pub(super) fn start_move(&mut self, request: &Request, now: Millis) -> Result<Answer, Refusal> {
        let Start { source_arn, destination_arn } = request.parse()?;
        let source = name_in(&source_arn).to_owned();
        let is_target = |redrive: super::settings::Redrive| redrive.target == source;
        if !self.queues.values().any(|entry| entry.about.settings.redrive().is_some_and(is_target)) {
            return Err(refusal::no_such_resource("The source queue is not configured as a dead-letter queue."));
        }
        if destination_arn.as_ref().is_some_and(|arn| !self.queues.contains_key(name_in(arn))) {
            return Err(refusal::no_such_resource("The destination queue does not exist."));
        }
        let names: BTreeSet<String> = self.queues.keys().cloned().collect();
        let target_of = |message: &Message| {
            let arn = destination_arn.as_ref().or(message.dead_from.as_ref())?;
            names.get(name_in(arn)).cloned()
        };
        let moved = self.entry(&source, now)?.queue.drain(|message| target_of(message).is_some());
        let count = moved.len();
        for message in moved {
            if let Some(target) = target_of(&message) {
                self.enter(&target, message, now);
            }
        }
        let task = Redriven {
            handle: random::uuid(),
            status: "COMPLETED",
            source_arn: arn_of(&source),
            destination_arn,
            approximate_number_of_messages_moved: count,
            approximate_number_of_messages_to_move: count,
            started_timestamp: now,
        };
        self.moves.push(task.clone());
        Answer::of(&json!({ "TaskHandle": task.handle }))
    }

    pub(super) fn list_moves(&self, request: &Request) -> Result<Answer, Refusal> {
        let Start { source_arn, .. } = request.parse()?;
        let moves: Vec<_> = self.moves.iter().rev().filter(|task| task.source_arn == source_arn).take(10).collect();
        Answer::of(&json!({ "Results": moves }))
    }

    fn enter(&mut self, target: &str, message: Message, now: Millis) {
        let sequence = self.next_sequence();
        let Some(entry) = self.queues.get_mut(target) else { return };
        let (id, sent) = (random::uuid(), now);
        entry.queue.add(Message { sequence, id, sent, dead_from: None, receives: 0, first_received: None, ..message });
    }
}
