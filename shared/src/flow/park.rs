//! What cannot be taken in is parked, never dropped: with the reason, whose the number was, and who else is on its WABA.
//!
//! Twice: the same unit is there once. The one exception is a lot that is full: counted and alarmed.

use jiff::Timestamp;
use serde_json::Value;

use super::told::waba_of;
use crate::{
    Result,
    aws::{
        accounts::Accounts,
        blobs::Blobs,
        parking::{Admitted, Parking},
    },
    clock::Clock,
    domain::{
        account::{Account, owners},
        envelope::{Envelope, Packed, Packing},
        message::{Fields, readable},
        meta_id::WabaId,
        parking::{self, Lot, Parked, Reason, Subject},
        tenant::TenantId,
    },
};

#[derive(Debug, Clone)]
pub struct Park {
    pub accounts: Accounts,
    pub blobs: Blobs,
    pub parking: Parking,
    pub clock: Clock,
}

/// Where units came from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    pub group: &'a str,
    /// The record's place in its queue.
    pub sequence: &'a str,
}

impl Park {
    /// Parks some units of an envelope, by their places in it, which are about the same. `account` is the number's, as it
    /// stands.
    pub async fn units(
        &self,
        reason: Reason,
        envelope: &Envelope<'_>,
        places: impl Iterator<Item = usize>,
        account: Option<&Account>,
        origin: Origin<'_>,
    ) -> Result<()> {
        let mut places = places.peekable();
        let number = envelope.number.as_deref().and_then(|number| number.parse().ok());
        let waba = if number.is_some() {
            envelope.entry.parse().ok()
        } else {
            waba_told_of(envelope, places.peek().and_then(|place| envelope.units.get(*place)))
        };
        let of_waba = || waba.clone().map_or(Subject::Nobody, Subject::Waba);
        let subject = number.map_or_else(of_waba, Subject::Number);
        let lot = Lot { reason, subject };
        let owner = account.map(|account| account.owner_at(envelope.at).clone());
        // Only what nobody owned may become anybody's, and only then it matters who else is there.
        let neighbours = match (&owner, &waba) {
            (None, Some(waba)) if reason == Reason::Unowned => {
                owners(&self.accounts.on_waba(waba).await?).into_iter().cloned().collect()
            }
            _ => Vec::new(),
        };
        for place in places {
            let Some(unit) = envelope.units.get(place) else { continue };
            let body = self.body_of(envelope, unit, origin).await?;
            let parked = Parked {
                digest: parking::digest(origin.group, &text_of(unit)),
                second: second_of(unit).or(envelope.time).unwrap_or(0),
                ..self.parked(body, envelope.at, owner.clone(), &neighbours, origin, place)
            };
            self.put(&lot, &parked).await?;
        }
        Ok(())
    }

    /// The unit as a message of its own. One that is too large for an item goes to its rows, as it did for the queue.
    async fn body_of(&self, envelope: &Envelope<'_>, unit: &Packed<'_>, origin: Origin<'_>) -> Result<String> {
        let Packed::Here(here) = unit else { return Ok(envelope.alone(unit)) };
        let mut packing = Packing::new(envelope.at);
        packing.add(&envelope.heading(), origin.group, here);
        let (mut parcels, oversized) = packing.finish();
        for unit in &oversized {
            self.blobs.keep(unit, self.clock.now()).await?;
        }
        Ok(parcels.remove(0).body)
    }

    /// Parks a queue message that is no envelope this code reads.
    pub async fn message(&self, body: &str, origin: Origin<'_>) -> Result<()> {
        let lot = Lot { reason: Reason::Unreadable, subject: Subject::Nobody };
        let parked = self.parked(body.to_owned(), self.clock.now(), None, &[], origin, 0);
        self.put(&lot, &parked).await
    }

    async fn put(&self, lot: &Lot, parked: &Parked) -> Result<()> {
        if self.parking.park(lot, parked, self.clock.now()).await? == Admitted::Dropped {
            // A metric filter of the template looks for this sentence.
            tracing::error!(subject = lot.subject.text(), "a unit was dropped, for its lot is full");
        }
        Ok(())
    }

    fn parked(
        &self,
        body: String,
        received_at: Timestamp,
        owner: Option<TenantId>,
        neighbours: &[TenantId],
        origin: Origin<'_>,
        place: usize,
    ) -> Parked {
        Parked {
            group: origin.group.to_owned(),
            digest: parking::digest(origin.group, &body),
            body,
            second: 0,
            sequence: format!("{}.{place:04}", origin.sequence),
            received_at,
            expires_at: self.clock.now(),
            owner,
            neighbours: neighbours.to_vec(),
        }
    }
}

/// It waits for whoever connects that WABA, under whatever it came.
fn waba_told_of(envelope: &Envelope<'_>, unit: Option<&Packed<'_>>) -> Option<WabaId> {
    let value = match unit {
        Some(Packed::Here(unit)) => serde_json::from_str(unit.raw.get()).unwrap_or_default(),
        _ => Value::Null,
    };
    waba_of(envelope, &value)
}

fn text_of(unit: &Packed<'_>) -> String {
    match unit {
        Packed::Here(unit) => format!("{}{}", unit.kind.as_str(), unit.raw.get()),
        Packed::Elsewhere(elsewhere) => elsewhere.id.clone(),
    }
}

/// When it happened, as Meta says in the unit.
fn second_of(unit: &Packed<'_>) -> Option<i64> {
    let Packed::Here(unit) = unit else { return None };
    Fields::of(&readable(unit.raw.get()))?.time("timestamp").map(Timestamp::as_second)
}
