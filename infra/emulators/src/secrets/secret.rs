//! A secret, its versions, and which stage each is in; making, describing and deleting it.

use super::{State, values::Content};
use crate::{
    random,
    wire::{ACCOUNT, Answer, REGION, Refusal, Request},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const CURRENT: &str = "AWSCURRENT";
pub(super) const PREVIOUS: &str = "AWSPREVIOUS";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Secret {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) description: Option<String>,
    pub(super) kms_key: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) created: Timestamp,
    pub(super) changed: Timestamp,
    /// When it was deleted, and when that cannot be undone any more.
    pub(super) deleted: Option<(Timestamp, Timestamp)>,
    pub(super) versions: BTreeMap<String, Version>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) content: Content,
    pub(super) stages: BTreeSet<String>,
    pub(super) created: Timestamp,
}

impl Secret {
    pub(super) fn is_gone(&self, now: Timestamp) -> bool {
        self.deleted.is_some_and(|(_, end)| end <= now)
    }

    pub(super) fn in_stage(&self, stage: &str) -> Option<(&String, &Version)> {
        self.versions.iter().find(|(_, version)| version.stages.contains(stage))
    }

    /// Puts a version into a stage, out of which it takes the one that is there. Whatever was current becomes previous.
    pub(super) fn promote(&mut self, id: &str, stage: &str) {
        let former = self.in_stage(stage).map(|(former, _)| former.clone());
        for version in self.versions.values_mut() {
            version.stages.remove(stage);
        }
        if stage == CURRENT
            && let Some(former) = former.filter(|former| former != id)
        {
            self.promote(&former, PREVIOUS);
        }
        if let Some(version) = self.versions.get_mut(id) {
            if stage == CURRENT {
                version.stages.remove(PREVIOUS);
            }
            version.stages.insert(stage.to_owned());
        }
    }

    /// The versions that are in any stage.
    fn stages(&self) -> BTreeMap<&String, &BTreeSet<String>> {
        let staged = self.versions.iter().filter(|(_, version)| !version.stages.is_empty());
        staged.map(|(id, version)| (id, &version.stages)).collect()
    }

    fn description(&self) -> Value {
        let tags: Vec<_> = self.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        let mut description = json!({
            "ARN": self.arn,
            "CreatedDate": seconds(self.created),
            "LastChangedDate": seconds(self.changed),
            "Name": self.name,
            "Tags": tags,
        });
        for (member, text) in [("Description", &self.description), ("KmsKeyId", &self.kms_key)] {
            if let Some(text) = text {
                description[member] = text.clone().into();
            }
        }
        if let Some((deleted, _)) = self.deleted {
            description["DeletedDate"] = seconds(deleted).into();
        }
        description
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    name: String,
    description: Option<String>,
    kms_key_id: Option<String>,
    client_request_token: Option<String>,
    #[serde(flatten)]
    content: Content,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Subject {
    secret_id: String,
    recovery_window_in_days: Option<i64>,
    #[serde(default)]
    force_delete_without_recovery: bool,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

impl State {
    pub(super) fn create(&mut self, request: &Request, now: Timestamp) -> Result<Answer, Refusal> {
        let Create { name, description, kms_key_id, client_request_token, content, tags } = request.parse()?;
        let version = client_request_token.unwrap_or_else(random::uuid);
        if let Some(existing) = self.secrets.get(&name) {
            // A client that repeats itself gets its first answer.
            if existing.deleted.is_none() && existing.versions.get(&version).is_some_and(|own| own.content == content) {
                return Answer::of(&json!({ "ARN": existing.arn, "Name": name, "VersionId": version }));
            }
            let message = format!("The operation failed because the secret {name} already exists.");
            return Err(Refusal::new("ResourceExistsException", message));
        }
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"/_+=.@-".contains(&b);
        if !(1..=512).contains(&name.len()) || !name.bytes().all(legal) {
            let message = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";
            return Err(Refusal::new("ValidationException", message));
        }
        content.check_size()?;
        let mut secret = Secret {
            arn: format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-{}", &random::uuid()[..6]),
            name: name.clone(),
            description,
            kms_key: kms_key_id,
            tags: tags.into_iter().map(|tag| (tag.key, tag.value)).collect(),
            created: now,
            changed: now,
            deleted: None,
            versions: BTreeMap::new(),
        };
        let mut answer = json!({ "ARN": secret.arn, "Name": name });
        if content.is_given() {
            secret.versions.insert(version.clone(), Version { content, stages: BTreeSet::new(), created: now });
            secret.promote(&version, CURRENT);
            answer["VersionId"] = version.into();
        }
        self.keep(secret)?;
        Answer::of(&answer)
    }

    pub(super) fn describe(&self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { secret_id, .. } = request.parse()?;
        let secret = self.find(&secret_id)?;
        let mut description = secret.description();
        description["VersionIdsToStages"] = json!(secret.stages());
        Answer::of(&description)
    }

    pub(super) fn list(&self) -> Result<Answer, Refusal> {
        let listed = self.secrets.values().filter(|secret| secret.deleted.is_none());
        let secrets: Vec<_> = listed
            .map(|secret| {
                let mut description = secret.description();
                description["SecretVersionsToStages"] = json!(secret.stages());
                description
            })
            .collect();
        Answer::of(&json!({ "SecretList": secrets }))
    }

    pub(super) fn delete(&mut self, request: &Request, now: Timestamp) -> Result<Answer, Refusal> {
        let Subject { secret_id, recovery_window_in_days, force_delete_without_recovery, .. } = request.parse()?;
        let mut secret = self.living(&secret_id)?.clone();
        let days = recovery_window_in_days.unwrap_or(30);
        if !(7..=30).contains(&days) {
            let message = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).";
            return Err(Refusal::new("InvalidParameterException", message));
        }
        let window = SignedDuration::from_hours(if force_delete_without_recovery { 0 } else { 24 * days });
        let end = now.saturating_add(window).unwrap_or(Timestamp::MAX);
        let answer = json!({ "ARN": secret.arn, "DeletionDate": seconds(end), "Name": secret.name });
        if force_delete_without_recovery {
            self.forget(&secret.name)?;
        } else {
            secret.deleted = Some((now, end));
            self.keep(secret)?;
        }
        Answer::of(&answer)
    }

    pub(super) fn restore(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { secret_id, .. } = request.parse()?;
        let mut secret = self.find(&secret_id)?.clone();
        secret.deleted = None;
        let answer = json!({ "ARN": secret.arn, "Name": secret.name });
        self.keep(secret)?;
        Answer::of(&answer)
    }

    pub(super) fn tag(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { secret_id, tags, .. } = request.parse()?;
        let mut secret = self.living(&secret_id)?.clone();
        secret.tags.extend(tags.into_iter().map(|tag| (tag.key, tag.value)));
        self.keep(secret)?;
        Ok(Answer::empty())
    }

    pub(super) fn untag(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { secret_id, tag_keys, .. } = request.parse()?;
        let mut secret = self.living(&secret_id)?.clone();
        secret.tags.retain(|tag, _| !tag_keys.contains(tag));
        self.keep(secret)?;
        Ok(Answer::empty())
    }
}

/// The name in an ARN, without its random end; a name is its own.
pub(super) fn name_in(id: &str) -> &str {
    match id.split_once(":secret:") {
        Some((_, rest)) => rest.rsplit_once('-').map_or(rest, |(name, _)| name),
        None => id,
    }
}

/// A time as the JSON protocols tell it.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of this age fit a float")]
pub(super) fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}
