//! Everything of a tenant goes, where an operator says so: keys, numbers, attempts to connect, what was said, what was
//! told. What is kept is that it was done, and whose a number was last, so that the next owner gets nothing of this one's.
//!
//! Bounded: a call does what it can in its time and says where to go on. Twice: nothing is left to do. Half: the next call
//! goes on, or begins anew. What was in somebody's hands meanwhile is put down within minutes: all is gone through again.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::forget_parked;
use crate::{
    Error, Result,
    aws::{
        blobs::Blobs, credentials::Credentials, events::Events, messages::Messages, parking::Parking,
        receipts::Receipts, transaction::Position,
    },
    clock::Clock,
    domain::{
        account::Account, audit::Entry, connection::Connection, erasure::SETTLED_AFTER, event::Place as LogPlace,
        tenant::TenantId,
    },
    flow::{connect::Connect, disconnect::Disconnect},
};

#[derive(Debug, Clone)]
pub struct EraseTenant {
    pub connect: Connect,
    pub disconnect: Disconnect,
    pub credentials: Credentials,
    pub messages: Messages,
    pub receipts: Receipts,
    pub parking: Parking,
    pub blobs: Blobs,
    pub events: Events,
    pub clock: Clock,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub tenant: TenantId,
    /// Also where numbers are connected: they are disconnected first.
    pub disconnect: bool,
}

/// Where a call ended: the next goes on there. As it comes in an answer, it is given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    order: Order,
    step: Step,
    at: Option<Position>,
    items: u64,
    /// Since when all was gone through once.
    settling_since: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Credentials,
    Numbers,
    Attempts,
    Said,
    Receipts,
    Parked,
    Told,
    Accounts,
}

/// What was done so far.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Gone {
    /// That were deleted.
    pub items: u64,
    pub more: bool,
    /// The next call does nothing before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Box<Place>>,
}

/// How a step went.
enum Went {
    Done,
    /// There is more of it, and no time.
    On,
    /// Something at Meta is not undone yet.
    NotBefore(Timestamp),
}

const PAGE: i32 = 25;
const UNITS: i32 = 100;
/// When it is tried again to undo something at Meta.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

impl EraseTenant {
    /// Goes on from a place, from the beginning where there is none, until `until`. Refuses while numbers are connected,
    /// unless they are to be disconnected. `entry` is the audit's, of a number.
    pub async fn run(
        &self,
        order: Order,
        after: Option<Box<Place>>,
        until: Timestamp,
        entry: impl Fn(&Account) -> Entry,
    ) -> Result<Gone> {
        let mut place = match after {
            Some(place) if place.order == order => place,
            Some(_) => return Err(Error::breaks("/after", "it is of another command")),
            None => Box::new(Place { order, step: Step::Credentials, at: None, items: 0, settling_since: None }),
        };
        if !place.order.disconnect {
            self.must_be_disconnected(&place.order.tenant).await?;
        }
        loop {
            let now = self.clock.now();
            let ready = place.settling_since.map(|since| since + SETTLED_AFTER).filter(|ready| now < *ready);
            if ready.is_some() || now >= until {
                return Ok(Gone { items: place.items, more: true, not_before: ready, after: Some(place) });
            }
            match self.step(&mut place, until, &entry).await? {
                Went::On => {}
                Went::NotBefore(at) => {
                    return Ok(Gone { items: place.items, more: true, not_before: Some(at), after: Some(place) });
                }
                Went::Done => {
                    place.at = None;
                    let Some(next) = next(place.step) else {
                        if place.settling_since.is_some() {
                            return Ok(Gone { items: place.items, ..Gone::default() });
                        }
                        place.settling_since = Some(self.clock.now());
                        place.step = Step::Credentials;
                        continue;
                    };
                    place.step = next;
                }
            }
        }
    }

    async fn must_be_disconnected(&self, tenant: &TenantId) -> Result<()> {
        let connected = self.connect.accounts.list(tenant, false, PAGE, None).await?.accounts;
        if connected.is_empty() {
            return Ok(());
        }
        Err(are_connected(&connected))
    }

    async fn step(&self, place: &mut Place, until: Timestamp, entry: &impl Fn(&Account) -> Entry) -> Result<Went> {
        let tenant = place.order.tenant.clone();
        match place.step {
            Step::Credentials => {
                let (count, next) = self.credentials.forget_tenant(&tenant, place.at.take()).await?;
                Ok(place.counted(count, next))
            }
            Step::Numbers => self.numbers(&place.order, entry).await,
            Step::Attempts => self.attempts(place, until).await,
            Step::Said => {
                let (items, blobs, next) = self.messages.of_tenant(&tenant, place.at.take()).await?;
                for blob in &blobs {
                    self.blobs.forget(blob).await?;
                }
                let count = self.messages.forget_of_tenant(items).await?;
                Ok(place.counted(count, next))
            }
            Step::Receipts => {
                let (count, next) = self.receipts.forget_tenant(&tenant, place.at.take()).await?;
                Ok(place.counted(count, next))
            }
            Step::Parked => self.parked(place, until).await,
            Step::Told => {
                let after = place.at.take().and_then(|at| at.get("sk")?.parse::<LogPlace>().ok());
                let (count, next) = self.events.forget_tenant(&tenant, after).await?;
                Ok(place.counted(count, next.map(|next| Position::at("sk", next.to_string()))))
            }
            Step::Accounts => self.accounts(&tenant).await,
        }
    }

    /// Numbers are disconnected, and left at Meta.
    async fn numbers(&self, order: &Order, entry: &impl Fn(&Account) -> Entry) -> Result<Went> {
        let tenant = &order.tenant;
        let (accounts, mut after, mut leaves) = (&self.connect.accounts, None, false);
        loop {
            let page = accounts.list(tenant, true, PAGE, after).await?;
            for account in &page.accounts {
                if !account.is_disconnected() {
                    // One that was connected a moment ago: the index lags behind.
                    if !order.disconnect {
                        return Err(are_connected(std::slice::from_ref(account)));
                    }
                    self.disconnect.commit(tenant, &account.number, false, |_| Ok(()), &entry(account)).await?;
                }
                let Some(account) = accounts.find(&account.number).await? else { continue };
                if account.tenant == *tenant && account.hidden.leaving.is_some() {
                    if let Err(error) = self.disconnect.finish(&account).await {
                        tracing::warn!(error = %error.chain(), "a number was not left at Meta yet");
                    }
                    let left = accounts.find(&account.number).await?;
                    leaves |= left.is_some_and(|left| left.tenant == *tenant && left.hidden.leaving.is_some());
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(if leaves { Went::NotBefore(self.clock.now() + AGAIN) } else { Went::Done });
            }
        }
    }

    /// Attempts to connect are called off, what they began is undone, and they go.
    async fn attempts(&self, place: &mut Place, until: Timestamp) -> Result<Went> {
        let connections = &self.connect.connections;
        let (page, next) = connections.list(&place.order.tenant, PAGE, place.at.take()).await?;
        let mut count = 0;
        for connection in page {
            let Some(mut stored) = connections.find(&connection.id).await? else { continue };
            let now = self.clock.now();
            let cancel = |connection: &mut Connection| {
                connection.cancel(now);
                Ok::<_, Error>(())
            };
            connections.change(&mut stored, now, cancel).await?;
            self.connect.work(&mut stored, until).await?;
            if stored.connection.due_at(self.clock.now()).is_some() {
                return Ok(Went::NotBefore(self.clock.now() + AGAIN));
            }
            connections.forget(&stored).await?;
            count += 1;
        }
        Ok(place.counted(count, next))
    }

    async fn parked(&self, place: &mut Place, until: Timestamp) -> Result<Went> {
        let (lots, next) = self.parking.lots(PAGE, place.at.clone()).await?;
        for count in lots {
            let mut after = None;
            loop {
                let (units, more) = self.parking.units(&count.lot, UNITS, after).await?;
                for unit in units.iter().filter(|unit| unit.owner.as_ref() == Some(&place.order.tenant)) {
                    forget_parked(&self.parking, &self.blobs, &count.lot, unit).await?;
                    place.items += 1;
                }
                if self.clock.now() >= until {
                    return Ok(Went::On);
                }
                after = more;
                if after.is_none() {
                    break;
                }
            }
            self.parking.close(&count.lot).await?;
        }
        Ok(place.counted(0, next))
    }

    async fn accounts(&self, tenant: &TenantId) -> Result<Went> {
        let (accounts, mut after) = (&self.connect.accounts, None);
        loop {
            let page = accounts.list(tenant, true, PAGE, after).await?;
            for account in &page.accounts {
                let forget = |account: &mut Account| {
                    if account.tenant == *tenant && account.is_disconnected() {
                        account.is_forgotten();
                    }
                    Ok(())
                };
                accounts.edit(&account.number, self.clock.now(), forget).await?;
            }
            after = page.next;
            if after.is_none() {
                accounts.forget_default(tenant).await?;
                return Ok(Went::Done);
            }
        }
    }
}

impl Place {
    fn counted(&mut self, count: u64, next: Option<Position>) -> Went {
        self.items += count;
        self.at = next;
        if self.at.is_some() { Went::On } else { Went::Done }
    }
}

fn are_connected(accounts: &[Account]) -> Error {
    let numbers: Vec<&str> = accounts.iter().map(|account| account.number.as_str()).collect();
    let detail = format!("numbers are connected: {}. Disconnect them, or say \"disconnect\": true", numbers.join(", "));
    Error::breaks("/tenant", detail)
}

fn next(step: Step) -> Option<Step> {
    let all = [
        Step::Credentials,
        Step::Numbers,
        Step::Attempts,
        Step::Said,
        Step::Receipts,
        Step::Parked,
        Step::Told,
        Step::Accounts,
    ];
    all.into_iter().skip_while(|one| *one != step).nth(1)
}
