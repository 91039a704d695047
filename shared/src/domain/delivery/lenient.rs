//! Reading Meta's JSON where a fact may be missing or of another type, and neither may cost the rest. Nothing here makes
//! a tree of it.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// No id and no name of a field is as long.
const LONGEST: usize = 256;

/// A text, or a number written out. Anything else, and what is too long for a name, is none.
#[derive(Debug, Clone, Default)]
pub(super) struct Text<'a>(Option<Cow<'a, str>>);

/// The members of an object, in their order.
#[derive(Debug, Default)]
pub(super) struct Members<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

/// What is in a list. Something else in its place counts as a list of it, and `null` as an empty one.
pub(super) fn list(raw: &RawValue) -> Vec<&RawValue> {
    match serde_json::from_str(raw.get()) {
        Ok(list) => list,
        Err(_) if raw.get() == "null" => Vec::new(),
        Err(_) => vec![raw],
    }
}

/// An object whose type is another than it should be says nothing.
pub(super) fn read<'a, T: Deserialize<'a> + Default>(raw: &'a RawValue) -> T {
    object(raw.get()).unwrap_or_default()
}

/// serde would take a list for the members in their order.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    text.trim_ascii_start().starts_with('{').then(|| serde_json::from_str(text).ok()).flatten()
}

impl<'a> Text<'a> {
    pub(super) fn read(raw: &'a RawValue) -> Self {
        serde_json::from_str(raw.get()).unwrap_or_default()
    }

    pub(super) fn as_deref(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| is_name(text))
    }

    pub(super) fn into_inner(self) -> Option<Cow<'a, str>> {
        self.0.filter(|text| is_name(text))
    }

    pub(super) fn or_empty(&self) -> &str {
        self.as_deref().unwrap_or_default()
    }
}

impl<'a> Members<'a> {
    pub(super) fn find(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, raw)| *raw)
    }

    /// The members of an object among these, which then is there no longer. What is no object stays.
    pub(super) fn take_object(&mut self, name: &str) -> Self {
        let found = self.0.iter().position(|(known, _)| known == name);
        let object = found.and_then(|at| Some((at, object(self.0[at].1.get())?)));
        object.map_or_else(Self::default, |(at, object)| {
            self.0.remove(at);
            object
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Self)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(number.to_string())))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

struct MembersVisitor;

/// A member's name: serde borrows inside a tuple only what says so itself.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut seen = Vec::new();
        while let Some((Name(name), raw)) = members.next_entry()? {
            seen.push((name, raw));
        }
        Ok(seen)
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST
}
