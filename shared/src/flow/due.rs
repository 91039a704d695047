//! What is due: connecting and disconnecting that a request began and did not end, and each number's daily look.
//!
//! Bounded in number and time; what is left is due in a minute. One that fails, or panics, stops none of the others.
//! Twice or half: each piece of work says for itself that somebody is at it, and is due again once that has ended.

use std::{future::Future, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::task::JoinSet;

use super::{connect::Connect, disconnect::Disconnect, health::Health};
use crate::{
    Error, Result,
    clock::Clock,
    domain::{
        account::{Account, Work},
        connection_id::ConnectionId,
    },
};

/// Nothing is begun after so long; what is under way then has the rest of the function's time.
const BEGUN_WITHIN: SignedDuration = SignedDuration::from_secs(35);
/// How many of each kind are looked up at a time, and how many are worked on at a time.
const LOOKED_UP: i32 = 100;
const AT_ONCE: usize = 8;

#[derive(Debug, Clone)]
pub struct DueWork {
    pub connect: Connect,
    pub disconnect: Disconnect,
    pub health: Health,
    pub clock: Clock,
}

/// How one kind of work went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub done: usize,
    pub failed: usize,
    /// Found due, and not begun for want of time.
    pub left: usize,
}

impl DueWork {
    /// Goes on with attempts to connect.
    pub async fn connections(&self) -> Result<Tally> {
        let until = self.clock.now() + BEGUN_WITHIN;
        let due = self.connect.connections.due(self.clock.now(), LOOKED_UP).await?;
        let connect = Arc::new(self.connect.clone());
        let go_on = move |id: ConnectionId| {
            let connect = Arc::clone(&connect);
            async move {
                let Some(mut stored) = connect.connections.find(&id).await? else { return Ok(()) };
                connect.work(&mut stored, until).await
            }
        };
        Ok(self.each(due, until, go_on).await)
    }

    /// Finishes what disconnecting left to do at Meta and with ciphertexts.
    pub async fn leaving(&self) -> Result<Tally> {
        let until = self.clock.now() + BEGUN_WITHIN;
        let accounts = &self.disconnect.accounts;
        let due = accounts.due(Work::Leaving, Some(self.clock.now()), LOOKED_UP, None).await?.accounts;
        let disconnect = Arc::new(self.disconnect.clone());
        let finish = move |account: Account| {
            let disconnect = Arc::clone(&disconnect);
            async move { disconnect.finish(&account).await }
        };
        Ok(self.each(due, until, finish).await)
    }

    /// Looks at the numbers whose day it is.
    pub async fn health(&self) -> Result<Tally> {
        // Without an app there is nobody to ask, and nothing wrong with any number.
        match self.health.apps.current().await {
            Err(Error::MetaAppNotConfigured) => return Ok(Tally::default()),
            configured => configured?,
        };
        let until = self.clock.now() + BEGUN_WITHIN;
        let due = self.health.accounts.due(Work::Health, Some(self.clock.now()), LOOKED_UP, None).await?.accounts;
        let health = Arc::new(self.health.clone());
        let look = move |account: Account| {
            let health = Arc::clone(&health);
            async move { health.daily(&account).await }
        };
        Ok(self.each(due, until, look).await)
    }

    async fn each<T, F>(&self, due: Vec<T>, until: Timestamp, work: impl Fn(T) -> F) -> Tally
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let (mut waiting, mut running, mut tally) = (due.into_iter(), JoinSet::new(), Tally::default());
        loop {
            while running.len() < AT_ONCE
                && self.clock.now() < until
                && let Some(thing) = waiting.next()
            {
                running.spawn(work(thing));
            }
            match running.join_next().await {
                None => break,
                Some(Ok(Ok(()))) => tally.done += 1,
                Some(Ok(Err(error))) => {
                    tally.failed += 1;
                    tracing::error!(error = %error.chain(), "work that was due failed");
                }
                Some(Err(panic)) => {
                    tally.failed += 1;
                    tracing::error!(error = %panic, "work that was due panicked");
                }
            }
        }
        Tally { left: waiting.len(), ..tally }
    }
}
