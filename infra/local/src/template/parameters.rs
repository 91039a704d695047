//! Template parameters: declared types and rules, defaults, and what `--param` gives.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::{Error, join};

/// The values of all parameters, as `Ref` sees them. `Debug` shows no value: some are secrets.
#[derive(Clone)]
pub(super) struct Parameters {
    values: BTreeMap<String, Value>,
}

impl Parameters {
    pub(super) fn read(declared: Option<&Value>, given: &BTreeMap<String, String>) -> Result<Self, Error> {
        let nothing = Map::new();
        let declared = match declared {
            None => &nothing,
            Some(Value::Object(declared)) => declared,
            Some(_) => return Err(Error::new("Parameters", "must be a map")),
        };
        if let Some(stranger) = given.keys().find(|name| !declared.contains_key(*name)) {
            return Err(Error::new(
                &join("Parameters", stranger),
                "given by --param, but the template declares no such",
            ));
        }
        let values = declared
            .iter()
            .map(|(name, declaration)| {
                let place = join("Parameters", name);
                Ok((name.clone(), Declaration { place, body: declaration }.value(given.get(name))?))
            })
            .collect::<Result<_, Error>>()?;
        Ok(Self { values })
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}

struct Declaration<'a> {
    place: String,
    body: &'a Value,
}

impl Declaration<'_> {
    fn value(&self, given: Option<&String>) -> Result<Value, Error> {
        let raw = match given {
            Some(given) => given.clone(),
            None => self
                .field("Default")
                .map(as_text)
                .ok_or_else(|| self.wrong("has no default: give it by --param Name=value"))?,
        };
        self.check_length(&raw)?;
        match self.field("Type").and_then(Value::as_str) {
            Some("String") => self.checked(raw.clone(), &raw).map(Value::String),
            Some("Number") => {
                self.check_number(&raw)?;
                self.checked(raw.clone(), &raw).map(Value::String)
            }
            Some("CommaDelimitedList") => self.list(&raw),
            Some("List<Number>") => {
                for item in raw.split(',') {
                    self.check_number(item.trim())?;
                }
                self.list(&raw)
            }
            Some(other) => Err(self.wrong(&format!("type {other} is not known here"))),
            None => Err(self.wrong("has no Type")),
        }
    }

    fn list(&self, raw: &str) -> Result<Value, Error> {
        let items = raw.split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(|item| self.checked(Value::from(item), item)).collect::<Result<_, _>>().map(Value::Array)
    }

    /// Of a list, each item is held to the rules.
    fn checked<T>(&self, value: T, raw: &str) -> Result<T, Error> {
        self.check_pattern(raw)?;
        match self.field("AllowedValues").and_then(Value::as_array) {
            Some(allowed) if !allowed.iter().any(|one| as_text(one) == raw) => {
                let allowed = allowed.iter().map(as_text).collect::<Vec<_>>().join(", ");
                Err(self.wrong(&format!("must be one of {allowed}")))
            }
            _ => Ok(value),
        }
    }

    fn check_pattern(&self, raw: &str) -> Result<(), Error> {
        let Some(pattern) = self.field("AllowedPattern").and_then(Value::as_str) else { return Ok(()) };
        // CloudFormation matches the whole value, anchored or not.
        let whole = regex_lite::Regex::new(&format!("^(?:{pattern})$"))
            .map_err(|problem| self.wrong(&format!("AllowedPattern: {problem}")))?;
        if whole.is_match(raw) {
            return Ok(());
        }
        let reason = self.field("ConstraintDescription").map_or_else(|| format!("must match {pattern}"), as_text);
        Err(self.wrong(&reason))
    }

    fn check_length(&self, raw: &str) -> Result<(), Error> {
        let length = raw.chars().count() as u64;
        let bound = |name| self.field(name).map(as_text).and_then(|text| text.parse::<u64>().ok());
        match (bound("MinLength"), bound("MaxLength")) {
            (Some(least), _) if length < least => Err(self.wrong(&format!("must have at least {least} characters"))),
            (_, Some(most)) if length > most => Err(self.wrong(&format!("must have at most {most} characters"))),
            _ => Ok(()),
        }
    }

    fn check_number(&self, raw: &str) -> Result<(), Error> {
        let number: f64 = raw.parse().map_err(|_| self.wrong("must be a number"))?;
        let bound = |name| self.field(name).map(as_text).and_then(|text| text.parse::<f64>().ok());
        match (bound("MinValue"), bound("MaxValue")) {
            (Some(least), _) if number < least => Err(self.wrong(&format!("must be at least {least}"))),
            (_, Some(most)) if number > most => Err(self.wrong(&format!("must be at most {most}"))),
            _ => Ok(()),
        }
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.body.get(name)
    }

    fn wrong(&self, problem: &str) -> Error {
        Error::new(&self.place, problem)
    }
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
