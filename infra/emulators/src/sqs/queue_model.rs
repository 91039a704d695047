//! The queue against a naive model of what AWS documents: no indexes, no timers, one list walked from the front.

use super::{
    message::{Message, MessageAttributes, Millis, Sequence},
    queue::{DEDUPLICATION_WINDOW, Queue, Receipt, Receive, Remembered, Stale},
};
use proptest::prelude::*;

const RETENTION: Millis = 3_600_000;
const MAX_RECEIVES: u32 = 4;

#[derive(Clone, Copy, Debug)]
enum Step {
    Send { group: u8, deduplication: u8, delay: Millis },
    Receive { max: usize, visibility: Millis, attempt: Option<u8> },
    Delete { of: prop::sample::Index },
    Hold { of: prop::sample::Index, visibility: Millis },
    Pass { time: Millis },
    Purge,
}

fn step() -> impl Strategy<Value = Step> {
    let delay = prop_oneof![9 => Just(0), 1 => 1..20_000_i64];
    let visibility = prop_oneof![1 => Just(0), 4 => 1..60_000_i64, 1 => Just(2 * DEDUPLICATION_WINDOW)];
    let time = prop_oneof![20 => 1..40_000_i64, 2 => Just(DEDUPLICATION_WINDOW), 1 => Just(RETENTION)];
    prop_oneof![
        12 => (0..4_u8, any::<u8>(), delay).prop_map(|(group, deduplication, delay)| Step::Send { group, deduplication, delay }),
        8 => (1..=10_usize, visibility.clone(), prop::option::weighted(0.2, 0..3_u8))
            .prop_map(|(max, visibility, attempt)| Step::Receive { max, visibility, attempt }),
        8 => any::<prop::sample::Index>().prop_map(|of| Step::Delete { of }),
        4 => (any::<prop::sample::Index>(), visibility).prop_map(|(of, visibility)| Step::Hold { of, visibility }),
        4 => time.prop_map(|time| Step::Pass { time }),
        1 => Just(Step::Purge),
    ]
}

/// A message of the model.
#[derive(Clone, Debug)]
struct Held {
    sequence: Sequence,
    lane: Lane,
    sent: Millis,
    receives: u32,
    in_flight: bool,
    hidden_until: Millis,
}

/// A group in a FIFO queue; a message alone in a standard queue.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Lane {
    Group(u8),
    Own(Sequence),
}

#[derive(Debug)]
struct Model {
    fifo: bool,
    now: Millis,
    held: Vec<Held>,
    ids: Vec<(String, Sequence, Millis)>,
    attempts: Vec<(u8, Millis, Vec<Receipt>)>,
    dead: Vec<Sequence>,
}

impl Model {
    fn pass(&mut self, time: Millis) {
        self.now += time;
        let now = self.now;
        self.held.retain(|held| held.sent + RETENTION > now);
        for held in self.held.iter_mut().filter(|held| held.hidden_until <= now) {
            held.in_flight = false;
        }
        self.ids.retain(|(_, _, at)| now - at < DEDUPLICATION_WINDOW);
        self.attempts.retain(|(_, at, _)| now - at < DEDUPLICATION_WINDOW);
    }

    fn hidden(&self, held: &Held) -> bool {
        held.hidden_until > self.now
    }

    fn find(&mut self, receipt: Receipt) -> Result<&mut Held, Stale> {
        let held = self.held.iter_mut().find(|held| held.sequence == receipt.sequence).ok_or(Stale::Gone)?;
        if held.in_flight && held.receives == receipt.receives { Ok(held) } else { Err(Stale::Expired) }
    }

    fn receive(&mut self, max: usize, visibility: Millis, attempt: Option<u8>) -> Vec<Receipt> {
        if let Some(again) = attempt.and_then(|attempt| self.repeat(attempt, visibility)) {
            return again;
        }
        let mut taken = Vec::new();
        let lanes = self.held.iter().map(|held| held.lane).collect::<Vec<_>>();
        let locked: Vec<_> = self.held.iter().filter(|held| held.in_flight).map(|held| held.lane).collect();
        let mut stopped: Vec<Lane> = locked;
        // Lanes in the order of their first messages; each as far as it goes.
        for lane in lanes {
            if stopped.contains(&lane) {
                continue;
            }
            stopped.push(lane);
            for position in 0..self.held.len() {
                let held = &self.held[position];
                if held.lane != lane || self.dead.contains(&held.sequence) {
                    continue;
                }
                if taken.len() == max || self.hidden(held) {
                    break;
                }
                if held.receives >= MAX_RECEIVES {
                    self.dead.push(held.sequence);
                    continue;
                }
                let until = self.now + visibility;
                let held = &mut self.held[position];
                held.receives += 1;
                held.in_flight = true;
                held.hidden_until = until;
                taken.push(Receipt { sequence: held.sequence, receives: held.receives });
            }
        }
        let dead = self.dead.clone();
        self.held.retain(|held| !dead.contains(&held.sequence));
        if let Some(attempt) = attempt
            && !taken.is_empty()
        {
            self.attempts.retain(|(own, ..)| *own != attempt);
            self.attempts.push((attempt, self.now, taken.clone()));
        }
        taken
    }

    fn repeat(&mut self, attempt: u8, visibility: Millis) -> Option<Vec<Receipt>> {
        let (_, _, receipts) = self.attempts.iter().find(|(own, ..)| *own == attempt)?.clone();
        let until = self.now + visibility;
        if receipts.iter().any(|&receipt| self.find(receipt).is_err()) {
            self.attempts.retain(|(own, ..)| *own != attempt);
            return None;
        }
        for &receipt in &receipts {
            self.find(receipt).ok()?.hidden_until = until;
        }
        Some(receipts)
    }

    fn delete(&mut self, receipt: Receipt) -> Result<(), Stale> {
        match self.find(receipt).map(drop) {
            Err(Stale::Expired) if self.fifo => return Err(Stale::Expired),
            Err(Stale::Expired) => {
                self.held.retain(|held| (held.sequence, held.receives) != (receipt.sequence, receipt.receives));
            }
            Ok(()) | Err(Stale::Gone) => self.held.retain(|held| held.sequence != receipt.sequence),
        }
        Ok(())
    }

    fn hold(&mut self, receipt: Receipt, visibility: Millis) -> Result<(), Stale> {
        let now = self.now;
        let held = self.find(receipt)?;
        held.hidden_until = now + visibility;
        held.in_flight = visibility > 0;
        self.attempts.retain(|(_, _, receipts)| !receipts.contains(&receipt));
        Ok(())
    }
}

/// Both, side by side.
struct Pair {
    queue: Queue,
    model: Model,
    dead: Vec<Sequence>,
    receipts: Vec<Receipt>,
    sent: Sequence,
}

impl Pair {
    fn new(fifo: bool) -> Self {
        let model = Model { fifo, now: 0, held: vec![], ids: vec![], attempts: vec![], dead: vec![] };
        Self { queue: Queue::new(fifo), model, dead: vec![], receipts: vec![], sent: 0 }
    }

    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Send { group, deduplication, delay } => self.send(group, deduplication % 64, delay)?,
            Step::Receive { max, visibility, attempt } => self.receive(max, visibility, attempt)?,
            Step::Delete { of } if !self.receipts.is_empty() => {
                let receipt = *of.get(&self.receipts);
                prop_assert_eq!(self.queue.delete(receipt), self.model.delete(receipt));
            }
            Step::Hold { of, visibility } if !self.receipts.is_empty() => {
                let (receipt, now) = (*of.get(&self.receipts), self.model.now);
                let held = self.queue.change_visibility(receipt, now, now + visibility);
                prop_assert_eq!(held, self.model.hold(receipt, visibility));
            }
            Step::Delete { .. } | Step::Hold { .. } => {}
            Step::Pass { time } => self.pass(time),
            Step::Purge => {
                self.queue.purge();
                self.model.held.clear();
            }
        }
        self.agree()
    }

    fn pass(&mut self, time: Millis) {
        self.model.pass(time);
        self.queue.pass_time(self.model.now, RETENTION);
    }

    fn send(&mut self, group: u8, deduplication: u8, delay: Millis) -> Result<(), TestCaseError> {
        let now = self.model.now;
        let id = deduplication.to_string();
        let known = self.model.ids.iter().find(|(own, ..)| *own == id).map(|(_, sequence, _)| *sequence);
        prop_assert_eq!(self.queue.remembered(&id).map(|earlier| earlier.sequence), known);
        if known.is_some() {
            return Ok(());
        }
        self.sent += 1;
        let sequence = self.sent;
        self.queue.remember(id.clone(), Remembered { id: id.clone(), sequence, at: now });
        self.queue.add(message(sequence, group, now, delay));
        self.model.ids.push((id, sequence, now));
        let lane = if self.model.fifo { Lane::Group(group) } else { Lane::Own(sequence) };
        let hidden_until = now + delay;
        self.model.held.push(Held { sequence, lane, sent: now, receives: 0, in_flight: false, hidden_until });
        Ok(())
    }

    fn receive(&mut self, max: usize, visibility: Millis, attempt: Option<u8>) -> Result<(), TestCaseError> {
        let now = self.model.now;
        let name = attempt.map(|attempt| attempt.to_string());
        let received = self.queue.receive(&Receive {
            now,
            max,
            visible_at: now + visibility,
            max_receives: Some(MAX_RECEIVES),
            attempt: name.as_deref(),
            twice: false,
        });
        let receipts: Vec<_> = received.handed_out.iter().map(Message::receipt).collect();
        self.dead.extend(received.dead.iter().map(|message| message.sequence));
        prop_assert_eq!(&receipts, &self.model.receive(max, visibility, attempt));
        prop_assert_eq!(&self.dead, &self.model.dead);
        self.receipts.extend(receipts);
        // A visibility of zero ends at once.
        self.pass(0);
        Ok(())
    }

    fn agree(&self) -> Result<(), TestCaseError> {
        let counts = self.queue.counts();
        let in_flight = self.model.held.iter().filter(|held| held.in_flight).count();
        let hidden = self.model.held.iter().filter(|held| self.model.hidden(held)).count();
        let model = (self.model.held.len() - hidden, in_flight, hidden - in_flight);
        prop_assert_eq!((counts.visible, counts.in_flight, counts.delayed), model);
        Ok(())
    }
}

fn message(sequence: Sequence, group: u8, sent: Millis, delay: Millis) -> Message {
    Message {
        sequence,
        id: sequence.to_string(),
        body: "body".into(),
        attributes: MessageAttributes::new(),
        trace_header: None,
        group: Some(group.to_string()),
        deduplication: None,
        sender: "test".into(),
        sent,
        dead_from: None,
        in_flight: false,
        held_until: (delay > 0).then_some(sent + delay),
        receives: 0,
        first_received: None,
        comes_back: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_queue_does_what_the_model_does(fifo: bool, steps in prop::collection::vec(step(), 1..120)) {
        let mut pair = Pair::new(fifo);
        for step in steps {
            pair.take(step)?;
        }
    }

    /// Whatever happens, a queue made anew from what it told the file goes on like the first.
    #[test]
    fn a_restored_queue_goes_on_like_the_first(fifo: bool, steps in prop::collection::vec(step(), 1..60), max in 1..=10_usize) {
        let mut pair = Pair::new(fifo);
        for step in steps {
            pair.take(step)?;
        }
        let mut restored = Queue::new(fifo);
        for held in &pair.model.held {
            let message = pair.queue.message(held.sequence).unwrap();
            let kept = serde_json::to_value(message).unwrap();
            let progress = serde_json::to_value(message.progress()).unwrap();
            let message: Message = serde_json::from_value(kept).unwrap();
            restored.restore(message.with_progress(serde_json::from_value(progress).unwrap()));
        }
        let now = pair.model.now;
        let receive = Receive { now, max, visible_at: now + 1000, max_receives: None, attempt: None, twice: false };
        for _ in 0..3 {
            let first: Vec<_> = pair.queue.receive(&receive).handed_out;
            prop_assert_eq!(restored.receive(&receive).handed_out, first);
        }
    }
}
