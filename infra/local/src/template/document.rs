//! Reads YAML with `CloudFormation`'s tags into JSON, each tag in its long form: `!Sub x` becomes `{"Fn::Sub": "x"}`.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

use super::Error;

/// The document as it is written: tags in their long form, nothing evaluated.
pub fn parse(text: &str) -> Result<Value, Error> {
    let mut documents =
        Yaml::load_from_str(text).map_err(|problem| Error::new("template", format!("not YAML: {problem}")))?;
    match (documents.pop(), documents.is_empty()) {
        (Some(document), true) => to_json("", &document),
        _ => Err(Error::new("template", "must be one YAML document")),
    }
}

fn to_json(place: &str, node: &Yaml<'_>) -> Result<Value, Error> {
    match node {
        Yaml::Value(scalar) => Ok(scalar_to_json(scalar)),
        Yaml::Sequence(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| to_json(&format!("{place}[{index}]"), item))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        Yaml::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                let key = key_to_text(place, key)?;
                let inner = super::join(place, &key);
                object.insert(key, to_json(&inner, value)?);
            }
            Ok(Value::Object(object))
        }
        Yaml::Tagged(tag, inner) => Ok(long_form(&tag.suffix, to_json(place, inner)?)),
        Yaml::Representation(..) | Yaml::Alias(_) | Yaml::BadValue => {
            Err(Error::new(place, "a value YAML cannot give a meaning to"))
        }
    }
}

fn scalar_to_json(scalar: &Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(flag) => json!(flag),
        Scalar::Integer(number) => json!(number),
        Scalar::FloatingPoint(number) => json!(number.into_inner()),
        Scalar::String(text) => json!(text),
    }
}

fn key_to_text(place: &str, key: &Yaml<'_>) -> Result<String, Error> {
    match key {
        Yaml::Value(Scalar::String(text)) => Ok(text.to_string()),
        Yaml::Value(Scalar::Integer(number)) => Ok(number.to_string()),
        Yaml::Value(Scalar::Boolean(flag)) => Ok(flag.to_string()),
        _ => Err(Error::new(place, "a key must be text")),
    }
}

fn long_form(tag: &str, value: Value) -> Value {
    match (tag, value) {
        ("Ref" | "Condition", value) => json!({ tag: value }),
        ("GetAtt", Value::String(path)) => match path.split_once('.') {
            Some((resource, attribute)) => json!({ "Fn::GetAtt": [resource, attribute] }),
            None => json!({ "Fn::GetAtt": [path] }),
        },
        (tag, value) => json!({ format!("Fn::{tag}"): value }),
    }
}
