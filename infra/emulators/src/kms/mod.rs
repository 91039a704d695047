//! KMS: symmetric keys whose material lies in a file, so that what was sealed opens after a restart.

mod admin;
mod crypto;
mod key;
mod rotation;
mod sealing;

use crate::{
    clock::Clock,
    store::{Store, StoreError, Writes},
    wire::{ACCOUNT, Answer, REGION, Refusal, Request, Service},
};
use crypto::Context;
use jiff::Timestamp;
use key::{Key, Status};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

#[derive(Debug)]
pub(crate) struct Kms {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    store: Store,
    keys: BTreeMap<String, Key>,
    /// The key id of each alias, by its name with `alias/`.
    aliases: BTreeMap<String, String>,
}

impl Kms {
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Self, StoreError> {
        let store = Store::open(path)?;
        let keys = store.load("key/")?.into_iter().collect();
        let aliases = store.load("alias/")?.into_iter().map(|(name, key)| (format!("alias/{name}"), key)).collect();
        Ok(Self { clock, state: Mutex::new(State { store, keys, aliases }) })
    }

    pub(crate) fn answer(&self, request: &Request) -> Result<Answer, Refusal> {
        let now = self.clock.now();
        let mut state = self.state();
        state.pass_time(now)?;
        state.dispatch(request, now)
    }

    /// What a request's key is for, as far as it says: key ids differ from one stack to the next, these do not.
    pub(crate) fn label_of(&self, request: &Request) -> Option<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Subject {
            key_id: Option<String>,
            description: Option<String>,
            ciphertext_blob: Option<String>,
        }
        let Subject { key_id, description, ciphertext_blob } = request.parse().ok()?;
        let state = self.state();
        let named = || state.find(key_id.as_deref()?).ok();
        let sealed_by = || state.keys.get(&sealing::key_id_in(ciphertext_blob.as_deref()?)?);
        match named().or_else(sealed_by) {
            Some(key) => Some(state.label(key)),
            None => key_id.or(description),
        }
    }

    /// The encryption contexts a request names, in the order of its work.
    pub(crate) fn contexts_of(request: &Request) -> Vec<Context> {
        #[derive(Default, Deserialize)]
        struct Named {
            #[serde(rename = "EncryptionContext")]
            only: Option<Context>,
            #[serde(rename = "SourceEncryptionContext")]
            source: Option<Context>,
            #[serde(rename = "DestinationEncryptionContext")]
            destination: Option<Context>,
        }
        if request.service != Service::Kms {
            return Vec::new();
        }
        let Named { only, source, destination } = request.parse().unwrap_or_default();
        [only, source, destination].into_iter().flatten().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn dispatch(&mut self, request: &Request, now: Timestamp) -> Result<Answer, Refusal> {
        match request.operation.as_str() {
            "Encrypt" => self.encrypt(request),
            "Decrypt" => self.decrypt(request),
            "ReEncrypt" => self.re_encrypt(request),
            "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => self.generate_data_key(request),
            "GenerateRandom" => sealing::generate_random(request),
            "CreateKey" => self.create(request, now),
            "DescribeKey" => self.describe(request),
            "ListKeys" => self.list(),
            "UpdateKeyDescription" => self.update_description(request),
            "EnableKey" => self.enable(request),
            "DisableKey" => self.disable(request),
            "ScheduleKeyDeletion" => self.schedule_deletion(request, now),
            "CancelKeyDeletion" => self.cancel_deletion(request),
            "CreateAlias" => self.create_alias(request),
            "UpdateAlias" => self.update_alias(request),
            "DeleteAlias" => self.delete_alias(request),
            "ListAliases" => self.list_aliases(request),
            "EnableKeyRotation" => self.enable_rotation(request, now),
            "DisableKeyRotation" => self.disable_rotation(request),
            "GetKeyRotationStatus" => self.rotation_status(request),
            "RotateKeyOnDemand" => self.rotate(request, now),
            "ListKeyRotations" => self.list_rotations(request),
            "TagResource" => self.tag(request),
            "UntagResource" => self.untag(request),
            "ListResourceTags" => self.list_tags(request),
            "PutKeyPolicy" => self.put_policy(request),
            "GetKeyPolicy" => self.get_policy(request),
            "ListKeyPolicies" => self.list_policies(request),
            operation => Err(Refusal::unknown_operation(operation)),
        }
    }

    /// Deletes keys whose time has come, and rotates those that rotate by themselves.
    fn pass_time(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let due = |key: &&Key| key.is_due_to_delete(now) || key.is_due_to_rotate(now);
        let due: Vec<_> = self.keys.values().filter(due).map(|key| key.id.clone()).collect();
        for id in due {
            let mut writes = Writes::default();
            if self.keys[&id].is_due_to_delete(now) {
                self.keys.remove(&id);
                writes.delete(format!("key/{id}"));
                let orphans: Vec<_> = self.aliases.extract_if(.., |_, key| *key == id).collect();
                for (alias, _) in orphans {
                    writes.delete(alias);
                }
            } else if let Some(key) = self.keys.get_mut(&id) {
                key.rotate_by_itself(now);
                writes.put(format!("key/{id}"), key)?;
            }
            self.store.commit(writes)?;
        }
        Ok(())
    }

    /// The key by its id, its ARN, its alias or its alias's ARN.
    fn find(&self, name: &str) -> Result<&Key, Refusal> {
        let local = name.strip_prefix(&arn("")).unwrap_or(name);
        let id = match local.strip_prefix("key/").unwrap_or(local) {
            alias if alias.starts_with("alias/") => self.aliases.get(alias).ok_or_else(|| no_alias(alias))?,
            id => id,
        };
        self.keys.get(id).ok_or_else(|| not_found(format!("Key '{}' does not exist", arn(&format!("key/{id}")))))
    }

    /// A key that may be used now.
    fn usable(&self, name: &str) -> Result<&Key, Refusal> {
        let key = self.find(name)?;
        match key.status {
            Status::Enabled => Ok(key),
            Status::Disabled => Err(Refusal::new("DisabledException", format!("{} is disabled.", key.arn()))),
            Status::PendingDeletion { .. } => Err(pending_deletion(key)),
        }
    }

    /// Changes a key and keeps the change.
    fn change<T>(&mut self, name: &str, change: impl FnOnce(&mut Key) -> Result<T, Refusal>) -> Result<T, Refusal> {
        let mut key = self.find(name)?.clone();
        let answer = change(&mut key)?;
        self.keep(key)?;
        Ok(answer)
    }

    fn keep(&mut self, key: Key) -> Result<(), Refusal> {
        let mut writes = Writes::default();
        writes.put(format!("key/{}", key.id), &key)?;
        self.store.commit(writes)?;
        self.keys.insert(key.id.clone(), key);
        Ok(())
    }

    fn label(&self, key: &Key) -> String {
        let alias = self.aliases.iter().find(|(_, id)| **id == key.id).map(|(alias, _)| alias.clone());
        alias.unwrap_or_else(|| if key.description.is_empty() { key.id.clone() } else { key.description.clone() })
    }
}

fn arn(resource: &str) -> String {
    format!("arn:aws:kms:{REGION}:{ACCOUNT}:{resource}")
}

fn not_found(message: String) -> Refusal {
    Refusal::new("NotFoundException", message)
}

fn no_alias(alias: &str) -> Refusal {
    not_found(format!("Alias {} is not found.", arn(alias)))
}

fn pending_deletion(key: &Key) -> Refusal {
    Refusal::new("KMSInvalidStateException", format!("{} is pending deletion.", key.arn()))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationException", message)
}
