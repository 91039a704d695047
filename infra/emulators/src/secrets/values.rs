//! Reading and writing values: by version, by stage, and once however often a client asks.

use super::{
    State,
    secret::{CURRENT, Secret, Version, seconds},
};
use crate::{
    random,
    wire::{Answer, Refusal, Request},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{collections::BTreeSet, fmt};

/// The largest value.
const MAX_BYTES: usize = 65_536;

/// A value: text, or bytes in base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Content {
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_string: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_binary: Option<String>,
}

impl Content {
    pub(super) fn is_given(&self) -> bool {
        self.secret_string.is_some() || self.secret_binary.is_some()
    }

    pub(super) fn check_size(&self) -> Result<(), Refusal> {
        let length = |value: &Option<String>| value.as_ref().map_or(0, String::len);
        if length(&self.secret_string) > MAX_BYTES || length(&self.secret_binary) > MAX_BYTES.div_ceil(3) * 4 {
            let message = format!("The value must have a length less than or equal to {MAX_BYTES}.");
            return Err(Refusal::new("ValidationException", message));
        }
        if self.secret_string.is_some() && self.secret_binary.is_some() {
            let message = "You can't specify both a binary secret value and a string secret value in the same secret.";
            return Err(Refusal::new("InvalidParameterException", message));
        }
        Ok(())
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content([REDACTED])")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Get {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
    #[serde(default)]
    include_deprecated: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    secret_id: String,
    client_request_token: Option<String>,
    version_stages: Option<Vec<String>>,
    description: Option<String>,
    kms_key_id: Option<String>,
    #[serde(flatten)]
    content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StageMove {
    secret_id: String,
    version_stage: String,
    move_to_version_id: Option<String>,
    remove_from_version_id: Option<String>,
}

impl State {
    pub(super) fn value(&self, request: &Request, now: Timestamp) -> Result<Answer, Refusal> {
        let Get { secret_id, version_id, version_stage, .. } = request.parse()?;
        let secret = self.living(&secret_id)?;
        let stage = version_stage.as_deref();
        let found = match &version_id {
            Some(id) => secret
                .versions
                .get_key_value(id)
                .filter(|(_, version)| stage.is_none_or(|stage| version.stages.contains(stage))),
            None => secret.in_stage(stage.unwrap_or(CURRENT)),
        };
        let (id, version) = found.ok_or_else(|| {
            let wanted = match &version_id {
                Some(id) => format!("VersionId: {id}"),
                None => format!("staging label: {}", stage.unwrap_or(CURRENT)),
            };
            let message = format!("Secrets Manager can't find the specified secret value for {wanted}");
            Refusal::new("ResourceNotFoundException", message)
        })?;
        let mut answer = serde_json::to_value(&version.content).map_err(|error| Refusal::internal(&error))?;
        answer["ARN"] = secret.arn.clone().into();
        answer["CreatedDate"] = seconds(version.created.min(now)).into();
        answer["Name"] = secret.name.clone().into();
        answer["VersionId"] = id.clone().into();
        answer["VersionStages"] = json!(version.stages);
        Answer::of(&answer)
    }

    pub(super) fn put_value(&mut self, request: &Request, now: Timestamp) -> Result<Answer, Refusal> {
        let Put { secret_id, client_request_token, version_stages, content, .. } = request.parse()?;
        if !content.is_given() {
            let message = "You must provide either SecretString or SecretBinary.";
            return Err(Refusal::new("InvalidRequestException", message));
        }
        let mut secret = self.living(&secret_id)?.clone();
        let stages = version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
        let id = secret.write(client_request_token, content, &stages, now)?;
        let answer = json!({
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": id,
            "VersionStages": secret.versions[&id].stages,
        });
        self.keep(secret)?;
        Answer::of(&answer)
    }

    pub(super) fn update(&mut self, request: &Request, now: Timestamp) -> Result<Answer, Refusal> {
        let Put { secret_id, client_request_token, description, kms_key_id, content, .. } = request.parse()?;
        let mut secret = self.living(&secret_id)?.clone();
        secret.description = description.or(secret.description);
        secret.kms_key = kms_key_id.or(secret.kms_key);
        secret.changed = now;
        let mut answer = json!({ "ARN": secret.arn, "Name": secret.name });
        if content.is_given() {
            answer["VersionId"] = secret.write(client_request_token, content, &[CURRENT.to_owned()], now)?.into();
        }
        self.keep(secret)?;
        Answer::of(&answer)
    }

    pub(super) fn versions(&self, request: &Request) -> Result<Answer, Refusal> {
        let Get { secret_id, include_deprecated, .. } = request.parse()?;
        let secret = self.find(&secret_id)?;
        let versions: Vec<_> = secret
            .versions
            .iter()
            .filter(|(_, version)| include_deprecated || !version.stages.is_empty())
            .map(|(id, version)| {
                json!({ "CreatedDate": seconds(version.created), "VersionId": id, "VersionStages": version.stages })
            })
            .collect();
        Answer::of(&json!({ "ARN": secret.arn, "Name": secret.name, "Versions": versions }))
    }

    pub(super) fn move_stage(&mut self, request: &Request, now: Timestamp) -> Result<Answer, Refusal> {
        let StageMove { secret_id, version_stage, move_to_version_id, remove_from_version_id } = request.parse()?;
        let mut secret = self.living(&secret_id)?.clone();
        let holder = secret.in_stage(&version_stage).map(|(id, _)| id.clone());
        if holder.is_some() && holder != remove_from_version_id {
            let message =
                format!("The parameter RemoveFromVersionId must name the version that is in {version_stage}.");
            return Err(Refusal::new("InvalidParameterException", message));
        }
        match move_to_version_id {
            Some(id) if secret.versions.contains_key(&id) => secret.promote(&id, &version_stage),
            Some(id) => {
                let message = format!("Secrets Manager can't find the specified secret value for VersionId: {id}");
                return Err(Refusal::new("ResourceNotFoundException", message));
            }
            None => {
                if let Some(version) = holder.and_then(|holder| secret.versions.get_mut(&holder)) {
                    version.stages.remove(&version_stage);
                }
            }
        }
        secret.changed = now;
        let answer = json!({ "ARN": secret.arn, "Name": secret.name });
        self.keep(secret)?;
        Answer::of(&answer)
    }
}

impl Secret {
    /// Adds a version under the client's token, or finds that it did so before.
    fn write(
        &mut self,
        token: Option<String>,
        content: Content,
        stages: &[String],
        now: Timestamp,
    ) -> Result<String, Refusal> {
        content.check_size()?;
        let id = token.unwrap_or_else(random::uuid);
        match self.versions.get(&id) {
            Some(own) if own.content == content => return Ok(id),
            Some(_) => {
                let message = "You can't use ClientRequestToken for a version that exists with another value.";
                return Err(Refusal::new("ResourceExistsException", message));
            }
            None => {}
        }
        self.versions.insert(id.clone(), Version { content, stages: BTreeSet::new(), created: now });
        for stage in stages {
            self.promote(&id, stage);
        }
        self.changed = now;
        Ok(id)
    }
}
