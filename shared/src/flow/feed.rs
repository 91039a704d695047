//! What lies in the table goes back to the queue when it may go: number by number, tenants in turn, each conversation in
//! its order. Also what nobody else comes back to: outcomes that stayed unknown, messages that have expired.
//!
//! Each thing is taken over what it was found as, before it is fed. Half: it is due again a while later. Twice: whoever
//! gets an order twice knows what was done.

use std::collections::{BTreeMap, HashSet, VecDeque};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{
    accept::{nonce, order, parcel},
    deliver::rate_of,
    jobs,
};
use crate::{
    Error, Result,
    aws::{
        accounts::Accounts,
        fifo::Fifo,
        messages::{Counts, DueThing, Messages, Seen, Stepped, Wanted},
        transaction::Item,
    },
    clock::{Clock, Random},
    domain::{
        account::Account,
        conversation::{ConversationId, Head, JobId, Line},
        message::Stored,
        sending::{Fault, Gate, Order, SOON, Sending, Source, State},
    },
};

#[derive(Debug, Clone)]
pub struct Feed {
    pub messages: Messages,
    pub accounts: Accounts,
    pub outbound: Fifo,
    pub clock: Clock,
    pub random: Random,
}

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Fed {
    pub fed: usize,
    pub settled: usize,
    pub expired: usize,
    /// More was due than could be done.
    pub more: bool,
}

/// Numbers that are looked at in one round, and things of one at a time.
const NUMBERS: i32 = 200;
const PAGE: i32 = 100;
/// Messages of one conversation that are fed at a time: more than may go within a minute.
const OF_ONE: i32 = 60;
const MOST_OF_ONE: usize = 60;
/// When a number that nothing was found of is looked at again.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);
/// How many of a batch are made into messages before its progress is noted.
const CHUNK: usize = 100;
/// What of a batch is in the queue at a time: its order comes again before that is gone.
const JOB_AHEAD: SignedDuration = SignedDuration::from_secs(4);
const JOB_TIME: SignedDuration = SignedDuration::from_secs(10);
const JOB_PATIENCE: SignedDuration = SignedDuration::from_mins(5);
const AT_ONCE: usize = 16;

impl Feed {
    /// The numbers of which something is due.
    pub async fn numbers_due(&self) -> Result<Vec<(Line, Gate)>> {
        self.messages.numbers_due(self.clock.now() + SOON, NUMBERS).await
    }

    /// One round over them. Nothing is begun after `until`.
    pub async fn feed(&self, due: Vec<(Line, Gate)>, until: Timestamp) -> Fed {
        let mut turns: VecDeque<Turn> = in_turns(due).into_iter().map(Turn::first).collect();
        let mut done = Fed::default();
        while let Some(mut turn) = turns.pop_front() {
            if self.clock.now() > until {
                done.more = true;
                break;
            }
            // One number that cannot be looked at keeps nobody else waiting.
            match self.number(&mut turn, &mut done).await {
                Ok(true) => turns.push_back(turn),
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(number = %turn.line.number, error = %error.chain(), "a number was not fed");
                }
            }
        }
        done
    }

    /// One page of what is due of a number. True: there is more to look at in this round.
    async fn number(&self, turn: &mut Turn, done: &mut Fed) -> Result<bool> {
        let now = self.clock.now();
        let line = turn.line.clone();
        let account = self.accounts.find(&line.number).await?.filter(|account| account.tenant == line.tenant);
        let sends = account.as_ref().is_some_and(Account::may_send);
        let things = self.page(turn, account.as_ref(), now).await?;
        let (jobs, found) = self.read(&line, &things).await?;
        for job in jobs {
            self.kick(&line, job, now).await?;
        }
        let mut conversations: BTreeMap<ConversationId, Vec<Stored>> = BTreeMap::new();
        for message in found {
            let Some(sending) = &message.sending else { continue };
            turn.is_holding |= sending.state == State::Held;
            match sending.state {
                State::Unknown if sending.due_at.is_some_and(|due| due <= now) => {
                    done.settled += usize::from(self.settle(turn, &message, now).await?);
                }
                State::Waiting | State::Held => {
                    conversations.entry(message.id.conversation).or_default().push(message);
                }
                _ => {}
            }
        }
        for (conversation, found) in conversations {
            if turn.seen.insert(conversation) {
                self.conversation(turn, conversation, found, account.as_ref(), done).await?;
            }
        }
        if let Err(error) =
            self.messages.count(&line, &std::mem::take(&mut turn.counts), self.random.bytes(), now).await
        {
            tracing::warn!(error = %error.chain(), "a number's messages were not counted");
        }
        if turn.next.iter().any(Option::is_some) {
            return Ok(true);
        }
        let next = if turn.left > 0 { Some(now) } else { self.next_due(&line).await? };
        let is_holding = turn.is_holding || !sends;
        let looked = |gate: &mut Gate| gate.is_looked_at(next, is_holding, now + AGAIN, now);
        self.messages.edit_gate(&line, turn.gate.clone(), looked).await?;
        Ok(false)
    }

    /// The next page of what waits, and of what is held: that goes when the number sends; until then it is looked at when
    /// it expires; and all of it ends with the life of the number it is of.
    async fn page(
        &self,
        turn: &mut Turn,
        account: Option<&Account>,
        now: Timestamp,
    ) -> Result<Vec<(DueThing, Timestamp)>> {
        let mut things = Vec::new();
        let is_waiting_for_it = account.is_some_and(|account| !account.may_send() && !account.is_disconnected());
        for (place, is_held) in [false, true].into_iter().enumerate() {
            let after = turn.next[place].take();
            if (turn.is_begun && after.is_none()) || (is_held && !turn.gate.holds) {
                continue;
            }
            let soon = now + SOON;
            let by = if is_held { is_waiting_for_it.then_some(now) } else { Some(soon) };
            let page = self.messages.due_of(&turn.line, is_held, by, PAGE, after).await?;
            turn.next[place] = page.next;
            things.extend(page.things);
        }
        turn.is_begun = true;
        Ok(things)
    }

    async fn next_due(&self, line: &Line) -> Result<Option<Timestamp>> {
        let next = self.messages.due_of(line, false, None, 1, None).await?;
        Ok(next.things.first().map(|(_, at)| *at))
    }

    /// What is due, as it is now. An index lags behind.
    async fn read(&self, line: &Line, things: &[(DueThing, Timestamp)]) -> Result<(Vec<JobId>, Vec<Stored>)> {
        let mut wanted = Wanted::default();
        let mut jobs = Vec::new();
        for (thing, _) in things {
            match thing {
                DueThing::Message(id) => drop(wanted.messages.insert((line.tenant.clone(), *id))),
                DueThing::Job(id) => jobs.extend(id.parse::<JobId>()),
            }
        }
        let mut seen = Seen::default();
        if !wanted.is_empty() {
            self.messages.look(&self.accounts, &wanted, &mut seen).await?;
        }
        Ok((jobs, seen.messages.into_values().collect()))
    }

    /// Nothing told what became of it.
    async fn settle(&self, turn: &mut Turn, message: &Stored, now: Timestamp) -> Result<bool> {
        let has_gone = message.wamid.is_some();
        let settles = |sending: &mut Sending| {
            if has_gone { sending.is_sent(Some("a status told of it".to_owned()), now) } else { sending.settles(now) }
        };
        self.step(turn, message, settles).await
    }

    /// A message's next step, counted. False: somebody else was faster, and what they did stands.
    async fn step(&self, turn: &mut Turn, message: &Stored, change: impl FnOnce(&mut Sending)) -> Result<bool> {
        let Some(sending) = &message.sending else { return Ok(false) };
        let after = sending.stepped(&nonce(&self.random), change);
        let stepped = self.messages.step(&turn.line, &message.id, &after, None).await?;
        let is_done = matches!(stepped, Stepped::Done);
        if let Some(mark) = after.marks.last().filter(|_| is_done && after.marks.len() > sending.marks.len()) {
            turn.counts.mark(message, mark);
        }
        Ok(is_done)
    }

    /// What of one conversation is due ends, or goes to the queue: in its order, and no more than may go.
    async fn conversation(
        &self,
        turn: &mut Turn,
        conversation: ConversationId,
        found: Vec<Stored>,
        account: Option<&Account>,
        done: &mut Fed,
    ) -> Result<()> {
        let now = self.clock.now();
        let head = self.messages.whole_conversation(&turn.line.tenant, &conversation).await?.map(|(_, head)| head);
        let most = head.as_ref().map_or(MOST_OF_ONE, |head| head.may_go_within(SOON, now).max(1));
        let (mut ready, mut left) = (Vec::new(), 0);
        for message in self.waiting(&turn.line, conversation, head.as_ref(), found).await? {
            let Some(sending) = &message.sending else { continue };
            let is_due = sending.state == State::Held || sending.due_at.is_some_and(|due| due <= now + SOON);
            if !account.is_some_and(|account| account.is_in(&turn.line.tenant, message.generation)) {
                let fails = |sending: &mut Sending| sending.fails(Fault::AccountDisconnected, Source::Sweeper, now);
                self.step(turn, &message, fails).await?;
            } else if sending.expires_at <= now {
                done.expired += usize::from(self.step(turn, &message, |sending| sending.expires(now)).await?);
            } else if !account.is_some_and(Account::may_send) || !is_due {
                // In the queue already, or not yet.
            } else if ready.len() < most {
                ready.push(message);
            } else {
                left += 1;
            }
        }
        if let Some(account) = account.filter(|_| !ready.is_empty()) {
            let fed = self.to_the_queue(turn, account, &ready, now).await?;
            done.fed += fed;
            left += ready.len() - fed;
        }
        turn.left += left;
        Ok(())
    }

    /// A conversation's messages that lie in the table, in their order. What no lane knows of goes too: whoever put it
    /// there died before the lane was told, or the conversation is a part of another by now.
    async fn waiting(
        &self,
        line: &Line,
        conversation: ConversationId,
        head: Option<&Head>,
        found: Vec<Stored>,
    ) -> Result<Vec<Stored>> {
        let backlog = head.and_then(|head| head.lane.backlog);
        let mut waiting = match backlog.filter(|backlog| backlog.from.conversation == conversation) {
            Some(backlog) => self.messages.backlog(&line.tenant, &backlog, None, OF_ONE).await?,
            None => Vec::new(),
        };
        for message in found {
            if waiting.iter().all(|known| known.id != message.id) {
                waiting.push(message);
            }
        }
        waiting.sort_by_key(|message| message.id.sort_key());
        Ok(waiting)
    }

    /// As many as the number may send within a minute. Says how many of them are on their way.
    async fn to_the_queue(
        &self,
        turn: &mut Turn,
        account: &Account,
        ready: &[Stored],
        now: Timestamp,
    ) -> Result<usize> {
        let (gate, wanted) = (self.messages.gate(&turn.line).await?, ready.len());
        let feeding = self.messages.edit_gate(&turn.line, gate, |gate| gate.feeds(rate_of(account), wanted, SOON, now));
        let (_, free) = feeding.await?;
        let mut parcels = Vec::new();
        for message in &ready[..free] {
            // Cancelled, or somebody else is at it: what is behind it may go all the same.
            if self.step(turn, message, |sending| sending.is_fed(now)).await? {
                parcels.push(parcel(&order(message, &turn.line.tenant), &self.random));
            }
        }
        self.outbound.send(parcels).await?;
        Ok(free)
    }

    /// A batch that nobody has looked after for a while goes to the queue again.
    async fn kick(&self, line: &Line, id: JobId, now: Timestamp) -> Result<()> {
        let Some(job) = self.messages.job(&line.tenant, id).await? else { return Ok(()) };
        if self.messages.note_job(&job, job.done, Some(now + JOB_PATIENCE)).await? {
            let order = Order::Job { tenant: line.tenant.clone(), number: line.number.clone(), job: id.to_string() };
            self.outbound.send(vec![parcel(&order, &self.random)]).await?;
        }
        Ok(())
    }

    /// Makes more of a batch into messages, as many as may go within seconds. Some: it has to be gone on with then.
    pub async fn job(&self, line: &Line, id: JobId) -> Result<Option<Timestamp>> {
        let began = self.clock.now();
        let Some(mut job) = self.messages.job(&line.tenant, id).await? else { return Ok(None) };
        let batch = jobs::read(&job)?;
        let account = self.accounts.find(&line.number).await?;
        // Of a number that does not send any more all are made at once: they fail, or are held, and are seen.
        let rate = account.as_ref().map(rate_of);
        while job.done < job.conversations.len() {
            let now = self.clock.now();
            if now > began + JOB_TIME {
                return Ok(Some(now));
            }
            let wanted = CHUNK.min(job.conversations.len() - job.done);
            let gate = self.messages.gate(line).await?;
            let free = match rate {
                Some(rate) => {
                    self.messages.edit_gate(line, gate, |gate| gate.feeds(rate, wanted, JOB_AHEAD, now)).await?.1
                }
                None => wanted,
            };
            if free == 0 {
                return Ok(Some(now + SignedDuration::from_secs(2)));
            }
            let until = job.done + free;
            let made = (job.done..until).filter_map(|index| jobs::message(&job, &batch, index));
            let putting = made.map(|message| async move {
                self.messages.put(&line.tenant, &message, now).await?;
                Ok::<_, Error>(parcel(&order(&message, &line.tenant), &self.random))
            });
            let parcels: Vec<_> = stream::iter(putting).buffered(AT_ONCE).try_collect().await?;
            self.outbound.send(parcels).await?;
            let due = (until < job.conversations.len()).then_some(now + JOB_PATIENCE);
            if !self.messages.note_job(&job, until, due).await? {
                // Another hand is at it too.
                return Ok(Some(now + SignedDuration::from_secs(5)));
            }
            job.done = until;
        }
        Ok(None)
    }
}

/// How far a round has come with one number.
struct Turn {
    line: Line,
    gate: Gate,
    is_begun: bool,
    /// Where the next page of what waits begins, and of what is held.
    next: [Option<Item>; 2],
    /// Conversations that have had their share.
    seen: HashSet<ConversationId>,
    is_holding: bool,
    left: usize,
    counts: Counts,
}

impl Turn {
    fn first((line, gate): (Line, Gate)) -> Self {
        let next = [None, None];
        Self {
            line,
            gate,
            is_begun: false,
            next,
            seen: HashSet::new(),
            is_holding: false,
            left: 0,
            counts: Counts::default(),
        }
    }
}

/// The numbers of all tenants, one of each tenant and then the next of each.
fn in_turns(due: Vec<(Line, Gate)>) -> Vec<(Line, Gate)> {
    let mut tenants = Vec::new();
    let mut seen = HashSet::new();
    for (line, _) in &due {
        if seen.insert(line.tenant.clone()) {
            tenants.push(line.tenant.clone());
        }
    }
    let mut of_tenants: Vec<VecDeque<(Line, Gate)>> = tenants.iter().map(|_| VecDeque::new()).collect();
    for (line, gate) in due {
        if let Some(place) = tenants.iter().position(|tenant| *tenant == line.tenant) {
            of_tenants[place].push_back((line, gate));
        }
    }
    let mut turns = Vec::new();
    while of_tenants.iter().any(|numbers| !numbers.is_empty()) {
        turns.extend(of_tenants.iter_mut().filter_map(VecDeque::pop_front));
    }
    turns
}
