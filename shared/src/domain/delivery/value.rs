//! What one change says: each of its lists is a kind of unit, whatever the field is called.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    lenient::{Members, Text, list, read},
    person::{Contacts, Person},
};
use crate::domain::envelope::{Heading, Kind, Packing, Subject, Unit, group_of, group_of_entry};

/// The fields whose values are lists of what happened to people. Without a name it may be any of them.
const ABOUT_PEOPLE: [&str; 8] = [
    "messages",
    "standby",
    "smb_message_echoes",
    "message_echoes",
    "history",
    "smb_app_state_sync",
    "user_preferences",
    "",
];
/// Says to which number a change belongs, by field: `messaging_handovers` and `account_settings_update` have no metadata.
const NUMBERED: [&str; 3] = ["metadata", "recipient", "phone_number_settings"];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Number<'a> {
    #[serde(borrow)]
    phone_number_id: Text<'a>,
    #[serde(borrow)]
    display_phone_number: Text<'a>,
}

/// One value on its way into parcels.
struct Splitting<'a, 'p> {
    packing: &'p mut Packing,
    heading: Heading,
    contacts: Contacts<'a>,
    entry: &'p str,
    field: &'p str,
    number: Option<&'p str>,
    display: Option<&'p str>,
    units: usize,
    /// What stands beside the units and is none of ours to understand.
    beside: Vec<String>,
}

pub(super) fn split((entry, time): (&str, Option<i64>), field: &str, value: &RawValue, packing: &mut Packing) {
    let mut members: Members<'_> = read(value);
    // One level deeper, while an agent of Meta's answers in the number's name.
    let standby = members.take_object("standby");
    let numbered = NUMBERED.iter().find_map(|name| members.find(name).or_else(|| standby.find(name)));
    let numbered: Number<'_> = numbered.map(read).unwrap_or_default();
    let (number, display) = (numbered.phone_number_id.as_deref(), digits(&numbered.display_phone_number));
    let display = display.as_deref();
    let mut splitting = Splitting {
        heading: Subject { entry, time, field, number, display }.heading(),
        contacts: Contacts::read(members.find("contacts").or_else(|| standby.find("contacts"))),
        units: 0,
        beside: Vec::new(),
        packing,
        entry,
        field,
        number,
        display,
    };
    if ABOUT_PEOPLE.contains(&field) {
        splitting.members(&members);
        splitting.members(&standby);
    }
    if splitting.units == 0 {
        splitting.add_change(value);
    } else {
        splitting.add_beside();
    }
}

fn digits(text: &Text<'_>) -> Option<String> {
    Some(text.as_deref()?.chars().filter(char::is_ascii_digit).collect())
}

impl<'a> Splitting<'a, '_> {
    fn members(&mut self, members: &Members<'a>) {
        let is_history = self.field == "history";
        for (name, raw) in &members.0 {
            let kind = match &**name {
                "messages" | "message_echoes" if is_history => Kind::History,
                "messages" => Kind::Message,
                "message_echoes" => Kind::Echo,
                "statuses" => Kind::Status,
                "errors" => Kind::Error,
                "user_actions" => Kind::Action,
                "state_sync" => Kind::ContactSync,
                "user_preferences" => Kind::Preference,
                "history" => {
                    for chunk in list(raw) {
                        self.add_chunk(chunk);
                    }
                    continue;
                }
                "messaging_product" | "metadata" | "contacts" => continue,
                _ => {
                    self.keep_beside(name, raw);
                    continue;
                }
            };
            for unit in list(raw) {
                let person = Person::of(&kind, unit, self.display);
                self.add(&kind, unit, &person, None);
            }
        }
    }

    /// A piece of a phone's history: threads, or why there are none.
    fn add_chunk(&mut self, raw: &'a RawValue) {
        let chunk: Members<'a> = read(raw);
        let before = self.units;
        for error in chunk.find("errors").map(list).unwrap_or_default() {
            self.add(&Kind::Error, error, &Person::default(), None);
        }
        for thread in chunk.find("threads").map(list).unwrap_or_default() {
            self.add_thread(&read(thread), chunk.find("metadata"));
        }
        if self.units == before {
            self.beside.push(format!(r#"{{"history":[{}]}}"#, raw.get()));
        }
    }

    fn add_thread(&mut self, thread: &Members<'a>, metadata: Option<&RawValue>) {
        let person = Person::of_thread(thread);
        let around = around(thread, metadata);
        for message in thread.find("messages").map(list).unwrap_or_default() {
            self.add(&Kind::History, message, &person, around.as_deref());
        }
    }

    fn add(&mut self, kind: &Kind, raw: &RawValue, person: &Person<'_>, thread: Option<&RawValue>) {
        let (who, contact) = self.contacts.place(person);
        self.units += 1;
        self.pack(&who, &Unit { kind: kind.clone(), raw, contact, thread });
    }

    /// A scalar or an empty list says nothing that happened.
    fn keep_beside(&mut self, name: &str, raw: &RawValue) {
        if raw.get().starts_with(['{', '[']) && !matches!(raw.get(), "{}" | "[]") {
            self.beside.push(format!("{{{}:{}}}", serde_json::Value::from(name), raw.get()));
        }
    }

    fn add_beside(&mut self) {
        for text in std::mem::take(&mut self.beside) {
            // It is made of JSON, so this cannot fail.
            if let Ok(raw) = RawValue::from_string(text) {
                self.add_change(&raw);
            }
        }
    }

    fn add_change(&mut self, raw: &RawValue) {
        let who = format!("f:{}", self.field);
        self.pack(&who, &Unit { kind: Kind::Change, raw, contact: None, thread: None });
    }

    fn pack(&mut self, who: &str, unit: &Unit<'_>) {
        let group = self.number.map_or_else(|| group_of_entry(self.entry), |number| group_of(number, who));
        self.packing.add(&self.heading, &group, unit);
    }
}

/// The thread without its messages.
fn around(thread: &Members<'_>, metadata: Option<&RawValue>) -> Option<Box<RawValue>> {
    let mut text = String::from("{");
    let own = thread.0.iter().filter(|(name, _)| name != "messages").map(|(name, raw)| (&**name, *raw));
    for (name, raw) in own.chain(metadata.map(|raw| ("metadata", raw))) {
        if text.len() > 1 {
            text.push(',');
        }
        let _ = write!(text, "{}:{}", serde_json::Value::from(name), raw.get());
    }
    text.push('}');
    RawValue::from_string(text).ok()
}
