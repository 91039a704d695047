//! The one secret a deployment makes for itself: its first operator key, and the root of every derived key.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::secrets::Secrets;
use crate::{
    Error, Result,
    clock::Clock,
    domain::{bearer::Bearer, keyring::Keyring},
};

const KEPT_FOR: SignedDuration = SignedDuration::from_mins(5);

#[derive(Debug, Clone)]
pub struct StackSecret {
    secrets: Secrets,
    id: String,
    clock: Clock,
    cached: Arc<Mutex<Option<Cached>>>,
}

/// The derived keys, and when their secret was read.
type Cached = (Timestamp, Arc<Keyring>);

/// As `GenerateSecretString` in the template makes it.
#[derive(Deserialize)]
struct Value {
    prefix: String,
    secret: SecretString,
}

impl StackSecret {
    pub fn new(secrets: Secrets, id: String, clock: Clock) -> Self {
        Self { secrets, id, clock, cached: Arc::default() }
    }

    /// The derived keys, read again after five minutes. One reader reads; the others wait for it.
    pub async fn keyring(&self) -> Result<Arc<Keyring>> {
        let mut cached = self.cached.lock().await;
        let now = self.clock.now();
        if let Some((read_at, keys)) = &*cached
            && (SignedDuration::ZERO..KEPT_FOR).contains(&now.duration_since(*read_at))
        {
            return Ok(Arc::clone(keys));
        }
        let (current, previous) =
            tokio::try_join!(self.secrets.value(&self.id, "AWSCURRENT"), self.secrets.value(&self.id, "AWSPREVIOUS"))?;
        let current = current.ok_or_else(|| Error::Corrupt("the stack secret has no value".to_owned()))?;
        let previous = previous.as_ref().map(|value| value.expose_secret().as_bytes());
        let keys = Arc::new(Keyring::new(current.expose_secret().as_bytes(), previous));
        *cached = Some((now, Arc::clone(&keys)));
        Ok(keys)
    }

    /// The key an operator starts with: prefix and secret, one after the other.
    pub async fn first_key(&self) -> Result<Bearer> {
        let unreadable = || Error::Corrupt("the stack secret is not {prefix, secret}".to_owned());
        let text = self.secrets.value(&self.id, "AWSCURRENT").await?.ok_or_else(unreadable)?;
        let value: Value = serde_json::from_str(text.expose_secret()).map_err(|_| unreadable())?;
        let key = SecretString::from(value.prefix + value.secret.expose_secret());
        Bearer::parse(key.expose_secret()).map_err(|_| unreadable())
    }
}
