//! Permission given at Meta: a code becomes a token within its thirty seconds, and counts once it is confirmed.
//!
//! Twice: the hash of the code is noted before it is exchanged, so the second finds it. Half: a code whose request died
//! is lost, the attempt says so, and the link can be opened again.

use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Connect, failure::failure};
use crate::{
    Error, Result,
    aws::connections::Stored,
    domain::{
        audit::Entry,
        connection::{AttemptStep, Connection, Hint, Obstacle, Setback},
        hex,
    },
};

impl Connect {
    /// Exchanges a code. `verifier`: the permission waits until whoever was given this confirms it.
    pub async fn exchange(
        &self,
        stored: &mut Stored,
        code: &SecretString,
        redirect_uri: Option<&str>,
        verifier: Option<&str>,
    ) -> Result<()> {
        // First whatever can fail without burning the code.
        let app = self.apps.current().await?;
        let (holder, hash) = (self.draw(), hex::sha256(code.expose_secret().as_bytes()));
        let begin = |connection: &mut Connection| {
            Ok::<_, Error>(connection.begin_exchange(&hash, &holder, self.clock.now())?)
        };
        if !self.connections.change(stored, self.clock.now(), begin).await? {
            return Ok(());
        }
        let exchanged = self.graph.of_app(&app).exchange_code(code, redirect_uri).await;
        let kept = match exchanged {
            Ok(granted) => {
                let expires_at = granted.expires_in.and_then(|seconds| {
                    let seconds = SignedDuration::from_secs(i64::try_from(seconds).ok()?);
                    self.clock.now().checked_add(seconds).ok()
                });
                // A token that cannot be sealed is not kept: the person must come again.
                self.held(&stored.connection, &granted.token, expires_at).await.map_err(|error| {
                    tracing::error!(error = %error.chain(), "a token was lost");
                    lost("the permission could not be kept")
                })
            }
            Err(error) => Err(failure(AttemptStep::CodeExchanged, &error).setback().clone()),
        };
        let now = self.clock.now();
        let end = |connection: &mut Connection| {
            match &kept {
                Ok(token) => connection.authorize(token.clone(), verifier, now),
                Err(setback) => connection.exchange_failed(setback.clone(), now),
            }
            Ok::<_, Error>(())
        };
        self.connections.change(stored, now, end).await
    }

    /// The one who began says that the permission is theirs.
    pub async fn confirm(&self, stored: &mut Stored, verifier: &SecretString, entry: &Entry) -> Result<()> {
        let hash = hex::sha256(verifier.expose_secret().as_bytes());
        self.act(stored, entry, |connection, now| connection.confirm(&hash, now)).await
    }

    /// What Meta's popup told the page.
    pub async fn hear(&self, stored: &mut Stored, event: Value, entry: &Entry) -> Result<()> {
        let hint = Hint::read(&event);
        self.act(stored, entry, |connection, now| connection.heard(event.clone(), hint.clone(), now)).await
    }
}

fn lost(detail: &str) -> Setback {
    Setback::at(AttemptStep::CodeExchanged, Obstacle::CodeExpired, detail)
}
