//! What a request leaves to the sweeper: all that lies among other people's things.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::Serialize;

use super::{Erase, LEASE, forget_parked};
use crate::{
    Error, Result,
    aws::{accounts::Accounts, blobs::Blobs, events::Events, parking::Parking, transaction::Position},
    clock::Random,
    domain::{
        conversation::Alias,
        envelope::{Envelope, elsewhere},
        erasure::{Erasure, Step},
        keyring::{Keyring, Purpose},
        message::Fact,
        parking::{Lot, Parked, Reason, Subject},
    },
    flow::receive,
};

#[derive(Debug, Clone)]
pub struct EraseRest {
    pub erase: Erase,
    pub accounts: Accounts,
    pub parking: Parking,
    pub blobs: Blobs,
    pub events: Events,
    pub random: Random,
}

/// What one round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// Of whom nothing is left.
    pub done: usize,
    /// Gone through for the first time: once more in a few minutes.
    pub settling: usize,
    pub failed: usize,
    pub more: bool,
}

const AT_A_TIME: i32 = 50;
const UNITS: i32 = 25;

impl EraseRest {
    pub async fn due(&self) -> Result<Vec<Erasure>> {
        self.erase.messages.erasures_due(self.erase.clock.now(), AT_A_TIME).await
    }

    /// Goes on with those that are due. One that fails stops none of the others, and is due again.
    pub async fn go_on(&self, due: Vec<Erasure>, until: Timestamp) -> Erased {
        let mut done = Erased::default();
        for erasure in due {
            if self.erase.clock.now() >= until {
                done.more = true;
                break;
            }
            match self.one(erasure, until).await {
                Ok(Some(Step::Over)) => done.done += 1,
                Ok(Some(_)) => done.settling += 1,
                Ok(None) => done.more = true,
                Err(error) => {
                    done.failed += 1;
                    tracing::error!(error = %error.chain(), "an erasure failed");
                }
            }
        }
        done
    }

    /// None: there was no time for all of it, or somebody else is at it.
    async fn one(&self, mut erasure: Erasure, until: Timestamp) -> Result<Option<Step>> {
        let clock = &self.erase.clock;
        let before = erasure.due_at;
        erasure.due_at = clock.now() + LEASE;
        if !self.erase.messages.note_erasure(&erasure, before).await? {
            return Ok(None);
        }
        while erasure.step != Step::Over && !erasure.is_to_settle(clock.now()) {
            let held = erasure.due_at;
            let is_done = clock.now() < until && self.step(&mut erasure, until).await?;
            if is_done {
                erasure.moves_on();
            } else {
                erasure.due_at = clock.now();
            }
            if !self.erase.messages.note_erasure(&erasure, held).await? || !is_done {
                return Ok(None);
            }
        }
        if erasure.step == Step::Over {
            self.erase.messages.end_erasure(&erasure).await?;
        }
        Ok(Some(erasure.step))
    }

    /// False: there was no time for all of it.
    async fn step(&self, erasure: &mut Erasure, until: Timestamp) -> Result<bool> {
        if erasure.step == Step::Said {
            return self.erase.said(erasure, until).await;
        }
        let (keys, whose) = (self.erase.secret.keyring().await?, erasure.line.tenant.to_string());
        let sealed = erasure.place.take().and_then(|place| BASE64_URL_SAFE_NO_PAD.decode(place).ok());
        let place = sealed.and_then(|sealed| keys.open(Purpose::ErasurePlace, whose.as_bytes(), &sealed));
        let mut place = place.and_then(|place| String::from_utf8(place).ok());
        loop {
            place = self.page(erasure, &keys, place.as_deref()).await?;
            let Some(place) = &place else { return Ok(true) };
            if self.erase.clock.now() >= until {
                let sealed = keys.seal(Purpose::ErasurePlace, self.random.bytes(), whose.as_bytes(), place.as_bytes());
                erasure.place = Some(BASE64_URL_SAFE_NO_PAD.encode(sealed));
                return Ok(false);
            }
        }
    }

    /// Some of a step. Gives behind what to go on; none: that was all.
    async fn page(&self, erasure: &Erasure, keys: &Keyring, after: Option<&str>) -> Result<Option<String>> {
        let messages = &self.erase.messages;
        let Erasure { line, conversations, .. } = erasure;
        match erasure.step {
            Step::Names => messages.forget_names_of(line, conversations, after).await,
            Step::Searched => messages.forget_searched(line, conversations, after).await,
            Step::Batches => {
                for job in messages.open_jobs(line).await? {
                    messages.clear_job(&line.tenant, job, conversations).await?;
                }
                Ok(None)
            }
            Step::Blobs => self.large(erasure).await.map(|()| None),
            Step::Waiting => {
                let says = |said: &Option<String>| {
                    said.as_ref().is_some_and(|said| erasure.whom.is_named_in(said, line, keys))
                };
                let is_of = |names: &[String]| names.iter().any(|name| erasure.whom.is_key(name, line, keys));
                let theirs = |fact: &Fact, names: &[String]| {
                    fact.at <= erasure.asked_at && (is_of(names) || says(&fact.rest) || says(&fact.error))
                };
                messages.forget_waiting(line, theirs, after).await
            }
            Step::Events => self.kept(erasure, keys, after).await,
            Step::Parked => self.parked(erasure, keys, after).await,
            Step::Told => {
                let after = after.and_then(|place| place.parse().ok());
                let next = self.events.forget(&line.tenant, conversations, after).await?;
                Ok(next.map(|place| place.to_string()))
            }
            Step::Said | Step::Over => Ok(None),
        }
    }

    async fn large(&self, erasure: &Erasure) -> Result<()> {
        let (messages, tenant) = (&self.erase.messages, &erasure.line.tenant);
        for id in &erasure.conversations {
            loop {
                let blobs = messages.blobs_of(tenant, *id).await?;
                if blobs.is_empty() {
                    break;
                }
                for blob in blobs {
                    self.blobs.forget(&blob).await?;
                    messages.forget_blob(tenant, *id, &blob).await?;
                }
            }
        }
        Ok(())
    }

    /// What Meta told of them that was no message: that they want to hear no more, say. It lies with the number's WABA,
    /// whoever has the number by now.
    async fn kept(&self, erasure: &Erasure, keys: &Keyring, after: Option<&str>) -> Result<Option<String>> {
        let line = &erasure.line;
        let Some(account) = self.accounts.find(&line.number).await? else { return Ok(None) };
        let (mut found, next) = self.erase.messages.kept(&line.tenant, &account.waba, after).await?;
        found.retain(|left| {
            let is_here = left.number.as_ref().is_none_or(|number| *number == line.number);
            let is_old = left.received_at.is_none_or(|at| at <= erasure.asked_at);
            let raw = left.raw.as_ref();
            is_here && is_old && raw.is_some_and(|raw| erasure.whom.is_named_in(raw, line, keys))
        });
        self.erase.messages.forget_kept(found).await?;
        Ok(next)
    }

    /// Units that wait for somebody to take them in, and are the tenant's: one lot behind the other.
    async fn parked(&self, erasure: &Erasure, keys: &Keyring, after: Option<&str>) -> Result<Option<String>> {
        let line = &erasure.line;
        let place = after.and_then(|place| serde_json::from_str::<(usize, Option<Position>)>(place).ok());
        let (lot, after) = place.unwrap_or_default();
        let Some(reason) = Reason::ALL.get(lot) else { return Ok(None) };
        let subject = Lot { reason: *reason, subject: Subject::Number(line.number.clone()) };
        let account = self.accounts.find(&line.number).await?;
        let is_owner = account.is_some_and(|account| account.tenant == line.tenant);
        let (units, next) = self.parking.units(&subject, UNITS, after).await?;
        for unit in units {
            let is_tenants = unit.owner.as_ref().map_or(is_owner, |owner| *owner == line.tenant);
            let is_old = unit.received_at <= erasure.asked_at;
            if is_tenants && is_old && self.is_theirs(erasure, &unit, keys).await? {
                forget_parked(&self.parking, &self.blobs, &subject, &unit).await?;
            }
        }
        let place = if next.is_some() {
            (lot, next)
        } else {
            self.parking.close(&subject).await?;
            (lot + 1, None)
        };
        serde_json::to_string(&place).map(Some).map_err(|error| Error::Corrupt(error.to_string()))
    }

    async fn is_theirs(&self, erasure: &Erasure, unit: &Parked, keys: &Keyring) -> Result<bool> {
        let body = match self.blobs.gathered(&unit.body, &elsewhere(&unit.body)).await {
            Ok(gathered) => gathered,
            // Its rows are gone already.
            Err(Error::Corrupt(_)) => None,
            Err(error) => return Err(error),
        };
        let body = body.as_deref().unwrap_or(&unit.body);
        let Ok(envelope) = Envelope::parse(body) else { return Ok(false) };
        let line = &erasure.line;
        let is_named = |alias: &Alias| erasure.whom.is(alias, line, keys);
        Ok(receive::whom(&envelope).iter().any(|whom| match whom {
            Ok(names) => names.iter().any(is_named),
            Err(text) => erasure.whom.is_named_in(text, line, keys),
        }))
    }
}
