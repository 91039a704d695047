//! What units leave behind by themselves: messages, facts about messages, events.

use std::{collections::HashMap, panic::AssertUnwindSafe};

use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::{
    Delivery, Fate, POISON, POISON_ANYHOW, Receive, origin,
    people::{Belongs, People, line_of},
    read::{Given, Said},
};
use crate::{
    Error, Result,
    aws::messages::{Counts, Event, Kept, Note},
    domain::{
        account::Account,
        conversation::{Alias, Arrival, ConversationId, Head, Line, MessageId, Person, Place, Touch},
        media::RECEIVED_FOR,
        message::{Direction, Fact, Origin, Put, Stored, Told},
        meta_id::MediaId,
        parking::Reason,
        sending::{Between, Callback},
    },
};

/// Units of one record that are stored at a time, where their order is in what they say and not in when they are stored.
const UNITS_AT_ONCE: usize = 4;

/// What is left to be said of a unit that is stored.
#[derive(Debug)]
pub(super) struct Landed {
    pub(super) record: usize,
    pub(super) line: Line,
    pub(super) touch: Option<(ConversationId, Touch)>,
    pub(super) counts: Counts,
    pub(super) file: Option<Note>,
}

impl Delivery<'_> {
    /// What is written now is put one after the other: in that order the feed tells of it.
    fn units_at_once(&self) -> usize {
        let is_live = |given: &Given| matches!(given, Given::Message(said) if said.origin != Origin::History);
        if self.units.iter().any(|(_, given)| is_live(given)) { 1 } else { UNITS_AT_ONCE }
    }
}

impl Receive {
    /// Stores all units of one record.
    pub(super) async fn store_one(
        &self,
        delivery: &Delivery<'_>,
        people: &People,
        places: &HashMap<(usize, usize), Belongs>,
        now: Timestamp,
    ) -> Result<Vec<Landed>> {
        let storing = (0..delivery.units.len()).map(|unit| async move {
            let belongs = places.get(&(delivery.index, unit)).copied();
            let settling = AssertUnwindSafe(self.settle_unit(delivery, unit, belongs, people, now)).catch_unwind();
            let settled =
                settling.await.unwrap_or_else(|_| Err(Error::Corrupt("a unit made its reader panic".to_owned())));
            match settled {
                // Whoever tries, and however often, it fails: what stands beside it and behind it goes on.
                Err(error) if is_poison(&error, delivery.record.receives) => {
                    tracing::error!(group = delivery.record.group, error = %error.chain(), "a unit is poison");
                    self.put_aside(delivery, unit, people, Reason::Poison).await.map(|()| None)
                }
                settled => settled,
            }
        });
        let landed: Vec<Option<Landed>> =
            stream::iter(storing).buffered(delivery.units_at_once()).try_collect().await?;
        Ok(landed.into_iter().flatten().collect())
    }

    async fn settle_unit(
        &self,
        delivery: &Delivery<'_>,
        unit: usize,
        belongs: Option<Belongs>,
        people: &People,
        now: Timestamp,
    ) -> Result<Option<Landed>> {
        match delivery.fate(unit, &people.seen.accounts, now) {
            Fate::Parked(reason) => self.put_aside(delivery, unit, people, reason).await.map(|()| None),
            Fate::OfWaba => {
                if !self.tell.tell(&delivery.envelope, &delivery.units[unit].0).await? {
                    self.put_aside(delivery, unit, people, Reason::Unowned).await?;
                }
                Ok(None)
            }
            Fate::Ours(account) => self.store_unit(delivery, unit, account, belongs, people, now).await.map(Some),
        }
    }

    async fn put_aside(&self, delivery: &Delivery<'_>, unit: usize, people: &People, reason: Reason) -> Result<()> {
        let account = delivery.number.as_ref().and_then(|number| people.seen.accounts.get(number)?.as_ref());
        let places = std::iter::once(unit);
        self.park.units(reason, &delivery.envelope, places, account, origin(delivery.record)).await
    }

    async fn store_unit(
        &self,
        delivery: &Delivery<'_>,
        unit: usize,
        account: &Account,
        belongs: Option<Belongs>,
        people: &People,
        now: Timestamp,
    ) -> Result<Landed> {
        let line = line_of(account);
        let (mut counts, mut file) = (Counts::default(), None);
        let touch = match (&delivery.units[unit].1, belongs) {
            (Given::Message(said), Some(belongs)) => {
                let message = stored(delivery, unit, said, account, belongs.conversation);
                let parts = people.head(&line, belongs.conversation).map_or(&[][..], |head| &head.parts);
                let put = self.put(&line, &message, said, parts, &mut counts, now).await?;
                let note = |id: &MediaId| Note::File(line.clone(), id.clone(), message.received_at + RECEIVED_FOR);
                file = said.file.as_ref().filter(|_| put != Put::Known).map(note);
                let arrival = arrival(delivery, said, message.id, put);
                Some((belongs.conversation, Touch::Arrived(Box::new(arrival))))
            }
            (Given::Status(told, person), belongs) => {
                let head = belongs.and_then(|belongs| people.head(&line, belongs.conversation));
                self.tell(&line, told, belongs, head, &mut counts, now).await?;
                let learning = belongs.filter(|belongs| belongs.is_learning);
                learning.map(|belongs| (belongs.conversation, called(delivery, person, Some(told.fact.at))))
            }
            (Given::Called(person, at), Some(belongs)) => Some((belongs.conversation, called(delivery, person, *at))),
            _ => {
                self.keep(delivery, unit, account).await?;
                None
            }
        };
        Ok(Landed { record: delivery.index, line, touch, counts, file })
    }

    /// Puts a message, and gives it the facts that have waited for it.
    async fn put(
        &self,
        line: &Line,
        message: &Stored,
        said: &Said,
        parts: &[ConversationId],
        counts: &mut Counts,
        now: Timestamp,
    ) -> Result<Put> {
        for part in parts {
            if let Some(put) = self.messages.stands_in(&line.tenant, *part, message).await? {
                return Ok(put);
            }
        }
        let put = self.messages.put(&line.tenant, message, now).await?;
        if put == Put::New && message.origin != Origin::History {
            let status = if message.direction == Direction::Inbound { "received" } else { "sent" };
            counts.message(said.at.unwrap_or(message.received_at), message.direction, said.kind, status);
        }
        if put.is_own() && message.direction == Direction::Outbound {
            for (kind, fact) in self.messages.waiting(line, &said.wamid).await? {
                let kept = self.messages.tell(&line.tenant, &message.id, &kind, &fact).await?;
                count(counts, &kept, &kind, &fact);
                self.messages.stop_waiting(line, &said.wamid, &kind).await?;
            }
        }
        Ok(put)
    }

    /// Keeps what a status says on its message, or lets it wait for it. First it waits and then it looks a second time,
    /// while the message is put first and then looks for what waits: they cannot miss each other.
    async fn tell(
        &self,
        line: &Line,
        told: &Told,
        belongs: Option<Belongs>,
        head: Option<&Head>,
        counts: &mut Counts,
        now: Timestamp,
    ) -> Result<()> {
        let kind = told.key();
        if let Some(id) = self.proved(line, told, head).await? {
            let kept = self.messages.tell_ours(&line.tenant, &id, &told.wamid, &kind, &told.fact).await?;
            // A message of ours is there before it is posted: one that is not was erased since.
            count(counts, &kept, &kind, &told.fact);
            return Ok(());
        }
        if let Some(id) = self.messages.message_of(&line.tenant, &told.wamid).await? {
            let kept = self.messages.tell(&line.tenant, &id, &kind, &told.fact).await?;
            if kept != Kept::Nowhere {
                count(counts, &kept, &kind, &told.fact);
                return Ok(());
            }
        }
        self.messages.wait(line, told, now).await?;
        let own = belongs.map(|belongs| belongs.conversation);
        for conversation in own.into_iter().chain(head.into_iter().flat_map(|head| head.parts.iter().copied())) {
            let Some(id) = self.messages.recent_of(&line.tenant, conversation, &told.wamid).await? else { continue };
            let kept = self.messages.tell(&line.tenant, &id, &kind, &told.fact).await?;
            count(counts, &kept, &kind, &told.fact);
            return self.messages.stop_waiting(line, &told.wamid, &kind).await;
        }
        Ok(())
    }

    /// The message of ours that a status is proved to be of, by what we gave Meta with it.
    async fn proved(&self, line: &Line, told: &Told, head: Option<&Head>) -> Result<Option<MessageId>> {
        let said = told.callback_data.as_ref().and_then(|data| data.parse::<Callback>().ok());
        let Some(callback) = said else { return Ok(None) };
        let keys = self.secret.keyring().await?;
        // Meta may name somebody otherwise than we did: by another of the names they are known by here.
        let known = head.map(|head| head.contact.living().cloned().collect::<Vec<_>>()).unwrap_or_default();
        let mut recipients = told.recipient.aliases().into_iter().chain(known);
        let is_between = |recipient: Alias| {
            callback.proves(&keys, Between { tenant: &line.tenant, number: &line.number, recipient: &recipient })
        };
        Ok(recipients.any(is_between).then_some(callback.message))
    }

    async fn keep(&self, delivery: &Delivery<'_>, unit: usize, account: &Account) -> Result<()> {
        let (unit, given) = &delivery.units[unit];
        let event = Event {
            tenant: &account.tenant,
            waba: account.waba.as_str(),
            number: Some(&account.number),
            field: &delivery.envelope.field,
            kind: unit.kind.as_str(),
            at: given.at().or_else(|| Timestamp::from_second(delivery.envelope.time?).ok()),
            received_at: delivery.envelope.at,
            raw: unit.raw.get(),
        };
        self.messages.keep(&event).await.map(drop)
    }
}

fn is_poison(error: &Error, receives: u32) -> bool {
    receives >= if matches!(error, Error::Corrupt(_)) { POISON } else { POISON_ANYHOW }
}

fn stored(
    delivery: &Delivery<'_>,
    unit: usize,
    said: &Said,
    account: &Account,
    conversation: ConversationId,
) -> Stored {
    Stored {
        id: MessageId::of_meta(conversation, said.at, &said.wamid),
        number: account.number.clone(),
        wamid: Some(said.wamid.clone()),
        direction: said.direction,
        origin: said.origin,
        raw: delivery.units[unit].0.raw.get().to_owned(),
        sequence: format!("{}.{unit}", delivery.record.sequence),
        received_at: delivery.envelope.at,
        statuses: said.statuses.clone(),
        generation: account.hidden.generation,
        sending: None,
        duplicate: None,
    }
}

fn arrival(delivery: &Delivery<'_>, said: &Said, id: MessageId, put: Put) -> Arrival {
    Arrival {
        id,
        at: said.at,
        received_at: delivery.envelope.at,
        speaker: said.speaker,
        is_history: said.origin == Origin::History,
        put,
        place: place(delivery),
        person: said.person.clone(),
        renamed: said.renamed.clone(),
    }
}

fn called(delivery: &Delivery<'_>, person: &Person, at: Option<Timestamp>) -> Touch {
    Touch::Called { person: person.clone(), at: at.unwrap_or(delivery.envelope.at), place: place(delivery) }
}

fn place(delivery: &Delivery<'_>) -> Place {
    Place { group: delivery.record.group.clone(), sequence: delivery.record.sequence.clone() }
}

/// A fact counts once.
fn count(counts: &mut Counts, kept: &Kept, kind: &str, fact: &Fact) {
    if let Kept::New(message) = kept {
        counts.fact(message, kind, fact);
    }
}
