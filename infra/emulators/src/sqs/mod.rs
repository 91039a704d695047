//! SQS: queues in memory, every change committed to a file before it is answered.

mod admin;
mod batch;
mod message;
mod moves;
mod queue;
#[cfg(test)]
mod queue_model;
mod receive;
mod refusal;
mod send;
mod settings;

use crate::{
    clock::Clock,
    store::{Store, StoreError, Writes},
    wire::{Answer, Refusal, Request},
};
use message::{Message, Millis, Progress, Sequence};
use queue::{Change, Queue, Remembered};
use serde::{Deserialize, Serialize};
use settings::{Attributes, Settings, name_in};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

#[derive(Debug)]
pub(crate) struct Sqs {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    store: Store,
    queues: BTreeMap<String, Entry>,
    counters: Counters,
    moves: Vec<moves::Redriven>,
}

/// One queue with what is known about it.
#[derive(Debug)]
struct Entry {
    about: About,
    queue: Queue,
    /// Told whenever something may have become ready.
    arrivals: Arc<Notify>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct About {
    /// Tells a queue from an earlier one of the same name.
    id: u64,
    settings: Settings,
    tags: Attributes,
    created: Millis,
    modified: Millis,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Subject {
    queue_url: Option<String>,
    queue_name: Option<String>,
}

/// Numbers that only grow. Sequences are reserved in blocks, so that not every send writes the counter.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Counters {
    #[serde(skip)]
    sequence: Sequence,
    reserved: Sequence,
    queue: u64,
}

const BLOCK: Sequence = 10_000;

impl Sqs {
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Self, StoreError> {
        Ok(Self { clock, state: Mutex::new(State::load(Store::open(path)?)?) })
    }

    /// Answers a request. `ReceiveMessage` hands out what is ready now; `wait` comes before it.
    pub(crate) fn answer(&self, request: &Request) -> Result<Answer, Refusal> {
        let now = self.now();
        let mut state = self.state();
        let answer = state.dispatch(request, now);
        // Also after a refusal: time has passed for the queue.
        state.commit()?;
        answer
    }

    /// The queue a request is about.
    pub(crate) fn queue_of(request: &Request) -> Option<String> {
        let Subject { queue_url, queue_name } = request.parse().ok()?;
        queue_name.or_else(|| Some(name_in(&queue_url?).to_owned()))
    }

    fn now(&self) -> Millis {
        self.clock.now().as_millisecond()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn dispatch(&mut self, request: &Request, now: Millis) -> Result<Answer, Refusal> {
        match request.operation.as_str() {
            "CreateQueue" => self.create(request, now),
            "DeleteQueue" => self.delete_queue(request),
            "GetQueueAttributes" => self.attributes(request, now),
            "GetQueueUrl" => self.url(request),
            "ListDeadLetterSourceQueues" => self.dead_letter_sources(request),
            "ListQueues" => self.list(request),
            "ListQueueTags" => self.tags(request),
            "PurgeQueue" => self.purge(request, now),
            "SetQueueAttributes" => self.set_attributes(request, now),
            "TagQueue" => self.tag(request),
            "UntagQueue" => self.untag(request),
            "SendMessage" => self.send(request, now),
            "SendMessageBatch" => self.send_batch(request, now),
            "ReceiveMessage" => self.receive(request, now),
            "DeleteMessage" => self.delete_message(request, now),
            "DeleteMessageBatch" => self.delete_batch(request, now),
            "ChangeMessageVisibility" => self.change_visibility(request, now),
            "ChangeMessageVisibilityBatch" => self.change_visibility_batch(request, now),
            "StartMessageMoveTask" => self.start_move(request, now),
            "ListMessageMoveTasks" => self.list_moves(request),
            operation => Err(Refusal::unknown_operation(operation)),
        }
    }

    /// The queue that a URL names, as it is now.
    fn entry(&mut self, url: &str, now: Millis) -> Result<&mut Entry, Refusal> {
        let entry = self.queues.get_mut(name_in(url)).ok_or_else(refusal::no_such_queue)?;
        entry.pass_time(now);
        Ok(entry)
    }

    fn next_sequence(&mut self) -> Sequence {
        self.counters.sequence += 1;
        self.counters.sequence
    }

    /// Writes what changed, and wakes those who wait for it.
    fn commit(&mut self) -> Result<(), StoreError> {
        let mut writes = Writes::default();
        if self.counters.sequence >= self.counters.reserved {
            self.counters.reserved = self.counters.sequence + BLOCK;
            writes.put("counters".into(), &self.counters)?;
        }
        for entry in self.queues.values_mut() {
            let journal = entry.queue.take_journal();
            if !journal.is_empty() {
                entry.write(journal, &mut writes)?;
                entry.arrivals.notify_waiters();
            }
        }
        self.store.commit(writes)
    }

    fn load(store: Store) -> Result<Self, StoreError> {
        let mut counters = store.load::<Counters>("counters")?.pop().map(|(_, counters)| counters).unwrap_or_default();
        counters.sequence = counters.reserved;
        let mut queues = BTreeMap::new();
        for (name, about) in store.load::<About>("queue/")? {
            let queue = load_queue(&store, &about)?;
            queues.insert(name, Entry { about, queue, arrivals: Arc::default() });
        }
        Ok(Self { store, queues, counters, moves: Vec::new() })
    }
}

impl Entry {
    fn pass_time(&mut self, now: Millis) {
        self.queue.pass_time(now, self.about.settings.retention_seconds() * 1000);
    }

    fn write(&self, journal: Vec<Change>, writes: &mut Writes) -> Result<(), StoreError> {
        let id = self.about.id;
        for change in journal {
            match change {
                Change::Added(sequence) => {
                    if let Some(message) = self.queue.message(sequence) {
                        writes.put(message_key(id, sequence), message)?;
                        if message.progress() != Progress::default() {
                            writes.put(progress_key(id, sequence), &message.progress())?;
                        }
                    }
                }
                Change::Changed(sequence) => {
                    if let Some(message) = self.queue.message(sequence) {
                        writes.put(progress_key(id, sequence), &message.progress())?;
                    }
                }
                Change::Removed(sequence) => {
                    writes.delete(message_key(id, sequence));
                    writes.delete(progress_key(id, sequence));
                }
                Change::Remembered(deduplication) => {
                    if let Some(accepted) = self.queue.remembered(&deduplication) {
                        writes.put(remembered_key(id, &deduplication), accepted)?;
                    }
                }
                Change::Forgotten(deduplication) => writes.delete(remembered_key(id, &deduplication)),
            }
        }
        Ok(())
    }
}

fn load_queue(store: &Store, about: &About) -> Result<Queue, StoreError> {
    let mut queue = Queue::new(about.settings.is_fifo());
    let mut progress: BTreeMap<String, Progress> =
        store.load(&format!("progress/{}/", about.id))?.into_iter().collect();
    for (key, message) in store.load::<Message>(&format!("message/{}/", about.id))? {
        queue.restore(match progress.remove(&key) {
            Some(state) => message.with_progress(state),
            None => message,
        });
    }
    let mut remembered: Vec<(String, Remembered)> = store.load(&format!("remembered/{}/", about.id))?;
    remembered.sort_by_key(|(_, accepted)| accepted.at);
    for (deduplication, accepted) in remembered {
        queue.restore_remembered(deduplication, accepted);
    }
    Ok(queue)
}

fn queue_key(name: &str) -> String {
    format!("queue/{name}")
}

fn message_key(queue: u64, sequence: Sequence) -> String {
    format!("message/{queue}/{sequence:020}")
}

fn progress_key(queue: u64, sequence: Sequence) -> String {
    format!("progress/{queue}/{sequence:020}")
}

fn remembered_key(queue: u64, deduplication: &str) -> String {
    format!("remembered/{queue}/{deduplication}")
}
