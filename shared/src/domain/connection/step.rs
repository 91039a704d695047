//! The steps of connecting, in their order, and how far each has come.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::setback::Obstacle;

/// What is done once for the whole attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptStep {
    /// The code became a token: in the same request, for it lives 30 seconds.
    CodeExchanged,
    /// The token is for our app, valid, and whose.
    TokenInspected,
    /// What it reaches is known.
    NumbersFound,
}

/// What is done for each number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumberStep {
    /// It is in that account's list, with that token: what a browser says is a hint.
    OwnershipProved,
    /// Nobody else is connecting it, or has.
    Claimed,
    /// Meta sends what happens on its account to us.
    Subscribed,
    /// It speaks the Cloud API.
    Registered,
    /// Its history on the Business App is asked for.
    SyncRequested,
    /// It is the tenant's account.
    Active,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum StepName {
    Attempt(AttemptStep),
    Number(NumberStep),
}

impl From<AttemptStep> for StepName {
    fn from(step: AttemptStep) -> Self {
        Self::Attempt(step)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    #[default]
    Pending,
    /// Begun; whether it had its effect is not known yet.
    Running,
    Done,
    Failed,
    /// Not needed here.
    Skipped,
}

/// One step as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step<Name> {
    pub name: Name,
    pub status: Progress,
    pub attempts: u32,
    pub at: Option<Timestamp>,
    pub error: Option<Obstacle>,
}

impl<Name> Step<Name> {
    pub fn new(name: Name) -> Self {
        Self { name, status: Progress::Pending, attempts: 0, at: None, error: None }
    }

    pub fn is_over(&self) -> bool {
        matches!(self.status, Progress::Done | Progress::Skipped)
    }

    pub fn begin(&mut self, now: Timestamp) {
        self.status = Progress::Running;
        self.attempts += 1;
        self.at = Some(now);
        self.error = None;
    }

    pub fn end(&mut self, status: Progress, now: Timestamp) {
        self.status = status;
        self.at = Some(now);
        self.error = None;
    }

    pub fn fail(&mut self, status: Progress, obstacle: Obstacle, now: Timestamp) {
        self.status = status;
        self.at = Some(now);
        self.error = Some(obstacle);
    }

    pub fn reset(&mut self) {
        self.status = Progress::Pending;
        self.attempts = 0;
        self.error = None;
    }
}

/// The steps of an attempt, none begun.
pub(super) fn attempt_steps() -> [Step<AttemptStep>; 3] {
    [AttemptStep::CodeExchanged, AttemptStep::TokenInspected, AttemptStep::NumbersFound].map(Step::new)
}

/// The steps of a number, none begun.
pub(super) fn number_steps() -> [Step<NumberStep>; 6] {
    [
        NumberStep::OwnershipProved,
        NumberStep::Claimed,
        NumberStep::Subscribed,
        NumberStep::Registered,
        NumberStep::SyncRequested,
        NumberStep::Active,
    ]
    .map(Step::new)
}
