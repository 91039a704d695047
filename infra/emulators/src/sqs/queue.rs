//! One queue as a state machine: what is in it, what is in flight, what may be handed out now. No I/O, no clock.
//!
//! A standard queue is a queue whose every message is in a lane of its own; in a FIFO queue a lane is a message group.

use super::message::{Message, Millis, Sequence};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// How long a deduplication id, and a receive attempt id, is remembered.
pub(crate) const DEDUPLICATION_WINDOW: Millis = 5 * 60 * 1000;
/// A FIFO queue looks for messages it may hand out among its first so many.
const FIFO_HORIZON: usize = 120_000;

#[derive(Debug, Default)]
pub(crate) struct Queue {
    fifo: bool,
    messages: BTreeMap<Sequence, Message>,
    lanes: HashMap<Lane, LaneState>,
    /// The first message of each lane that may be handed out now.
    ready: BTreeMap<Sequence, Lane>,
    /// When a held message stops being held.
    timers: BTreeSet<(Millis, Sequence)>,
    by_age: BTreeSet<(Millis, Sequence)>,
    remembered: HashMap<String, Remembered>,
    /// The remembered ids, oldest first.
    remembrance: VecDeque<(Millis, String)>,
    in_flight: usize,
    attempts: HashMap<String, Attempt>,
    journal: Vec<Change>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Lane {
    Group(String),
    Own(Sequence),
}

#[derive(Debug, Default)]
struct LaneState {
    messages: BTreeSet<Sequence>,
    in_flight: usize,
    ready: Option<Sequence>,
}

/// A message that was accepted under a deduplication id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    pub(crate) id: String,
    pub(crate) sequence: Sequence,
    pub(crate) at: Millis,
}

/// What one receive with an attempt id handed out, for the caller to ask again.
#[derive(Debug)]
struct Attempt {
    at: Millis,
    handed_out: Vec<Receipt>,
}

/// One hand-out of a message: the message, and which of its hand-outs it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) sequence: Sequence,
    pub(crate) receives: u32,
}

/// What a receive asks for.
#[derive(Clone, Debug)]
pub(crate) struct Receive<'a> {
    pub(crate) now: Millis,
    pub(crate) max: usize,
    pub(crate) visible_at: Millis,
    /// A message handed out so often goes to the dead letters instead.
    pub(crate) max_receives: Option<u32>,
    pub(crate) attempt: Option<&'a str>,
    /// Each message comes back once more after it was deleted.
    pub(crate) twice: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) handed_out: Vec<Message>,
    /// Already removed from this queue.
    pub(crate) dead: Vec<Message>,
}

/// A receipt does not hold what the caller wants of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stale {
    /// The message was deleted, expired or moved.
    Gone,
    /// It became visible again, or was handed out anew.
    Expired,
}

/// What the file must learn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Added(Sequence),
    Changed(Sequence),
    Removed(Sequence),
    Remembered(String),
    Forgotten(String),
}

impl Queue {
    pub(crate) fn new(fifo: bool) -> Self {
        Self { fifo, ..Self::default() }
    }

    /// The message accepted under this id within the window.
    pub(crate) fn remembered(&self, deduplication: &str) -> Option<&Remembered> {
        self.remembered.get(deduplication)
    }

    pub(crate) fn remember(&mut self, deduplication: String, accepted: Remembered) {
        self.journal.push(Change::Remembered(deduplication.clone()));
        self.restore_remembered(deduplication, accepted);
    }

    pub(crate) fn add(&mut self, message: Message) {
        let sequence = message.sequence;
        self.journal.push(Change::Added(sequence));
        self.insert(message);
    }

    /// Puts a message where it was before the process died.
    pub(crate) fn restore(&mut self, message: Message) {
        self.insert(message);
    }

    /// Ids are restored in the order of their age.
    pub(crate) fn restore_remembered(&mut self, deduplication: String, accepted: Remembered) {
        self.remembrance.push_back((accepted.at, deduplication.clone()));
        self.remembered.insert(deduplication, accepted);
    }

    /// Lets time have its effect: visibility timeouts, delays, the retention period, the deduplication window.
    pub(crate) fn pass_time(&mut self, now: Millis, retention: Millis) {
        while let Some(&(at, sequence)) = self.timers.first()
            && at <= now
        {
            self.release(sequence);
        }
        while let Some(&(sent, sequence)) = self.by_age.first()
            && sent + retention <= now
        {
            self.remove(sequence);
        }
        while let Some((at, _)) = self.remembrance.front()
            && now - at >= DEDUPLICATION_WINDOW
        {
            self.forget_oldest();
        }
        self.attempts.retain(|_, attempt| now - attempt.at < DEDUPLICATION_WINDOW);
    }

    /// Whether a receive would hand out anything.
    pub(crate) fn has_ready(&self, max_receives: Option<u32>) -> bool {
        self.first_ready().is_some() && self.ready.keys().any(|&sequence| !self.is_poison(sequence, max_receives))
    }

    /// Removes and returns what was handed out too often, where nothing else is ready before it.
    pub(crate) fn take_poison(&mut self, max_receives: u32) -> Vec<Message> {
        let mut poison = Vec::new();
        while let Some((&sequence, _)) = self.ready.first_key_value()
            && self.is_poison(sequence, Some(max_receives))
        {
            poison.extend(self.remove(sequence));
        }
        poison
    }

    /// When a held message will be released next.
    pub(crate) fn next_release(&self) -> Option<Millis> {
        self.timers.first().map(|&(at, _)| at)
    }

    pub(crate) fn receive(&mut self, receive: &Receive<'_>) -> Received {
        if let Some(again) = receive.attempt.and_then(|attempt| self.repeat(attempt, receive)) {
            return again;
        }
        let mut received = Received::default();
        while received.handed_out.len() < receive.max
            && let Some(lane) = self.first_ready()
        {
            self.receive_from(&lane, receive, &mut received);
        }
        if let Some(attempt) = receive.attempt
            && !received.handed_out.is_empty()
        {
            let handed_out = received.handed_out.iter().map(Message::receipt).collect();
            self.attempts.insert(attempt.to_owned(), Attempt { at: receive.now, handed_out });
        }
        received
    }

    /// Deletes the message, or tells why this receipt cannot. A message that is gone is deleted.
    pub(crate) fn delete(&mut self, receipt: Receipt) -> Result<(), Stale> {
        let is_fifo = self.fifo;
        match self.held_by(receipt) {
            Ok(message) if message.comes_back => {
                message.comes_back = false;
                self.release(receipt.sequence);
                Ok(())
            }
            Ok(_) | Err(Stale::Gone) => {
                self.remove(receipt.sequence);
                Ok(())
            }
            // A standard queue still deletes by the latest receipt after the timeout.
            Err(Stale::Expired) if !is_fifo => {
                if self.messages.get(&receipt.sequence).is_some_and(|message| message.receipt() == receipt) {
                    self.remove(receipt.sequence);
                }
                Ok(())
            }
            Err(stale) => Err(stale),
        }
    }

    pub(crate) fn change_visibility(&mut self, receipt: Receipt, now: Millis, visible_at: Millis) -> Result<(), Stale> {
        self.held_by(receipt)?;
        let Receipt { sequence, .. } = receipt;
        self.attempts.retain(|_, attempt| !attempt.handed_out.contains(&receipt));
        if visible_at <= now {
            self.release(sequence);
        } else {
            self.hold(sequence, visible_at);
        }
        self.journal.push(Change::Changed(sequence));
        Ok(())
    }

    pub(crate) fn purge(&mut self) {
        for sequence in self.messages.keys().copied().collect::<Vec<_>>() {
            self.remove(sequence);
        }
    }

    /// Takes everything away, ids included, as when the queue is deleted.
    pub(crate) fn clear(&mut self) {
        self.purge();
        while !self.remembrance.is_empty() {
            self.forget_oldest();
        }
    }

    pub(crate) fn knows_attempt(&self, attempt: &str) -> bool {
        self.attempts.contains_key(attempt)
    }

    /// Removes and returns those messages that are chosen and not in flight, in order.
    pub(crate) fn drain(&mut self, chosen: impl Fn(&Message) -> bool) -> Vec<Message> {
        let waiting = self.messages.values().filter(|message| !message.in_flight && chosen(message));
        let waiting: Vec<_> = waiting.map(|message| message.sequence).collect();
        waiting.into_iter().filter_map(|sequence| self.remove(sequence)).collect()
    }

    pub(crate) fn message(&self, sequence: Sequence) -> Option<&Message> {
        self.messages.get(&sequence)
    }

    /// How many messages are visible, in flight and delayed.
    pub(crate) fn counts(&self) -> Counts {
        let delayed = self.timers.len() - self.in_flight;
        Counts { visible: self.messages.len() - self.timers.len(), in_flight: self.in_flight, delayed }
    }

    /// Takes what happened since the last time.
    pub(crate) fn take_journal(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.journal)
    }

    fn forget_oldest(&mut self) {
        let Some((at, id)) = self.remembrance.pop_front() else { return };
        if self.remembered.get(&id).is_some_and(|remembered| remembered.at == at) {
            self.remembered.remove(&id);
            self.journal.push(Change::Forgotten(id));
        }
    }

    fn lane_of(&self, message: &Message) -> Lane {
        match &message.group {
            Some(group) if self.fifo => Lane::Group(group.clone()),
            _ => Lane::Own(message.sequence),
        }
    }

    fn insert(&mut self, message: Message) {
        let sequence = message.sequence;
        let lane = self.lane_of(&message);
        let state = self.lanes.entry(lane.clone()).or_default();
        state.messages.insert(sequence);
        if message.in_flight {
            state.in_flight += 1;
            self.in_flight += 1;
        }
        if let Some(until) = message.held_until {
            self.timers.insert((until, sequence));
        }
        self.by_age.insert((message.sent, sequence));
        self.messages.insert(sequence, message);
        self.refresh(&lane);
    }

    fn remove(&mut self, sequence: Sequence) -> Option<Message> {
        self.release(sequence);
        let message = self.messages.remove(&sequence)?;
        self.by_age.remove(&(message.sent, sequence));
        let lane = self.lane_of(&message);
        if let Some(state) = self.lanes.get_mut(&lane) {
            state.messages.remove(&sequence);
        }
        self.refresh(&lane);
        self.journal.push(Change::Removed(sequence));
        Some(message)
    }

    /// Ends a message's flight or delay.
    fn release(&mut self, sequence: Sequence) {
        let Some(message) = self.messages.get_mut(&sequence) else { return };
        let Some(until) = message.held_until.take() else { return };
        self.timers.remove(&(until, sequence));
        let was_in_flight = std::mem::take(&mut message.in_flight);
        let lane = self.lane_of(&self.messages[&sequence]);
        if let Some(state) = self.lanes.get_mut(&lane)
            && was_in_flight
        {
            state.in_flight -= 1;
            self.in_flight -= 1;
        }
        self.refresh(&lane);
    }

    /// Moves the end of a message's flight.
    fn hold(&mut self, sequence: Sequence, until: Millis) {
        let Some(message) = self.messages.get_mut(&sequence) else { return };
        if let Some(earlier) = message.held_until.replace(until) {
            self.timers.remove(&(earlier, sequence));
        }
        self.timers.insert((until, sequence));
    }

    /// Says again whether a lane may hand out its first message: nothing of it is in flight, and the first is not held.
    fn refresh(&mut self, lane: &Lane) {
        let Some(state) = self.lanes.get_mut(lane) else { return };
        let first = state.messages.first().copied();
        let ready = first.filter(|first| state.in_flight == 0 && self.messages[first].held_until.is_none());
        if state.ready != ready {
            if let Some(before) = state.ready {
                self.ready.remove(&before);
            }
            if let Some(now) = ready {
                self.ready.insert(now, lane.clone());
            }
            state.ready = ready;
        }
        if first.is_none() {
            self.lanes.remove(lane);
        }
    }

    fn first_ready(&self) -> Option<Lane> {
        let (&sequence, lane) = self.ready.first_key_value()?;
        let beyond = self.fifo
            && self.messages.len() > FIFO_HORIZON
            && self.messages.keys().nth(FIFO_HORIZON).is_some_and(|&horizon| sequence >= horizon);
        (!beyond).then(|| lane.clone())
    }

    /// Hands out as many messages of one lane as are asked for, in order, up to the first that is held.
    fn receive_from(&mut self, lane: &Lane, receive: &Receive<'_>, received: &mut Received) {
        let Some(state) = self.lanes.get(lane) else { return };
        for sequence in state.messages.iter().copied().take(FIFO_HORIZON).collect::<Vec<_>>() {
            if self.messages[&sequence].held_until.is_some() || received.handed_out.len() == receive.max {
                break;
            }
            if self.is_poison(sequence, receive.max_receives) {
                received.dead.extend(self.remove(sequence));
            } else {
                received.handed_out.push(self.hand_out(sequence, lane, receive));
            }
        }
        self.refresh(lane);
    }

    fn is_poison(&self, sequence: Sequence, max_receives: Option<u32>) -> bool {
        max_receives.is_some_and(|max| self.messages[&sequence].receives >= max)
    }

    fn hand_out(&mut self, sequence: Sequence, lane: &Lane, receive: &Receive<'_>) -> Message {
        if let Some(state) = self.lanes.get_mut(lane) {
            state.in_flight += 1;
            self.in_flight += 1;
        }
        self.hold(sequence, receive.visible_at);
        self.journal.push(Change::Changed(sequence));
        #[expect(clippy::expect_used, reason = "the lane that named it holds only messages that are there")]
        let message = self.messages.get_mut(&sequence).expect("a message of the lane");
        message.in_flight = true;
        message.comes_back |= receive.twice;
        message.receives += 1;
        message.first_received.get_or_insert(receive.now);
        message.clone()
    }

    /// The same messages under the same receipts, where a receive is repeated and nothing happened to them since.
    fn repeat(&mut self, attempt: &str, receive: &Receive<'_>) -> Option<Received> {
        let receipts = self.attempts.get(attempt)?.handed_out.clone();
        if receipts.iter().any(|&receipt| self.held_by(receipt).is_err()) {
            self.attempts.remove(attempt);
            return None;
        }
        let mut received = Received::default();
        for Receipt { sequence, .. } in receipts {
            self.hold(sequence, receive.visible_at);
            self.journal.push(Change::Changed(sequence));
            received.handed_out.extend(self.messages.get(&sequence).cloned());
        }
        Some(received)
    }

    fn held_by(&mut self, receipt: Receipt) -> Result<&mut Message, Stale> {
        let message = self.messages.get_mut(&receipt.sequence).ok_or(Stale::Gone)?;
        if message.in_flight && message.receives == receipt.receives { Ok(message) } else { Err(Stale::Expired) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) visible: usize,
    pub(crate) in_flight: usize,
    pub(crate) delayed: usize,
}
