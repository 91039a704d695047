//! Who a bearer string is: looked up by its hash, remembered for a moment.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use super::first_key::{self, FirstKey};
use crate::{
    Error, Result,
    aws::{credentials::Credentials, stack_secret::StackSecret},
    clock::Clock,
    domain::{
        bearer::Bearer,
        credential::{Credential, CredentialId, Kind},
    },
};

/// How long a revoked key may still be taken by a warm process.
const REMEMBERED_FOR: SignedDuration = SignedDuration::from_secs(30);
const REMEMBERED_AT_MOST: usize = 1024;
/// How often strangers with well-formed strings may cause the stack secret to be read.
const FIRST_KEY_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// The way in.
#[derive(Debug, Clone)]
pub struct Gate {
    credentials: Credentials,
    clock: Clock,
    first_key: First,
    remembered: Arc<Mutex<Remembered>>,
}

/// What a function does with a deployment's first key, before it is in the table.
#[derive(Debug, Clone)]
pub enum First {
    /// Puts it there: the function that writes `credentials`.
    Put(FirstKey),
    /// Knows it by the stack secret. Once it has been put there, the table alone counts: also that it was revoked.
    Know(StackSecret),
}

#[derive(Debug, Default)]
struct Remembered {
    rows: HashMap<CredentialId, (Timestamp, Arc<Credential>)>,
    first_key_tried_at: Option<Timestamp>,
}

impl Gate {
    pub fn new(credentials: Credentials, clock: Clock, first_key: First) -> Self {
        Self { credentials, clock, first_key, remembered: Arc::default() }
    }

    /// The living credential this string is. A session lives no longer than the key that made it.
    pub async fn admit(&self, bearer: &Bearer, request_id: &str) -> Result<Arc<Credential>> {
        let now = self.clock.now();
        let found = match self.find(&bearer.id(), now).await? {
            None if bearer.kind() == Kind::Key => self.after_first_key(bearer, request_id, now).await?,
            found => found,
        };
        let credential = found
            .filter(|credential| credential.hash.matches(&bearer.hash()) && credential.is_alive(now))
            .ok_or(Error::Unauthenticated)?;
        if let (Kind::Session, Some(maker)) = (credential.kind(), &credential.created_by) {
            let maker = self.find(maker, now).await?;
            maker.filter(|maker| maker.is_alive(now)).ok_or(Error::Unauthenticated)?;
        }
        Ok(credential)
    }

    /// Forgets what this process remembers of a credential: it has just ended.
    pub fn forget(&self, id: &CredentialId) {
        self.remembered().rows.remove(id);
    }

    async fn find(&self, id: &CredentialId, now: Timestamp) -> Result<Option<Arc<Credential>>> {
        if let Some((read_at, credential)) = self.remembered().rows.get(id)
            && (SignedDuration::ZERO..REMEMBERED_FOR).contains(&now.duration_since(*read_at))
        {
            return Ok(Some(Arc::clone(credential)));
        }
        // Absence is not remembered: a stranger could fill the memory with it.
        let Some(credential) = self.credentials.find(id).await?.map(Arc::new) else { return Ok(None) };
        self.remembered().keep(id.clone(), now, &credential);
        Ok(Some(credential))
    }

    /// On a miss the first key may not be in the table yet.
    async fn after_first_key(
        &self,
        bearer: &Bearer,
        request_id: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<Credential>>> {
        if !self.remembered().may_try_first_key(now) {
            return Ok(None);
        }
        let tried = match &self.first_key {
            First::Put(first_key) => first_key.put_if_absent(request_id).await.map(|_| None),
            First::Know(secret) => secret.first_key().await.map(Some),
        };
        match tried {
            Ok(None) => self.find(&bearer.id(), now).await,
            Ok(Some(key)) if key.id() == bearer.id() => {
                // The next caller with it may come before it is in the table, too.
                self.remembered().first_key_tried_at = None;
                Ok(Some(Arc::new(first_key::credential(&key, now))))
            }
            Ok(Some(_)) => Ok(None),
            Err(error) => {
                // Nothing was learned: the next caller may try again.
                self.remembered().first_key_tried_at = None;
                Err(error)
            }
        }
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    fn keep(&mut self, id: CredentialId, now: Timestamp, credential: &Arc<Credential>) {
        if self.rows.len() >= REMEMBERED_AT_MOST {
            self.rows.retain(|_, (read_at, _)| now.duration_since(*read_at) < REMEMBERED_FOR);
        }
        if self.rows.len() < REMEMBERED_AT_MOST {
            self.rows.insert(id, (now, Arc::clone(credential)));
        }
    }

    fn may_try_first_key(&mut self, now: Timestamp) -> bool {
        let is_due = self.first_key_tried_at.is_none_or(|tried| now.duration_since(tried).abs() >= FIRST_KEY_EVERY);
        if is_due {
            self.first_key_tried_at = Some(now);
        }
        is_due
    }
}
