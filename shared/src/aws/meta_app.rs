//! The Meta app as the operator entered it, in one secret.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::secrets::Secrets;
use crate::{Error, Result, clock::Clock, domain::meta_app::MetaApp};

const KEPT_FOR: SignedDuration = SignedDuration::from_mins(5);
/// How far ahead the end of a previous secret may lie: what has leaked must not count for long.
const PREVIOUS_FOR: SignedDuration = SignedDuration::from_hours(8 * 24);

#[derive(Debug, Clone)]
pub struct MetaApps {
    secrets: Secrets,
    id: String,
    clock: Clock,
    cached: Arc<Mutex<Option<Cached>>>,
}

/// The app, and when it was read; none where there is no app yet.
type Cached = (Timestamp, Option<Arc<MetaApp>>);

/// As the template writes it: what is not there is an empty text.
#[derive(Deserialize)]
struct Value {
    app_id: String,
    app_secret: SecretString,
    verify_token: SecretString,
    config_id: String,
    previous_app_secret: SecretString,
    previous_app_secret_until: String,
}

impl MetaApps {
    pub fn new(secrets: Secrets, id: String, clock: Clock) -> Self {
        Self { secrets, id, clock, cached: Arc::default() }
    }

    /// The app, read again after five minutes. One reader reads; the others wait for it.
    pub async fn current(&self) -> Result<Arc<MetaApp>> {
        let mut cached = self.cached.lock().await;
        let now = self.clock.now();
        if let Some((read_at, app)) = &*cached
            && (SignedDuration::ZERO..KEPT_FOR).contains(&now.duration_since(*read_at))
        {
            return app.clone().ok_or(Error::MetaAppNotConfigured);
        }
        let app = self.read(now).await?.map(Arc::new);
        *cached = Some((now, app.clone()));
        app.ok_or(Error::MetaAppNotConfigured)
    }

    async fn read(&self, now: Timestamp) -> Result<Option<MetaApp>> {
        let unreadable = || Error::Corrupt("the secret of the Meta app is not what the template writes".to_owned());
        let text = self.secrets.value(&self.id, "AWSCURRENT").await?.ok_or_else(unreadable)?;
        // What serde would say of it quotes it.
        let value: Value = serde_json::from_str(text.expose_secret()).map_err(|_| unreadable())?;
        Ok(value.into_app(now))
    }
}

impl Value {
    fn into_app(self, now: Timestamp) -> Option<MetaApp> {
        Some(MetaApp {
            id: Some(self.app_id).filter(|id| !id.is_empty())?,
            secret: filled(self.app_secret)?,
            previous: filled(self.previous_app_secret)
                .and_then(|secret| Some((secret, self.previous_app_secret_until.parse::<Timestamp>().ok()?)))
                .filter(|(_, until)| until.duration_since(now) <= PREVIOUS_FOR),
            verify_token: filled(self.verify_token),
            config_id: Some(self.config_id).filter(|id| !id.is_empty()),
        })
    }
}

fn filled(secret: SecretString) -> Option<SecretString> {
    Some(secret).filter(|secret| !secret.expose_secret().is_empty())
}
