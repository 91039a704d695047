//! From a message of the inbound queue to what tenants read.
//!
//! Names are settled first, then messages are put, then each conversation's head is saved, then lists and figures are
//! noted; only then is a record acknowledged. Twice or half: a put that was refused knows its own unit again, a head
//! knows how far it has come, notes say the same again, and what was counted is not counted again. Until a record is
//! acknowledged, its group waits.

mod conversations;

mod people;
mod read;
mod store;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
};

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Error, Result,
    aws::{
        accounts::Accounts,
        blobs::{self, Blobs},
        messages::Messages,
        stack_secret::StackSecret,
    },
    clock::{Clock, Random},
    domain::{
        account::Account,
        conversation::{Alias, ConversationId},
        envelope::{self, Elsewhere, Envelope, Kind, Packed, Unit},
        meta_id::PhoneNumberId,
        parking::{Reason, STALE_AFTER},
        record::Record,
    },
    flow::{
        known::Known,
        park::{Origin, Park},
        told::Tell,
    },
};

use people::{Belongs, People, line_of};
use read::Given;
use store::Landed;

/// Nothing new is begun after so long: what is left comes again. A function may take 30 s.
const TIME: SignedDuration = SignedDuration::from_secs(20);
/// From the fifth time on, what fails by itself is poison; and from the twentieth, an hour later, whatever fails alone.
const POISON: u32 = 5;
const POISON_ANYHOW: u32 = 20;
/// Groups, and conversations, that are worked on at a time.
const AT_ONCE: usize = 10;

#[derive(Debug, Clone)]
pub struct Receive {
    pub messages: Messages,
    pub accounts: Accounts,
    pub blobs: Blobs,
    pub park: Park,
    pub tell: Tell,
    pub secret: StackSecret,
    pub clock: Clock,
    pub random: Random,
    pub known: Known,
}

/// One record, read.
#[derive(Debug)]
struct Delivery<'a> {
    index: usize,
    record: &'a Record,
    envelope: Envelope<'a>,
    number: Option<PhoneNumberId>,
    units: Vec<(Unit<'a>, Given)>,
}

/// What becomes of a unit.
enum Fate<'a> {
    Ours(&'a Account),
    Parked(Reason),
    OfWaba,
}

/// Records that must come again: those that failed, and all behind them in their groups.
#[derive(Debug, Default)]
struct Failed(BTreeSet<usize>);

impl Failed {
    fn add(&mut self, records: &[Record], index: usize, error: &Error) {
        tracing::warn!(group = records[index].group, error = %error.chain(), "a record must come again");
        let group = &records[index].group;
        let behind = (index..records.len()).filter(|other| records[*other].group == *group);
        self.0.extend(behind);
    }

    fn has(&self, index: usize) -> bool {
        self.0.contains(&index)
    }
}

impl Receive {
    /// Takes in one batch. Gives the places of those records that must come again.
    pub async fn take(&self, records: &mut [Record]) -> BTreeSet<usize> {
        let now = self.clock.now();
        let (large, apart) = self.fetch(records).await;
        let records = &*records;
        let mut failed = Failed::default();
        for (index, error) in &apart {
            failed.add(records, *index, error);
        }
        let mut deliveries = Vec::new();
        for (index, record) in records.iter().enumerate() {
            if failed.has(index) {
                continue;
            }
            match Delivery::read(index, record) {
                Ok(delivery) => deliveries.push(delivery),
                Err(error) => {
                    let parked = self.park.message(&record.body, origin(record)).await;
                    parked.unwrap_or_else(|unparked| failed.add(records, index, &unparked));
                    tracing::warn!(error = %error.chain(), "a record cannot be read");
                }
            }
        }
        let mut people = match self.look(&deliveries).await {
            Ok(people) => people,
            Err(error) => {
                tracing::error!(error = %error.chain(), "nothing of a batch could be looked up");
                return (0..records.len()).collect();
            }
        };
        let places = self.settle(records, &deliveries, &mut people, &mut failed, now).await;
        self.note_large(records, &deliveries, &large, &places, &people, &mut failed).await;
        let landed = self.store(records, &deliveries, &people, &places, &mut failed, now).await;
        self.hear(&landed, &people, now).await;
        self.conclude(records, landed, &people, &mut failed, now).await;
        failed.0
    }

    /// Finds, for each unit about somebody, the conversation it belongs to.
    async fn settle(
        &self,
        records: &[Record],
        deliveries: &[Delivery<'_>],
        people: &mut People,
        failed: &mut Failed,
        now: Timestamp,
    ) -> HashMap<(usize, usize), Belongs> {
        let mut places = HashMap::new();
        for delivery in deliveries {
            for (unit, given) in delivery.units.iter().enumerate().map(|(at, (_, given))| (at, given)) {
                if failed.has(delivery.index) {
                    break;
                }
                let Fate::Ours(account) = delivery.fate(unit, &people.seen.accounts, now) else { continue };
                let line = line_of(account);
                match self.belonging(&line, given, people, now).await {
                    Ok(place) => drop(place.map(|place| places.insert((delivery.index, unit), place))),
                    Err(error) => failed.add(records, delivery.index, &error),
                }
            }
        }
        places
    }

    /// Each group in its order, the groups beside each other.
    async fn store(
        &self,
        records: &[Record],
        deliveries: &[Delivery<'_>],
        people: &People,
        places: &HashMap<(usize, usize), Belongs>,
        failed: &mut Failed,
        now: Timestamp,
    ) -> Vec<Landed> {
        let mut groups: BTreeMap<&str, Vec<&Delivery<'_>>> = BTreeMap::new();
        for delivery in deliveries.iter().filter(|delivery| !failed.has(delivery.index)) {
            groups.entry(&delivery.record.group).or_default().push(delivery);
        }
        let mut storing = Vec::new();
        for group in groups.into_values() {
            storing.push(self.store_group(group, people, places, now));
        }
        let outcomes: Vec<_> = stream::iter(storing).buffer_unordered(AT_ONCE).collect().await;
        let mut all = Vec::new();
        for (landed, failure) in outcomes {
            all.extend(landed);
            if let Some((index, error)) = failure {
                failed.add(records, index, &error);
            }
        }
        all
    }

    /// One group in its order, until one of its records fails: its place, and why.
    async fn store_group(
        &self,
        group: Vec<&Delivery<'_>>,
        people: &People,
        places: &HashMap<(usize, usize), Belongs>,
        now: Timestamp,
    ) -> (Vec<Landed>, Option<(usize, Error)>) {
        let mut landed = Vec::new();
        for delivery in group {
            if self.clock.now() > now + TIME {
                return (landed, Some((delivery.index, Error::aws("no time is left in this invocation"))));
            }
            match self.store_one(delivery, people, places, now).await {
                Ok(more) => landed.extend(more),
                Err(error) => return (landed, Some((delivery.index, error))),
            }
        }
        (landed, None)
    }

    /// What was too large for the queue stands in its record from here on. One that is lost is found out later.
    async fn fetch(&self, records: &mut [Record]) -> (HashMap<usize, Vec<Elsewhere>>, Vec<(usize, Error)>) {
        let (mut large, mut failed) = (HashMap::new(), Vec::new());
        for (index, record) in records.iter_mut().enumerate() {
            let elsewhere = envelope::elsewhere(&record.body);
            match self.blobs.gathered(&record.body, &elsewhere).await {
                Ok(Some(body)) => {
                    record.body = body;
                    large.insert(index, elsewhere);
                }
                Ok(None) | Err(Error::Corrupt(_)) => {}
                Err(error) => failed.push((index, error)),
            }
        }
        (large, failed)
    }

    /// Where what was too large lies is known by its conversation: it goes when that is erased.
    async fn note_large(
        &self,
        records: &[Record],
        deliveries: &[Delivery<'_>],
        large: &HashMap<usize, Vec<Elsewhere>>,
        places: &HashMap<(usize, usize), Belongs>,
        people: &People,
        failed: &mut Failed,
    ) {
        for delivery in deliveries {
            let Some(blobs) = large.get(&delivery.index) else { continue };
            let account = delivery.number.as_ref().and_then(|number| people.seen.accounts.get(number)?.as_ref());
            let own = places.iter().filter(|((index, _), _)| *index == delivery.index);
            let own: BTreeSet<ConversationId> = own.map(|(_, belongs)| belongs.conversation).collect();
            let Some(account) = account else { continue };
            let until = delivery.envelope.at + blobs::KEPT_FOR;
            for id in &own {
                for blob in blobs {
                    if let Err(error) = self.messages.note_blob(&account.tenant, *id, blob, until).await {
                        failed.add(records, delivery.index, &error);
                    }
                }
            }
        }
    }

    /// Numbers of which something was taken in are proved to work. A note that fails is made with the next unit.
    async fn hear(&self, landed: &[Landed], people: &People, now: Timestamp) {
        let heard: BTreeSet<&PhoneNumberId> = landed.iter().map(|landed| &landed.line.number).collect();
        for account in heard.into_iter().filter_map(|number| people.seen.accounts.get(number)?.as_ref()) {
            if let Err(error) = self.accounts.heard(account, now).await {
                tracing::warn!(number = %account.number, error = %error.chain(), "that it was heard of is not noted");
            }
        }
    }
}

/// The names in a message of the queue of whom each of its units is about; of one that is about nobody, its own text.
pub(super) fn whom(envelope: &Envelope<'_>) -> Vec<Result<Vec<Alias>, String>> {
    let units = envelope.units.iter().filter_map(|packed| match packed {
        Packed::Here(unit) => Some(unit),
        Packed::Elsewhere(_) => None,
    });
    let of_unit = |unit: &Unit<'_>| {
        let given = catch_unwind(AssertUnwindSafe(|| Given::of(envelope, unit))).unwrap_or(Given::Event(None));
        let names = given.names();
        if names.is_empty() { Err(unit.raw.get().to_owned()) } else { Ok(names) }
    };
    units.map(of_unit).collect()
}

fn origin(record: &Record) -> Origin<'_> {
    Origin { group: &record.group, sequence: &record.sequence }
}

impl<'a> Delivery<'a> {
    fn read(index: usize, record: &'a Record) -> Result<Self> {
        let envelope = Envelope::parse(&record.body).map_err(|error| Error::Corrupt(error.to_string()))?;
        let mut units = Vec::new();
        for packed in &envelope.units {
            match packed {
                Packed::Here(unit) => {
                    // Whatever a reader stumbles over is kept as it came, and hurts nothing beside it.
                    let given = catch_unwind(AssertUnwindSafe(|| Given::of(&envelope, unit)));
                    units.push((unit.clone(), given.unwrap_or(Given::Event(None))));
                }
                Packed::Elsewhere(_) => return Err(Error::Corrupt("a unit lies elsewhere".to_owned())),
            }
        }
        let number = envelope.number.as_deref().and_then(|number| number.parse().ok());
        Ok(Self { index, record, envelope, number, units })
    }

    fn fate<'b>(&self, unit: usize, accounts: &'b HashMap<PhoneNumberId, Option<Account>>, now: Timestamp) -> Fate<'b> {
        let (unit, given) = &self.units[unit];
        if unit.kind == Kind::Unreadable {
            return Fate::Parked(Reason::Unreadable);
        }
        let Some(number) = &self.number else { return Fate::OfWaba };
        let account = accounts.get(number).and_then(Option::as_ref).filter(|account| !account.is_disconnected());
        let account = account.filter(|account| account.had_the_number_at(self.envelope.at));
        let Some(account) = account else { return Fate::Parked(Reason::Unowned) };
        let may_be_stale = matches!(unit.kind, Kind::Message | Kind::Status | Kind::Echo) && !self.envelope.released;
        if may_be_stale && given.at().is_some_and(|at| at + STALE_AFTER < now) {
            return Fate::Parked(Reason::Stale);
        }
        Fate::Ours(account)
    }
}
