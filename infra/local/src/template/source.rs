//! A template with its parameters filled in and its conditions decided; references still open.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value};

use super::intrinsic::{Evaluator, check_conditions, sole_function};
use super::names::{self, Names};
use super::parameters::Parameters;
use super::properties::Properties;
use super::{Error, Resource, Template, document, functions, join, resources};

/// Resolve it twice: with planned names to learn what to make, with real ones once it is made.
#[derive(Debug)]
pub struct Source {
    parameters: Parameters,
    conditions: Map<String, Value>,
    mappings: Map<String, Value>,
    resources: BTreeMap<String, Declared>,
    outputs: Map<String, Value>,
    /// Of every resource written down, and of those whose condition holds.
    declared: Names,
    planned: Names,
}

#[derive(Debug)]
struct Declared {
    kind: String,
    properties: Value,
    metadata: Value,
}

/// The names of the parameters a template declares.
pub fn declared_parameters(text: &str) -> Result<BTreeSet<String>, Error> {
    let document = document::parse(text)?;
    let declared = document.get("Parameters").and_then(Value::as_object);
    Ok(declared.into_iter().flat_map(|declared| declared.keys().cloned()).collect())
}

const SECTIONS: &[&str] = &[
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Globals",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
];

impl Source {
    pub fn read(path: &Path, parameters: &BTreeMap<String, String>) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|problem| Error::new(&path.display().to_string(), format!("cannot be read: {problem}")))?;
        Self::parse(&text, parameters)
    }

    pub fn parse(text: &str, parameters: &BTreeMap<String, String>) -> Result<Self, Error> {
        Self::of(&document::parse(text)?, parameters)
    }

    pub fn of(document: &Value, parameters: &BTreeMap<String, String>) -> Result<Self, Error> {
        let root = Properties::new("", document)?;
        if let Some((stranger, ..)) = root.entries().find(|(name, ..)| !SECTIONS.contains(&name.as_str())) {
            return Err(Error::new(stranger, "is not a section of a template"));
        }
        let section = |name: &str| match root.raw(name) {
            None => Ok(Map::new()),
            Some(Value::Object(section)) => Ok(section.clone()),
            Some(_) => Err(Error::new(name, "must be a map")),
        };
        let mut source = Self {
            parameters: Parameters::read(root.raw("Parameters"), parameters)?,
            conditions: section("Conditions")?,
            mappings: section("Mappings")?,
            resources: BTreeMap::new(),
            outputs: section("Outputs")?,
            declared: Names::default(),
            planned: Names::default(),
        };
        source.take_resources(&section("Resources")?, &section("Globals")?)?;
        Ok(source)
    }

    /// The names resources will have, as far as they can be known before anything exists.
    pub fn planned_names(&self) -> &Names {
        &self.planned
    }

    /// The template as it is under these names.
    pub fn resolve(&self, names: &Names) -> Result<Template, Error> {
        let evaluator = self.evaluator(names);
        let mut evaluated = BTreeMap::new();
        for (logical_id, declared) in &self.resources {
            let place = format!("Resources.{logical_id}.Properties");
            let properties = evaluator.value(&place, &declared.properties)?.unwrap_or_default();
            evaluated.insert(logical_id.clone(), Resource { kind: declared.kind.clone(), properties });
        }
        let mut outputs = BTreeMap::new();
        for (name, output) in &self.outputs {
            let place = join("Outputs", name);
            let wanted = output.get("Condition").and_then(Value::as_str);
            if wanted.map_or(Ok(true), |condition| evaluator.condition(&place, condition))? {
                let value = output.get("Value").ok_or_else(|| Error::new(&place, "has no Value"))?;
                outputs.insert(name.clone(), evaluator.value(&join(&place, "Value"), value)?.unwrap_or_default());
            }
        }
        let metadata = |logical_id: &str| self.resources.get(logical_id).map(|declared| &declared.metadata);
        let events = functions::read(&evaluated, &metadata, names)?;
        Ok(Template {
            api: events.api,
            functions: events.functions,
            queue_mappings: events.queue_mappings,
            schedules: events.schedules,
            stream_mappings: events.stream_mappings,
            keys: resources::keys(&evaluated),
            queues: resources::queues(&evaluated, names)?,
            secrets: resources::secrets(&evaluated)?,
            tables: resources::tables(&evaluated)?,
            resources: evaluated,
            outputs,
        })
    }

    fn take_resources(&mut self, written: &Map<String, Value>, globals: &Map<String, Value>) -> Result<(), Error> {
        let nothing = Names::default();
        let conditions = check_conditions(&self.evaluator(&nothing))?;
        for (logical_id, body) in written {
            let place = join("Resources", logical_id);
            let body = Properties::new(&place, body)?;
            let kind = body.needed_text("Type")?;
            let properties = match globals_for(globals, &kind)? {
                Some(shared) => merge(shared, body.raw("Properties").unwrap_or(&Value::Object(Map::new()))),
                None => body.raw("Properties").cloned().unwrap_or_else(|| Value::Object(Map::new())),
            };
            let identity = names::planned(logical_id, &kind, &properties)
                .ok_or_else(|| Error::new(&place, format!("type {kind} is not known to the local stack")))?;
            let wanted = match body.text("Condition")? {
                None => true,
                Some(condition) => *conditions
                    .get(&condition)
                    .ok_or_else(|| body.wrong("Condition", &format!("{condition} does not exist")))?,
            };
            for (name, identity) in
                names::implied(logical_id, &kind, &properties).into_iter().chain([(logical_id.clone(), identity)])
            {
                if wanted {
                    self.planned.insert(name.clone(), identity.clone());
                }
                self.declared.insert(name, identity);
            }
            if wanted {
                let metadata = body.raw("Metadata").cloned().unwrap_or_default();
                self.resources.insert(logical_id.clone(), Declared { kind, properties, metadata });
            }
        }
        self.check_dependencies(written)
    }

    fn check_dependencies(&self, written: &Map<String, Value>) -> Result<(), Error> {
        for (logical_id, body) in written {
            let wanted = match body.get("DependsOn") {
                Some(Value::String(one)) => vec![one.as_str()],
                Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            };
            if let Some(missing) = wanted.into_iter().find(|name| !self.declared.contains(name)) {
                let place = format!("Resources.{logical_id}.DependsOn");
                return Err(Error::new(&place, format!("refers to {missing}, which does not exist")));
            }
        }
        Ok(())
    }

    fn evaluator<'a>(&'a self, names: &'a Names) -> Evaluator<'a> {
        Evaluator {
            parameters: &self.parameters,
            conditions: &self.conditions,
            mappings: &self.mappings,
            names,
            declared: &self.declared,
        }
    }
}

fn globals_for<'a>(globals: &'a Map<String, Value>, kind: &str) -> Result<Option<&'a Value>, Error> {
    if let Some(stranger) = globals.keys().find(|section| !["Function", "HttpApi"].contains(&section.as_str())) {
        return Err(Error::new(&join("Globals", stranger), "is not known to the local stack"));
    }
    Ok(kind.strip_prefix("AWS::Serverless::").and_then(|section| globals.get(section)))
}

/// SAM's rule: maps are merged, lists appended to, all else replaced.
fn merge(shared: &Value, own: &Value) -> Value {
    match (shared, own) {
        (Value::Object(left), Value::Object(right))
            if sole_function(left).is_none() && sole_function(right).is_none() =>
        {
            let mut merged = left.clone();
            for (key, value) in right {
                let value = left.get(key).map_or_else(|| value.clone(), |shared| merge(shared, value));
                merged.insert(key.clone(), value);
            }
            Value::Object(merged)
        }
        (Value::Array(left), Value::Array(right)) => Value::Array(left.iter().chain(right).cloned().collect()),
        (_, own) => own.clone(),
    }
}
