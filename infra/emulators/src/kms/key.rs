//! A key, its generations of material and its life.

use super::{arn, crypto::Material};
use crate::{random, wire::ACCOUNT};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) id: String,
    pub(super) description: String,
    pub(super) created: Timestamp,
    pub(super) status: Status,
    /// Oldest first; the last one seals, all of them open.
    pub(super) generations: Vec<Generation>,
    pub(super) rotation: Option<Rotation>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) policy: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Status {
    Enabled,
    Disabled,
    PendingDeletion { at: Timestamp },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Generation {
    pub(super) id: String,
    pub(super) since: Timestamp,
    /// What made it, where it is not the first.
    pub(super) cause: Option<Cause>,
    pub(super) material: Material,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Cause {
    Automatic,
    OnDemand,
}

impl Cause {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Automatic => "AUTOMATIC",
            Self::OnDemand => "ON_DEMAND",
        }
    }
}

/// Rotation by itself.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Rotation {
    pub(super) days: i64,
    pub(super) next: Timestamp,
}

impl Key {
    pub(super) fn new(
        now: Timestamp,
        description: String,
        tags: BTreeMap<String, String>,
        policy: Option<String>,
    ) -> Self {
        let mut key = Self {
            id: random::uuid(),
            description,
            created: now,
            status: Status::Enabled,
            generations: Vec::new(),
            rotation: None,
            tags,
            policy: policy.unwrap_or_else(default_policy),
        };
        key.rotate(now, None);
        key
    }

    pub(super) fn arn(&self) -> String {
        arn(&format!("key/{}", self.id))
    }

    pub(super) fn rotate(&mut self, now: Timestamp, cause: Option<Cause>) {
        let id = (random::uuid() + &random::uuid()).replace('-', "");
        self.generations.push(Generation { id, since: now, cause, material: Material::new() });
    }

    pub(super) fn is_due_to_delete(&self, now: Timestamp) -> bool {
        matches!(self.status, Status::PendingDeletion { at } if at <= now)
    }

    pub(super) fn is_due_to_rotate(&self, now: Timestamp) -> bool {
        self.status == Status::Enabled && self.rotation.is_some_and(|rotation| rotation.next <= now)
    }

    /// Once, however long the time was: a clock that was moved by years does not owe a generation for each.
    pub(super) fn rotate_by_itself(&mut self, now: Timestamp) {
        if let Some(rotation) = &mut self.rotation {
            rotation.next = after_days(now, rotation.days);
            self.rotate(now, Some(Cause::Automatic));
        }
    }

    pub(super) fn metadata(&self) -> Value {
        let state = match self.status {
            Status::Enabled => "Enabled",
            Status::Disabled => "Disabled",
            Status::PendingDeletion { .. } => "PendingDeletion",
        };
        let mut metadata = json!({
            "AWSAccountId": ACCOUNT,
            "Arn": self.arn(),
            "CreationDate": seconds(self.created),
            "CurrentKeyMaterialId": self.generations.last().map(|generation| &generation.id),
            "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "Description": self.description,
            "Enabled": self.status == Status::Enabled,
            "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
            "KeyId": self.id,
            "KeyManager": "CUSTOMER",
            "KeySpec": "SYMMETRIC_DEFAULT",
            "KeyState": state,
            "KeyUsage": "ENCRYPT_DECRYPT",
            "MultiRegion": false,
            "Origin": "AWS_KMS",
        });
        if let Status::PendingDeletion { at } = self.status {
            metadata["DeletionDate"] = seconds(at).into();
        }
        metadata
    }
}

/// A time as the JSON protocols tell it.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of this age fit a float")]
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

pub(super) fn after_days(now: Timestamp, days: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX)
}

fn default_policy() -> String {
    json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") },
            "Action": "kms:*",
            "Resource": "*",
        }],
    })
    .to_string()
}
