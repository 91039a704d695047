//! Typed access to the evaluated properties of a resource; every error names its place.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Error, join};

/// A map of the template together with where it stands.
#[derive(Debug, Clone)]
pub(super) struct Properties<'a> {
    pub(super) place: String,
    values: &'a Map<String, Value>,
}

impl<'a> Properties<'a> {
    pub(super) fn new(place: impl Into<String>, value: &'a Value) -> Result<Self, Error> {
        let place = place.into();
        match value.as_object() {
            Some(values) => Ok(Self { place, values }),
            None => Err(Error::new(&place, "must be a map")),
        }
    }

    pub(super) fn raw(&self, name: &str) -> Option<&'a Value> {
        self.values.get(name)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a String, String, &'a Value)> + '_ {
        self.values.iter().map(|(name, value)| (name, join(&self.place, name), value))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Error> {
        match self.raw(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
            Some(_) => Err(self.wrong(name, "must be a text")),
        }
    }

    pub(super) fn needed_text(&self, name: &str) -> Result<String, Error> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// Numbers arrive as numbers or, through parameters, as text.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Error> {
        let parse =
            |text: String| text.parse().map_err(|_| self.wrong(name, &format!("{text} is not a fitting number")));
        self.text(name)?.map(parse).transpose()
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Error> {
        match self.text(name)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(self.wrong(name, "must be true or false")),
        }
    }

    pub(super) fn list(&self, name: &str) -> Result<Vec<(String, &'a Value)>, Error> {
        match self.raw(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                let place = join(&self.place, name);
                Ok(items.iter().enumerate().map(|(index, item)| (format!("{place}[{index}]"), item)).collect())
            }
            Some(_) => Err(self.wrong(name, "must be a list")),
        }
    }

    pub(super) fn maps(&self, name: &str) -> Result<Vec<Properties<'a>>, Error> {
        self.list(name)?.into_iter().map(|(place, value)| Properties::new(place, value)).collect()
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Error> {
        let text = |(place, value): (String, &Value)| match value {
            Value::String(text) => Ok(text.clone()),
            _ => Err(Error::new(&place, "must be a text")),
        };
        self.list(name)?.into_iter().map(text).collect()
    }

    pub(super) fn map(&self, name: &str) -> Result<Option<Properties<'a>>, Error> {
        self.raw(name).map(|value| Properties::new(join(&self.place, name), value)).transpose()
    }

    pub(super) fn text_map(&self, name: &str) -> Result<BTreeMap<String, String>, Error> {
        let Some(map) = self.map(name)? else { return Ok(BTreeMap::new()) };
        map.values.keys().map(|key| Ok((key.clone(), map.needed_text(key)?))).collect()
    }

    /// Refuses what would change behaviour in the cloud but is not done here.
    pub(super) fn refuse(&self, names: &[&str]) -> Result<(), Error> {
        match names.iter().find(|name| self.values.contains_key(**name)) {
            Some(name) => Err(self.wrong(name, "is not supported by the local stack")),
            None => Ok(()),
        }
    }

    pub(super) fn wrong(&self, name: &str, problem: &str) -> Error {
        Error::new(&join(&self.place, name), problem)
    }
}
