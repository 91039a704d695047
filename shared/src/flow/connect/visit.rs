//! A browser's way to Meta and back: each opening of the start URL is a visit of its own, and only the browser that
//! began it can end it, once.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

use super::Connect;
use crate::{
    Error, Result,
    aws::{
        connections::Stored,
        oauth_states::{OauthStates, Visit},
        stack_secret::StackSecret,
    },
    domain::{
        connection::{Connection, Obstacle, Refused},
        hex,
        keyring::Purpose,
        proof,
    },
};

#[derive(Debug, Clone)]
pub struct Visits {
    pub connect: Connect,
    pub states: OauthStates,
    pub secret: StackSecret,
}

/// Where the browser goes, and what it takes along.
#[derive(Debug)]
pub struct Opened {
    pub location: String,
    pub cookie_name: String,
    pub cookie: SecretString,
}

/// What Meta sends back with the browser.
#[derive(Debug)]
pub enum Answer {
    Code(SecretString),
    /// `access_denied` and the like.
    Refused {
        is_denial: bool,
    },
}

/// The end of a visit.
#[derive(Debug)]
pub struct Finished {
    pub stored: Stored,
    /// What the return to the dashboard carries, where the attempt must be confirmed.
    pub verifier: Option<String>,
    /// Identifies the visit: our own page is for its browser.
    pub visit: String,
}

impl Visits {
    /// Begins a visit. The address of the callback is the one the code will be exchanged with.
    pub async fn open(&self, ticket: &str, callback: &str) -> Result<Opened> {
        let keys = self.secret.keyring().await?;
        let unknown = || Error::NotFound { thing: "connection" };
        let id = proof::admitted(&keys, ticket).ok_or_else(unknown)?;
        let mut stored = self.connect.connections.find(&id).await?.ok_or_else(unknown)?;
        let now = self.connect.clock.now();
        if !stored.connection.has_start(now) {
            return Err(Error::Connection(Refused::Over));
        }
        let app = self.connect.apps.current().await?;
        let open = |connection: &mut Connection| Ok::<_, Error>(connection.open(now)?);
        self.connect.connections.change(&mut stored, now, open).await?;
        let (state, cookie): ([u8; 32], [u8; 32]) = (self.connect.random.bytes(), self.connect.random.bytes());
        let visit = Visit::new(&state, id, &cookie, now);
        self.states.add(&visit).await?;
        let (state, coexistence) = (BASE64_URL_SAFE_NO_PAD.encode(state), stored.connection.coexistence);
        Ok(Opened {
            location: self.connect.graph.dialog_url(&app, callback, &state, coexistence),
            cookie_name: cookie_name(&visit.hash),
            cookie: BASE64_URL_SAFE_NO_PAD.encode(cookie).into(),
        })
    }

    /// Ends a visit. Nothing is asked of Meta before state and browser have been found to be what they must be, so
    /// that nobody else's code is burnt.
    pub async fn finish(
        &self,
        state: &str,
        cookie: impl Fn(&str) -> Option<SecretString>,
        answer: Answer,
        callback: &str,
    ) -> Result<Finished> {
        let state = BASE64_URL_SAFE_NO_PAD.decode(state).map_err(|_| Error::StateUnknown)?;
        let visit = self.states.find(&state).await?.ok_or(Error::StateUnknown)?;
        let cookie = cookie(&cookie_name(&visit.hash));
        let cookie = cookie.and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text.expose_secret()).ok());
        if !cookie.is_some_and(|cookie| visit.is_of(&cookie)) {
            return Err(Error::StateBrowserMismatch);
        }
        let connect = &self.connect;
        let now = connect.clock.now();
        let mut stored = connect.connections.find(&visit.connection).await?.ok_or(Error::StateUnknown)?;
        if visit.expires_at <= now {
            let ticket = proof::ticket(&*self.secret.keyring().await?, &visit.connection);
            return Err(Error::StateExpired { ticket });
        }
        let verifier = self.verifier(&stored.connection, &visit).await?;
        if self.states.use_up(&visit, &connect.draw()).await? {
            match answer {
                Answer::Code(code) => {
                    let hash = verifier.as_ref().map(|verifier| hex::sha256(verifier.as_bytes()));
                    self.give(&mut stored, &code, callback, hash.as_deref()).await?;
                }
                Answer::Refused { is_denial } => {
                    let refuse = |connection: &mut Connection| {
                        let (obstacle, detail) = if is_denial {
                            (Obstacle::UserCancelled, "access was denied at Meta")
                        } else {
                            (Obstacle::MetaRefused, "Meta's dialog ended with an error")
                        };
                        Ok::<_, Error>(connection.refused_at_meta(obstacle, detail, now)?)
                    };
                    connect.connections.change(&mut stored, now, refuse).await?;
                }
            }
        }
        Ok(Finished { stored, verifier, visit: visit.hash })
    }

    async fn give(
        &self,
        stored: &mut Stored,
        code: &SecretString,
        callback: &str,
        verifier: Option<&str>,
    ) -> Result<()> {
        self.connect.exchange(stored, code, Some(callback), verifier).await?;
        self.connect.work_on(stored).await;
        Ok(())
    }

    async fn verifier(&self, connection: &Connection, visit: &Visit) -> Result<Option<String>> {
        if !connection.must_confirm {
            return Ok(None);
        }
        let keys = self.secret.keyring().await?;
        Ok(Some(proof::prove(&keys, Purpose::Verifier, &[connection.id.as_str(), &visit.hash])))
    }
}

/// Each visit has a cookie of its own, so that two tabs do not take each other's.
fn cookie_name(hash: &str) -> String {
    format!("__Host-pb-{}", &hash[..12])
}
