//! Bodies, and what becomes of them.
#![expect(clippy::needless_pass_by_value, reason = "a body is made of values")]

mod batch;
mod bodies;
mod envelope;
mod limits;
mod properties;
mod rules;

use serde_json::{Value, json};

use super::{Options, Outgoing};

const TO: &str = "+1 (650) 555-1234";

/// A message of this type to somebody.
fn message(kind: &str, content: Value) -> Value {
    let mut message = json!({"to": TO, "type": kind});
    message[kind] = content;
    message
}

fn interactive(kind: &str, action: Value) -> Value {
    message("interactive", json!({"type": kind, "body": {"text": "Hi"}, "action": action}))
}

fn template(components: Value) -> Value {
    message("template", json!({"name": "hello", "language": {"code": "en"}, "components": components}))
}

fn read(body: &Value) -> (Outgoing, Options) {
    Outgoing::read(body.clone()).unwrap_or_else(|found| panic!("{body}: {found:?}"))
}

/// Where something is wrong with it, in the order it is told.
fn pointers(body: &Value) -> Vec<String> {
    match Outgoing::read(body.clone()) {
        Ok(_) => Vec::new(),
        Err(found) => found.into_iter().map(|violation| violation.pointer).collect(),
    }
}

fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match body.pointer_mut(parent).unwrap() {
        Value::Array(list) => list[name.parse::<usize>().unwrap()] = value,
        object => object[name] = value,
    }
    body
}

fn without(mut body: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    body
}
