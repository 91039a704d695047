//! What a batch has to know before anything goes out: accounts, gates, heads and the messages themselves, in one read; and
//! what its numbers may send now.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use super::Deliver;
use crate::{
    Result,
    aws::messages::{Seen, Wanted},
    domain::{
        account::Account,
        conversation::{ConversationId, Head, Line, MessageId},
        message::Stored,
        meta_id::PhoneNumberId,
        sending::{Next, Order, Rate},
        tenant::TenantId,
    },
};

/// A message that was ordered.
#[derive(Debug, Clone)]
pub(super) struct Ordered {
    pub(super) line: Line,
    pub(super) generation: u64,
    pub(super) id: MessageId,
}

pub(super) struct Batch {
    seen: Seen,
    /// Shared by the conversations of the batch.
    lines: Mutex<HashMap<Line, Share>>,
    heads: Mutex<HashMap<(Line, ConversationId), Head>>,
    /// Conversations that were erased while the batch was under way.
    erased: Mutex<HashSet<(Line, ConversationId)>>,
}

/// What a number may still do in this batch.
#[derive(Debug, Clone, Default)]
struct Share {
    free: usize,
    /// When the next one comes back that finds nothing free, and how long after it the one behind it.
    back: Option<(Timestamp, SignedDuration)>,
    blocked_until: Option<Timestamp>,
    /// Meta has refused the account in this batch.
    is_stopped: bool,
}

/// What a number says to one more message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    Free,
    NotBefore(Timestamp),
}

impl Deliver {
    pub(super) async fn look(&self, orders: impl Iterator<Item = &Order>, now: Timestamp) -> Result<Batch> {
        let mut wanted = Wanted::default();
        let mut ordered = Vec::new();
        for order in orders {
            let Order::Message { tenant, number, generation, id } = order else { continue };
            let line = Line { tenant: tenant.clone(), number: number.clone() };
            wanted.accounts.insert(number.clone());
            wanted.gates.insert(line.clone());
            wanted.heads.insert((line.clone(), id.conversation));
            wanted.messages.insert((tenant.clone(), *id));
            ordered.push(Ordered { line, generation: *generation, id: *id });
        }
        let mut seen = Seen::default();
        if !wanted.is_empty() {
            self.messages.look(&self.accounts, &wanted, &mut seen).await?;
        }
        let mut batch = Batch { seen, lines: Mutex::default(), heads: Mutex::default(), erased: Mutex::default() };
        let lines: HashSet<&Line> = wanted.gates.iter().collect();
        for line in lines {
            let share = self.share(line, &ordered, &batch, now).await?;
            batch.lines.get_mut().unwrap_or_else(PoisonError::into_inner).insert(line.clone(), share);
        }
        Ok(batch)
    }

    /// Takes of the number's rate what this batch can use.
    async fn share(&self, line: &Line, ordered: &[Ordered], batch: &Batch, now: Timestamp) -> Result<Share> {
        let gate = batch.seen.gates.get(line).cloned().unwrap_or_default();
        if gate.blocked_until() > now {
            return Ok(Share { blocked_until: Some(gate.blocked_until()), ..Share::default() });
        }
        let Some(account) = batch.account(&line.number).filter(|account| account.may_send()) else {
            return Ok(Share::default());
        };
        let rate = rate_of(account);
        let may_go = |ordered: &&Ordered| {
            let sending =
                batch.seen.messages.get(&(line.tenant.clone(), ordered.id)).and_then(|it| it.sending.as_ref());
            let head = batch.seen.heads.get(&(line.clone(), ordered.id.conversation)).and_then(Option::as_ref);
            ordered.line == *line
                && sending.is_none_or(|sending| sending.next(now) == Next::Go)
                && head.is_none_or(|head| head.free_at(now) <= now)
        };
        let wanted = ordered.iter().filter(may_go).count();
        let taking = self.messages.edit_gate(line, gate, |gate| {
            let free = gate.takes(rate, wanted, now);
            (free, gate.promises(rate, wanted - free, now))
        });
        let (_, (free, back)) = taking.await?;
        Ok(Share { free, back: Some((back, rate.apart(1))), ..Share::default() })
    }
}

pub(in crate::flow) fn rate_of(account: &Account) -> Rate {
    Rate::of_number(account.facts.throughput.as_deref(), account.coexistence)
}

impl Batch {
    pub(super) fn account(&self, number: &PhoneNumberId) -> Option<&Account> {
        self.seen.accounts.get(number).and_then(Option::as_ref)
    }

    pub(super) fn message(&self, tenant: &TenantId, id: &MessageId) -> Option<Stored> {
        self.seen.messages.get(&(tenant.clone(), *id)).cloned()
    }

    /// The head as this batch knows it; none: it is a part of another, or not there.
    pub(super) fn head(&self, line: &Line, id: ConversationId) -> Option<Head> {
        let of = (line.clone(), id);
        let saved = self.heads.lock().unwrap_or_else(PoisonError::into_inner).get(&of).cloned();
        let head = saved.or_else(|| self.seen.heads.get(&of).cloned().flatten());
        head.filter(|head| head.merged_into.is_none())
    }

    pub(super) fn erased(&self, line: &Line, id: ConversationId) {
        self.erased.lock().unwrap_or_else(PoisonError::into_inner).insert((line.clone(), id));
    }

    pub(super) fn is_erased(&self, line: &Line, id: ConversationId) -> bool {
        let of = (line.clone(), id);
        self.seen.erased.contains(&of) || self.erased.lock().unwrap_or_else(PoisonError::into_inner).contains(&of)
    }

    pub(super) fn saved(&self, line: &Line, id: ConversationId, head: Head) {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).insert((line.clone(), id), head);
    }

    /// Whether one more message may go.
    pub(super) fn pass(&self, line: &Line, now: Timestamp) -> Pass {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let share = lines.entry(line.clone()).or_default();
        match share.blocked_until.filter(|until| *until > now) {
            Some(until) => Pass::NotBefore(until),
            None if share.free > 0 => {
                share.free -= 1;
                Pass::Free
            }
            None => {
                let (back, apart) = share.back.unwrap_or((now + super::A_MOMENT, SignedDuration::ZERO));
                share.back = Some((back + apart, apart));
                Pass::NotBefore(back)
            }
        }
    }

    /// One that was free is not used.
    pub(super) fn give_back(&self, line: &Line) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).entry(line.clone()).or_default().free += 1;
    }

    pub(super) fn block(&self, line: &Line, until: Timestamp) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).entry(line.clone()).or_default().blocked_until =
            Some(until);
    }

    pub(super) fn stop(&self, line: &Line) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).entry(line.clone()).or_default().is_stopped = true;
    }

    pub(super) fn is_stopped(&self, line: &Line) -> bool {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).get(line).is_some_and(|share| share.is_stopped)
    }
}
