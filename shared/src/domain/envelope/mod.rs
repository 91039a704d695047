//! What one message of the inbound queue says: the units of one delivery that belong to one group, in Meta's order. The
//! units are Meta's own bytes; whoever knows only the envelope knows nothing of what is in them.

mod write;

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::hex;

pub use write::{Heading, LARGEST_UNIT, Oversized, Packing, Subject, released};

/// The version this code writes, and the only one it reads.
const VERSION: u32 = 1;
/// Group ids are half a hash: enough that two people never share one by chance.
const GROUP_BYTES: usize = 16;

/// Where an envelope's units come from, and they.
#[derive(Debug, Clone)]
pub struct Envelope<'a> {
    /// When we received the delivery.
    pub at: Timestamp,
    /// A WABA, or the portfolio for fields that are about one. Empty for what cannot be read.
    pub entry: Cow<'a, str>,
    /// When Meta says that it happened; messages have a time of their own instead.
    pub time: Option<i64>,
    pub field: Cow<'a, str>,
    /// The `phone_number_id`, as Meta wrote it.
    pub number: Option<Cow<'a, str>>,
    /// The number itself, digits alone.
    pub display: Option<Cow<'a, str>>,
    /// An operator let it out of where it was parked: its age counts no more.
    pub released: bool,
    pub units: Vec<Packed<'a>>,
}

/// A unit, or where it is kept.
#[derive(Debug, Clone)]
pub enum Packed<'a> {
    Here(Unit<'a>),
    Elsewhere(Elsewhere),
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Unit<'a> {
    pub kind: Kind,
    /// Meta's JSON, byte for byte, but that characters which SQS refuses are escaped.
    pub raw: &'a RawValue,
    /// The `contacts[]` entry that is about the same person.
    pub contact: Option<&'a RawValue>,
    /// The thread a message of a phone's history stood in: without its messages, and the `metadata` of the chunk it came
    /// in: `{id?, context?, metadata?}`.
    pub thread: Option<&'a RawValue>,
}

/// A unit that is too large for the queue. Its text, as [`Unit::parse`] takes it, lies in rows under this hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    pub id: String,
    pub rows: usize,
    /// Of the text, in bytes.
    pub length: usize,
}

/// What a unit is. A kind that a later version writes is kept by its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A customer wrote.
    Message,
    /// What became of a message that was sent.
    Status,
    /// Meta could not do something, and names no message.
    Error,
    /// A customer touched something that was sent.
    Action,
    /// The business wrote, on its phone or by another app.
    Echo,
    /// A message from before the number was connected.
    History,
    /// The phone's contacts changed.
    ContactSync,
    /// A customer wants, or does not want, to be written to.
    Preference,
    /// Anything else: the field's whole value.
    Change,
    /// The base64 of something that was signed but is not what Meta sends.
    Unreadable,
    Other(String),
}

/// Not an envelope that this code reads.
#[derive(Debug, thiserror::Error)]
pub enum Unparsable {
    #[error("not an envelope: {0}")]
    Malformed(#[from] serde_json::Error),
    #[error("an envelope of version {0}, which this code does not know")]
    Version(u32),
    #[error("a unit is neither here nor elsewhere")]
    Empty,
}

impl<'a> Envelope<'a> {
    pub fn parse(text: &'a str) -> Result<Self, Unparsable> {
        // Before the rest: of another version it may be anything.
        let Version { v } = serde_json::from_str(text)?;
        if v != VERSION {
            return Err(Unparsable::Version(v));
        }
        let body: Body<'a> = serde_json::from_str(text)?;
        Ok(Self {
            at: body.at,
            entry: body.entry,
            time: body.time,
            field: body.field,
            number: body.number.map(|Borrowed(text)| text),
            display: body.display.map(|Borrowed(text)| text),
            released: body.released,
            units: body.units.into_iter().map(UnitBody::packed).collect::<Result<_, _>>()?,
        })
    }
}

/// Where those units of a message lie that are not in it.
pub fn elsewhere(body: &str) -> Vec<Elsewhere> {
    // Few have one, and all would be read twice to find out.
    if !body.contains(r#""blob":"#) {
        return Vec::new();
    }
    let Ok(envelope) = Envelope::parse(body) else { return Vec::new() };
    let elsewhere = envelope.units.into_iter().filter_map(|unit| match unit {
        Packed::Elsewhere(elsewhere) => Some(elsewhere),
        Packed::Here(_) => None,
    });
    elsewhere.collect()
}

impl<'a> Unit<'a> {
    /// One that lay elsewhere.
    pub fn parse(text: &'a str) -> Result<Self, Unparsable> {
        match serde_json::from_str::<UnitBody<'a>>(text)?.packed()? {
            Packed::Here(unit) => Ok(unit),
            Packed::Elsewhere(_) => Err(Unparsable::Empty),
        }
    }
}

impl Kind {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Message => "message",
            Self::Status => "status",
            Self::Error => "error",
            Self::Action => "action",
            Self::Echo => "echo",
            Self::History => "history",
            Self::ContactSync => "contact_sync",
            Self::Preference => "preference",
            Self::Change => "change",
            Self::Unreadable => "unreadable",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for Kind {
    fn from(name: &str) -> Self {
        match name {
            "message" => Self::Message,
            "status" => Self::Status,
            "error" => Self::Error,
            "action" => Self::Action,
            "echo" => Self::Echo,
            "history" => Self::History,
            "contact_sync" => Self::ContactSync,
            "preference" => Self::Preference,
            "change" => Self::Change,
            "unreadable" => Self::Unreadable,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer).map(|name| Self::from(&*name))
    }
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    at: Timestamp,
    #[serde(borrow)]
    entry: Cow<'a, str>,
    #[serde(default)]
    time: Option<i64>,
    #[serde(borrow)]
    field: Cow<'a, str>,
    #[serde(default, borrow)]
    number: Option<Borrowed<'a>>,
    #[serde(default, borrow)]
    display: Option<Borrowed<'a>>,
    #[serde(default)]
    released: bool,
    #[serde(borrow)]
    units: Vec<UnitBody<'a>>,
}

/// serde borrows inside an `Option` only what says so itself.
#[derive(Deserialize)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct UnitBody<'a> {
    kind: Kind,
    #[serde(default, borrow, deserialize_with = "present")]
    raw: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    contact: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    thread: Option<&'a RawValue>,
    #[serde(default)]
    blob: Option<Elsewhere>,
}

impl<'a> UnitBody<'a> {
    fn packed(self) -> Result<Packed<'a>, Unparsable> {
        match (self.raw, self.blob) {
            (Some(raw), _) => {
                Ok(Packed::Here(Unit { kind: self.kind, raw, contact: self.contact, thread: self.thread }))
            }
            (None, Some(elsewhere)) => Ok(Packed::Elsewhere(elsewhere)),
            (None, None) => Err(Unparsable::Empty),
        }
    }
}

/// `null` is a unit like any other where it stands for one.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// The group of what concerns `who` at one number.
pub fn group_of(number: &str, who: &str) -> String {
    let mut id = hex::sha256(format!("{number}\0{who}").as_bytes());
    id.truncate(2 * GROUP_BYTES);
    id
}

/// The group of what concerns no number: the WABA's, or whatever the entry is about.
pub fn group_of_entry(entry: &str) -> String {
    group_of("waba", entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut packing = Packing::new("2026-11-21T06:00:00.123Z".parse().unwrap());
        let heading = Subject {
            entry: "102",
            time: Some(1_739_321_024),
            field: "messages",
            number: Some("106"),
            display: Some("1555\u{FFFE}"),
        }
        .heading();
        let contact = raw(r#"{"wa_id":"1650"}"#);
        packing.add(
            &heading,
            "g",
            &Unit { kind: Kind::Message, raw: raw("{\"a\": \"\u{FFFF}\"}"), contact: Some(contact), thread: None },
        );
        packing.add(
            &heading,
            "g",
            &Unit { kind: Kind::Change, raw: raw("null"), contact: None, thread: Some(raw("{}")) },
        );
        let (parcels, oversized) = packing.finish();

        assert!(oversized.is_empty());
        let [parcel] = parcels.as_slice() else { panic!("{parcels:?}") };
        assert_eq!(
            parcel.body,
            r#"{"v":1,"at":1795240800123,"entry":"102","time":1739321024,"field":"messages","number":"106","display":"1555\ufffe","units":[{"kind":"message","raw":{"a": "\uffff"},"contact":{"wa_id":"1650"}},{"kind":"change","raw":null,"thread":{}}]}"#
        );
        let envelope = Envelope::parse(&parcel.body).unwrap();
        assert_eq!(envelope.at.as_millisecond(), 1_795_240_800_123);
        assert_eq!(
            (
                &*envelope.entry,
                envelope.time,
                &*envelope.field,
                envelope.number.as_deref(),
                envelope.display.as_deref()
            ),
            ("102", Some(1_739_321_024), "messages", Some("106"), Some("1555\u{FFFE}"))
        );
        let [Packed::Here(first), Packed::Here(second)] = envelope.units.as_slice() else { panic!("{envelope:?}") };
        assert_eq!((&first.kind, first.raw.get()), (&Kind::Message, r#"{"a": "\uffff"}"#));
        assert_eq!((first.contact.map(RawValue::get), first.thread.map(RawValue::get)), (Some(contact.get()), None));
        assert_eq!((&second.kind, second.raw.get()), (&Kind::Change, "null"));
        assert_eq!(second.thread.map(RawValue::get), Some("{}"));
    }

    #[test]
    fn a_kind_of_the_future_keeps_its_name() {
        let body = r#"{"v":1,"at":0,"entry":"1","field":"f","units":[{"kind":"poll","raw":1,"more":2}],"more":3}"#;
        let envelope = Envelope::parse(body).unwrap();

        let [Packed::Here(unit)] = envelope.units.as_slice() else { panic!("{envelope:?}") };
        assert_eq!((&unit.kind, unit.kind.as_str()), (&Kind::Other("poll".to_owned()), "poll"));
        assert_eq!((envelope.number, envelope.display, envelope.time), (None, None, None));
    }

    #[test]
    fn every_kind_reads_back() {
        for name in "message status error action echo history contact_sync preference change unreadable".split(' ') {
            let kind = Kind::from(name);
            assert!(!matches!(kind, Kind::Other(_)), "{name}");
            assert_eq!(kind.as_str(), name);
        }
    }

    #[test]
    fn a_unit_elsewhere_is_pointed_to() {
        let body = r#"{"v":1,"at":0,"entry":"1","field":"f","units":[{"kind":"message","blob":{"id":"ab","rows":4,"length":9}}]}"#;
        let envelope = Envelope::parse(body).unwrap();

        let [Packed::Elsewhere(elsewhere)] = envelope.units.as_slice() else { panic!("{envelope:?}") };
        assert_eq!(*elsewhere, Elsewhere { id: "ab".to_owned(), rows: 4, length: 9 });
    }

    #[test]
    fn what_is_no_envelope_says_why() {
        let said = |text| Envelope::parse(text).unwrap_err().to_string();

        assert_eq!(said(r#"{"v":2,"units":"?"}"#), "an envelope of version 2, which this code does not know");
        assert_eq!(
            said(r#"{"v":1,"at":0,"entry":"","field":"","units":[{"kind":"message"}]}"#),
            "a unit is neither here nor elsewhere"
        );
        assert!(said("{}").starts_with("not an envelope: missing field `v`"));
        assert!(said("").starts_with("not an envelope: EOF"));
    }

    #[test]
    fn groups_are_of_one_person_at_one_number() {
        assert_eq!(group_of("106540352242922", "16505551234"), "7cb257a1e3ace63570b93e096463c627");
        assert_ne!(group_of("1", "23"), group_of("12", "3"));
    }
}
