//! `fields=a,b{c},d.limit(3)`: which parts of a node are shown.

use serde_json::{Map, Value};

use super::{Answer, Call, GraphError, Outcome};

/// A node with everything it can show. `null` is a field that exists and has nothing to say now.
#[derive(Debug)]
pub(crate) struct Node {
    /// What Graph calls its type in errors.
    pub kind: &'static str,
    pub fields: Map<String, Value>,
    /// What is shown when nobody asks for anything.
    pub defaults: &'static [&'static str],
}

impl Node {
    pub(crate) fn new(kind: &'static str, defaults: &'static [&'static str], fields: Value) -> Self {
        let fields = if let Value::Object(fields) = fields { fields } else { Map::new() };
        Self { kind, fields, defaults }
    }

    /// As the call's `fields` ask.
    pub(crate) fn shown(self, call: &Call) -> Result<Value, GraphError> {
        match call.params.text("fields") {
            None => Ok(self.with(self.defaults.iter().map(|name| Field { name, inner: None }))),
            Some(fields) => {
                let wanted = parse(&fields);
                if let Some(unknown) = wanted.iter().find(|field| !self.fields.contains_key(field.name)) {
                    return Err(GraphError::no_such_field(unknown.name, self.kind));
                }
                Ok(self.with(wanted.into_iter()))
            }
        }
    }

    pub(crate) fn answer(self, call: &Call) -> Outcome {
        self.shown(call).map(Answer::json)
    }

    fn with<'a>(&self, wanted: impl Iterator<Item = Field<'a>>) -> Value {
        let mut shown = Map::new();
        for field in wanted.filter(|field| field.name != "id") {
            match self.fields.get(field.name) {
                None | Some(Value::Null) => {}
                Some(value) => {
                    shown.insert(field.name.to_owned(), narrowed(value, field.inner));
                }
            }
        }
        if let Some(id) = self.fields.get("id") {
            shown.insert("id".to_owned(), id.clone());
        }
        Value::Object(shown)
    }
}

#[derive(Debug)]
struct Field<'a> {
    name: &'a str,
    inner: Option<&'a str>,
}

fn narrowed(value: &Value, inner: Option<&str>) -> Value {
    let Some(inner) = inner else { return value.clone() };
    match value {
        Value::Array(items) => items.iter().map(|item| narrowed(item, Some(inner))).collect(),
        Value::Object(map) if map.contains_key("data") => {
            let mut map = map.clone();
            if let Some(data) = map.get_mut("data") {
                *data = narrowed(data, Some(inner));
            }
            Value::Object(map)
        }
        Value::Object(map) => {
            let wanted = parse(inner);
            let kept =
                map.iter().filter(|(name, _)| name.as_str() == "id" || wanted.iter().any(|field| field.name == *name));
            Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}

/// Splits at the commas that are in no bracket; arguments (`.limit(3)`) do not change what these nodes show.
fn parse(fields: &str) -> Vec<Field<'_>> {
    let mut depth = 0;
    let at_top = |letter: char| {
        match letter {
            '{' | '(' => depth += 1,
            '}' | ')' => depth -= 1,
            _ => {}
        }
        depth == 0 && letter == ','
    };
    let parts = fields.split(at_top).map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let name = part.split(['.', '{', '(']).next().unwrap_or(part).trim();
            let inner = part.split_once('{').and_then(|(_, rest)| rest.strip_suffix('}'));
            Field { name, inner }
        })
        .collect()
}
