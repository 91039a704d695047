//! Where something stands in a log, and how far a reader has come in it.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Event;

/// How long events can be read.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24 * 7);
/// So much longer they really are, so that clocks may differ and whoever begins with the oldest is not too late for the
/// next.
pub const GRACE: SignedDuration = SignedDuration::from_hours(12);

/// A place in a log. Within an era the next one is the number after the last, without holes; an era begins where
/// nothing is left of the one before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Place {
    pub era: u32,
    pub number: u64,
}

/// How far a reader has come: past so many events of a place, and all places before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub place: Place,
    pub seen: usize,
    /// Whatever comes behind it was put then, or later.
    pub since: Timestamp,
}

#[derive(Debug, thiserror::Error)]
#[error("no place in a log")]
pub struct InvalidPlace;

/// What is in one item of a log, before it is deflated.
const PACK: usize = 64 * 1024;

impl Place {
    #[must_use]
    pub fn next(self) -> Self {
        Self { number: self.number + 1, ..self }
    }

    /// The first of the era after this one.
    #[must_use]
    pub fn next_era(self) -> Self {
        Self { era: self.era + 1, number: 1 }
    }
}

impl Cursor {
    /// Whether something behind it may be gone.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.since < now - KEPT - GRACE
    }
}

/// Events in packs, none of which is too large but those of a single one.
pub fn packed(events: Vec<Event>) -> Vec<Vec<Event>> {
    let (mut packs, mut weight) = (Vec::<Vec<Event>>::new(), 0);
    for event in events {
        weight += event.weight();
        match packs.last_mut() {
            Some(pack) if weight <= PACK => pack.push(event),
            _ => {
                weight = event.weight();
                packs.push(vec![event]);
            }
        }
    }
    packs
}

/// Sorts as text as the place does.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{:08}#{:015}", self.era, self.number)
    }
}

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let (era, number) = text.strip_prefix('e').and_then(|rest| rest.split_once('#')).ok_or(InvalidPlace)?;
        let (era, number) = (era.parse().map_err(|_| InvalidPlace)?, number.parse().map_err(|_| InvalidPlace)?);
        Ok(Self { era, number })
    }
}

impl TryFrom<String> for Place {
    type Error = InvalidPlace;

    fn try_from(text: String) -> Result<Self, InvalidPlace> {
        text.parse()
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.place, self.seen, self.since.as_millisecond())
    }
}

impl FromStr for Cursor {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let mut parts = text.split(' ');
        let mut part = || parts.next().ok_or(InvalidPlace);
        let (place, seen, since) = (part()?.parse()?, part()?, part()?);
        let since = since.parse().ok().and_then(|since| Timestamp::from_millisecond(since).ok());
        Ok(Self { place, seen: seen.parse().map_err(|_| InvalidPlace)?, since: since.ok_or(InvalidPlace)? })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::domain::event::{EventId, EventType};

    fn event(bytes: usize) -> Event {
        let tenant = "acme".parse().unwrap();
        Event {
            id: EventId::of("1", EventType::MessageReceived, &tenant, ""),
            kind: EventType::MessageReceived,
            at: Timestamp::UNIX_EPOCH,
            tenant,
            phone_number_id: None,
            conversation_id: None,
            changed: Vec::new(),
            data: RawValue::from_string(format!("\"{}\"", "x".repeat(bytes))).ok(),
        }
    }

    #[test]
    fn a_place_sorts_as_text_as_it_does() {
        let place = |era, number| Place { era, number };
        let places = [place(0, 0), place(1, 1), place(1, 2), place(1, 10), place(2, 1), place(10, 1)];

        for pair in places.windows(2) {
            assert!(pair[0] < pair[1] && pair[0].to_string() < pair[1].to_string(), "{pair:?}");
        }
        for place in places {
            assert_eq!(place.to_string().parse::<Place>().unwrap(), place);
        }
        assert_eq!((place(1, 9).next(), place(1, 9).next_era()), (place(1, 10), place(2, 1)));
    }

    #[test]
    fn a_cursor_is_read_as_it_is_written_and_ends() {
        let since = Timestamp::from_millisecond(1_795_000_000_123).unwrap();
        let cursor = Cursor { place: Place { era: 3, number: 7 }, seen: 2, since };

        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        for broken in ["", "e1#2", "e1#2 3", "e1#2 x 4", "1#2 3 4"] {
            assert!(broken.parse::<Cursor>().is_err(), "{broken}");
        }
        assert!(!cursor.is_expired(since + KEPT + GRACE));
        assert!(cursor.is_expired(since + KEPT + GRACE + SignedDuration::from_millis(1)));
    }

    #[test]
    fn packs_keep_the_order_and_are_small_but_for_what_is_large_itself() {
        let sizes = [30_000, 30_000, 30_000, 200_000, 10, 10];
        let packs = packed(sizes.into_iter().map(event).collect());

        let sizes: Vec<Vec<usize>> = packs
            .iter()
            .map(|pack| pack.iter().map(|event| event.data.as_ref().unwrap().get().len() - 2).collect())
            .collect();
        assert_eq!(sizes, [vec![30_000, 30_000], vec![30_000], vec![200_000], vec![10, 10]]);
        assert_eq!(packed(Vec::new()).len(), 0);
    }
}
