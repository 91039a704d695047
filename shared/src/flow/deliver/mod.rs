//! A message goes out: at most one POST that may have succeeded, wherever a process dies.
//!
//! The number's gate and the conversation's lane are passed first, then the message is claimed, which is the last write
//! before the POST; then its outcome is saved. Half: a claim whose lease is over was posted or not, nobody knows, so it is
//! not posted again but left to a status to tell (`Next::Lose`); a turn in the lane that was taken and not used is lost.
//! Twice: a message that is claimed, or has ended, is left alone.
//!
//! Order: a conversation's records come one after the other, and one that has to come again holds up those behind it. What
//! was put off into the table holds them up too: see [`turn`].

mod look;
mod post;
mod turn;

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
};

use futures_util::{FutureExt, StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use super::{accept::nonce, feed::Feed};
use crate::{
    Error, Result,
    aws::{
        accounts::Accounts,
        fifo::Fifo,
        messages::{Counts, Messages, Met, Note, Stepped},
        meta_app::MetaApps,
        stack_secret::StackSecret,
        vault::Vault,
    },
    clock::{Clock, Random},
    domain::{
        conversation::{ConversationId, Head, Line},
        message::Stored,
        record::Record,
        sending::{Fault, Next, Order, SOON, Sending, Source},
    },
    meta::Graph,
};
pub(super) use look::rate_of;
use look::{Batch, Ordered};

#[derive(Debug, Clone)]
pub struct Deliver {
    pub messages: Messages,
    pub accounts: Accounts,
    pub outbound: Fifo,
    pub vault: Vault,
    pub apps: MetaApps,
    pub secret: StackSecret,
    pub graph: Graph,
    pub feed: Feed,
    pub clock: Clock,
    pub random: Random,
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is over with this record; the message may be somewhere else.
    Done,
    /// It has to come again, not before.
    Again(Timestamp),
}

/// What is left to be said of a message that went through.
#[derive(Debug, Default)]
struct Said {
    touched: Vec<(Line, ConversationId, Timestamp)>,
    counts: BTreeMap<String, (Line, Counts)>,
}

/// Conversations that are worked on at a time.
const AT_ONCE: usize = 10;
/// Nothing new is begun after so long: a call to Graph may take ten seconds more, and the function has thirty.
const TIME: SignedDuration = SignedDuration::from_secs(12);
/// A record whose message is not there belongs to a request that nobody was answered 202, once it has come so often.
const UNACCEPTED: u32 = 5;
const A_MOMENT: SignedDuration = SignedDuration::from_secs(1);
/// For so long such a record is certain to come again.
pub(super) const KEEPS_COMING: SignedDuration = SignedDuration::from_secs(3);

impl Deliver {
    /// Sends one batch. Gives the places of those records that must come again.
    pub async fn take(&self, records: &[Record]) -> BTreeSet<usize> {
        let began = self.clock.now();
        let mut groups: BTreeMap<&str, Vec<(usize, Order)>> = BTreeMap::new();
        let mut again: Vec<(usize, Timestamp)> = Vec::new();
        for (index, record) in records.iter().enumerate() {
            if let Ok(order) = serde_json::from_str(&record.body) {
                groups.entry(&record.group).or_default().push((index, order));
            } else {
                tracing::error!(group = record.group, "a record of the outbound queue is none of ours");
                again.push((index, began + SOON));
            }
        }
        let batch = match self.look(groups.values().flatten().map(|(_, order)| order), began).await {
            Ok(batch) => batch,
            Err(error) => {
                tracing::error!(error = %error.chain(), "nothing of a batch could be looked up");
                return self
                    .come_again(records, (0..records.len()).map(|index| (index, began + A_MOMENT)).collect())
                    .await;
            }
        };
        let going = groups.into_values().map(|group| self.group(records, group, &batch, began));
        let gone: Vec<_> = stream::iter(going).buffer_unordered(AT_ONCE).collect().await;
        let mut said = Said::default();
        for (later, of_group) in gone {
            again.extend(later);
            said.add(of_group);
        }
        again.extend(self.tell(said, records.len(), began).await);
        self.come_again(records, again).await
    }

    /// One conversation's records, in their order, until one has to come again: then all behind it have to.
    async fn group(
        &self,
        records: &[Record],
        group: Vec<(usize, Order)>,
        batch: &Batch,
        began: Timestamp,
    ) -> (Vec<(usize, Timestamp)>, Said) {
        let mut said = Said::default();
        let mut again = None;
        let mut later = Vec::new();
        for (index, order) in group {
            let now = self.clock.now();
            if again.is_none() && now > began + TIME {
                again = Some(now + A_MOMENT);
            }
            if again.is_none() {
                let going = AssertUnwindSafe(self.one(&records[index], &order, batch, &mut said)).catch_unwind();
                let gone =
                    going.await.unwrap_or_else(|_| Err(Error::Corrupt("a message made its sender panic".to_owned())));
                match gone {
                    Ok(Fate::Done) => {}
                    Ok(Fate::Again(at)) => again = Some(at),
                    Err(error) => {
                        tracing::error!(group = records[index].group, error = %error.chain(), "a record must come again");
                        let seconds = 1_i64 << records[index].receives.min(5);
                        again = Some(self.clock.now() + SignedDuration::from_secs(seconds));
                    }
                }
            }
            later.extend(again.map(|at| (index, at)));
        }
        (later, said)
    }

    async fn one(&self, record: &Record, order: &Order, batch: &Batch, said: &mut Said) -> Result<Fate> {
        match order {
            Order::Job { tenant, number, job } => {
                let line = Line { tenant: tenant.clone(), number: number.clone() };
                let Ok(id) = job.parse() else { return Ok(Fate::Done) };
                match self.feed.job(&line, id).await? {
                    Some(at) => Ok(Fate::Again(at)),
                    None if self.messages.job(tenant, id).await?.is_some() => Ok(Fate::Done),
                    None => Ok(self.unaccepted(record)),
                }
            }
            Order::Message { tenant, number, generation, id } => {
                let line = Line { tenant: tenant.clone(), number: number.clone() };
                let found = match batch.message(tenant, id) {
                    Some(found) => Some(found),
                    None => self.messages.find(tenant, id).await?,
                };
                let Some(message) = found else { return Ok(self.unaccepted(record)) };
                let ordered = Ordered { line, generation: *generation, id: *id };
                self.message(ordered, message, record, batch, said).await
            }
        }
    }

    /// The request that a record is of has not been answered yet, or never was.
    fn unaccepted(&self, record: &Record) -> Fate {
        if record.receives >= UNACCEPTED { Fate::Done } else { Fate::Again(self.clock.now() + A_MOMENT) }
    }

    async fn message(
        &self,
        ordered: Ordered,
        mut message: Stored,
        record: &Record,
        batch: &Batch,
        said: &mut Said,
    ) -> Result<Fate> {
        const TRIES: usize = 8;
        for _ in 0..TRIES {
            let Some(sending) = message.sending.clone() else { return Ok(Fate::Done) };
            let now = self.clock.now();
            let by = nonce(&self.random);
            let after = match sending.next(now) {
                Next::Nothing => {
                    // Whoever brought it here may have died before the lists were told.
                    if record.receives > 1 {
                        self.tell_again(&ordered, batch, said).await?;
                    }
                    return Ok(Fate::Done);
                }
                Next::WaitUntil(until) => return Ok(Fate::Again(until)),
                Next::Lose => {
                    // Nor have the lists been told.
                    self.tell_again(&ordered, batch, said).await?;
                    let after = sending.stepped(&by, |sending| sending.is_lost("the process that sent it died", now));
                    self.mark_due(&ordered.line, &after, now).await?;
                    after
                }
                Next::Expire => sending.stepped(&by, |sending| sending.expires(now)),
                Next::Go => {
                    let account = batch.account(&ordered.line.number);
                    match account.filter(|account| account.is_in(&ordered.line.tenant, ordered.generation)) {
                        None => sending.stepped(&by, |sending| {
                            sending.fails(Fault::AccountDisconnected, Source::Api, now);
                        }),
                        Some(account) => match self.go(&ordered, &message, &sending, account, batch, said).await? {
                            turn::Gone::Fate(fate) => return Ok(fate),
                            turn::Gone::Moved(there) => {
                                message = *there;
                                continue;
                            }
                        },
                    }
                }
            };
            match self.messages.step(&ordered.line, &ordered.id, &after, None).await? {
                Stepped::Done => {
                    said.count(&ordered.line, &message, &after);
                    return Ok(Fate::Done);
                }
                Stepped::Moved(there) => message = *there,
                Stepped::Gone => return Ok(Fate::Done),
            }
        }
        Err(Error::aws("a message was changed by others without end"))
    }

    /// Somebody has to look at it, though no queue tells of it any more: said before it is so.
    async fn mark_due(&self, line: &Line, after: &Sending, now: Timestamp) -> Result<()> {
        let Some(due) = after.due_at else { return Ok(()) };
        self.mark(line, due, false, now).await
    }

    async fn mark(&self, line: &Line, due: Timestamp, holds: bool, now: Timestamp) -> Result<()> {
        let gate = self.messages.gate(line).await?;
        if gate.is_known_due(due, now) && (gate.holds || !holds) {
            return Ok(());
        }
        let marking = self.messages.edit_gate(line, gate, |gate| {
            gate.is_due(due, now);
            gate.holds |= holds;
        });
        marking.await.map(drop)
    }

    async fn tell_again(&self, ordered: &Ordered, batch: &Batch, said: &mut Said) -> Result<()> {
        let Some((id, head)) = self.head(ordered, batch).await? else { return Ok(()) };
        if head.last == Some(ordered.id) {
            said.touched.push((ordered.line.clone(), id, head.updated_at));
        }
        Ok(())
    }

    /// The head of a message's conversation, or of that which it is a part of by now. None: whoever it is with was
    /// erased, and is written to no more.
    async fn head(&self, ordered: &Ordered, batch: &Batch) -> Result<Option<(ConversationId, Head)>> {
        let (line, id) = (&ordered.line, ordered.id.conversation);
        if batch.is_erased(line, id) {
            return Ok(None);
        }
        if let Some(head) = batch.head(line, id) {
            return Ok(Some((id, head)));
        }
        Ok(match self.messages.meet(&line.tenant, &id).await? {
            Met::Somebody(id, head) => Some((id, *head)),
            Met::Erased => None,
            Met::Nobody => Some((id, Head::new(line.number.clone(), self.clock.now()))),
        })
    }

    /// The last writes of a batch. Lists are told again by whoever comes again; what is counted is a view, and may say
    /// less.
    async fn tell(&self, said: Said, records: usize, now: Timestamp) -> Vec<(usize, Timestamp)> {
        let mut of_lines: BTreeMap<String, (Line, Vec<(ConversationId, Timestamp)>)> = BTreeMap::new();
        for (line, id, at) in said.touched {
            let key = format!("{}#{}", line.tenant, line.number);
            of_lines.entry(key).or_insert_with(|| (line, Vec::new())).1.push((id, at));
        }
        let notes: Vec<Note> = of_lines.into_values().map(|(line, touched)| Note::Touched(line, touched)).collect();
        let mut again = Vec::new();
        if let Err(error) = self.messages.note(&notes, now).await {
            tracing::warn!(error = %error.chain(), "lists were not told of a batch");
            again = (0..records).map(|index| (index, now + A_MOMENT)).collect();
        }
        for (line, counts) in said.counts.into_values() {
            if let Err(error) = self.messages.count(&line, &counts, self.random.bytes(), now).await {
                tracing::warn!(error = %error.chain(), "a batch was not counted");
            }
        }
        again
    }

    /// Lets records wait, each until its time. Where that cannot be said they come when the queue's own time is over.
    async fn come_again(&self, records: &[Record], again: Vec<(usize, Timestamp)>) -> BTreeSet<usize> {
        let now = self.clock.now();
        let seconds = |at: Timestamp| {
            let millis = i32::try_from(at.duration_since(now).as_millis()).unwrap_or(i32::MAX);
            millis.saturating_add(999).div_euclid(1_000).clamp(1, 300)
        };
        let times: BTreeMap<usize, i32> = again.into_iter().map(|(index, at)| (index, seconds(at))).collect();
        let waits: Vec<(String, i32)> =
            times.iter().map(|(index, seconds)| (records[*index].handle.clone(), *seconds)).collect();
        if let Err(error) = self.outbound.wait(&waits).await {
            tracing::warn!(error = %error.chain(), "records could not be told when to come again");
        }
        times.into_keys().collect()
    }
}

impl Said {
    fn add(&mut self, more: Self) {
        self.touched.extend(more.touched);
        for (key, (line, counts)) in more.counts {
            self.counts.entry(key).or_insert_with(|| (line, Counts::default())).1.add_all(counts);
        }
    }

    /// What the latest step made of a message.
    fn count(&mut self, line: &Line, message: &Stored, after: &Sending) {
        let key = format!("{}#{}", line.tenant, line.number);
        let (_, counts) = self.counts.entry(key).or_insert_with(|| (line.clone(), Counts::default()));
        if let Some(mark) = after.marks.last() {
            counts.mark(message, mark);
        }
    }
}
