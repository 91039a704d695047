//! Whom a unit is about: what orders it among others, and which of the `contacts[]` beside it describes them.

use std::{borrow::Cow, collections::HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::lenient::{Members, Text, list, read};
use crate::domain::{conversation::phone_variants, envelope::Kind};

/// Stands for nobody: the units of a number that name no person share an order.
const NOBODY: &str = "-";

/// The `contacts[]` of one value, by each name they give.
#[derive(Debug, Default)]
pub(super) struct Contacts<'a>(HashMap<String, Contact<'a>>);

#[derive(Debug, Clone)]
struct Contact<'a> {
    raw: &'a RawValue,
    user: Option<String>,
}

/// The names a unit itself gives to the person, or the group, on the other side.
#[derive(Debug, Default)]
pub(super) struct Person<'a> {
    group: Option<Cow<'a, str>>,
    user: Option<Cow<'a, str>>,
    phone: Option<Cow<'a, str>>,
}

/// Each name that units of any kind give.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Names<'a> {
    #[serde(borrow)]
    group_id: Text<'a>,
    #[serde(borrow)]
    from: Text<'a>,
    #[serde(borrow)]
    from_user_id: Text<'a>,
    #[serde(borrow)]
    to: Text<'a>,
    #[serde(borrow)]
    to_user_id: Text<'a>,
    #[serde(borrow)]
    recipient_id: Text<'a>,
    #[serde(borrow)]
    recipient_user_id: Text<'a>,
    #[serde(borrow)]
    recipient_type: Text<'a>,
    #[serde(borrow)]
    wa_id: Text<'a>,
    #[serde(borrow)]
    user_id: Text<'a>,
    #[serde(borrow)]
    phone_number: Text<'a>,
}

impl<'a> Contacts<'a> {
    pub(super) fn read(raw: Option<&'a RawValue>) -> Self {
        let mut contacts = HashMap::new();
        for raw in raw.map(list).unwrap_or_default() {
            let names: Names<'_> = read(raw);
            let contact = Contact { raw, user: names.user_id.as_deref().map(str::to_owned) };
            for name in [&names.wa_id, &names.user_id].into_iter().filter_map(Text::as_deref) {
                contacts.entry(name.to_owned()).or_insert_with(|| contact.clone());
            }
        }
        Self(contacts)
    }

    fn of(&self, person: &Person<'_>) -> Option<&Contact<'a>> {
        if self.0.is_empty() {
            return None;
        }
        let user = person.user.as_ref().and_then(|user| self.0.get(&**user));
        user.or_else(|| {
            let phone = person.phone.as_deref()?;
            // A country's numbers may be written one way here and another there.
            self.0.get(phone).or_else(|| phone_variants(phone).iter().find_map(|variant| self.0.get(variant)))
        })
    }

    /// What orders the person's units among those of the number, and the contact that describes them.
    pub(super) fn place(&self, person: &Person<'_>) -> (String, Option<&'a RawValue>) {
        let contact = self.of(person);
        let user = person.user.as_deref().or_else(|| contact.and_then(|contact| contact.user.as_deref()));
        let who = match (&person.group, user, &person.phone) {
            (Some(group), _, _) => format!("g:{group}"),
            (None, Some(user), _) => user.to_owned(),
            (None, None, Some(phone)) => phone.chars().filter(char::is_ascii_digit).collect(),
            (None, None, None) => NOBODY.to_owned(),
        };
        (who, contact.map(|contact| contact.raw))
    }
}

impl<'a> Person<'a> {
    /// Whom the unit names. `display` is the business's own number.
    pub(super) fn of(kind: &Kind, raw: &'a RawValue, display: Option<&str>) -> Self {
        let names: Names<'a> = match kind {
            Kind::ContactSync => read::<Members<'a>>(raw).find("contact").map(read).unwrap_or_default(),
            _ => read(raw),
        };
        let (group, user, phone) = match kind {
            Kind::Status if names.recipient_type.as_deref() == Some("group") => {
                return Self { group: names.recipient_id.into_inner(), ..Self::default() };
            }
            Kind::Status => (Text::default(), names.recipient_user_id, names.recipient_id),
            Kind::Echo => (names.group_id, names.to_user_id, names.to),
            // What the business wrote, among what was written to it.
            Kind::History if display.is_some() && names.from.as_deref() == display => {
                (names.group_id, names.to_user_id, names.to)
            }
            Kind::Preference => (Text::default(), names.user_id, names.wa_id),
            Kind::ContactSync => (Text::default(), names.user_id, names.phone_number),
            _ => (names.group_id, names.from_user_id, names.from),
        };
        Self { group: group.into_inner(), user: user.into_inner(), phone: phone.into_inner() }
    }

    /// Whom a thread of a phone's history is with.
    pub(super) fn of_thread(thread: &Members<'a>) -> Self {
        let context: Names<'a> = thread.find("context").map(read).unwrap_or_default();
        let id = thread.find("id").map(Text::read).unwrap_or_default();
        let phone = context.wa_id.into_inner().or_else(|| id.into_inner());
        Self { group: None, user: context.user_id.into_inner(), phone }
    }
}
