//! What it means that two answers have the same shape.

use serde_json::{Map, Value};

/// Names that are there and not here, and values of another type. What is more here is newer than the recording.
pub(super) fn differences(at: &str, theirs: &Value, ours: &Value, found: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            for (name, value) in theirs {
                match ours.get(name) {
                    Some(own) => differences(&format!("{at}/{name}"), value, own, found),
                    None => found.push(format!("{at}/{name} is missing")),
                }
            }
            is_error_the_same(at, theirs, ours, found);
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            if let (Some(first), Some(own)) = (theirs.first(), ours.first()) {
                differences(&format!("{at}/0"), first, own, found);
            } else if ours.is_empty() && !theirs.is_empty() {
                found.push(format!("{at} is empty"));
            }
        }
        (theirs, ours) if kind(theirs) == kind(ours) => {}
        (theirs, ours) => found.push(format!("{at} is a {} for a {}", kind(ours), kind(theirs))),
    }
}

/// Of an error the code, subcode and details are the same too.
fn is_error_the_same(at: &str, theirs: &Map<String, Value>, ours: &Map<String, Value>, found: &mut Vec<String>) {
    for name in ["code", "error_subcode", "type"] {
        if at == "/error" && theirs.get(name) != ours.get(name) {
            found.push(format!("{at}/{name} is {:?} for {:?}", ours.get(name), theirs.get(name)));
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}
