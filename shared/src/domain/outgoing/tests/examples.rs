//! Requests that nobody here wrote, where the folder beside the project is present: what Meta would take is taken, and
//! posted as it was written.

use std::{env, fs, path::PathBuf};

use serde_json::{Value, json};

use crate::domain::outgoing::{Outgoing, Recipient};

/// What is no message of its own, or what Meta refuses, and why.
const EXCLUDED: [(&str, &str); 3] = [
    ("expected-message-expectedMessage18", "a PIN, not a message"),
    ("Send_Reply_to_List_Message", "it has no type, so it is a text, and has no text"),
    ("send_text_handles_error_response", "recorded to be refused"),
];

fn folder() -> PathBuf {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    env::var_os("PATCHBAY_SHARED").map_or_else(|| beside.into(), PathBuf::from).join("fixtures")
}

/// The request for `/messages` that is in a file, if there is one.
fn request(entry: &Value, content: Value) -> Option<Value> {
    let name = entry["file"].as_str().unwrap();
    let is_recorded = entry["kind"] == "graph-exchange-recorded"
        && content["request"]["uri"].as_str().is_some_and(|uri| uri.ends_with("/messages"));
    if is_recorded {
        return Some(content["request"]["body"].clone());
    }
    let is_request = name.contains("Phone-Number-ID_messages-request-") || name.contains("expected-message-");
    (entry["kind"] == "graph-request" && is_request).then_some(content)
}

/// Placeholders become what they stand for.
fn real(mut body: Value) -> Value {
    if body["to"].as_str().is_some_and(|to| to.starts_with("{{")) {
        body["to"] = "+16505551234".into();
    }
    for kind in ["audio", "document", "image", "sticker", "video"] {
        if body[kind]["id"].as_str().is_some_and(|id| id.starts_with('<')) {
            body[kind]["id"] = "1".into();
        }
    }
    replace(&mut body);
    body
}

fn replace(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("http(s)://") => *text = "https://example.com/file".to_owned(),
        Value::String(text) if text == "<HEADER_TYPE>" => *text = "text".to_owned(),
        Value::String(text) if text == "<TEMPLATE_NAME>" || text == "template-name" => {
            *text = "template_name".to_owned();
        }
        Value::Array(items) => items.iter_mut().for_each(replace),
        Value::Object(members) => members.values_mut().for_each(replace),
        _ => {}
    }
}

/// As it must be posted: with what every post has, a number written as a text.
fn posted(mut body: Value) -> Value {
    for (name, value) in [("recipient_type", json!("individual")), ("type", json!("text"))] {
        body.as_object_mut().unwrap().entry(name).or_insert(value);
    }
    if body["to"].is_number() {
        body["to"] = body["to"].to_string().into();
    }
    body["biz_opaque_callback_data"] = "ours".into();
    body
}

#[test]
#[expect(clippy::print_stdout, reason = "a test says how much it tried")]
fn examples_that_meta_would_take_are_taken() {
    let Ok(manifest) = fs::read_to_string(folder().join("MANIFEST.json")) else {
        println!("requests of others: SKIPPED, {} is not there", folder().display());
        return;
    };
    let (mut taken, mut elsewhere, mut excluded) = (0, 0, 0);
    for entry in serde_json::from_str::<Vec<Value>>(&manifest).unwrap() {
        let name = entry["file"].as_str().unwrap();
        let content = serde_json::from_str(&fs::read_to_string(folder().join(name)).unwrap()).unwrap();
        let Some(body) = request(&entry, content).map(real) else { continue };
        let read = Outgoing::read(body.clone());
        if body["status"] == "read" {
            assert_eq!(read.unwrap_err()[0].pointer, "/status", "{name}");
            elsewhere += 1;
        } else if let Some((_, why)) = EXCLUDED.iter().find(|(part, _)| name.contains(part)) {
            assert!(read.is_err(), "{name} is excluded: {why}");
            excluded += 1;
        } else {
            let (outgoing, _) = read.unwrap_or_else(|found| panic!("{name}: {body} {found:?}"));
            let to: Recipient = outgoing.recipient.clone().unwrap();
            assert_eq!(outgoing.posted(&to, "ours"), posted(body), "{name}");
            taken += 1;
        }
    }
    println!("requests of others: {taken} taken, {elsewhere} are calls of …/read, {excluded} excluded: {EXCLUDED:?}");
    assert!(taken > 80, "only {taken}");
    assert_eq!(excluded, EXCLUDED.len());
}
