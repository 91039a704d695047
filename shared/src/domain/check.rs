//! The parts of a body, each with its place in it, and what is found wrong with them: a rule is a function of a part.
//!
//! A null is as good as absent. Lengths are counted in Unicode scalar values.

use std::{cell::RefCell, collections::HashSet};

use serde_json::Value;

use crate::domain::violation::Violation;

/// More are not told: nobody reads them, and a body can have a million.
const MOST_TOLD: usize = 100;

/// No limit.
pub(super) const ANY: usize = usize::MAX;

#[derive(Debug, Default)]
pub(super) struct Findings(RefCell<Vec<Violation>>);

#[derive(Debug, Clone)]
pub(super) struct Part<'a> {
    pub(super) value: &'a Value,
    pointer: String,
    findings: &'a Findings,
}

impl Findings {
    pub(super) fn all(self) -> Vec<Violation> {
        self.0.into_inner()
    }

    fn have_room(&self) -> bool {
        self.0.borrow().len() < MOST_TOLD
    }

    fn add(&self, pointer: String, detail: String) {
        let found = Violation { pointer, detail };
        if self.have_room() && !self.0.borrow().contains(&found) {
            self.0.borrow_mut().push(found);
        }
    }
}

impl<'a> Part<'a> {
    /// The whole of what is checked, which stands at this place.
    pub(super) fn whole(value: &'a Value, pointer: &str, findings: &'a Findings) -> Self {
        Self { value, pointer: pointer.to_owned(), findings }
    }

    /// A member, if it is there.
    pub(super) fn get(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Self { value, pointer: self.below(name), findings: self.findings })
    }

    /// A member that must be there.
    pub(super) fn need<R>(&self, name: &str, rule: impl Fn(&Self) -> R) -> Option<Self> {
        let member = self.may(name, rule);
        if member.is_none() && self.value.is_object() {
            self.wrong_at(name, "is required");
        }
        member
    }

    /// A member that may be there.
    pub(super) fn may<R>(&self, name: &str, rule: impl Fn(&Self) -> R) -> Option<Self> {
        if !self.value.is_object() {
            self.wrong("must be an object");
        }
        let member = self.get(name)?;
        rule(&member);
        Some(member)
    }

    /// The members of a list. What is no list has none.
    pub(super) fn items(&self) -> impl Iterator<Item = Self> + use<'a> {
        let (pointer, findings) = (self.pointer.clone(), self.findings);
        let items = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().enumerate().map(move |(index, value)| Self {
            value,
            pointer: format!("{pointer}/{index}"),
            findings,
        })
    }

    /// The members of an object, with their names.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'a str, Self)> {
        let members = self.value.as_object().into_iter().flatten();
        members.map(|(name, value)| (name.as_str(), Self { value, pointer: self.below(name), findings: self.findings }))
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// A text, or what somebody's language wrote without quotes.
    pub(super) fn scalar(&self) -> Option<String> {
        match self.value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// The name of a kind under `name`: Meta takes them in any case.
    pub(super) fn kind(&self, name: &str) -> Option<String> {
        self.need(name, filled)?.text().map(str::to_ascii_lowercase)
    }

    pub(super) fn wrong(&self, detail: impl Into<String>) {
        self.findings.add(self.pointer.clone(), detail.into());
    }

    /// Something is wrong with a member, or with there being none.
    pub(super) fn wrong_at(&self, name: &str, detail: impl Into<String>) {
        self.findings.add(self.below(name), detail.into());
    }

    fn below(&self, name: &str) -> String {
        format!("{}/{}", self.pointer, name.replace('~', "~0").replace('/', "~1"))
    }
}

/// A text of 1 to so many characters.
pub(super) fn text(longest: usize) -> impl Fn(&Part<'_>) {
    move |part| check_text(part, part.text(), 1, longest)
}

/// A text of at most so many characters.
pub(super) fn maybe_text(longest: usize) -> impl Fn(&Part<'_>) {
    move |part| check_text(part, part.text(), 0, longest)
}

/// A text of any length but none.
pub(super) fn filled(part: &Part<'_>) {
    check_text(part, part.text(), 1, ANY);
}

/// As [`text`], and numbers and truths are texts too: Meta's own examples have them.
pub(super) fn scalar(longest: usize) -> impl Fn(&Part<'_>) {
    move |part| check_text(part, part.scalar().as_deref(), 1, longest)
}

fn check_text(part: &Part<'_>, text: Option<&str>, least: usize, most: usize) {
    match text.map(|text| text.chars().count()) {
        None => part.wrong("must be a text"),
        Some(length) if length < least => part.wrong("must not be empty"),
        Some(length) if length > most => part.wrong(format!("must have at most {most} characters, it has {length}")),
        Some(_) => {}
    }
}

/// This word and no other.
pub(super) fn word(expected: &'static str) -> impl Fn(&Part<'_>) {
    move |part| {
        if part.text() != Some(expected) {
            part.wrong(format!("must be \"{expected}\""));
        }
    }
}

pub(super) fn flag(part: &Part<'_>) {
    if !part.scalar().is_some_and(|text| matches!(text.as_str(), "true" | "false")) {
        part.wrong("must be true or false");
    }
}

/// A number from and to, both included. It may be written as a text.
pub(super) fn number(least: f64, most: f64) -> impl Fn(&Part<'_>) {
    move |part| match part.scalar().and_then(|text| text.parse::<f64>().ok()) {
        Some(number) if (least..=most).contains(&number) => {}
        Some(_) => part.wrong(format!("must be from {least} to {most}")),
        None => part.wrong("must be a number"),
    }
}

/// A whole number from and to, both included. It may be written as a text.
pub(super) fn whole(least: u64, most: u64) -> impl Fn(&Part<'_>) {
    move |part| match part.scalar().and_then(|text| text.parse::<u64>().ok()) {
        Some(number) if (least..=most).contains(&number) => {}
        _ if most == u64::MAX => part.wrong(format!("must be a whole number from {least} up")),
        _ => part.wrong(format!("must be a whole number from {least} to {most}")),
    }
}

/// A list of at least and at most so many.
pub(super) fn each(least: usize, most: usize, rule: impl Fn(&Part<'_>)) -> impl Fn(&Part<'_>) {
    move |part| {
        let Some(list) = part.value.as_array() else { return part.wrong("must be a list") };
        match list.len() {
            count if count < least => part.wrong(format!("must have at least {least}, it has {count}")),
            count if count > most => part.wrong(format!("must have at most {most}, it has {count}")),
            _ => {}
        }
        // Of a list that is too long only the beginning: its length is what is wrong with it.
        part.items().take(most).take_while(|_| part.findings.have_room()).for_each(|item| rule(&item));
    }
}

/// No two of them say the same under this name.
pub(super) fn differ<'a>(parts: impl Iterator<Item = Part<'a>>, name: &str) {
    let mut seen = HashSet::new();
    for part in parts.filter_map(|part| part.get(name)) {
        if part.scalar().is_some_and(|text| !seen.insert(text)) {
            part.wrong("must differ from the others");
        }
    }
}

/// An object, of which nothing more is known.
pub(super) fn object(part: &Part<'_>) {
    if !part.value.is_object() {
        part.wrong("must be an object");
    }
}
