//! Packs the units of one delivery into messages for the queue: one group's units together, in order, split by size.

use std::{collections::HashMap, fmt::Write as _, ops::Range};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Elsewhere, Envelope, Packed, Unit, VERSION};
use crate::domain::{hex, record::Parcel};

/// A queue message is filled up to here: consumers take ten at a time, and a Lambda event holds 6 MB.
const FULL: usize = 256 * 1024;
/// A unit above this is kept elsewhere: SQS takes 1 MiB, but a unit that has to be parked is an item of DynamoDB, which
/// holds 400 KB.
pub const LARGEST_UNIT: usize = 300 * 1024;
/// Of an oversized unit's text in one row: an item of DynamoDB holds 400 KB, and not every text deflates.
const ROW: usize = 350_000;

/// A unit that must lie in its rows before the parcel that points to it may be sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Oversized {
    pub id: String,
    text: String,
}

/// What all units of an envelope have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    pub entry: &'a str,
    pub time: Option<i64>,
    pub field: &'a str,
    pub number: Option<&'a str>,
    pub display: Option<&'a str>,
}

/// A subject as envelopes write it.
#[derive(Debug)]
pub struct Heading(String);

#[derive(Debug)]
pub struct Packing {
    at: Timestamp,
    drafts: Vec<Draft>,
    /// The last draft of each group.
    open: HashMap<String, usize>,
    oversized: Vec<Oversized>,
}

/// A parcel that is being filled.
#[derive(Debug)]
struct Draft {
    group: String,
    body: String,
    /// Where in the body the heading stands.
    heading: Range<usize>,
}

impl Packing {
    pub fn new(at: Timestamp) -> Self {
        Self { at, drafts: Vec::new(), open: HashMap::new(), oversized: Vec::new() }
    }

    /// Puts the unit behind those of its group.
    pub fn add(&mut self, heading: &Heading, group: &str, unit: &Unit<'_>) {
        let mut text = written(unit);
        if text.len() > LARGEST_UNIT {
            let oversized = Oversized { id: hex::sha256(text.as_bytes()), text };
            text = pointer(unit, &oversized);
            self.oversized.push(oversized);
        }
        if let Some(&open) = self.open.get(group)
            && let Some(draft) = self.drafts.get_mut(open)
            && draft.takes(heading, &text)
        {
            draft.body.push(',');
            draft.body.push_str(&text);
            return;
        }
        self.open.insert(group.to_owned(), self.drafts.len());
        self.drafts.push(Draft::new(group, self.at, heading, &text));
    }

    /// The parcels, those of one group in order, and what must be stored before them.
    pub fn finish(self) -> (Vec<Parcel>, Vec<Oversized>) {
        (self.drafts.into_iter().map(Draft::finish).collect(), self.oversized)
    }
}

impl Draft {
    fn new(group: &str, at: Timestamp, heading: &Heading, unit: &str) -> Self {
        let mut body = String::with_capacity(unit.len() + heading.0.len() + 64);
        let _ = write!(body, r#"{{"v":{VERSION},"at":{},"#, at.as_millisecond());
        let start = body.len();
        body.push_str(&heading.0);
        let heading = start..body.len();
        body.push_str(r#","units":["#);
        body.push_str(unit);
        Self { group: group.to_owned(), body, heading }
    }

    fn takes(&self, heading: &Heading, unit: &str) -> bool {
        self.body.len() + unit.len() < FULL && self.body[self.heading.clone()] == heading.0
    }

    fn finish(mut self) -> Parcel {
        self.body.push_str("]}");
        // Not `at`: what Meta repeats comes at another time.
        let said = &self.body[self.heading.start..];
        let hash = Sha256::new().chain_update(&self.group).chain_update([0]).chain_update(said).finalize();
        Parcel { deduplication: hex::encode(&hash), group: self.group, body: self.body }
    }
}

impl Envelope<'_> {
    /// The body of a message with these units and, by their ids, the texts of those that lie elsewhere.
    pub fn gathered(&self, texts: &HashMap<String, String>) -> String {
        let text_of = |unit: &Packed<'_>| match unit {
            Packed::Here(unit) => Some(written(unit)),
            Packed::Elsewhere(elsewhere) => texts.get(&elsewhere.id).cloned(),
        };
        let units: Vec<String> = self.units.iter().filter_map(text_of).collect();
        let body = Draft::new("", self.at, &self.heading(), &units.join(",")).finish().body;
        if self.released { released(&body) } else { body }
    }

    /// The body of a message with that one unit, as it is: here or elsewhere.
    pub fn alone(&self, unit: &Packed<'_>) -> String {
        let text = match unit {
            Packed::Here(unit) => written(unit),
            Packed::Elsewhere(elsewhere) => serde_json::json!({ "kind": "elsewhere", "blob": elsewhere }).to_string(),
        };
        Draft::new("", self.at, &self.heading(), &text).finish().body
    }

    /// What its units have in common.
    pub fn heading(&self) -> Heading {
        Subject::of(self).heading()
    }
}

/// The same body, as an operator lets it out of where it was parked.
pub fn released(body: &str) -> String {
    match body.strip_prefix('{') {
        Some(rest) => format!(r#"{{"released":true,{rest}"#),
        None => body.to_owned(),
    }
}

impl Oversized {
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.text.as_bytes().chunks(ROW)
    }

    fn pointer(&self) -> Elsewhere {
        Elsewhere { id: self.id.clone(), rows: self.rows().count(), length: self.text.len() }
    }
}

impl Subject<'_> {
    fn of<'a>(envelope: &'a Envelope<'_>) -> Subject<'a> {
        Subject {
            entry: &envelope.entry,
            time: envelope.time,
            field: &envelope.field,
            number: envelope.number.as_deref(),
            display: envelope.display.as_deref(),
        }
    }

    pub fn heading(&self) -> Heading {
        let mut text = format!(r#""entry":{}"#, quoted(self.entry));
        if let Some(time) = self.time {
            let _ = write!(text, r#","time":{time}"#);
        }
        for (name, value) in [("field", Some(self.field)), ("number", self.number), ("display", self.display)] {
            if let Some(value) = value {
                let _ = write!(text, r#","{name}":{}"#, quoted(value));
            }
        }
        Heading(text)
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    push_clean(&mut quoted, &serde_json::Value::from(text).to_string());
    quoted
}

fn written(unit: &Unit<'_>) -> String {
    let size = [Some(unit.raw), unit.contact, unit.thread].iter().flatten().map(|part| part.get().len()).sum::<usize>();
    let mut text = String::with_capacity(size + 80);
    text.push_str(r#"{"kind":"#);
    text.push_str(&quoted(unit.kind.as_str()));
    for (name, part) in [("raw", Some(unit.raw)), ("contact", unit.contact), ("thread", unit.thread)] {
        if let Some(part) = part {
            let _ = write!(text, r#","{name}":"#);
            push_clean(&mut text, part.get());
        }
    }
    text.push('}');
    text
}

fn pointer(unit: &Unit<'_>, oversized: &Oversized) -> String {
    serde_json::json!({ "kind": unit.kind.as_str(), "blob": oversized.pointer() }).to_string()
}

/// Appends JSON, with the two characters that JSON allows and SQS refuses escaped. (It refuses control characters, too,
/// but in JSON they are escaped already. See `SendMessage` in the SQS API reference.)
fn push_clean(text: &mut String, json: &str) {
    let mut rest = json;
    while let Some(found) = first_refused(rest) {
        let (clean, refused) = rest.split_at(found);
        text.push_str(clean);
        text.push_str(if refused.starts_with('\u{FFFE}') { r"\ufffe" } else { r"\uffff" });
        rest = &refused['\u{FFFE}'.len_utf8()..];
    }
    text.push_str(rest);
}

fn first_refused(text: &str) -> Option<usize> {
    let (one, other) = (text.find('\u{FFFE}'), text.find('\u{FFFF}'));
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::domain::envelope::Kind;

    const SUBJECT: Subject<'static> =
        Subject { entry: "102", time: None, field: "messages", number: Some("106"), display: None };

    fn text_of(length: usize) -> Box<RawValue> {
        RawValue::from_string(format!("\"{}\"", "x".repeat(length))).unwrap()
    }

    fn unit(raw: &RawValue) -> Unit<'_> {
        Unit { kind: Kind::Message, raw, contact: None, thread: None }
    }

    fn parcels(units: &[(&Subject<'_>, &str, &RawValue)]) -> Vec<Parcel> {
        let mut packing = Packing::new(Timestamp::UNIX_EPOCH);
        for (subject, group, raw) in units {
            packing.add(&subject.heading(), group, &unit(raw));
        }
        packing.finish().0
    }

    fn raws(parcel: &Parcel) -> Vec<String> {
        let here = |unit| match unit {
            Packed::Here(unit) => unit.raw.get().to_owned(),
            Packed::Elsewhere(elsewhere) => panic!("{elsewhere:?}"),
        };
        Envelope::parse(&parcel.body).unwrap().units.into_iter().map(here).collect()
    }

    #[test]
    fn units_of_one_group_share_a_message_in_their_order() {
        let [one, two, three] = ["1", "2", "3"].map(|text| RawValue::from_string(text.to_owned()).unwrap());
        let parcels = parcels(&[(&SUBJECT, "a", &one), (&SUBJECT, "b", &two), (&SUBJECT, "a", &three)]);

        let seen: Vec<_> = parcels.iter().map(|parcel| (parcel.group.as_str(), raws(parcel))).collect();
        assert_eq!(seen, [("a", vec!["1".to_owned(), "3".to_owned()]), ("b", vec!["2".to_owned()])]);
    }

    #[test]
    fn what_is_of_another_field_follows_in_a_message_of_its_own() {
        let [one, two, three] = ["1", "2", "3"].map(|text| RawValue::from_string(text.to_owned()).unwrap());
        let echoes = Subject { field: "smb_message_echoes", ..SUBJECT };
        let parcels = parcels(&[(&SUBJECT, "a", &one), (&echoes, "a", &two), (&SUBJECT, "a", &three)]);

        assert_eq!(parcels.iter().flat_map(raws).collect::<Vec<_>>(), ["1", "2", "3"]);
    }

    #[test]
    fn a_full_message_is_followed_by_the_next() {
        let large = text_of(100 * 1024);
        let parcels = parcels(&[(&SUBJECT, "a", &*large); 5]);

        assert_eq!(parcels.iter().map(|parcel| raws(parcel).len()).collect::<Vec<_>>(), [2, 2, 1]);
        assert!(parcels.iter().all(|parcel| parcel.body.len() <= FULL + 2));
    }

    #[test]
    fn a_repetition_has_the_same_deduplication_id_and_nothing_else_has() {
        let [one, two] = ["1", "2"].map(|text| RawValue::from_string(text.to_owned()).unwrap());
        let mut later = Packing::new("2026-01-01T00:00:00Z".parse().unwrap());
        later.add(&SUBJECT.heading(), "a", &unit(&one));
        let repeated = &later.finish().0[0].deduplication;

        let id = |subject: &Subject<'_>, group, raw| parcels(&[(subject, group, raw)])[0].deduplication.clone();
        assert_eq!(id(&SUBJECT, "a", &one), *repeated);
        assert_eq!(repeated.len(), 64);
        for other in [
            id(&SUBJECT, "b", &one),
            id(&SUBJECT, "a", &two),
            id(&Subject { time: Some(1), ..SUBJECT }, "a", &one),
            id(&Subject { entry: "103", ..SUBJECT }, "a", &one),
        ] {
            assert_ne!(other, *repeated);
        }
    }

    #[test]
    fn a_unit_above_the_limit_lies_elsewhere() {
        let large = text_of(1_200_000);
        let mut packing = Packing::new(Timestamp::UNIX_EPOCH);
        packing.add(&SUBJECT.heading(), "a", &unit(&large));
        let (parcels, oversized) = packing.finish();

        let [oversized] = oversized.as_slice() else { panic!("{} blobs", oversized.len()) };
        let text = String::from_utf8(oversized.rows().collect::<Vec<_>>().concat()).unwrap();
        let read = Unit::parse(&text).unwrap();
        assert_eq!((&read.kind, read.raw.get() == large.get()), (&Kind::Message, true));
        assert_eq!(oversized.id, hex::sha256(text.as_bytes()));
        let envelope = Envelope::parse(&parcels[0].body).unwrap();
        let [Packed::Elsewhere(pointer)] = envelope.units.as_slice() else { panic!("{envelope:?}") };
        assert_eq!(*pointer, Elsewhere { id: oversized.id.clone(), rows: 4, length: text.len() });
    }

    #[test]
    fn refused_characters_are_escaped_wherever_they_stand() {
        let mut text = String::new();
        push_clean(&mut text, "\"a\u{FFFF}b\u{FFFE}\u{FFFE}\u{FFFD}é\"");
        assert_eq!(text, "\"a\\uffffb\\ufffe\\ufffe\u{FFFD}é\"");
    }
}
