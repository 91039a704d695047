//! From a unit of an envelope to what it gives, without any call. What cannot be read as what it is said to be is kept as
//! it came.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::{
    conversation::{Alias, Names, Person, Speaker},
    envelope::{Envelope, Kind, Unit},
    message::{Direction, Fact, Fields, MetaMessage, Origin, Renamed, Told, counterpart_of, person_of, readable},
    meta_id::MediaId,
};

/// What a unit gives.
#[derive(Debug)]
pub(super) enum Given {
    Message(Box<Said>),
    Status(Box<Told>, Person),
    /// What the address book of the number's phone calls somebody.
    Called(Person, Option<Timestamp>),
    /// Kept as it came.
    Event(Option<Timestamp>),
}

/// A message, with what can be known of it before it is known where it belongs.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) wamid: String,
    pub(super) at: Option<Timestamp>,
    pub(super) kind: &'static str,
    pub(super) direction: Direction,
    pub(super) origin: Origin,
    pub(super) speaker: Speaker,
    pub(super) person: Person,
    pub(super) renamed: Option<Renamed>,
    pub(super) statuses: BTreeMap<String, Fact>,
    pub(super) file: Option<MediaId>,
}

impl Given {
    pub(super) fn of(envelope: &Envelope<'_>, unit: &Unit<'_>) -> Self {
        let text = readable(unit.raw.get());
        let given = match unit.kind {
            Kind::Message | Kind::Echo | Kind::History => said(envelope, unit, &text).map(Box::new).map(Self::Message),
            Kind::Status => Told::of(&text, envelope.at).map(|told| {
                let person = Person::with(told.recipient.clone(), beside(unit));
                Self::Status(Box::new(told), person)
            }),
            Kind::ContactSync => called(&text),
            _ => None,
        };
        given.unwrap_or_else(|| Self::Event(Fields::of(&text).and_then(|fields| fields.time("timestamp"))))
    }

    /// When it happened, as Meta says.
    pub(super) fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Message(said) => said.at,
            Self::Status(told, _) => Some(told.fact.at),
            Self::Called(_, at) | Self::Event(at) => *at,
        }
    }

    /// The names that lead to whom it is about.
    pub(super) fn names(&self) -> Vec<Alias> {
        let before = match self {
            Self::Message(said) => said.renamed.as_ref().map(|renamed| renamed.before.aliases()),
            _ => None,
        };
        self.own_names().into_iter().chain(before.into_iter().flatten()).collect()
    }

    /// The names that whom it is about goes by now.
    pub(super) fn own_names(&self) -> Vec<Alias> {
        match self {
            Self::Message(said) => said.person.names.aliases(),
            Self::Status(_, person) | Self::Called(person, _) => person.names.aliases(),
            Self::Event(_) => Vec::new(),
        }
    }

    /// Whether somebody of whom nothing is known is to be known from now on.
    pub(super) fn begins_conversations(&self) -> bool {
        matches!(self, Self::Message(_) | Self::Called(..))
    }
}

/// None: no id, or nobody it is from or to.
fn said(envelope: &Envelope<'_>, unit: &Unit<'_>, text: &str) -> Option<Said> {
    let message = MetaMessage::of(text)?;
    let kind = message.kind();
    let is_history = unit.kind == Kind::History;
    let is_outbound = match unit.kind {
        Kind::Echo => true,
        Kind::History => message.is_from(envelope.display.as_deref().unwrap_or_default()),
        _ => false,
    };
    let (direction, speaker) = match (is_outbound, kind) {
        (true, _) => (Direction::Outbound, Speaker::Business),
        (false, "system") => (Direction::Inbound, Speaker::System),
        (false, _) => (Direction::Inbound, Speaker::Person),
    };
    let origin = match (is_history, is_outbound) {
        (true, _) => Origin::History,
        (false, true) => Origin::App,
        (false, false) => Origin::Customer,
    };
    let names = if is_outbound { message.recipient() } else { message.sender() };
    let renamed = message.renamed().filter(|_| speaker == Speaker::System);
    let person = match (&renamed, thread(unit)) {
        (Some(renamed), _) => Person::with(renamed.now.clone(), beside(unit)),
        (None, Some(counterpart)) => counterpart,
        (None, None) => Person::with(names, beside(unit)),
    };
    let at = message.at();
    let known = Fact { at: at.unwrap_or(envelope.at), error: None, pricing: None, rest: None };
    let status = match (is_outbound, is_history) {
        (true, true) => message.past_status().map(in_our_words),
        (true, false) => Some("sent".to_owned()),
        (false, _) => None,
    };
    (!person.names.aliases().is_empty()).then_some(())?;
    Some(Said {
        wamid: message.wamid()?,
        at,
        kind,
        direction,
        origin,
        speaker,
        person,
        renamed,
        statuses: status.into_iter().map(|status| (status, known.clone())).collect(),
        file: message.file(),
    })
}

/// The entry of `contacts[]` that came with it.
fn beside(unit: &Unit<'_>) -> Option<Person> {
    person_of(&readable(unit.contact?.get()))
}

/// Whom the thread it stood in is with.
fn thread(unit: &Unit<'_>) -> Option<Person> {
    counterpart_of(&readable(unit.thread?.get())).filter(|person| !person.names.aliases().is_empty())
}

/// A history says in other words what webhooks say.
fn in_our_words(status: String) -> String {
    match status.as_str() {
        "error" => "failed".to_owned(),
        "pending" => "accepted".to_owned(),
        _ => status,
    }
}

/// None where it is not about a person that can be found again, or says that the phone forgot them.
fn called(text: &str) -> Option<Given> {
    let sync = Fields::of(text)?;
    let contact = sync.object("contact")?;
    let person = Person {
        names: Names::new(contact.text("phone_number"), contact.text("user_id")),
        username: contact.text("username"),
        name: contact.text("full_name").or_else(|| contact.text("first_name")),
    };
    let is_kept = sync.text("action").as_deref() != Some("remove") && !person.names.aliases().is_empty();
    let at = sync.object("metadata").and_then(|metadata| metadata.time("timestamp"));
    is_kept.then_some(Given::Called(person, at))
}
