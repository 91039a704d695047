//! New generations of a key's material; the old ones go on opening what they sealed.

use super::{
    State, invalid,
    key::{Cause, Rotation, after_days, seconds},
    pending_deletion,
};
use crate::{
    kms::key::{Key, Status},
    wire::{Answer, Refusal, Request},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Subject {
    key_id: String,
    rotation_period_in_days: Option<i64>,
}

/// How often a key may be rotated on demand in its life.
const MAX_ON_DEMAND: usize = 25;
const DAYS: i64 = 365;

impl State {
    pub(super) fn enable_rotation(&mut self, request: &Request, now: Timestamp) -> Result<Answer, Refusal> {
        let Subject { key_id, rotation_period_in_days } = request.parse()?;
        let days = rotation_period_in_days.unwrap_or(DAYS);
        if !(90..=2560).contains(&days) {
            return Err(invalid("RotationPeriodInDays must be between 90 and 2560"));
        }
        self.usable(&key_id)?;
        self.change(&key_id, |key| {
            key.rotation = Some(Rotation { days, next: after_days(now, days) });
            Ok(Answer::empty())
        })
    }

    pub(super) fn disable_rotation(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { key_id, .. } = request.parse()?;
        self.usable(&key_id)?;
        self.change(&key_id, |key| {
            key.rotation = None;
            Ok(Answer::empty())
        })
    }

    pub(super) fn rotation_status(&self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { key_id, .. } = request.parse()?;
        let key = self.find(&key_id)?;
        if let Status::PendingDeletion { .. } = key.status {
            return Err(pending_deletion(key));
        }
        let mut status = json!({ "KeyId": key.id, "KeyRotationEnabled": key.rotation.is_some() });
        if let Some(rotation) = key.rotation {
            status["RotationPeriodInDays"] = rotation.days.into();
            status["NextRotationDate"] = seconds(rotation.next).into();
        }
        Answer::of(&status)
    }

    pub(super) fn rotate(&mut self, request: &Request, now: Timestamp) -> Result<Answer, Refusal> {
        let Subject { key_id, .. } = request.parse()?;
        let key = self.usable(&key_id)?;
        let on_demand = key.generations.iter().filter(|generation| generation.cause == Some(Cause::OnDemand)).count();
        if on_demand >= MAX_ON_DEMAND {
            let message = format!("{} was rotated on demand {MAX_ON_DEMAND} times.", key.arn());
            return Err(Refusal::new("LimitExceededException", message));
        }
        self.change(&key_id, |key| {
            key.rotate(now, Some(Cause::OnDemand));
            Answer::of(&json!({ "KeyId": key.id }))
        })
    }

    pub(super) fn list_rotations(&self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { key_id, .. } = request.parse()?;
        let rotations = rotations(self.find(&key_id)?);
        Answer::of(&json!({ "Rotations": rotations, "Truncated": false }))
    }
}

fn rotations(key: &Key) -> Vec<Value> {
    let rotated =
        |cause: Cause, since| json!({ "KeyId": key.id, "RotationDate": seconds(since), "RotationType": cause.name() });
    key.generations.iter().filter_map(|generation| Some(rotated(generation.cause?, generation.since))).collect()
}
