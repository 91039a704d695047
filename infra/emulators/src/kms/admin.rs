//! Making, naming, disabling, tagging and deleting keys.

use super::{
    State, arn, invalid,
    key::{Key, Status, after_days, seconds},
    no_alias, pending_deletion,
};
use crate::{
    store::Writes,
    wire::{Answer, Refusal, Request},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Create {
    description: String,
    policy: Option<String>,
    tags: Vec<Tag>,
    key_usage: Option<String>,
    key_spec: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    tag_key: String,
    tag_value: String,
}

/// One key, and what may be said about it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Subject {
    key_id: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    policy: String,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    tag_keys: Vec<String>,
    pending_window_in_days: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Alias {
    alias_name: String,
    #[serde(default)]
    target_key_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Aliases {
    key_id: Option<String>,
}

impl State {
    pub(super) fn create(&mut self, request: &Request, now: Timestamp) -> Result<Answer, Refusal> {
        let Create { description, policy, tags, key_usage, key_spec } = request.parse()?;
        let symmetric = key_usage.as_deref().is_none_or(|usage| usage == "ENCRYPT_DECRYPT")
            && key_spec.as_deref().is_none_or(|spec| spec == "SYMMETRIC_DEFAULT");
        if !symmetric {
            return Err(Refusal::new(
                "UnsupportedOperationException",
                "the emulator has symmetric encryption keys only",
            ));
        }
        let tags = tags.into_iter().map(|tag| (tag.tag_key, tag.tag_value)).collect();
        let key = Key::new(now, description, tags, policy);
        let metadata = key.metadata();
        self.keep(key)?;
        Answer::of(&json!({ "KeyMetadata": metadata }))
    }

    pub(super) fn describe(&self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { key_id, .. } = request.parse()?;
        Answer::of(&json!({ "KeyMetadata": self.find(&key_id)?.metadata() }))
    }

    pub(super) fn list(&self) -> Result<Answer, Refusal> {
        let keys: Vec<_> = self.keys.values().map(|key| json!({ "KeyArn": key.arn(), "KeyId": key.id })).collect();
        Answer::of(&json!({ "Keys": keys, "Truncated": false }))
    }

    pub(super) fn update_description(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { key_id, description, .. } = request.parse()?;
        self.change_living(&key_id, |key| key.description = description)
    }

    pub(super) fn enable(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { key_id, .. } = request.parse()?;
        self.change_living(&key_id, |key| key.status = Status::Enabled)
    }

    pub(super) fn disable(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { key_id, .. } = request.parse()?;
        self.change_living(&key_id, |key| key.status = Status::Disabled)
    }

    pub(super) fn schedule_deletion(&mut self, request: &Request, now: Timestamp) -> Result<Answer, Refusal> {
        let Subject { key_id, pending_window_in_days, .. } = request.parse()?;
        let days = pending_window_in_days.unwrap_or(30);
        if !(7..=30).contains(&days) {
            return Err(invalid("PendingWindowInDays must be between 7 and 30"));
        }
        let at = after_days(now, days);
        self.change_living(&key_id, |key| key.status = Status::PendingDeletion { at })?;
        let key = self.find(&key_id)?;
        Answer::of(&json!({
            "DeletionDate": seconds(at),
            "KeyId": key.arn(),
            "KeyState": "PendingDeletion",
            "PendingWindowInDays": days,
        }))
    }

    /// A key that was to be deleted is disabled afterwards.
    pub(super) fn cancel_deletion(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { key_id, .. } = request.parse()?;
        self.change(&key_id, |key| {
            if !matches!(key.status, Status::PendingDeletion { .. }) {
                let message = format!("{} is not pending deletion.", key.arn());
                return Err(Refusal::new("KMSInvalidStateException", message));
            }
            key.status = Status::Disabled;
            Answer::of(&json!({ "KeyId": key.arn() }))
        })
    }

    pub(super) fn create_alias(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let Alias { alias_name, target_key_id } = request.parse()?;
        if self.aliases.contains_key(&alias_name) {
            let message = format!("An alias with the name {} already exists", arn(&alias_name));
            return Err(Refusal::new("AlreadyExistsException", message));
        }
        self.point_alias(alias_name, &target_key_id)
    }

    pub(super) fn update_alias(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let Alias { alias_name, target_key_id } = request.parse()?;
        if !self.aliases.contains_key(&alias_name) {
            return Err(no_alias(&alias_name));
        }
        self.point_alias(alias_name, &target_key_id)
    }

    fn point_alias(&mut self, alias: String, target: &str) -> Result<Answer, Refusal> {
        let legal = |name: &str| {
            (1..=250).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_-".contains(&b))
        };
        if !alias.strip_prefix("alias/").is_some_and(|name| legal(name) && !name.starts_with("aws/")) {
            return Err(Refusal::new("InvalidAliasNameException", "Alias must start with the prefix \"alias/\"."));
        }
        let key = self.find(target)?;
        if let Status::PendingDeletion { .. } = key.status {
            return Err(pending_deletion(key));
        }
        let id = key.id.clone();
        let mut writes = Writes::default();
        writes.put(alias.clone(), &id)?;
        self.store.commit(writes)?;
        self.aliases.insert(alias, id);
        Ok(Answer::empty())
    }

    pub(super) fn delete_alias(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let Alias { alias_name, .. } = request.parse()?;
        self.aliases.remove(&alias_name).ok_or_else(|| no_alias(&alias_name))?;
        let mut writes = Writes::default();
        writes.delete(alias_name);
        self.store.commit(writes)?;
        Ok(Answer::empty())
    }

    pub(super) fn list_aliases(&self, request: &Request) -> Result<Answer, Refusal> {
        let Aliases { key_id } = request.parse()?;
        let only = key_id.map(|name| self.find(&name).map(|key| key.id.clone())).transpose()?;
        let listed = self.aliases.iter().filter(|(_, id)| only.as_ref().is_none_or(|only| only == *id));
        let aliases: Vec<_> =
            listed.map(|(name, id)| json!({ "AliasArn": arn(name), "AliasName": name, "TargetKeyId": id })).collect();
        Answer::of(&json!({ "Aliases": aliases, "Truncated": false }))
    }

    pub(super) fn tag(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { key_id, tags, .. } = request.parse()?;
        self.change_living(&key_id, |key| key.tags.extend(tags.into_iter().map(|tag| (tag.tag_key, tag.tag_value))))
    }

    pub(super) fn untag(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { key_id, tag_keys, .. } = request.parse()?;
        self.change_living(&key_id, |key| key.tags.retain(|tag, _| !tag_keys.contains(tag)))
    }

    pub(super) fn list_tags(&self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { key_id, .. } = request.parse()?;
        let tags = self.find(&key_id)?.tags.clone().into_iter();
        let tags: Vec<_> = tags.map(|(tag_key, tag_value)| Tag { tag_key, tag_value }).collect();
        Answer::of(&json!({ "Tags": tags, "Truncated": false }))
    }

    pub(super) fn put_policy(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { key_id, policy, .. } = request.parse()?;
        if serde_json::from_str::<serde_json::Value>(&policy).is_err() {
            return Err(Refusal::new("MalformedPolicyDocumentException", "The policy is not JSON."));
        }
        self.change_living(&key_id, |key| key.policy = policy)
    }

    pub(super) fn get_policy(&self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { key_id, .. } = request.parse()?;
        Answer::of(&json!({ "Policy": self.find(&key_id)?.policy, "PolicyName": "default" }))
    }

    pub(super) fn list_policies(&self, request: &Request) -> Result<Answer, Refusal> {
        let Subject { key_id, .. } = request.parse()?;
        self.find(&key_id)?;
        Answer::of(&json!({ "PolicyNames": ["default"], "Truncated": false }))
    }

    /// Changes a key that is not about to be deleted.
    fn change_living(&mut self, name: &str, change: impl FnOnce(&mut Key)) -> Result<Answer, Refusal> {
        self.change(name, |key| {
            if let Status::PendingDeletion { .. } = key.status {
                return Err(pending_deletion(key));
            }
            change(key);
            Ok(Answer::empty())
        })
    }
}
