//! Rules of template.yaml that a later edit could break unnoticed. Each is shown to hold, and to notice when it does not.

mod api;
mod calls;
mod functions;
mod permissions;
mod seals;
mod storage;
mod usage;
mod whole;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// What a rule has against a template, one line per fault.
type Faults = Vec<String>;

/// The rule finds nothing in our template, and something in every variant: our template with one value set (null: removed).
#[track_caller]
fn holds(rule: fn(&Value) -> Faults, broken: &[(&str, Value)]) {
    assert_eq!(rule(&template()), Faults::new());
    for (pointer, value) in broken {
        let mut variant = template();
        set(&mut variant, pointer, value.clone());
        assert_ne!(rule(&variant), Faults::new(), "nobody notices {pointer} = {value}");
    }
}

pub(crate) fn template() -> Value {
    local::template::document(&text("template.yaml")).unwrap()
}

/// A file of the repository.
fn text(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Sets what a JSON pointer names; `-` as the last step appends to a list.
fn set(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent) {
        Some(Value::Object(parent)) if value.is_null() => assert!(parent.remove(key).is_some(), "no {pointer}"),
        Some(Value::Object(parent)) => drop(parent.insert(key.to_owned(), value)),
        Some(Value::Array(parent)) if key == "-" => parent.push(value),
        Some(Value::Array(parent)) => parent[key.parse::<usize>().unwrap()] = value,
        _ => panic!("no {parent}"),
    }
}

fn resources(template: &Value) -> &Map<String, Value> {
    template["Resources"].as_object().unwrap()
}

fn of_kind<'a>(template: &'a Value, kind: &str) -> Vec<(&'a str, &'a Value)> {
    let wanted = resources(template).iter().filter(|(_, resource)| resource["Type"] == kind);
    wanted.map(|(name, resource)| (name.as_str(), resource)).collect()
}

fn functions(template: &Value) -> Vec<(&str, &Value)> {
    of_kind(template, "AWS::Serverless::Function")
}

/// The name and properties of a function's events of one kind.
fn events<'a>(function: &'a Value, kind: &str) -> Vec<(&'a str, &'a Value)> {
    let events = function["Properties"]["Events"].as_object().into_iter().flatten();
    let wanted = events.filter(|(_, event)| event["Type"] == kind);
    wanted.map(|(name, event)| (name.as_str(), &event["Properties"])).collect()
}

/// The resource that `Ref`, `Fn::GetAtt` or `Fn::Sub` names.
fn referred(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk(value, &mut |key, inner| match (key, inner) {
        ("Ref", Value::String(name)) => drop(found.insert(name.clone())),
        ("Fn::GetAtt", Value::Array(path)) => found.extend(path[0].as_str().map(str::to_owned)),
        // The text, or the text and a map of more variables.
        ("Fn::Sub", text) => found.extend(texts(text).into_iter().flat_map(variables).map(str::to_owned)),
        _ => {}
    });
    found
}

/// The resources named by `${Name}` and `${Name.Attribute}`.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    let inner = text.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
    inner.map(|(variable, _)| variable.split_once('.').map_or(variable, |(resource, _)| resource))
}

/// Shows `visit` every key of every map, however deep.
fn walk<'a>(value: &'a Value, visit: &mut impl FnMut(&'a str, &'a Value)) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                visit(key, inner);
                walk(inner, visit);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

/// One text, or a list of them.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

/// `fault` unless the claim is true.
fn unless(claim: bool, fault: impl FnOnce() -> String) -> Option<String> {
    (!claim).then(fault)
}
