//! What is to be done next for an attempt, under whose lease, and what comes of it.
//!
//! Whoever works takes one piece, does it, and settles it while taking the next: a process that dies leaves a step
//! running and a lease that ends. Each step can be done again.

use jiff::Timestamp;

use super::{
    AttemptStep, Connection, Failure, Found, KEPT_NUMBERS, Learned, Number, NumberOutcome, NumberState, NumberStep,
    Obstacle, Progress, Setback, Status, selection, setback::wait_after,
};
use crate::domain::{
    meta_id::{PhoneNumberId, SubjectId, WabaId},
    sealed::Sealed,
};

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    Inspect,
    Find,
    Number {
        id: PhoneNumberId,
        step: NumberStep,
    },
    /// A number came to nothing: what was begun for it is undone.
    Leave {
        id: PhoneNumberId,
    },
}

/// What came of a step of the attempt itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptOutcome {
    Inspected(Inspected),
    Found(Vec<Found>),
    Failed(Failure),
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    pub kind: String,
    pub expires_at: Option<Timestamp>,
    pub subject: Option<SubjectId>,
    pub abilities: Vec<String>,
    pub wabas: Vec<WabaId>,
    /// A short-lived token was exchanged for this one.
    pub longer: Option<(Sealed, Timestamp)>,
}

impl Connection {
    /// Takes the next piece of work for `holder`. None: there is none now, or somebody else has it.
    pub fn begin_next(&mut self, holder: &str, now: Timestamp) -> Option<Work> {
        if self.lease.as_ref().is_some_and(|lease| lease.holder != holder && lease.until > now) {
            return None;
        }
        self.lease = None;
        self.tidy(now);
        let work = self.next(now)?;
        match &work {
            Work::Inspect => self.steps[1].begin(now),
            Work::Find => self.steps[2].begin(now),
            Work::Number { id, step } => {
                if let Ok(number) = self.number_mut(id) {
                    number.step_mut(*step).begin(now);
                }
            }
            Work::Leave { .. } => {}
        }
        self.hold(holder, now);
        Some(work)
    }

    /// Whether `holder` still has the work: another may have taken it over.
    pub fn is_held_by(&self, holder: &str) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.holder == holder)
    }

    /// Gives the work back, to be gone on with at once.
    pub fn let_go(&mut self) {
        self.lease = None;
    }

    fn tidy(&mut self, now: Timestamp) {
        // Whoever exchanged the code has died, and the code with them.
        if self.exchange.as_ref().is_some_and(|exchange| exchange.until <= now) {
            let lost = Setback::at(AttemptStep::CodeExchanged, Obstacle::CodeExpired, "the exchange was interrupted");
            self.exchange_failed(lost, now);
        }
        let is_settled = match self.status {
            Status::Expired | Status::Cancelled => true,
            Status::Connected => !self.holds_secrets(),
            _ => false,
        };
        if self.expires_at <= now && !is_settled {
            self.expire(now);
        }
        if matches!(self.status, Status::Expired | Status::Cancelled) {
            self.forget_when_done();
        }
    }

    fn next(&self, now: Timestamp) -> Option<Work> {
        let leaving =
            self.numbers.iter().find(|number| number.is_leaving && number.retry_at.is_none_or(|at| at <= now));
        if let Some(number) = leaving {
            return Some(Work::Leave { id: number.id().clone() });
        }
        if self.token.is_none() || !self.is_alive(now) {
            return None;
        }
        let is_open = |status| matches!(status, Progress::Pending | Progress::Running);
        let is_due = self.retry_at.is_none_or(|at| at <= now);
        if !self.steps[1].is_over() {
            return (is_due && is_open(self.steps[1].status)).then_some(Work::Inspect);
        }
        if !self.steps[2].is_over() {
            return (is_due && is_open(self.steps[2].status)).then_some(Work::Find);
        }
        self.numbers.iter().find_map(|number| {
            let step = number.due_step(now)?;
            Some(Work::Number { id: number.id().clone(), step })
        })
    }

    fn holds_secrets(&self) -> bool {
        self.token.is_some() || !self.pending.is_empty()
    }

    /// When somebody must look at it again, if nobody does before.
    pub fn due_at(&self, now: Timestamp) -> Option<Timestamp> {
        if let Some(lease) = &self.lease {
            return Some(lease.until);
        }
        let is_waiting = |step: &super::Step<AttemptStep>| matches!(step.status, Progress::Pending | Progress::Running);
        let exchange = self.exchange.as_ref().map(|exchange| exchange.until);
        let attempt = self.token.is_some() && self.steps[1..].iter().any(is_waiting) && self.is_alive(now);
        let attempt = attempt.then(|| self.retry_at.unwrap_or(now));
        let numbers = self.numbers.iter().filter_map(|number| number.due_at(now)).min();
        let is_open = !matches!(self.status, Status::Expired | Status::Cancelled | Status::Connected);
        let end = (self.holds_secrets() || is_open).then_some(self.expires_at);
        [exchange, attempt, numbers, end].into_iter().flatten().min()
    }

    pub fn settle_attempt(&mut self, outcome: AttemptOutcome, now: Timestamp) {
        self.retry_at = None;
        match outcome {
            AttemptOutcome::Inspected(inspected) => self.inspected(inspected, now),
            AttemptOutcome::Found(found) => self.found(found, now),
            AttemptOutcome::Failed(failure) => self.attempt_failed(&failure, now),
        }
    }

    fn inspected(&mut self, inspected: Inspected, now: Timestamp) {
        self.steps[1].end(Progress::Done, now);
        self.setback = None;
        let Some(token) = &mut self.token else { return };
        token.kind = Some(inspected.kind);
        token.expires_at = inspected.expires_at;
        token.subject = inspected.subject;
        token.abilities = inspected.abilities;
        token.wabas = inspected.wabas;
        if let Some((sealed, sealed_at)) = inspected.longer {
            token.sealed = sealed;
            token.sealed_at = sealed_at;
        }
    }

    /// What the token reaches is known: numbers already begun go on, the others are as they are now.
    fn found(&mut self, found: Vec<Found>, now: Timestamp) {
        self.steps[2].end(Progress::Done, now);
        self.setback = None;
        self.see(found);
        let is_open = self.numbers.iter().all(|number| number.state != NumberState::Connecting);
        let chosen = selection::select(&self.numbers, self.auto_select, self.expected.as_ref(), &self.named);
        match chosen {
            // What is under way is not disturbed.
            _ if !is_open => {}
            Ok(places) => {
                for place in places {
                    self.numbers[place].choose();
                }
            }
            Err(setback) => {
                self.steps[2].fail(Progress::Failed, setback.obstacle, now);
                self.status = Status::Failed;
                self.setback = Some(setback);
            }
        }
        self.conclude();
    }

    /// Takes over what Meta shows now.
    pub fn see(&mut self, found: Vec<Found>) {
        let is_shown = |number: &Number| found.iter().any(|found| found.phone_number_id == *number.id());
        self.numbers.retain(|number| number.state != NumberState::Available || number.is_leaving || is_shown(number));
        for found in found {
            let has_room = self.numbers.len() < KEPT_NUMBERS || self.is_named(&found.phone_number_id);
            match self.numbers.iter_mut().find(|number| *number.id() == found.phone_number_id) {
                Some(number) => number.found = found,
                None if has_room => self.numbers.push(Number::new(found)),
                None => {}
            }
        }
    }

    /// Numbers the attempt did not know yet.
    pub fn know(&mut self, found: Vec<Found>) {
        for found in found {
            if self.number(&found.phone_number_id).is_none() {
                self.numbers.push(Number::new(found));
            }
        }
    }

    fn is_named(&self, id: &PhoneNumberId) -> bool {
        self.expected.as_ref() == Some(id) || self.named.contains(id)
    }

    fn attempt_failed(&mut self, failure: &Failure, now: Timestamp) {
        let setback = failure.setback().clone();
        let place = if self.steps[1].is_over() { 2 } else { 1 };
        let wait = match failure {
            Failure::Temporary(_) => wait_after(self.steps[place].attempts),
            Failure::Lasting(_) => None,
        };
        if let Some(wait) = wait {
            self.steps[place].fail(Progress::Pending, setback.obstacle, now);
            self.retry_at = Some(now + wait);
        } else {
            self.steps[place].fail(Progress::Failed, setback.obstacle, now);
            self.status = Status::Failed;
        }
        self.setback = Some(setback);
    }

    pub fn settle_number(&mut self, id: &PhoneNumberId, step: NumberStep, outcome: NumberOutcome, now: Timestamp) {
        let seen = if let NumberOutcome::Done(Learned::Seen(seen)) = &outcome { Some(seen.clone()) } else { None };
        if let Ok(number) = self.number_mut(id) {
            // Cancelled meanwhile: the step's effect is there to be undone, the number goes nowhere.
            if number.state == NumberState::Connecting {
                number.settle(step, outcome, now);
            }
        }
        for fresh in seen.into_iter().flatten() {
            if let Some(number) = self.numbers.iter_mut().find(|number| *number.id() == fresh.phone_number_id) {
                // One look at an account's list proves all of its numbers that wait for it.
                if number.state == NumberState::Connecting && number.steps[0].status == Progress::Pending {
                    number.step_mut(NumberStep::OwnershipProved).end(Progress::Done, now);
                }
                number.found = Found { connected_to: number.found.connected_to, ..fresh };
            }
        }
        self.conclude();
        self.drop_setback_when_connected();
    }

    fn drop_setback_when_connected(&mut self) {
        if self.status == Status::Connected {
            self.setback = None;
        }
    }

    /// What is about to be done at Meta or reserved here, noted before it is done.
    pub fn will_undo(&mut self, id: &PhoneNumberId, note: impl FnOnce(&mut super::Undo)) {
        if let Ok(number) = self.number_mut(id) {
            note(&mut number.undo);
        }
    }

    /// A PIN drawn for a number, noted before it is used.
    pub fn draw_pin(&mut self, id: &PhoneNumberId, pin: super::HeldPin) {
        if let Ok(number) = self.number_mut(id) {
            number.pin = Some(pin);
        }
    }

    /// How undoing ended: what cannot be undone now is tried again, and told.
    pub fn settle_leaving(&mut self, id: &PhoneNumberId, outcome: Result<(), Failure>, now: Timestamp) {
        let Ok(number) = self.number_mut(id) else { return };
        match outcome {
            Ok(()) => number.left(),
            Err(Failure::Temporary(_)) => number.retry_at = Some(now + jiff::SignedDuration::from_secs(60)),
            Err(Failure::Lasting(setback)) => {
                number.left();
                // Reported where one looks: Meta still sends this account's events to us.
                number.step_mut(NumberStep::Subscribed).fail(Progress::Failed, setback.obstacle, now);
                number.setback = Some(setback);
            }
        }
        self.forget_if_over();
    }

    fn forget_if_over(&mut self) {
        if matches!(self.status, Status::Expired | Status::Cancelled) {
            self.forget_when_done();
        }
    }
}
