//! Tells the operator's systems what changed. Changes come from the tables' streams; events go into the log of their tenant,
//! and then into that of all tenants.
//!
//! Twice, or half: what was told is told again, under the same ids. A change that cannot be shown is told as such, and
//! keeps nothing back that stands behind it.

mod seen;
mod show;

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::{
    Error, Result,
    aws::{
        accounts::{self, Accounts},
        changes::Change,
        connections::Connections,
        events::{Events, Pointer},
        messages::{self, Messages, Unread},
    },
    clock::Clock,
    domain::{
        connection::Connection,
        event::{Event, packed},
        tenant::TenantId,
    },
};
use seen::Seen;

#[derive(Debug, Clone)]
pub struct Tell {
    pub accounts: Accounts,
    pub connections: Connections,
    pub messages: Messages,
    pub unread: Unread,
    pub events: Events,
    pub clock: Clock,
}

/// What changed. A new kind of thing that readers are to hear of has its line here, in `subject`, and in `show`.
#[derive(Debug)]
enum Subject {
    OfMessages(messages::Changed),
    OfAccounts(accounts::Changed),
    Connection { was: Option<Box<Connection>>, is: Box<Connection> },
}

/// Tenants whose logs are written to at once.
const AT_ONCE: usize = 16;

impl Tell {
    /// Tells of all these records. An error: all of them have to come again.
    pub async fn take(&self, records: &[&str]) -> Result<()> {
        let now = self.clock.now();
        let mut subjects = Vec::new();
        for record in records {
            let read = catch_unwind(AssertUnwindSafe(|| Change::read(record)));
            let Ok(Ok(change)) = read else {
                lost("unreadable");
                continue;
            };
            match guarded(self.subject(&change)).await? {
                Some(None) => {}
                Some(Some(subject)) => subjects.push((change, Some(subject))),
                None => subjects.push((change, None)),
            }
        }
        let seen = self.see(subjects.iter().filter_map(|(_, subject)| subject.as_ref())).await?;
        let mut told = Vec::new();
        for (change, subject) in &subjects {
            let shown = match subject {
                Some(subject) => guarded(Box::pin(self.show(change, subject, &seen, now))).await?,
                None => None,
            };
            told.extend(shown.unwrap_or_else(|| self.untold(change)));
        }
        self.tell(told, now).await
    }

    /// None: no reader sees it.
    async fn subject(&self, change: &Change) -> Result<Option<Subject>> {
        if self.messages.is_of(change) {
            return Ok(self.messages.changed(change).await?.map(Subject::OfMessages));
        }
        if self.accounts.is_of(change) {
            return Ok(Accounts::changed(change)?.map(Subject::OfAccounts));
        }
        if self.connections.is_of(change) {
            let connection = |(was, is): (Option<Connection>, Connection)| Subject::Connection {
                was: was.map(Box::new),
                is: Box::new(is),
            };
            return Ok(Connections::changed(change)?.map(connection));
        }
        Err(Error::Corrupt("a change of a table that nobody tells of".to_owned()))
    }

    /// What cannot be shown can be read: the event says where to look.
    fn untold(&self, change: &Change) -> Vec<Event> {
        lost(&change.name());
        self.unshown(change).into_iter().collect()
    }

    /// Packs first, and last what points to them: whoever reads all tenants finds nothing that is not there.
    async fn tell(&self, told: Vec<Event>, now: Timestamp) -> Result<()> {
        let mut tenants: Vec<TenantId> = Vec::new();
        let mut of_tenants: HashMap<TenantId, Vec<Event>> = HashMap::new();
        for event in told {
            if !of_tenants.contains_key(&event.tenant) {
                tenants.push(event.tenant.clone());
            }
            of_tenants.entry(event.tenant.clone()).or_default().push(event);
        }
        let telling = tenants.into_iter().map(|tenant| {
            let events = of_tenants.remove(&tenant).unwrap_or_default();
            self.tell_one(tenant, events, now)
        });
        let pointers: Vec<Vec<Pointer>> = stream::iter(telling).buffered(AT_ONCE).try_collect().await?;
        let pointers = pointers.concat();
        if !pointers.is_empty() {
            self.events.point(&pointers, now).await?;
        }
        Ok(())
    }

    async fn tell_one(&self, tenant: TenantId, events: Vec<Event>, now: Timestamp) -> Result<Vec<Pointer>> {
        let mut pointers = Vec::new();
        for pack in packed(events) {
            let place = self.events.tell(&tenant, &pack, now).await?;
            pointers.push((tenant.clone(), place));
        }
        Ok(pointers)
    }
}

/// An alarm listens for this line. What was wrong is not in it: it may be what somebody wrote.
fn lost(change: &str) {
    tracing::error!(change, "a change could not be told");
}

/// None: it is about what it was done with, and would go wrong again. What AWS did not answer comes again.
async fn guarded<T>(work: impl Future<Output = Result<T>>) -> Result<Option<T>> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(done)) => Ok(Some(done)),
        Ok(Err(error @ Error::Aws(_))) => Err(error),
        Ok(Err(_)) | Err(_) => Ok(None),
    }
}
