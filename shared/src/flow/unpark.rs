//! Parked units go back to the queue once they may: by the sweeper, or by an operator's command.
//!
//! Bounded in time; what is left is for the next minute. Twice or half: a unit is sent first and taken out then, so it
//! may be sent again; what it does is done once. If it is parked anew meanwhile, taking it out does not find it as it
//! was, and it stays.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    Result,
    aws::{
        accounts::Accounts,
        fifo::Fifo,
        parking::{Count, Parking},
    },
    clock::Clock,
    domain::{
        account::owners,
        parking::{Lot, Parked, Reason, Subject},
        record::Parcel,
        tenant::TenantId,
    },
};

const LOTS_AT_A_TIME: i32 = 100;
const UNITS_AT_A_TIME: i32 = 100;

#[derive(Debug, Clone)]
pub struct Unpark {
    pub accounts: Accounts,
    pub parking: Parking,
    pub inbound: Fifo,
    pub clock: Clock,
}

/// How it went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Unparked {
    /// Sent back to the queue.
    pub sent: usize,
    /// Taken out because their time was over.
    pub expired: usize,
    /// There is more, and no time.
    pub more: bool,
}

/// Whose a lot may be now.
struct Owner {
    tenant: TenantId,
    residents: Vec<TenantId>,
}

impl Unpark {
    /// All lots there are.
    pub async fn lots(&self) -> Result<Vec<Count>> {
        let (mut lots, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = self.parking.lots(LOTS_AT_A_TIME, after).await?;
            lots.extend(page);
            match next {
                Some(next) => after = Some(next),
                None => return Ok(lots),
            }
        }
    }

    /// What may go back by itself: units of numbers that somebody has connected meanwhile. And what has expired goes.
    pub async fn upkeep(&self, lots: Vec<Count>, until: Timestamp) -> Result<Unparked> {
        let mut done = Unparked::default();
        for count in lots {
            if self.clock.now() >= until {
                return Ok(Unparked { more: true, ..done });
            }
            self.lot(&count, &mut done, until).await?;
        }
        Ok(done)
    }

    /// What an operator decides to try again, whatever it was parked for. Its age counts no more.
    pub async fn release(&self, lot: &Lot, limit: usize, until: Timestamp) -> Result<Unparked> {
        let (mut done, mut after) = (Unparked::default(), None);
        loop {
            let (parked, next) = self.parking.units(lot, UNITS_AT_A_TIME, after).await?;
            for parked in parked {
                if done.sent == limit || self.clock.now() >= until {
                    return Ok(Unparked { more: true, ..done });
                }
                self.send(lot, &parked.released(), &parked).await?;
                done.sent += 1;
            }
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        self.parking.close(lot).await?;
        Ok(done)
    }

    async fn lot(&self, count: &Count, done: &mut Unparked, until: Timestamp) -> Result<()> {
        let lot = &count.lot;
        let owner = if lot.reason == Reason::Unowned { self.owner(&lot.subject).await? } else { None };
        // A lot whose first unit is not old enough has none that is.
        if owner.is_none() && count.units > 0 && self.clock.now() < count.since + lot.reason.kept_for() {
            return Ok(());
        }
        let mut after = None;
        loop {
            let (parked, next) = self.parking.units(lot, UNITS_AT_A_TIME, after).await?;
            for parked in parked {
                let now = self.clock.now();
                if now >= until {
                    done.more = true;
                    return Ok(());
                }
                if parked.expires_at <= now {
                    self.parking.take_out(lot, &parked).await?;
                    done.expired += 1;
                } else if owner.as_ref().is_some_and(|owner| parked.may_go_to(&owner.tenant, &owner.residents)) {
                    self.send(lot, &parked.body, &parked).await?;
                    done.sent += 1;
                }
            }
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        self.parking.close(lot).await
    }

    async fn send(&self, lot: &Lot, body: &str, parked: &Parked) -> Result<()> {
        // Not what the webhook called it: within its window the queue would take this for a repetition and drop it.
        let deduplication = format!("unparked-{}-{}", parked.digest, parked.sequence);
        let parcel = Parcel { group: parked.group.clone(), deduplication, body: body.to_owned() };
        self.inbound.send(vec![parcel]).await?;
        self.parking.take_out(lot, parked).await
    }

    async fn owner(&self, subject: &Subject) -> Result<Option<Owner>> {
        let (tenant, waba) = match subject {
            Subject::Nobody => return Ok(None),
            Subject::Number(number) => match self.accounts.find(number).await? {
                Some(account) if !account.is_disconnected() => (Some(account.tenant), account.waba),
                _ => return Ok(None),
            },
            Subject::Waba(waba) => (None, waba.clone()),
        };
        let residents: Vec<TenantId> = owners(&self.accounts.on_waba(&waba).await?).into_iter().cloned().collect();
        let tenant = tenant.or_else(|| residents.first().cloned());
        Ok(tenant.map(|tenant| Owner { tenant, residents }))
    }
}
