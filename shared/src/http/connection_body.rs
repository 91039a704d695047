//! What showing a connection takes besides it: what lets its bearer begin at Meta.

use jiff::Timestamp;

use super::base_url::BaseUrl;
use crate::{
    Error, Result,
    aws::{meta_app::MetaApps, stack_secret::StackSecret},
    domain::{
        connection::{Connection, Method},
        keyring::{Keyring, Purpose},
        meta_app::MetaApp,
        proof,
    },
    shown::connection::{ConnectionBody, EmbeddedSignup, Opening},
};

#[derive(Debug, Clone)]
pub struct Shower {
    pub secret: StackSecret,
    pub apps: MetaApps,
    pub graph_version: String,
}

impl Shower {
    pub async fn show(&self, connection: &Connection, base: &BaseUrl, now: Timestamp) -> Result<ConnectionBody> {
        Ok(self.show_all(std::slice::from_ref(connection), base, now).await?.remove(0))
    }

    pub async fn show_all(
        &self,
        connections: &[Connection],
        base: &BaseUrl,
        now: Timestamp,
    ) -> Result<Vec<ConnectionBody>> {
        // Nothing to show takes no secret.
        if connections.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.secret.keyring().await?;
        let app = match self.apps.current().await {
            Err(Error::MetaAppNotConfigured) => None,
            app => Some(app?),
        };
        let show = |connection: &Connection| {
            let ticket = || base.start(&proof::ticket(&keys, &connection.id));
            let opening = Opening {
                start_url: connection.has_start(now).then(ticket),
                embedded_signup: app.as_ref().and_then(|app| self.popup(connection, app, &keys, now)),
            };
            ConnectionBody::of(connection, opening, now)
        };
        Ok(connections.iter().map(show).collect())
    }

    fn popup(&self, connection: &Connection, app: &MetaApp, keys: &Keyring, now: Timestamp) -> Option<EmbeddedSignup> {
        (connection.method == Method::EmbeddedSignup && connection.is_alive(now)).then_some(())?;
        Some(EmbeddedSignup {
            app_id: app.id.clone(),
            config_id: app.config_id.clone()?,
            graph_version: self.graph_version.clone(),
            nonce: proof::prove(keys, Purpose::Nonce, &[connection.id.as_str()]),
        })
    }
}
