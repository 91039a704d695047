//! Counting a number's messages again, from the messages: what was counted when they came may be too little.
//!
//! Every name that a number knows is walked past, and each person's conversation is counted at the first of all names that
//! ever led to it: names are added to a person and never taken away, so nobody is counted twice, whoever is renamed or
//! merged meanwhile.
//! Nothing is written before all is counted, so a call may end anywhere, and may come twice. Then each hour is put over
//! the count that stood there when counting began. What is counted meanwhile makes that fail: the hour stays as it is.
//! What came just before, and whose count may still be on its way, has had its time by then ([`SETTLED_AFTER`]).

use std::{cmp::Ordering, collections::BTreeMap};

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Error, Result,
    aws::messages::{Counts, Messages, Name, Span},
    clock::Clock,
    domain::{
        conversation::{Contact, ConversationId, Line},
        message::{Granularity, Period},
        meta_id::PhoneNumberId,
        tenant::TenantId,
    },
};

/// No invocation that puts messages and then counts them lasts so long.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// How many names are walked past at a time: a call ends between two pages.
const PAGE: i32 = 50;
const AT_ONCE: usize = 8;
const MESSAGES_AT_A_TIME: usize = 500;

#[derive(Debug, Clone)]
pub struct Recount {
    pub messages: Messages,
    pub clock: Clock,
}

/// Which messages: the hours that this time touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub tenant: TenantId,
    pub phone_number_id: PhoneNumberId,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// Where a call ended: the next goes on there. As it comes in an answer, it is given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    order: Order,
    /// The last count of each hour when counting began.
    seen: BTreeMap<String, String>,
    counts: Counts,
    messages: u64,
    /// The name behind which to go on.
    name: Option<String>,
    /// Since when all is counted.
    counted_at: Option<Timestamp>,
}

/// What was done so far.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recounted {
    /// That were counted.
    pub messages: u64,
    /// Hours that were put.
    pub hours: usize,
    /// Hours in which something was counted meanwhile: they are as they were.
    pub busy: Vec<String>,
    pub more: bool,
    /// The next call does nothing before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Box<Place>>,
}

impl Recount {
    /// Goes on from a place, from the beginning where there is none, until `until`.
    pub async fn run(&self, order: Order, after: Option<Box<Place>>, until: Timestamp) -> Result<Recounted> {
        let (line, period) = self.checked(&order)?;
        let mut place = match after {
            Some(place) if place.order == order => place,
            Some(_) => return Err(Error::breaks("/after", "it is of another command")),
            None => Box::new(self.begun(order, &line, &period).await?),
        };
        while place.counted_at.is_none() {
            if self.clock.now() >= until {
                return Ok(Recounted {
                    messages: place.messages,
                    more: true,
                    after: Some(place),
                    ..Recounted::default()
                });
            }
            self.walk(&line, &period, &mut place).await?;
        }
        let ready = place.counted_at.map(|counted_at| counted_at + SETTLED_AFTER);
        if let Some(ready) = ready.filter(|ready| self.clock.now() < *ready) {
            let (messages, not_before) = (place.messages, Some(ready));
            return Ok(Recounted { messages, more: true, not_before, after: Some(place), ..Recounted::default() });
        }
        self.put(&line, &place).await
    }

    fn checked(&self, order: &Order) -> Result<(Line, Period)> {
        let period = Period::touching(order.from, order.to, Granularity::Hour)
            .ok_or_else(|| Error::breaks("/from", "it is before to, and 31 days before it at most"))?;
        let kept_since = self.messages.kept_since(self.clock.now());
        if period.from < kept_since {
            return Err(Error::breaks("/from", format!("what was said before {kept_since:.0} is not all kept")));
        }
        Ok((Line { tenant: order.tenant.clone(), number: order.phone_number_id.clone() }, period))
    }

    async fn begun(&self, order: Order, line: &Line, period: &Period) -> Result<Place> {
        let mut seen = self.messages.last_counts(line, period.from, period.to).await?;
        seen.retain(|hour, _| Counts::has(period, hour));
        Ok(Place { order, seen, counts: Counts::default(), messages: 0, name: None, counted_at: None })
    }

    /// One page of names.
    async fn walk(&self, line: &Line, period: &Period, place: &mut Place) -> Result<()> {
        let page = self.messages.names(line, place.name.as_deref(), PAGE).await?;
        let counting = page.names.into_iter().map(|name| self.person(line, period, name));
        let counted: Vec<(Counts, u64)> = stream::iter(counting).buffer_unordered(AT_ONCE).try_collect().await?;
        for (counts, messages) in counted {
            place.counts.add_all(counts);
            place.messages += messages;
        }
        place.name = page.next;
        if place.name.is_none() {
            place.counted_at = Some(self.clock.now());
        }
        Ok(())
    }

    /// Those whose first name it is.
    async fn person(&self, line: &Line, period: &Period, name: Name) -> Result<(Counts, u64)> {
        let (mut counts, mut messages) = (Counts::default(), 0);
        let mut met = Vec::new();
        for id in name.conversations {
            let Some((id, head)) = self.messages.whole_conversation(&line.tenant, &id).await? else { continue };
            let parts: Vec<ConversationId> = std::iter::once(id).chain(head.parts).collect();
            if !met.contains(&id) && self.is_first(line, &name.key, &head.contact, &parts).await? {
                met.push(id);
                messages += self.conversation(line, period, &parts, &mut counts).await?;
            }
        }
        Ok((counts, messages))
    }

    /// Whether no name before this one ever led to the person. One that ended when it began may have done so, or only have
    /// been told of.
    async fn is_first(&self, line: &Line, key: &str, contact: &Contact, parts: &[ConversationId]) -> Result<bool> {
        let mut is_known = false;
        for known in &contact.aliases {
            match known.alias.key().as_str().cmp(key) {
                Ordering::Less if known.until != Some(known.since) => return Ok(false),
                Ordering::Less => {
                    let led = self.messages.led(line, &known.alias).await?;
                    if led.iter().any(|conversation| parts.contains(conversation)) {
                        return Ok(false);
                    }
                }
                Ordering::Equal => is_known = true,
                Ordering::Greater => {}
            }
        }
        Ok(is_known)
    }

    /// What became of a message may be of any time after it: all that was said before the end is read.
    async fn conversation(
        &self,
        line: &Line,
        period: &Period,
        parts: &[ConversationId],
        counts: &mut Counts,
    ) -> Result<u64> {
        let span = Span { since: None, until: Some(period.to) };
        let (mut counted, mut below) = (0, None);
        loop {
            let page =
                self.messages.history(&line.tenant, parts, span, |_| true, below.as_ref(), MESSAGES_AT_A_TIME).await?;
            for message in page.messages {
                counts.stored(&message);
                counted += 1;
            }
            counts.keep(period);
            match page.next {
                Some(next) => below = Some(next),
                None => return Ok(counted),
            }
        }
    }

    async fn put(&self, line: &Line, place: &Place) -> Result<Recounted> {
        let token = place.token()?;
        let none = BTreeMap::new();
        let mut done = Recounted { messages: place.messages, ..Recounted::default() };
        let hours: Vec<&String> = place.counts.hours().map(|(hour, _)| hour).collect();
        let hours = hours.into_iter().chain(place.seen.keys().filter(|hour| place.counts.of(hour).is_none()));
        for hour in hours {
            let counts = place.counts.of(hour).unwrap_or(&none);
            let seen = place.seen.get(hour).map(String::as_str);
            if self.messages.recount(line, hour, counts, seen, token, self.clock.now()).await? {
                done.hours += 1;
            } else {
                done.busy.push(hour.clone());
            }
        }
        done.busy.sort_unstable();
        Ok(done)
    }
}

impl Place {
    /// The same however often it is put: a call that died half-way finds what it has put.
    fn token(&self) -> Result<[u8; 6]> {
        let text = serde_json::to_vec(self).map_err(|error| Error::Corrupt(error.to_string()))?;
        let mut token = [0; 6];
        token.copy_from_slice(&Sha256::digest(text)[..6]);
        Ok(token)
    }
}
