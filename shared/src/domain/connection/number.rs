//! One number of an attempt to connect: what Meta says of it, and how far it has come.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    setback::{Failure, Obstacle, Setback, wait_after},
    step::{NumberStep, Progress, Step, number_steps},
};
use crate::domain::{
    meta_id::{BusinessId, PhoneNumberId, WabaId},
    sealed::Sealed,
};

/// A number as the token's lists showed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub waba: FoundWaba,
    pub phone_number_id: PhoneNumberId,
    pub display_phone_number: Option<String>,
    pub verified_name: Option<String>,
    pub quality_rating: Option<String>,
    pub code_verification_status: Option<String>,
    pub is_on_biz_app: bool,
    pub status: Option<String>,
    pub connected_to: ConnectedTo,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundWaba {
    pub id: WabaId,
    pub name: Option<String>,
    pub currency: Option<String>,
    pub timezone_id: Option<String>,
    pub business_id: Option<BusinessId>,
}

/// Whose account a number is. Another tenant is never named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConnectedTo {
    #[default]
    #[schemars(skip)]
    Nobody,
    /// And it works: connecting it again changes its token only.
    ThisTenant,
    AnotherTenant,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumberState {
    #[default]
    Available,
    Connecting,
    Connected,
    Failed,
}

/// A two-step verification PIN, sealed under the token version named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPin {
    pub sealed: Sealed,
    pub version: u64,
    /// The owner typed it; otherwise we drew it.
    pub is_owners: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    pub found: Found,
    pub state: NumberState,
    pub steps: [Step<NumberStep>; 6],
    pub setback: Option<Setback>,
    pub retry_at: Option<Timestamp>,
    /// The version its account's token will have; known once claimed.
    pub token_version: Option<u64>,
    pub pin: Option<HeldPin>,
    /// What must be undone if it comes to nothing.
    pub undo: Undo,
    /// It came to nothing, and what was begun at Meta or reserved here is still to be undone.
    pub is_leaving: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    pub claim: bool,
    /// The app's subscription to the account's events.
    pub subscription: bool,
}

/// What came of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NumberOutcome {
    Done(Learned),
    Skipped,
    /// Not done, and not needed: the rest goes on.
    Forgone(Obstacle),
    /// Somebody else is busy with it: try soon, which is no attempt.
    Busy,
    /// It was another's before it could become an account: from the beginning.
    Superseded,
    Failed(Failure),
}

/// What a step learned that later ones need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Learned {
    Nothing,
    /// The account was shown again, with these numbers.
    Seen(Vec<Found>),
    Claimed {
        token_version: u64,
    },
    /// The number's status as Meta shows it now.
    Connected {
        status: Option<String>,
    },
}

/// How soon to look again at what somebody else is busy with.
const BUSY: jiff::SignedDuration = jiff::SignedDuration::from_secs(3);

impl Number {
    pub fn new(found: Found) -> Self {
        Self {
            found,
            state: NumberState::Available,
            steps: number_steps(),
            setback: None,
            retry_at: None,
            token_version: None,
            pin: None,
            undo: Undo::default(),
            is_leaving: false,
        }
    }

    pub fn id(&self) -> &PhoneNumberId {
        &self.found.phone_number_id
    }

    pub fn is_connectable(&self) -> bool {
        self.found.connected_to != ConnectedTo::AnotherTenant
    }

    /// Begins to connect it, or begins again.
    pub fn choose(&mut self) {
        self.state = NumberState::Connecting;
        self.setback = None;
        self.retry_at = None;
        for step in &mut self.steps {
            step.reset();
        }
    }

    pub fn step_mut(&mut self, name: NumberStep) -> &mut Step<NumberStep> {
        &mut self.steps[name as usize]
    }

    pub fn step(&self, name: NumberStep) -> &Step<NumberStep> {
        &self.steps[name as usize]
    }

    /// The step to do next, if it is due.
    pub fn due_step(&self, now: Timestamp) -> Option<NumberStep> {
        let is_due = self.state == NumberState::Connecting && self.retry_at.is_none_or(|at| at <= now);
        is_due.then(|| self.open_step()).flatten()
    }

    fn open_step(&self) -> Option<NumberStep> {
        let is_over = |step: &Step<NumberStep>| {
            step.is_over() || (step.name == NumberStep::SyncRequested && step.status == Progress::Failed)
        };
        self.steps.iter().find(|step| !is_over(step)).map(|step| step.name)
    }

    /// When something is to be done with it again.
    pub fn due_at(&self, now: Timestamp) -> Option<Timestamp> {
        (self.state == NumberState::Connecting || self.is_leaving).then(|| self.retry_at.unwrap_or(now))
    }

    pub fn settle(&mut self, step: NumberStep, outcome: NumberOutcome, now: Timestamp) {
        self.retry_at = None;
        match outcome {
            NumberOutcome::Done(learned) => {
                self.step_mut(step).end(Progress::Done, now);
                self.setback = None;
                match learned {
                    Learned::Claimed { token_version } => self.token_version = Some(token_version),
                    Learned::Connected { status } => self.found.status = status,
                    Learned::Seen(_) | Learned::Nothing => {}
                }
                if step == NumberStep::Active {
                    self.state = NumberState::Connected;
                    self.found.connected_to = ConnectedTo::ThisTenant;
                    self.undo = Undo::default();
                    self.pin = None;
                }
            }
            NumberOutcome::Skipped => self.step_mut(step).end(Progress::Skipped, now),
            NumberOutcome::Forgone(obstacle) => self.step_mut(step).fail(Progress::Failed, obstacle, now),
            NumberOutcome::Busy => {
                let step = self.step_mut(step);
                step.attempts = step.attempts.saturating_sub(1);
                step.status = Progress::Pending;
                self.retry_at = Some(now + BUSY);
            }
            NumberOutcome::Superseded => {
                self.choose();
                self.retry_at = Some(now + BUSY);
            }
            NumberOutcome::Failed(Failure::Temporary(setback)) => self.try_again(step, setback, now),
            NumberOutcome::Failed(Failure::Lasting(setback)) => self.fail(step, setback, now),
        }
    }

    fn try_again(&mut self, step: NumberStep, setback: Setback, now: Timestamp) {
        match wait_after(self.step(step).attempts) {
            Some(wait) => {
                self.step_mut(step).fail(Progress::Pending, setback.obstacle, now);
                self.setback = Some(setback);
                self.retry_at = Some(now + wait);
            }
            None => self.fail(step, setback, now),
        }
    }

    fn fail(&mut self, step: NumberStep, setback: Setback, now: Timestamp) {
        self.step_mut(step).fail(Progress::Failed, setback.obstacle, now);
        if setback.obstacle == Obstacle::PinRequired {
            self.pin = None;
        }
        if setback.obstacle == Obstacle::NumberTaken {
            self.found.connected_to = ConnectedTo::AnotherTenant;
        }
        self.setback = Some(setback);
        self.state = NumberState::Failed;
        self.leave();
    }

    /// It comes to nothing: what was reserved and subscribed for it is given back.
    pub fn leave(&mut self) {
        self.is_leaving = self.undo != Undo::default();
    }

    /// What was begun for it is undone, or nobody can undo it any more.
    pub fn left(&mut self) {
        self.is_leaving = false;
        self.undo = Undo::default();
        self.retry_at = None;
    }
}
