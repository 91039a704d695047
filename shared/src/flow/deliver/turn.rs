//! A message's turn: what holds it up, and what it leaves in its conversation's lane when it goes or is put off.
//!
//! What is put off is written down from the outside in: that something of the number is due, then in the lane that
//! something of the conversation lies in the table, then on the message that it does. Half: somebody looks and finds
//! nothing, or the queue brings the message again. As long as something lies there, nothing behind it passes.

use jiff::Timestamp;

use super::{
    Deliver, Fate, Said,
    look::{Batch, Ordered, Pass},
};
use crate::{
    Error, Result,
    aws::messages::{Met, Stepped},
    domain::{
        account::Account,
        conversation::{ConversationId, Head},
        message::Stored,
        sending::{Fault, SOON, Sending},
    },
    flow::accept::nonce,
};

/// How often a head meets faster hands before that is an error.
const TRIES: usize = 8;

/// Where a message is after its turn.
pub(super) enum Gone {
    Fate(Fate),
    /// Somebody else has changed it: it begins again from there.
    Moved(Box<Stored>),
}

/// Why a message does not go now.
pub(super) struct Delay {
    pub(super) until: Timestamp,
    pub(super) detail: &'static str,
    pub(super) fault: Option<Fault>,
}

impl Deliver {
    pub(super) async fn go(
        &self,
        ordered: &Ordered,
        message: &Stored,
        sending: &Sending,
        account: &Account,
        batch: &Batch,
        said: &mut Said,
    ) -> Result<Gone> {
        if !account.may_send() || batch.is_stopped(&ordered.line) {
            let why = account.reason.as_ref().map_or("the number does not send at present", |reason| &reason.detail);
            return self.hold(ordered, sending, why.to_owned(), None, batch, said).await;
        }
        let mut has_passed = false;
        for _ in 0..TRIES {
            let now = self.clock.now();
            let Some((id, mut head)) = self.head(ordered, batch).await? else { return Ok(Gone::Fate(Fate::Done)) };
            if self.is_behind(ordered, &head).await? {
                // One that lies in the table already is brought again when it is its turn.
                if sending.holds_up_others() {
                    return Ok(Gone::Fate(Fate::Done));
                }
                let delay = Delay { until: now, detail: "it waits for those before it", fault: None };
                return self.put_off(ordered, sending, delay, batch, said).await;
            }
            if !has_passed && let Pass::NotBefore(until) = batch.pass(&ordered.line, now) {
                let delay = Delay { until, detail: "the number has sent as much as it may", fault: None };
                return self.wait(ordered, sending, delay, batch, said).await;
            }
            has_passed = true;
            let free = head.free_at(now);
            if free > now {
                batch.give_back(&ordered.line);
                let delay = Delay { until: free, detail: "this person was written to as much as may be", fault: None };
                return self.wait(ordered, sending, delay, batch, said).await;
            }
            let Some(means) = self.means(ordered, account).await? else {
                return self.hold(ordered, sending, "there is no token that opens".to_owned(), None, batch, said).await;
            };
            head.takes_turn(ordered.id, now);
            if self.save(ordered, id, &mut head, batch).await? {
                said.touched.push((ordered.line.clone(), id, head.updated_at));
                return self.post(ordered, message, sending, account, &means, batch, said).await;
            }
        }
        Err(Error::aws("a conversation was changed by others without end"))
    }

    /// Whether something before it lies in the table.
    async fn is_behind(&self, ordered: &Ordered, head: &Head) -> Result<bool> {
        let Some(backlog) = &head.lane.backlog else { return Ok(false) };
        let before = self.messages.backlog(&ordered.line.tenant, backlog, Some(&ordered.id), 1).await?;
        Ok(!before.is_empty())
    }

    /// In the queue where it is not for long, else in the table.
    async fn wait(
        &self,
        ordered: &Ordered,
        sending: &Sending,
        delay: Delay,
        batch: &Batch,
        said: &mut Said,
    ) -> Result<Gone> {
        if delay.until <= self.clock.now() + SOON {
            return Ok(Gone::Fate(Fate::Again(delay.until)));
        }
        self.put_off(ordered, sending, delay, batch, said).await
    }

    /// Into the table, behind all that was put there before.
    pub(super) async fn put_off(
        &self,
        ordered: &Ordered,
        sending: &Sending,
        delay: Delay,
        batch: &Batch,
        said: &mut Said,
    ) -> Result<Gone> {
        for _ in 0..TRIES {
            let now = self.clock.now();
            let Some((id, mut head)) = self.head(ordered, batch).await? else { return Ok(Gone::Fate(Fate::Done)) };
            let due = head.puts_off(ordered.id, delay.until, now);
            self.mark(&ordered.line, due, false, now).await?;
            if self.save(ordered, id, &mut head, batch).await? {
                said.touched.push((ordered.line.clone(), id, head.updated_at));
                let waits = |sending: &mut Sending| sending.waits(due, Some(delay.detail), delay.fault, now);
                return self.stepped(ordered, &sending.stepped(&nonce(&self.random), waits)).await;
            }
        }
        Err(Error::aws("a conversation was changed by others without end"))
    }

    /// Into the table, until the number can send.
    pub(super) async fn hold(
        &self,
        ordered: &Ordered,
        sending: &Sending,
        why: String,
        fault: Option<Fault>,
        batch: &Batch,
        said: &mut Said,
    ) -> Result<Gone> {
        for _ in 0..TRIES {
            let now = self.clock.now();
            let Some((id, mut head)) = self.head(ordered, batch).await? else { return Ok(Gone::Fate(Fate::Done)) };
            // When the number sends again it is fed in its order: nobody waits for a time.
            head.puts_off(ordered.id, now, now);
            self.mark(&ordered.line, now, true, now).await?;
            if self.save(ordered, id, &mut head, batch).await? {
                said.touched.push((ordered.line.clone(), id, head.updated_at));
                let holds = |sending: &mut Sending| sending.is_held(why, fault, now);
                return self.stepped(ordered, &sending.stepped(&nonce(&self.random), holds)).await;
            }
        }
        Err(Error::aws("a conversation was changed by others without end"))
    }

    pub(super) async fn stepped(&self, ordered: &Ordered, after: &Sending) -> Result<Gone> {
        Ok(match self.messages.step(&ordered.line, &ordered.id, after, None).await? {
            Stepped::Done | Stepped::Gone => Gone::Fate(Fate::Done),
            Stepped::Moved(there) => Gone::Moved(there),
        })
    }

    /// False: somebody else was faster, and the batch knows what they made of it.
    pub(super) async fn save(
        &self,
        ordered: &Ordered,
        id: ConversationId,
        head: &mut Head,
        batch: &Batch,
    ) -> Result<bool> {
        let line = &ordered.line;
        if self.messages.save_head(&line.tenant, &id, head, self.clock.now()).await? {
            batch.saved(line, id, head.clone());
            return Ok(true);
        }
        match self.messages.meet(&line.tenant, &id).await? {
            Met::Somebody(id, head) => batch.saved(line, id, *head),
            Met::Erased => batch.erased(line, ordered.id.conversation),
            Met::Nobody => {}
        }
        Ok(false)
    }
}
