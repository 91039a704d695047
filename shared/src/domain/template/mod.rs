//! Message templates: what a WABA has of them, as Meta shows it and has told since, and what a message must say to fit one.

mod buttons;
mod definition;
mod draft;
mod fits;
mod lint;
mod parameter;
#[cfg(test)]
mod tests;
mod told;

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::{
    meta_id::{TemplateId, WabaId},
    tenant::TenantId,
};

pub use draft::Draft;
pub use fits::Sent;
pub use parameter::{Filled, Parameter, Place};
pub use told::{FIELDS, Known, Matter, Told};

use definition::Definition;

/// A tenant, and a WABA whose templates it knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Holder {
    pub tenant: TenantId,
    pub waba: WabaId,
}

/// A template is known by its name in a language.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub name: Name,
    pub language: Language,
}

/// Small letters, digits and underscores.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

/// As Meta writes it: `en`, `en_US`, `fil`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(String);

#[derive(Debug, thiserror::Error)]
#[error("a template's name has 1 to 512 small letters, digits and underscores")]
pub struct InvalidName;

#[derive(Debug, thiserror::Error)]
#[error("a template's language is like en, en_US or fil")]
pub struct InvalidLanguage;

const LONGEST_NAME: usize = 512;

/// What is kept of a template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    pub key: Key,
    pub id: TemplateId,
    /// Meta's own fields, by Meta's names.
    pub graph: Map<String, Value>,
    /// When its category became what it is, where it was another before.
    pub category_changed_at: Option<Timestamp>,
    /// When Meta will change it to `correct_category`.
    pub category_changes_at: Option<Timestamp>,
    /// What is known of it since when: older news is no news.
    pub known: BTreeMap<Matter, Known>,
    pub updated_at: Timestamp,
    pub revision: u64,
}

const DELETED: &str = "DELETED";
/// A list of Meta's may not have yet what was made just before it.
const SETTLES_IN: SignedDuration = SignedDuration::from_mins(1);

impl Template {
    /// As Meta shows it. None: it says not what it is.
    pub fn of(graph: Map<String, Value>, at: Timestamp) -> Option<Self> {
        let text = |name: &str| graph.get(name).and_then(Value::as_str);
        let key = Key { name: text("name")?.parse().ok()?, language: text("language")?.parse().ok()? };
        let id = text("id")?.parse().ok()?;
        let known = Matter::ALL.map(|matter| (matter, Known { at, before: None }));
        Some(Self {
            key,
            id,
            graph,
            category_changed_at: None,
            category_changes_at: None,
            known: known.into(),
            updated_at: at,
            revision: 0,
        })
    }

    /// Meta's list has it so. What Meta has told since the list was asked for is newer.
    pub fn is_seen(&mut self, seen: Self, at: Timestamp) {
        if seen.id != self.id {
            if !self.is_newer_than(at) {
                *self = Self { revision: self.revision, ..seen };
            }
            return;
        }
        // Meta's list may have it for a while.
        if self.is_gone() {
            return;
        }
        let category = self.category().map(str::to_owned);
        let mut graph = seen.graph;
        for matter in Matter::ALL {
            if self.known.get(&matter).is_some_and(|known| known.at > at) {
                for field in matter.fields() {
                    match self.graph.get(*field) {
                        Some(value) => drop(graph.insert((*field).to_owned(), value.clone())),
                        None => drop(graph.remove(*field)),
                    }
                }
            } else {
                self.known.insert(matter, Known { at, before: None });
            }
        }
        self.graph = graph;
        if self.category() != category.as_deref() && category.is_some() {
            self.category_changed_at = Some(at);
        }
        if self.graph.get("correct_category").is_none_or(Value::is_null) {
            self.category_changes_at = None;
        }
    }

    /// It was handed in just now: what Meta has told of it since says more than what was handed in.
    pub fn is_made(&mut self, new: &Self) {
        for (field, value) in &new.graph {
            self.graph.entry(field.clone()).or_insert_with(|| value.clone());
        }
        for (matter, known) in &new.known {
            self.known.entry(*matter).or_insert_with(|| known.clone());
        }
    }

    /// Meta's list, asked for at that time, did not have it.
    pub fn is_missed(&mut self, at: Timestamp) {
        if !self.is_gone() && !self.is_newer_than(at - SETTLES_IN) {
            self.is_deleted(at);
        }
    }

    pub fn is_deleted(&mut self, at: Timestamp) {
        self.set("status", DELETED.into());
        self.known.insert(Matter::Status, Known { at, before: None });
    }

    /// Nobody can use it any more. Its row stays for a while, so that late news do not bring it back.
    pub fn is_gone(&self) -> bool {
        self.status() == Some(DELETED)
    }

    pub fn status(&self) -> Option<&str> {
        self.text("status")
    }

    pub fn category(&self) -> Option<&str> {
        self.text("category")
    }

    /// Whether a reader sees no difference.
    pub fn looks_like(&self, other: &Self) -> bool {
        let shown = |template: &Self| (template.id.clone(), template.category_changed_at, template.category_changes_at);
        self.graph == other.graph && shown(self) == shown(other)
    }

    /// Whether it says what another says that was handed in.
    pub fn says(&self, draft: &Draft) -> bool {
        let texts = |components: Option<&Value>| Definition::of(components).texts();
        texts(self.graph.get("components")) == texts(draft.body.get("components"))
    }

    /// What a message must give it. None: Meta has told of the template, and not what is in it.
    pub fn parameters(&self) -> Option<Vec<Parameter>> {
        self.graph.get("components").map(|components| Definition::of(Some(components)).parameters())
    }

    fn is_newer_than(&self, at: Timestamp) -> bool {
        self.known.values().any(|known| known.at > at)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.graph.get(name).and_then(Value::as_str)
    }

    fn set(&mut self, name: &str, value: Value) {
        self.graph.insert(name.to_owned(), value);
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.name.0, self.language.0)
    }
}

impl FromStr for Key {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let (name, language) = text.split_once('#').ok_or(InvalidName)?;
        Ok(Self { name: name.parse()?, language: language.parse().map_err(|_| InvalidName)? })
    }
}

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Language {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let is_of_a_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let is_name = (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(is_of_a_name);
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidName) }
    }
}

impl FromStr for Language {
    type Err = InvalidLanguage;

    fn from_str(text: &str) -> Result<Self, InvalidLanguage> {
        let (language, region) = text.split_once('_').map_or((text, None), |(start, rest)| (start, Some(rest)));
        let is_language = (2..=3).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_region = |region: &str| {
            (2..=4).contains(&region.len())
                && region.starts_with(|first: char| first.is_ascii_uppercase())
                && region.bytes().all(|byte| byte.is_ascii_alphabetic())
        };
        let is_known = is_language && region.is_none_or(is_region);
        if is_known { Ok(Self(text.to_owned())) } else { Err(InvalidLanguage) }
    }
}
