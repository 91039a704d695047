//! Meta's OpenAPI document: its examples, and its schemas as judges of answers.

use std::path::Path;

use saphyr::{LoadableYamlNode as _, Scalar, Yaml};
use serde_json::{Map, Value, json};

pub(super) struct Spec(Value);

/// A request the document shows.
#[derive(Debug, Clone)]
pub(super) struct Example {
    pub(super) name: String,
    /// A query parameter and its value.
    pub(super) query: Option<(String, String)>,
    pub(super) body: Option<Value>,
}

impl Spec {
    pub(super) fn load(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap();
        Self(json(&Yaml::load_from_str(&text).unwrap()[0]))
    }

    /// Every example of a body, or else of each query parameter, and a call without any.
    pub(super) fn examples(&self, method: &str, path: &str) -> Vec<Example> {
        let operation = self.operation(method, path);
        let media = operation["requestBody"]["content"].as_object().cloned().unwrap_or_default();
        let bodies = media.values().filter_map(|media| media["examples"].as_object()).flatten();
        let mut examples: Vec<Example> = bodies
            .map(|(name, example)| Example { name: name.clone(), query: None, body: Some(example["value"].clone()) })
            .collect();
        if examples.is_empty() {
            examples.push(Example { name: "bare".to_owned(), query: None, body: None });
            examples.extend(Self::query_examples(operation));
        }
        examples
    }

    fn query_examples(operation: &Value) -> Vec<Example> {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        query
            .filter_map(|parameter| {
                let example = parameter.get("example").or(parameter["schema"].get("example"));
                let value = match example.filter(|example| !example.is_null())? {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                let name = parameter["name"].as_str()?.to_owned();
                Some(Example { name: format!("{name}={value}"), query: Some((name, value)), body: None })
            })
            .collect()
    }

    /// What the schema of an answer has against it; nothing where there is none.
    pub(super) fn breaches(&self, method: &str, path: &str, status: u16, body: &Value) -> Vec<String> {
        let schema =
            &self.operation(method, path)["responses"][status.to_string()]["content"]["application/json"]["schema"];
        if schema.is_null() { Vec::new() } else { self.against(schema, body) }
    }

    /// What the schema of a webhook has against it.
    pub(super) fn webhook_breaches(&self, body: &Value) -> Vec<String> {
        self.against(&json!({"$ref": "#/components/schemas/WebhookPayload"}), body)
    }

    pub(super) fn webhook_examples(&self) -> Vec<(String, Value)> {
        let media = &self.operation("post", "/whatsapp/webhooks")["requestBody"]["content"]["application/json"];
        let examples = media["examples"].as_object().unwrap();
        examples.iter().map(|(name, example)| (name.clone(), example["value"].clone())).collect()
    }

    fn against(&self, schema: &Value, body: &Value) -> Vec<String> {
        let mut root = schema.clone();
        root["components"] = self.0["components"].clone();
        let validator = jsonschema::validator_for(&root).unwrap();
        validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    fn operation(&self, method: &str, path: &str) -> &Value {
        let operation = &self.0["paths"][path][method];
        assert!(operation.is_object(), "the document has no {method} {path}");
        operation
    }
}

fn json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Null) | Yaml::BadValue | Yaml::Alias(_) | Yaml::Representation(..) => Value::Null,
        Yaml::Value(Scalar::Boolean(flag)) => json!(flag),
        Yaml::Value(Scalar::Integer(number)) => json!(number),
        Yaml::Value(Scalar::FloatingPoint(number)) => json!(number.into_inner()),
        Yaml::Value(Scalar::String(text)) => json!(text),
        Yaml::Sequence(items) => items.iter().map(json).collect(),
        Yaml::Tagged(_, inner) => json(inner),
        Yaml::Mapping(map) => {
            let pairs = map.iter().map(|(key, value)| (key_text(key), json(value)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
    }
}

/// Keys are texts, however YAML reads them: `200`.
fn key_text(key: &Yaml<'_>) -> String {
    match json(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
