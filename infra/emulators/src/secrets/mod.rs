//! Secrets Manager: versions and their stages. The values lie in a file of the user's own directory.

mod password;
mod secret;
mod values;

use crate::{
    clock::Clock,
    store::{Store, StoreError, Writes},
    wire::{Answer, Refusal, Request},
};
use jiff::Timestamp;
use secret::Secret;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

#[derive(Debug)]
pub(crate) struct Secrets {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    store: Store,
    secrets: BTreeMap<String, Secret>,
}

impl Secrets {
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Self, StoreError> {
        let store = Store::open(path)?;
        let secrets = store.load("secret/")?.into_iter().collect();
        Ok(Self { clock, state: Mutex::new(State { store, secrets }) })
    }

    pub(crate) fn answer(&self, request: &Request) -> Result<Answer, Refusal> {
        let now = self.clock.now();
        let mut state = self.state();
        state.pass_time(now)?;
        state.dispatch(request, now)
    }

    /// The secret's name, also where the request holds its ARN.
    pub(crate) fn name_of(request: &Request) -> Option<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Subject {
            secret_id: Option<String>,
            name: Option<String>,
        }
        let Subject { secret_id, name } = request.parse().ok()?;
        name.or_else(|| secret_id.map(|id| secret::name_in(&id).to_owned()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn dispatch(&mut self, request: &Request, now: Timestamp) -> Result<Answer, Refusal> {
        match request.operation.as_str() {
            "CreateSecret" => self.create(request, now),
            "DeleteSecret" => self.delete(request, now),
            "DescribeSecret" => self.describe(request),
            "GetRandomPassword" => password::answer(request),
            "GetSecretValue" => self.value(request, now),
            "ListSecretVersionIds" => self.versions(request),
            "ListSecrets" => self.list(),
            "PutSecretValue" => self.put_value(request, now),
            "RestoreSecret" => self.restore(request),
            "TagResource" => self.tag(request),
            "UntagResource" => self.untag(request),
            "UpdateSecret" => self.update(request, now),
            "UpdateSecretVersionStage" => self.move_stage(request, now),
            operation => Err(Refusal::unknown_operation(operation)),
        }
    }

    /// Secrets whose recovery window has ended are gone.
    fn pass_time(&mut self, now: Timestamp) -> Result<(), Refusal> {
        let gone: Vec<_> =
            self.secrets.values().filter(|secret| secret.is_gone(now)).map(|secret| secret.name.clone()).collect();
        gone.iter().try_for_each(|name| self.forget(name))
    }

    /// The secret by its name, its ARN, or its ARN without the random end.
    fn find(&self, id: &str) -> Result<&Secret, Refusal> {
        let by_arn =
            |secret: &&Secret| secret.arn == id || secret.arn.rsplit_once('-').is_some_and(|(arn, _)| arn == id);
        self.secrets.get(id).or_else(|| self.secrets.values().find(by_arn)).ok_or_else(|| {
            Refusal::new("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        })
    }

    /// A secret that is not marked for deletion.
    fn living(&self, id: &str) -> Result<&Secret, Refusal> {
        let secret = self.find(id)?;
        if secret.deleted.is_some() {
            let message = "You can't perform this operation on the secret because it was marked for deletion.";
            return Err(Refusal::new("InvalidRequestException", message));
        }
        Ok(secret)
    }

    fn keep(&mut self, secret: Secret) -> Result<(), Refusal> {
        let mut writes = Writes::default();
        writes.put(format!("secret/{}", secret.name), &secret)?;
        self.store.commit(writes)?;
        self.secrets.insert(secret.name.clone(), secret);
        Ok(())
    }

    fn forget(&mut self, name: &str) -> Result<(), Refusal> {
        let mut writes = Writes::default();
        writes.delete(format!("secret/{name}"));
        self.store.commit(writes)?;
        self.secrets.remove(name);
        Ok(())
    }
}
