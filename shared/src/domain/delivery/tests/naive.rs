//! The same rules over a tree: slow, and simple enough to be believed.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

use super::{About, Told, UNREADABLE};
use crate::domain::{
    conversation::phone_variants,
    envelope::{group_of, group_of_entry},
};

type Groups = BTreeMap<String, Vec<Told>>;

pub(super) fn told(body: &Value) -> Groups {
    let mut groups = Groups::new();
    let Some(entries) = body.get("entry").and_then(Value::as_array) else {
        unreadable(body, &About::default(), &mut groups);
        return groups;
    };
    for entry in entries {
        let Some(changes) = entry.get("changes").and_then(Value::as_array) else {
            unreadable(entry, &About::default(), &mut groups);
            continue;
        };
        let about = About {
            entry: name(entry.get("id")).unwrap_or_default(),
            time: name(entry.get("time")).and_then(|time| time.parse().ok()),
            ..About::default()
        };
        for change in changes {
            match change.get("value") {
                Some(value) => of_value(
                    value,
                    About { field: name(change.get("field")).unwrap_or_default(), ..about.clone() },
                    &mut groups,
                ),
                None => unreadable(change, &about, &mut groups),
            }
        }
    }
    groups
}

fn unreadable(part: &Value, about: &About, groups: &mut Groups) {
    let raw = json!(BASE64_STANDARD.encode(part.to_string()));
    let unit = Told { about: about.clone(), kind: UNREADABLE.to_owned(), raw, contact: None, thread: None };
    groups.entry(UNREADABLE.to_owned()).or_default().push(unit);
}

fn name(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) => text.clone(),
        Value::Number(number) if !number.is_f64() => number.to_string(),
        _ => return None,
    };
    (1..=256).contains(&text.len()).then_some(text)
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn list(value: Option<&Value>) -> Vec<Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => list.clone(),
        Some(other) => vec![other.clone()],
    }
}

fn of_value(value: &Value, mut about: About, groups: &mut Groups) {
    let mut members = value.as_object().cloned().unwrap_or_default();
    let standby = match members.get("standby") {
        Some(Value::Object(standby)) => standby.clone(),
        _ => Map::new(),
    };
    if members.get("standby").is_some_and(Value::is_object) {
        members.remove("standby");
    }
    let either = |name: &str| members.get(name).or_else(|| standby.get(name));
    let numbered = ["metadata", "recipient", "phone_number_settings"].iter().find_map(|name| either(name));
    about.number = numbered.and_then(|numbered| name(numbered.get("phone_number_id")));
    about.display = numbered.and_then(|numbered| name(numbered.get("display_phone_number"))).map(|text| digits(&text));
    let contacts = list(either("contacts"));

    let mut units: Vec<(String, Told)> = Vec::new();
    let mut beside = Vec::new();
    let people = [
        "messages",
        "standby",
        "smb_message_echoes",
        "message_echoes",
        "history",
        "smb_app_state_sync",
        "user_preferences",
        "",
    ];
    if people.contains(&about.field.as_str()) {
        for members in [&members, &standby] {
            for (list_name, value) in members {
                of_list(list_name, value, &about, &contacts, &mut units, &mut beside);
            }
        }
    }
    if units.is_empty() {
        beside = vec![value.clone()];
    }
    for raw in beside {
        let who = format!("f:{}", about.field);
        units.push((who, Told { about: about.clone(), kind: "change".to_owned(), raw, contact: None, thread: None }));
    }
    for (who, unit) in units {
        let group = about.number.as_ref().map_or_else(|| group_of_entry(&about.entry), |number| group_of(number, &who));
        groups.entry(group).or_default().push(unit);
    }
}

fn of_list(
    list_name: &str,
    value: &Value,
    about: &About,
    contacts: &[Value],
    units: &mut Vec<(String, Told)>,
    beside: &mut Vec<Value>,
) {
    let kind = match list_name {
        "messages" | "message_echoes" if about.field == "history" => "history",
        "messages" => "message",
        "message_echoes" => "echo",
        "statuses" => "status",
        "errors" => "error",
        "user_actions" => "action",
        "state_sync" => "contact_sync",
        "user_preferences" => "preference",
        "history" => {
            for chunk in list(Some(value)) {
                let before = units.len();
                for error in list(chunk.get("errors")) {
                    push(units, about, contacts, "error", error, [None, None, None], None);
                }
                for thread in list(chunk.get("threads")) {
                    let mut around = thread.as_object().cloned().unwrap_or_default();
                    around.remove("messages");
                    around.extend(chunk.get("metadata").map(|metadata| ("metadata".to_owned(), metadata.clone())));
                    let context = thread.get("context");
                    let of = |member: &str| context.and_then(|context| name(context.get(member)));
                    let names = [None, of("user_id"), of("wa_id").or_else(|| name(thread.get("id")))];
                    for message in list(thread.get("messages")) {
                        push(units, about, contacts, "history", message, names.clone(), Some(json!(around)));
                    }
                }
                if units.len() == before {
                    beside.push(json!({"history": [chunk]}));
                }
            }
            return;
        }
        "messaging_product" | "metadata" | "contacts" => return,
        _ => {
            let says = value.as_object().is_some_and(|members| !members.is_empty())
                || value.as_array().is_some_and(|list| !list.is_empty());
            beside.extend(says.then(|| json!({list_name: value})));
            return;
        }
    };
    for unit in list(Some(value)) {
        let of = |member: &str| name(unit.get(member));
        let in_contact = |member: &str| unit.get("contact").and_then(|contact| name(contact.get(member)));
        let names = match kind {
            "status" if of("recipient_type").as_deref() == Some("group") => [of("recipient_id"), None, None],
            "status" => [None, of("recipient_user_id"), of("recipient_id")],
            "echo" => [of("group_id"), of("to_user_id"), of("to")],
            "history" if about.display.is_some() && of("from") == about.display => {
                [of("group_id"), of("to_user_id"), of("to")]
            }
            "preference" => [None, of("user_id"), of("wa_id")],
            "contact_sync" => [None, in_contact("user_id"), in_contact("phone_number")],
            _ => [of("group_id"), of("from_user_id"), of("from")],
        };
        push(units, about, contacts, kind, unit, names, None);
    }
}

fn push(
    units: &mut Vec<(String, Told)>,
    about: &About,
    contacts: &[Value],
    kind: &str,
    raw: Value,
    [group, user, phone]: [Option<String>; 3],
    thread: Option<Value>,
) {
    let called = |wanted: &str| {
        let is = |contact: &&Value, member: &str| name(contact.get(member)).as_deref() == Some(wanted);
        contacts.iter().find(|contact| is(contact, "wa_id") || is(contact, "user_id"))
    };
    let by_phone =
        |phone: &String| called(phone).or_else(|| phone_variants(phone).iter().find_map(|other| called(other)));
    let contact = user.as_deref().and_then(called).or_else(|| phone.as_ref().and_then(by_phone));
    let user = user.or_else(|| name(contact?.get("user_id")));
    let who = match (group, user, phone) {
        (Some(group), _, _) => format!("g:{group}"),
        (_, Some(user), _) => user,
        (_, _, Some(phone)) => digits(&phone),
        _ => "-".to_owned(),
    };
    let about = about.clone();
    units.push((who, Told { about, kind: kind.to_owned(), raw, contact: contact.cloned(), thread }));
}
