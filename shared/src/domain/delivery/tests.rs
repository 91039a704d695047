//! What becomes of deliveries: by example, and against a walker that makes a tree of everything.

mod naive;

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::domain::envelope::{Envelope, Packed, group_of, group_of_entry};

/// One unit, with all that its envelope says of it.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    about: About,
    kind: String,
    raw: Value,
    contact: Option<Value>,
    thread: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct About {
    entry: String,
    time: Option<i64>,
    field: String,
    number: Option<String>,
    display: Option<String>,
}

fn parcels(body: &[u8]) -> Vec<Parcel> {
    split(body, Timestamp::UNIX_EPOCH).0
}

/// The units of each group, in order.
fn told(body: &[u8]) -> BTreeMap<String, Vec<Told>> {
    let mut all: BTreeMap<String, Vec<Told>> = BTreeMap::new();
    for parcel in parcels(body) {
        let envelope = Envelope::parse(&parcel.body).unwrap();
        let about = About {
            entry: envelope.entry.into_owned(),
            time: envelope.time,
            field: envelope.field.into_owned(),
            number: envelope.number.map(Into::into),
            display: envelope.display.map(Into::into),
        };
        for unit in envelope.units {
            let Packed::Here(unit) = unit else { panic!("{unit:?}") };
            let value = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).unwrap();
            all.entry(parcel.group.clone()).or_default().push(Told {
                about: about.clone(),
                kind: unit.kind.as_str().to_owned(),
                raw: value(unit.raw),
                contact: unit.contact.map(value),
                thread: unit.thread.map(value),
            });
        }
    }
    all
}

const NUMBER: &str = "106540352242922";

/// A delivery of one change for a number.
fn change(field: &str, mut value: Value) -> Vec<u8> {
    value["metadata"] = json!({"display_phone_number": "+1 555-078-3881", "phone_number_id": NUMBER});
    let change = json!({"field": field, "value": value});
    json!({"object": "whatsapp_business_account", "entry": [{"id": "102", "changes": [change]}]})
        .to_string()
        .into_bytes()
}

/// Kind and raw of each group's units, by whom the group is of.
fn by_whom(body: &[u8], whom: &[&str]) -> Vec<Vec<(String, Value)>> {
    let mut told = told(body);
    let mut of = |who: &&str| {
        let units = told.remove(&group_of(NUMBER, who)).unwrap_or_default();
        units.into_iter().map(|unit| (unit.kind, unit.raw)).collect()
    };
    let found = whom.iter().map(&mut of).collect();
    assert_eq!(told, BTreeMap::new(), "of others");
    found
}

#[test]
fn units_go_to_whom_they_are_about() {
    let contacts = json!([
        {"wa_id": "16505550001", "user_id": "US.1"},
        {"wa_id": "5511987654321", "user_id": "BR.2"},
    ]);
    let first = json!({"from": "16505550001", "id": "1"});
    let second = json!({"from_user_id": "US.1", "id": "2"});
    let other_way_of_writing = json!({"from": "551187654321", "id": "3"});
    let stranger = json!({"from": "+1 650", "id": "4"});
    let in_a_group = json!({"from": "16505550001", "group_id": "G", "id": "5"});
    let status = json!({"id": "6", "recipient_id": "16505550001", "status": "sent"});
    let failed = json!({"id": "7", "recipient_id": "1650", "status": "failed"});
    let of_the_group = json!({"id": "8", "recipient_id": "G", "recipient_type": "group"});
    let body = change(
        "messages",
        json!({
            "contacts": contacts,
            "messages": [first, second, other_way_of_writing, stranger, in_a_group],
            "statuses": [status, failed, of_the_group],
            "errors": [{"code": 131_052}],
            "user_actions": [{"action_type": "marketing_messages_link_click"}],
        }),
    );

    let unit = |kind: &str, raw: &Value| (kind.to_owned(), raw.clone());
    assert_eq!(
        by_whom(&body, &["US.1", "BR.2", "1650", "g:G", "-"]),
        [
            vec![unit("message", &first), unit("message", &second), unit("status", &status)],
            vec![unit("message", &other_way_of_writing)],
            vec![unit("message", &stranger), unit("status", &failed)],
            vec![unit("message", &in_a_group), unit("status", &of_the_group)],
            vec![
                unit("error", &json!({"code": 131_052})),
                unit("action", &json!({"action_type": "marketing_messages_link_click"})),
            ],
        ]
    );
    let told = told(&body);
    let contact = |who: &str, place: usize| told[&group_of(NUMBER, who)][place].contact.clone();
    assert_eq!(contact("US.1", 0), Some(contacts[0].clone()));
    assert_eq!(contact("US.1", 2), Some(contacts[0].clone()));
    assert_eq!(contact("g:G", 0), Some(contacts[0].clone()));
    assert_eq!(contact("BR.2", 0), Some(contacts[1].clone()));
    assert_eq!(contact("1650", 0), None);
    let about = &told[&group_of(NUMBER, "US.1")][0].about;
    assert_eq!((about.number.as_deref(), about.display.as_deref()), (Some(NUMBER), Some("15550783881")));
}

#[test]
fn what_the_business_wrote_belongs_to_whom_it_wrote_to() {
    let echo = json!({"from": "15550783881", "to": "16505550001", "id": "1"});
    let to_a_user = json!({"from": "15550783881", "to_user_id": "US.1", "id": "2"});
    let body = change("smb_message_echoes", json!({"message_echoes": [echo, to_a_user]}));

    let units = by_whom(&body, &["16505550001", "US.1"]);
    assert_eq!(units, [vec![("echo".to_owned(), echo)], vec![("echo".to_owned(), to_a_user)]]);
}

#[test]
fn history_belongs_to_its_threads() {
    let (one, two) = (json!({"from": "15550783881", "id": "1"}), json!({"from": "16505550001", "id": "2"}));
    let three = json!({"id": "3"});
    let body = change(
        "history",
        json!({"history": [
            {"metadata": {"phase": 0}, "threads": [
                {"id": "16505550001", "context": {"wa_id": "16505550001", "username": "maria"}, "messages": [one, two]},
                {"id": "16505550002", "messages": [three]},
            ]},
            {"errors": [{"code": 2_593_109}]},
            {"metadata": {"phase": 2, "progress": 100}, "threads": []},
        ]}),
    );

    let told_now = told(&body);
    let thread = |who: &str| told_now[&group_of(NUMBER, who)][0].thread.clone();
    let context = json!({"wa_id": "16505550001", "username": "maria"});
    assert_eq!(thread("16505550001"), Some(json!({"id": "16505550001", "context": context, "metadata": {"phase": 0}})));
    assert_eq!(thread("16505550002"), Some(json!({"id": "16505550002", "metadata": {"phase": 0}})));
    assert_eq!(
        by_whom(&body, &["16505550001", "16505550002", "-", "f:history"]),
        [
            vec![("history".to_owned(), one), ("history".to_owned(), two)],
            vec![("history".to_owned(), three)],
            vec![("error".to_owned(), json!({"code": 2_593_109}))],
            vec![(
                "change".to_owned(),
                json!({"history": [{"metadata": {"phase": 2, "progress": 100}, "threads": []}]})
            )],
        ]
    );

    // Nobody's name is no reason to take it for the business's own.
    let unnamed = json!({"from_user_id": "US.1", "to": "15550783881"});
    let value = json!({"metadata": {"phone_number_id": NUMBER}, "messages": [unnamed]});
    let body = json!({"entry": [{"id": "102", "changes": [{"field": "history", "value": value}]}]});
    assert_eq!(told(body.to_string().as_bytes()).into_keys().collect::<Vec<_>>(), [group_of(NUMBER, "US.1")]);

    // Media follow without their thread.
    let (theirs, ours) =
        (json!({"from": "16505550001", "to": "15550783881"}), json!({"from": "15550783881", "to": "16505550001"}));
    let body = change("history", json!({"messages": [theirs, ours], "message_echoes": [ours]}));
    let units: Vec<(String, Value)> =
        [ours.clone(), theirs, ours].into_iter().map(|raw| ("history".to_owned(), raw)).collect();
    assert_eq!(by_whom(&body, &["16505550001"]), [units]);
}

#[test]
fn the_phones_contacts_and_peoples_wishes_are_theirs() {
    let added = json!({"type": "contact", "contact": {"phone_number": "+1650", "full_name": "Ann"}, "action": "add"});
    let named = json!({"type": "contact", "contact": {"user_id": "US.1"}, "action": "remove"});
    let body = change("smb_app_state_sync", json!({"state_sync": [added, named]}));
    let units = by_whom(&body, &["1650", "US.1"]);
    assert_eq!(units, [vec![("contact_sync".to_owned(), added)], vec![("contact_sync".to_owned(), named)]]);

    let stop = json!({"wa_id": "1650", "category": "marketing_messages", "value": "stop", "timestamp": 5});
    let body = change("user_preferences", json!({"user_preferences": [stop]}));
    assert_eq!(by_whom(&body, &["1650"]), [vec![("preference".to_owned(), stop)]]);
}

#[test]
fn on_standby_it_lies_one_level_deeper() {
    let status = json!({"id": "1", "recipient_id": "1650"});
    let body = change("standby", json!({"standby": {"statuses": [status]}}));
    assert_eq!(by_whom(&body, &["1650"]), [vec![("status".to_owned(), status)]]);
    assert!(told(&body).values().flatten().all(|unit| unit.about.field == "standby"));
}

#[test]
fn everything_else_is_one_change() {
    let calls = json!({"calls": [{"id": "wacid.1"}], "statuses": [{"type": "call"}]});
    let body = change("calls", calls.clone());
    let units = by_whom(&body, &["f:calls"]);
    assert_eq!((units[0][0].0.as_str(), &units[0][0].1["calls"]), ("change", &calls["calls"]));
    let nothing = change("messages", json!({}));
    assert_eq!(by_whom(&nothing, &["f:messages"])[0].len(), 1);

    for (field, value) in [
        ("account_settings_update", json!({"phone_number_settings": {"phone_number_id": NUMBER}})),
        ("messaging_handovers", json!({"recipient": {"phone_number_id": NUMBER}})),
    ] {
        let body = json!({"entry": [{"id": "102", "time": 5, "changes": [{"field": field, "value": value}]}]});
        let told = told(body.to_string().as_bytes());
        let unit = &told[&group_of(NUMBER, &format!("f:{field}"))][0];
        assert_eq!((&unit.raw, unit.about.time), (&value, Some(5)), "{field}");
    }
    let value = json!({"event": "PARTNER_REMOVED"});
    let body = json!({"entry": [{"id": "102", "changes": [{"field": "account_update", "value": value}]}]});
    assert_eq!(told(body.to_string().as_bytes())[&group_of_entry("102")][0].raw, value);
}

#[test]
fn what_stands_beside_the_units_is_kept() {
    let message = json!({"from": "1650", "id": "1"});
    let body = change(
        "messages",
        json!({"messages": [message], "polls": [{"id": "2"}], "labels": [], "version": 3, "standby": "?"}),
    );
    assert_eq!(
        by_whom(&body, &["1650", "f:messages"]),
        [vec![("message".to_owned(), message)], vec![("change".to_owned(), json!({"polls": [{"id": "2"}]}))]]
    );
}

#[test]
fn raw_bytes_are_metas_own() {
    let body = br#"{"entry":[{"id":"1","changes":[{"field":"messages","value":{"messages":[ {"id" : "\u0041\/",  "n": 1.50e3} ]}}]}]}"#;
    let parcels = parcels(body);
    assert!(parcels[0].body.contains(r#""raw":{"id" : "\u0041\/",  "n": 1.50e3}"#), "{}", parcels[0].body);
}

#[test]
fn a_repetition_makes_the_same_messages() {
    let body = change("messages", json!({"messages": [{"from": "1"}, {"from": "2"}]}));
    let ids = |at: &str| -> Vec<_> {
        split(&body, at.parse().unwrap()).0.into_iter().map(|parcel| (parcel.group, parcel.deduplication)).collect()
    };
    assert_eq!(ids("2026-01-01T00:00:00Z"), ids("2026-01-01T00:04:00Z"));
}

#[test]
fn a_deep_nest_is_no_way_to_a_stack_overflow() {
    let nest = |letter: &str| letter.repeat(200_000);
    let deep = format!(
        r#"{{"entry":[{{"id":"1","changes":[{{"field":"standby","value":{}1{}}}]}}]}}"#,
        nest(r#"{"standby":"#),
        nest("}")
    );
    assert_eq!(parcels(deep.as_bytes()).len(), 1);
    assert_eq!(parcels(nest("[").as_bytes()).len(), 1);
}

/// The names that mean something somewhere, and two that mean nothing anywhere.
const NAMES: &[&str] = &[
    "messages",
    "statuses",
    "errors",
    "user_actions",
    "message_echoes",
    "history",
    "threads",
    "context",
    "state_sync",
    "user_preferences",
    "contacts",
    "contact",
    "standby",
    "metadata",
    "recipient",
    "phone_number_settings",
    "phone_number_id",
    "display_phone_number",
    "group_id",
    "from",
    "from_user_id",
    "to",
    "to_user_id",
    "recipient_id",
    "recipient_user_id",
    "recipient_type",
    "wa_id",
    "user_id",
    "phone_number",
    "id",
    "polls",
    "x",
];
const FIELDS: &[&str] = &[
    "messages",
    "standby",
    "smb_message_echoes",
    "message_echoes",
    "history",
    "smb_app_state_sync",
    "user_preferences",
    "",
    "calls",
    "account_update",
    "messaging_handovers",
];
const WORDS: &[&str] =
    &["", "1", "2", "+1 5", "15", "US.1", "US.2", "group", "5511987654321", "551187654321", "é\u{FFFF}\"\\", "\u{1}"];

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => proptest::sample::select(WORDS).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => (-3_i64..3).prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => (-9.5..9.5).prop_map(Value::from),
        1 => "x{250,260}".prop_map(Value::from),
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            2 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => proptest::collection::hash_map(proptest::sample::select(NAMES), inner, 0..6)
                .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

fn names() -> impl Strategy<Value = Value> {
    let names = proptest::collection::hash_map(proptest::sample::select(&NAMES[16..]), leaf(), 0..7);
    names.prop_map(|names| names.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Something that names people, as units and contacts do.
fn unit() -> impl Strategy<Value = Value> {
    let nested = (names(), names()).prop_map(|(mut unit, contact)| {
        unit["contact"] = contact;
        unit
    });
    prop_oneof![5 => names(), 2 => nested, 1 => anything()]
}

fn chunk() -> impl Strategy<Value = Value> {
    let thread = (leaf(), unit(), proptest::collection::vec(unit(), 0..3))
        .prop_map(|(id, context, messages)| json!({"id": id, "context": context, "messages": messages}));
    let threads = proptest::collection::vec(prop_oneof![6 => thread, 1 => anything()], 0..3);
    let chunk = (threads, anything()).prop_map(|(threads, other)| json!({"threads": threads, "metadata": other}));
    prop_oneof![6 => chunk, 1 => anything()]
}

fn object(members: impl Strategy<Value = Vec<(&'static str, Value)>>) -> impl Strategy<Value = Value> {
    members.prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A body of Meta's shape, with anything in the place of anything now and then.
fn arbitrary_body() -> impl Strategy<Value = Value> {
    let number = prop_oneof![leaf(), Just(json!({"phone_number_id": NUMBER, "display_phone_number": "+1 5"}))];
    let list = prop_oneof![8 => proptest::collection::vec(unit(), 0..5).prop_map(Value::from), 1 => anything()];
    let list = (proptest::sample::select(&NAMES[..16]), list);
    let history = proptest::collection::vec(chunk(), 0..3).prop_map(|chunks| ("history", json!(chunks)));
    let list = prop_oneof![5 => list, 1 => history];
    let value = (number, proptest::collection::vec(list, 0..5)).prop_map(|(number, lists)| {
        let named = lists.into_iter().map(|(name, list)| (name.to_owned(), list));
        named.chain([("metadata".to_owned(), number)]).collect::<Value>()
    });
    let value = prop_oneof![6 => value, 1 => anything()];
    let field = prop_oneof![8 => proptest::sample::select(FIELDS).prop_map(Value::from), 1 => leaf()];
    let change = object((field, value).prop_map(|(field, value)| vec![("field", field), ("value", value)]));
    let change = prop_oneof![9 => change, 1 => anything()];
    let changes = prop_oneof![9 => proptest::collection::vec(change, 0..4).prop_map(Value::from), 1 => anything()];
    let entry = (leaf(), leaf(), changes)
        .prop_map(|(id, time, changes)| vec![("id", id), ("time", time), ("changes", changes)]);
    let entry = prop_oneof![9 => object(entry), 1 => anything()];
    let entries = prop_oneof![9 => proptest::collection::vec(entry, 0..4).prop_map(Value::from), 1 => anything()];
    prop_oneof![9 => object(entries.prop_map(|entries| vec![("entry", entries)])), 1 => anything()]
}

proptest! {
    #[test]
    fn the_splitter_agrees_with_a_naive_walker(body in arbitrary_body()) {
        prop_assert_eq!(told(body.to_string().as_bytes()), naive::told(&body));
    }

    #[test]
    fn no_bytes_are_too_strange_to_keep(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let is_empty = matches!(
            serde_json::from_slice::<Value>(&body), Ok(Value::Object(members)) if members.get("entry") == Some(&json!([]))
        );
        prop_assert_eq!(told(&body).values().flatten().count() == 0, is_empty);
    }
}
