//! What is due: connecting and disconnecting that a request began and did not end, and each number's daily look.
//!
//! Bounded in number and time; what is left is due in a minute. One that fails, or panics, stops none of the others.
//! Twice or half: each piece of work says for itself that somebody is at it, and is due again once that has ended.

use std::{future::Future, sync::Arc};

use jiff::Timestamp;
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

/// How many are looked up at a time, and how many of a kind are worked on at a time.
const LOOKED_UP: u8 = 100;
const AT_ONCE: usize = 8;

#[derive(Debug, Clone)]
pub struct DueWork {
    pub connect: Connect,
    pub disconnect: Disconnect,
    pub health: Health,
    pub clock: Clock,
}

/// Accounts with something to be done, by what it is.
#[derive(Debug, Default)]
pub struct DueAccounts {
    leaving: Vec<Account>,
    looks: Vec<Account>,
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
    /// Attempts to connect that are to go on.
    pub async fn attempts(&self) -> Result<Vec<ConnectionId>> {
        self.connect.connections.due(self.clock.now(), i32::from(LOOKED_UP)).await
    }

    /// Accounts with something to be done. Without an app there is nobody to ask how a number is, and nothing wrong with
    /// any.
    pub async fn accounts(&self) -> Result<DueAccounts> {
        let (mut due, mut after) = (DueAccounts::default(), None);
        loop {
            let page = self.health.accounts.due(Some(self.clock.now()), i32::from(LOOKED_UP), after).await?;
            let (leaving, looks): (Vec<_>, Vec<_>) = page.accounts.into_iter().partition(is_leaving);
            due.leaving.extend(leaving);
            if !looks.is_empty() && self.has_app().await? {
                due.looks.extend(looks);
            }
            match page.next {
                Some(next) if due.leaving.len() + due.looks.len() < usize::from(LOOKED_UP) => after = Some(next),
                _ => return Ok(due),
            }
        }
    }

    /// Goes on with attempts to connect.
    pub async fn connect(&self, due: Vec<ConnectionId>, until: Timestamp) -> Tally {
        let connect = Arc::new(self.connect.clone());
        let go_on = move |id: ConnectionId| {
            let connect = Arc::clone(&connect);
            async move {
                let Some(mut stored) = connect.connections.find(&id).await? else { return Ok(()) };
                connect.work(&mut stored, until).await
            }
        };
        self.each(due, until, go_on).await
    }

    /// Finishes what disconnecting left to do at Meta and with ciphertexts; and looks at the numbers whose day it is.
    pub async fn see_to(&self, due: DueAccounts, until: Timestamp) -> (Tally, Tally) {
        let (disconnect, health) = (Arc::new(self.disconnect.clone()), Arc::new(self.health.clone()));
        let finish = move |account: Account| {
            let disconnect = Arc::clone(&disconnect);
            async move { disconnect.finish(&account).await }
        };
        let look = move |account: Account| {
            let health = Arc::clone(&health);
            async move { health.daily(&account).await }
        };
        tokio::join!(self.each(due.leaving, until, finish), self.each(due.looks, until, look))
    }

    async fn has_app(&self) -> Result<bool> {
        match self.health.apps.current().await {
            Err(Error::MetaAppNotConfigured) => Ok(false),
            configured => configured.map(|_| true),
        }
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

fn is_leaving(account: &Account) -> bool {
    account.hidden.due.is_some_and(|due| due.work == Work::Leaving)
}
