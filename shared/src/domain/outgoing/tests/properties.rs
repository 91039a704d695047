//! What holds for any JSON.

use proptest::{prelude::*, sample::Index};
use serde_json::{Map, Value, json};

use super::bodies;
use crate::domain::{
    outgoing::{Batch, Outgoing, Recipient, envelope::KEPT_ELSEWHERE},
    violation::Violation,
};

const WORDS: &[&str] = &[
    "",
    "a",
    "1",
    "text",
    "image",
    "button",
    "reply",
    "body",
    "template",
    "+16505551234",
    "US.1",
    "👍",
    "https://example.com/x",
    "group",
    "utility",
    "a\nb",
    "\u{0}",
    "ü",
];
const NAMES: &[&str] = &[
    "to",
    "type",
    "text",
    "image",
    "interactive",
    "action",
    "buttons",
    "reply",
    "id",
    "title",
    "template",
    "components",
    "parameters",
    "cards",
    "message",
    "recipients",
    "category",
    "status",
    "a/b~c",
    "",
];

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => proptest::sample::select(WORDS).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => "x{4000,5000}".prop_map(Value::from),
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(6, 60, 5, |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
            2 => proptest::collection::hash_map(proptest::sample::select(NAMES), inner, 0..8)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

/// Every place in a body.
fn places(value: &Value, here: &str, all: &mut Vec<String>) {
    all.push(here.to_owned());
    let below = |name: &str| format!("{here}/{}", name.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| places(item, &format!("{here}/{index}"), all));
        }
        Value::Object(members) => members.iter().for_each(|(name, member)| places(member, &below(name), all)),
        _ => {}
    }
}

/// Bodies that were good until somebody put something else into one place of them.
fn almost() -> impl Strategy<Value = Value> {
    (proptest::sample::select(bodies::all()), any::<Index>(), anything()).prop_map(|(mut body, place, other)| {
        let mut all = Vec::new();
        places(&body, "", &mut all);
        *body.pointer_mut(&all[place.index(all.len())]).unwrap() = other;
        body
    })
}

/// A place that is there, or could be in an object that is.
fn check_places(body: &Value, found: &[Violation]) {
    assert!(!found.is_empty());
    for Violation { pointer, detail } in found {
        let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
        let is_there = body.pointer(pointer).is_some() || body.pointer(parent).is_some_and(Value::is_object);
        assert!(is_there && !detail.is_empty(), "{pointer} {detail}");
    }
}

fn check(body: &Value) {
    let (outgoing, options) = match Outgoing::read(body.clone()) {
        Ok(read) => read,
        Err(found) => return check_places(body, &found),
    };
    assert!((1..=604_800).contains(&options.expires_in.as_secs()));
    let to = outgoing.recipient.clone();
    let to = to.unwrap_or(Recipient { to: Some("+16505551234".into()), recipient: None, is_group: false });
    assert!(!to.names().aliases().is_empty());
    let posted = outgoing.posted(&to, "ours");
    let others = |value: &Value| -> Map<String, Value> {
        let members = value.as_object().unwrap().clone().into_iter();
        members.filter(|(name, _)| name != "type" && !KEPT_ELSEWHERE.contains(&name.as_str())).collect()
    };
    assert_eq!(others(&posted), others(body));
    let type_of = |value: &Value| value["type"].as_str().unwrap_or("text").to_owned();
    assert_eq!(type_of(&posted), type_of(body));
    let written = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    for name in ["to", "recipient"].into_iter().filter(|name| body.get(name).is_some_and(|value| !value.is_null())) {
        assert_eq!(posted[name], written(&body[name]));
    }
}

fn check_batch(body: &Value) {
    let batch = match Batch::read(body.clone()) {
        Ok(batch) => batch,
        Err(found) => return check_places(body, &found),
    };
    for (recipient, given) in batch.recipients.iter().zip(body["recipients"].as_array().unwrap()) {
        match recipient {
            Ok(addressee) => assert!(batch.message.addressed(addressee).recipient.is_some()),
            Err(found) => check_places(given, found),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn what_is_taken_is_posted_as_it_was(body in almost()) {
        check(&body);
    }

    #[test]
    fn anything_is_taken_or_refused_at_a_place_in_it(body in anything()) {
        check(&body);
        check_batch(&body);
    }

    #[test]
    fn any_batch_is_taken_or_refused_at_a_place_in_it(mut message in almost(), other in anything()) {
        if let Some(message) = message.as_object_mut() {
            message.remove("to");
        }
        let to_somebody = json!({"to": "+16505551234", "parameters": other});
        check_batch(&json!({"message": message, "recipients": [to_somebody, other]}));
    }
}
