//! A template that is about to be handed in.

use serde_json::{Map, Value};

use super::{Key, lint::lint};
use crate::domain::{
    check::{Findings, Part},
    violation::Violation,
};

/// Meta's own body, in which nothing was found that Meta would refuse.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub key: Key,
    pub body: Map<String, Value>,
}

impl Draft {
    /// The template, or what is wrong with it: all of it, up to a hundred things.
    pub fn read(value: Value) -> Result<Self, Vec<Violation>> {
        let findings = Findings::default();
        lint(&Part::whole(&value, "", &findings));
        let found = findings.all();
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let key = || Some(Key { name: text("name")?.parse().ok()?, language: text("language")?.parse().ok()? });
        match (key(), value) {
            (Some(key), Value::Object(body)) if found.is_empty() => Ok(Self { key, body }),
            _ => Err(found),
        }
    }
}
