//! Webhook payloads that nobody here wrote, where the folder beside the project is present: each is answered 200 and kept,
//! and each message in it is found once, as what it is.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};
use shared::domain::message::{KINDS, MetaMessage, readable};
use tests::World;

use super::{all, deliver, items, own};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures");

/// Every time in it is now: what is older than eight days would be parked.
fn moved_to_now(value: &mut Value, now: i64) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), &*field) {
                    ("timestamp" | "time", Value::String(_)) => *field = json!(now.to_string()),
                    ("timestamp" | "time", Value::Number(_)) => *field = json!(now),
                    _ => moved_to_now(field, now),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|one| moved_to_now(one, now)),
        _ => {}
    }
}

/// What a customer says in it: the number, and the message.
fn messages(payload: &Value) -> Vec<(String, Value)> {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let changes = list(payload, "entry").into_iter().flat_map(|entry| list(&entry, "changes"));
    let of_change = |change: Value| {
        let number = change["value"]["metadata"]["phone_number_id"].as_str().unwrap_or_default().to_owned();
        list(&change["value"], "messages").into_iter().map(move |message| (number.clone(), message))
    };
    changes.filter(|change| change["field"] == "messages").flat_map(of_change).collect()
}

async fn own_its_numbers(world: &World, payload: &Value, owned: &mut BTreeSet<String>) {
    for entry in payload["entry"].as_array().into_iter().flatten() {
        for change in entry["changes"].as_array().into_iter().flatten() {
            let waba = entry["id"].as_str().filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()));
            let number = change["value"]["metadata"]["phone_number_id"].as_str();
            let number = number.filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
            if let (Some(waba), Some(number)) = (waba, number)
                && owned.insert(number.to_owned())
            {
                own(world, "acme", number, waba).await;
            }
        }
    }
}

#[tokio::test]
async fn payloads_that_others_recorded_are_kept_as_what_they_are() {
    let Ok(manifest) = fs::read_to_string(Path::new(FOLDER).join("MANIFEST.json")) else {
        println!("webhook payloads of others: SKIPPED, {FOLDER} is not there");
        return;
    };
    let manifest: Vec<Value> = serde_json::from_str(&manifest).unwrap();
    let world = World::start().await;
    let (mut owned, mut delivered, mut found, mut wrong) = (BTreeSet::new(), 0, 0, Vec::new());
    for file in manifest.iter().filter(|file| file["kind"] == "webhook") {
        let name = file["file"].as_str().unwrap();
        let mut payload: Value =
            serde_json::from_str(&fs::read_to_string(Path::new(FOLDER).join(name)).unwrap()).unwrap();
        moved_to_now(&mut payload, world.clock.now().as_second());
        own_its_numbers(&world, &payload, &mut owned).await;
        for _ in 0..2 {
            deliver(&world, payload.to_string().as_bytes()).await;
            let drained = world.drain().await;
            assert_eq!(drained.again, 0, "{name}");
            // Past what SQS remembers: the ledger knows it.
            world.clock.advance(jiff::SignedDuration::from_mins(6));
        }
        delivered += 1;
        // One has placeholders where ids and names belong: it is kept, and nothing more can be said of it.
        if file["clean"] != true {
            continue;
        }
        let stored = all(&world).await;
        for (_, message) in messages(&payload).iter().filter(|(number, _)| owned.contains(number)) {
            let Some(wamid) = message["id"].as_str().filter(|id| !id.is_empty()) else { continue };
            let same: Vec<_> = stored.iter().filter(|one| one.wamid.as_deref() == Some(wamid)).collect();
            let kinds: Vec<String> =
                same.iter().filter_map(|one| Some(MetaMessage::of(&readable(&one.raw))?.kind().to_owned())).collect();
            let said = message["type"].as_str().unwrap_or_default();
            let kind = if KINDS.contains(&said) { said } else { "unsupported" };
            found += 1;
            if !kinds.iter().any(|one| one == kind) {
                wrong.push(format!("{name}: {wamid} is {kinds:?}, not {kind}"));
            }
        }
    }
    println!("webhook payloads of others: {delivered} delivered twice, {found} messages looked for");
    assert_eq!(wrong, Vec::<String>::new());
    let parked: Vec<Value> = world.table("RECEIPTS_TABLE").await;
    let lots = parked.iter().filter(|item| item["pk"] == "parked").map(|item| item["sk"].to_string());
    let lost: Vec<String> = lots.filter(|lot| lot.contains("poison") || lot.contains("stale")).collect();
    assert_eq!(lost, Vec::<String>::new());
    assert!(!items(&world, 'e').await.is_empty());
}
