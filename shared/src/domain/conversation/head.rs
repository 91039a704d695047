//! What arrives, and what it does to the head of its conversation. Taking in twice what was taken in once does nothing.

use jiff::{SignedDuration, Timestamp};

use super::{Alias, Contact, ConversationId, Head, Known, MessageId, Names, Person, WINDOW};
use crate::domain::message::{Put, Renamed};

/// One message that has been put, as its conversation sees it.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub id: MessageId,
    /// None: Meta gave no usable time.
    pub at: Option<Timestamp>,
    pub received_at: Timestamp,
    pub speaker: Speaker,
    /// From before the number was connected: nobody has to answer it.
    pub is_history: bool,
    pub put: Put,
    pub place: Place,
    pub person: Person,
    pub renamed: Option<Renamed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    Person,
    Business,
    /// WhatsApp itself, about the person.
    System,
}

/// One thing that a conversation takes in.
#[derive(Debug, Clone)]
pub enum Touch {
    Arrived(Box<Arrival>),
    /// What they are called, told apart from any message: by a phone's address book, or beside a status.
    Called {
        person: Person,
        at: Timestamp,
        place: Place,
    },
}

/// Where in the queue something stood: within a group the order is that of sequences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub group: String,
    pub sequence: String,
}

/// What a conversation's place in the list depends on.
#[derive(Debug, Default)]
struct Stir {
    is_live: bool,
    /// The latest time of what came.
    past: Option<Timestamp>,
}

/// One person's conversation is fed by one or two groups; of more than so many the oldest are forgotten.
const GROUPS: usize = 8;

impl Touch {
    fn place(&self) -> &Place {
        match self {
            Self::Arrived(arrival) => &arrival.place,
            Self::Called { place, .. } => place,
        }
    }

    /// A repetition leaves none, not even of how far its group has come.
    fn leaves_a_trace(&self, has_learnt: bool) -> bool {
        match self {
            Self::Arrived(arrival) => arrival.put.is_own(),
            Self::Called { .. } => has_learnt,
        }
    }
}

impl Head {
    /// Takes in what has come, in its order.
    pub fn takes(&mut self, touches: &[Touch], now: Timestamp) {
        let (was_empty, contact) = (self.last.is_none(), self.contact.clone());
        let mut stir = Stir::default();
        for touch in touches {
            match touch {
                Touch::Arrived(arrival) => self.takes_in(arrival, &mut stir, now),
                Touch::Called { person, at, place } if !self.has_reached(place) => {
                    self.contact.learns(person, true, *at);
                }
                Touch::Called { .. } => {}
            }
        }
        let has_learnt = self.contact != contact;
        for touch in touches.iter().filter(|touch| touch.leaves_a_trace(has_learnt)) {
            self.reach(touch.place());
        }
        if has_learnt {
            self.contact.updated_at = Some(now);
        }
        self.moves(&stir, was_empty, now);
    }

    fn takes_in(&mut self, arrival: &Arrival, stir: &mut Stir, now: Timestamp) {
        // A repetition may be all that is left of a first time that never came as far as here.
        let is_first = arrival.put.is_own() && !self.has_reached(&arrival.place);
        let is_newest = self.is_newest(arrival, is_first);
        if is_newest {
            self.last = Some(arrival.id);
        }
        if is_newest || is_first {
            stir.is_live |= !arrival.is_history;
            stir.past = stir.past.max(arrival.at);
        }
        if arrival.speaker == Speaker::Person {
            self.opens_until(arrival, is_first, now);
            self.unread += u64::from(is_first && !arrival.is_history);
        }
        if is_first {
            let at = arrival.at.unwrap_or(arrival.received_at);
            self.contact.learns(&arrival.person, is_newest, at);
            if let Some(renamed) = &arrival.renamed {
                self.contact.changes(renamed, at);
            }
        }
    }

    /// What was before is placed by its own time; all else by when it came, later than ever before.
    fn moves(&mut self, stir: &Stir, was_empty: bool, now: Timestamp) {
        let later = self.updated_at + SignedDuration::from_millis(1);
        let at = match stir.past.map(|past| past.min(now)) {
            _ if stir.is_live && was_empty => now,
            _ if stir.is_live => now.max(later),
            Some(past) if was_empty => past,
            Some(past) => self.updated_at.max(past),
            None => self.updated_at,
        };
        self.stands_at(at, !was_empty);
    }

    fn is_newest(&self, arrival: &Arrival, is_first: bool) -> bool {
        let Some(last) = &self.last else { return true };
        let (last, new) = (last.milliseconds(), arrival.id.milliseconds());
        new > last || (is_first && new == last)
    }

    fn opens_until(&mut self, arrival: &Arrival, is_first: bool, now: Timestamp) {
        let untimed = is_first.then_some(arrival.received_at);
        // A time ahead of ours is not a window without an end.
        if let Some(at) = arrival.at.or(untimed) {
            self.window_until = self.window_until.max(Some(at.min(now) + WINDOW));
        }
    }

    /// Whether it was taken in already.
    pub fn has_reached(&self, place: &Place) -> bool {
        self.reached.get(&place.group).is_some_and(|reached| !is_after(&place.sequence, reached))
    }

    fn reach(&mut self, place: &Place) {
        if !self.has_reached(place) {
            self.reached.insert(place.group.clone(), place.sequence.clone());
        }
        while self.reached.len() > GROUPS {
            let oldest = self.reached.iter().reduce(|one, other| if is_after(one.1, other.1) { other } else { one });
            let Some(oldest) = oldest.map(|(group, _)| group.clone()) else { return };
            self.reached.remove(&oldest);
        }
    }

    /// Another conversation turned out to be with the same person: what it has is this one's too.
    pub fn absorbs(&mut self, id: ConversationId, other: &Self, now: Timestamp) {
        self.stands_at(now.max(self.updated_at + SignedDuration::from_millis(1)), self.last.is_some());
        self.parts.push(id);
        self.parts.extend(other.parts.iter().copied());
        self.unread += other.unread;
        self.window_until = self.window_until.max(other.window_until);
        self.last = [self.last, other.last].into_iter().flatten().max_by_key(MessageId::milliseconds);
        for (group, sequence) in &other.reached {
            self.reach(&Place { group: group.clone(), sequence: sequence.clone() });
        }
        self.contact.absorbs(&other.contact);
        self.contact.updated_at = Some(now);
    }

    /// It is a part of another from now on, and has nothing of its own any more.
    pub fn is_absorbed_by(&mut self, winner: ConversationId) {
        self.merged_into = Some(winner);
        self.unread = 0;
    }

    /// Of two with the same person, whether this one stays: the older.
    pub fn is_older(&self, id: ConversationId, other: &Self, other_id: ConversationId) -> bool {
        (self.created_at, id) < (other.created_at, other_id)
    }
}

impl Contact {
    /// Whether this is still one of their names.
    pub fn answers_to(&self, alias: &Alias) -> bool {
        self.aliases.iter().any(|known| known.alias == *alias && known.until.is_none())
    }

    /// Whether it was one of their names at a time.
    pub fn knows(&self, alias: &Alias, at: Timestamp) -> bool {
        let known = self.aliases.iter().filter(|known| known.alias == *alias);
        known.into_iter().any(|known| known.until.is_none_or(|until| at <= until))
    }

    /// The names that lead here now.
    pub fn living(&self) -> impl Iterator<Item = &Alias> {
        self.aliases.iter().filter(|known| known.until.is_none()).map(|known| &known.alias)
    }

    /// What a list calls them.
    pub fn shown_name(&self) -> Option<&str> {
        self.own_name.as_deref().or(self.name.as_deref())
    }

    /// They go by these names.
    pub(super) fn meets(&mut self, names: &Names, at: Timestamp) {
        self.learns(&Person { names: names.clone(), ..Person::default() }, true, at);
    }

    fn learns(&mut self, person: &Person, is_newest: bool, at: Timestamp) {
        for alias in person.names.aliases() {
            if !self.knows(&alias, at) {
                self.aliases.push(Known { alias, since: at, until: None });
            }
        }
        let newer = |known: &mut Option<String>, told: &Option<String>| {
            if told.is_some() && (is_newest || known.is_none()) {
                known.clone_from(told);
            }
        };
        newer(&mut self.phone, &person.names.phone.clone().filter(|_| person.names.group.is_none()));
        newer(&mut self.user_id, &person.names.user_id.clone().filter(|_| person.names.group.is_none()));
        newer(&mut self.group_id, &person.names.group);
        newer(&mut self.username, &person.username);
        newer(&mut self.name, &person.name);
    }

    /// The person goes by other names now: the old ones may become somebody else's.
    fn changes(&mut self, renamed: &Renamed, at: Timestamp) {
        let old = renamed.before.aliases();
        for alias in old {
            match self.aliases.iter_mut().find(|known| known.until.is_none() && known.alias == alias) {
                Some(known) => known.until = Some(at),
                None => self.aliases.push(Known { alias, since: at, until: Some(at) }),
            }
        }
        let person = Person { names: renamed.now.clone(), ..Person::default() };
        self.learns(&person, true, at);
    }

    fn absorbs(&mut self, other: &Self) {
        for known in &other.aliases {
            if known.until.is_some() || !self.answers_to(&known.alias) {
                self.aliases.push(known.clone());
            }
        }
        let fill = |mine: &mut Option<String>, theirs: &Option<String>| {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        };
        fill(&mut self.phone, &other.phone);
        fill(&mut self.user_id, &other.user_id);
        fill(&mut self.username, &other.username);
        fill(&mut self.name, &other.name);
        fill(&mut self.own_name, &other.own_name);
        fill(&mut self.notes, &other.notes);
        for tag in &other.tags {
            if !self.tags.contains(tag) {
                self.tags.push(tag.clone());
            }
        }
        self.pinned |= other.pinned;
        self.blocked |= other.blocked;
    }
}

/// SQS numbers messages by digits without an end: a longer number is a later one.
fn is_after(one: &str, other: &str) -> bool {
    (one.len(), one) > (other.len(), other)
}
