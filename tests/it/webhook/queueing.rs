//! What was signed is on the queue: each unit once, in order, whatever its size and its letters.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value, json};
use shared::{
    aws::blobs::Blobs,
    domain::envelope::{Envelope, Packed, Unit},
};
use tests::World;

use super::{Seen, body, calls, deliver, entry, one, queued, seen, text};

#[tokio::test]
async fn what_a_customer_writes_at_meta_is_on_the_queue() {
    let world = World::deployed().await;
    let begun = crate::connect::begin(&world, "acme", json!({"method": "login", "auto_select": "all"})).await;
    world.consent(crate::connect::start_url(&begun), tests::Consent::To(&[crate::connect::ONE])).await;

    let written = json!({"phone_number_id": crate::connect::NUMBER, "type": "text", "text": {"body": "Hello"}});
    let told = world.meta.post("/_sim/inbound", written).await;

    assert_eq!(told["deliveries"][0]["status"], 200, "{told:#}");
    let units = seen(&queued(&world).await);
    let [Seen { kind, raw, .. }] = units.as_slice() else { panic!("{units:?}") };
    assert_eq!((kind.as_str(), &raw["id"], &raw["text"]["body"]), ("message", &told["wamids"][0], &json!("Hello")));
}

/// A thousand updates of 3 KB: to 40 numbers of five tenants' WABAs, six people each, messages and statuses mixed.
fn large() -> (Vec<Value>, Vec<u8>) {
    let mut all = Vec::new();
    let mut entries = Vec::new();
    for piece in 0..200 {
        let (waba, number) = (format!("10{}", piece % 5), format!("1060{}", piece % 40));
        for (list, count) in [("messages", 4), ("statuses", 1)] {
            let units: Vec<Value> = (0..count)
                .map(|unit| {
                    let id = format!("wamid.{piece}.{list}.{unit}");
                    let person = format!("1650555{:04}", (piece / 40 + unit) % 6);
                    if list == "messages" {
                        text(&person, &id, &"x".repeat(2800))
                    } else {
                        let more = "y".repeat(2800);
                        json!({"id": id, "status": "sent", "timestamp": "1795240800", "recipient_id": person, "z": more})
                    }
                })
                .collect();
            entries.push(entry(&waba, &number, list, &units));
            all.extend(units);
        }
    }
    (all, body(&entries))
}

#[tokio::test]
async fn a_thousand_updates_arrive_each_once_and_in_order() {
    let world = World::start().await;
    let (sent, body) = large();
    assert_eq!((sent.len(), body.len() / 1_000_000), (1000, 2), "{} bytes", body.len());

    assert_eq!(deliver(&world, &body).await, 200);

    let queued = queued(&world).await;
    let units = seen(&queued);
    let place: HashMap<&str, usize> =
        sent.iter().enumerate().map(|(place, unit)| (unit["id"].as_str().unwrap(), place)).collect();
    let mut by_group: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for unit in &units {
        let place = place[unit.raw["id"].as_str().unwrap()];
        assert_eq!(unit.raw, sent[place]);
        by_group.entry(&unit.group).or_default().push(place);
    }
    let arrived: HashSet<usize> = by_group.values().flatten().copied().collect();
    assert_eq!((arrived.len(), units.len()), (1000, 1000), "each once");
    assert!(by_group.values().all(|places| places.is_sorted()), "in order");
    assert_eq!(by_group.len(), 240, "one group for each person at each number");
    let (messages, batches) = (queued.len(), calls(&world, "SendMessageBatch"));
    println!("1,000 updates, {} bytes: {messages} messages, {batches} batches", body.len());
    assert_eq!((messages, batches), (240, 24));
}

#[tokio::test]
async fn a_warm_delivery_costs_one_batch_and_nothing_else() {
    let world = World::start().await;
    deliver(&world, &one("wamid.1")).await;
    world.aws.clear_calls();

    assert_eq!(deliver(&world, &one("wamid.2")).await, 200);

    let operations: Vec<String> = world.aws.calls().into_iter().map(|call| call.operation).collect();
    assert_eq!(operations, ["SendMessageBatch"]);
}

#[tokio::test]
async fn a_repeated_delivery_is_swallowed() {
    let world = World::start().await;
    for _ in 0..3 {
        assert_eq!(deliver(&world, &one("wamid.1")).await, 200);
        world.clock.advance(jiff::SignedDuration::from_secs(60));
    }
    assert_eq!(seen(&queued(&world).await).len(), 1);
}

#[tokio::test]
async fn letters_that_sqs_refuses_arrive_all_the_same() {
    let world = World::start().await;
    let said = "\u{FFFE} a \u{FFFF}\u{FFFD} \\ \" \u{10FFFF} \u{7F} \u{1} \0 \r\n\t é";
    let mut message = text("16505551234", "wamid.1", said);
    message["from"] = json!("1650555\u{FFFF}");
    let body = body(&[entry("102\u{FFFE}", "106", "messages", std::slice::from_ref(&message))]);
    assert!(String::from_utf8_lossy(&body).contains('\u{FFFE}'), "raw, as JSON may have it");

    assert_eq!(deliver(&world, &body).await, 200);

    let queued = queued(&world).await;
    assert_eq!(seen(&queued)[0].raw, message);
    assert_eq!(Envelope::parse(&queued[0].body).unwrap().entry, "102\u{FFFE}");
}

#[tokio::test]
async fn a_unit_that_is_too_large_is_kept_and_pointed_to() {
    let world = World::start().await;
    let large = text("16505551234", "wamid.large", &"é\u{FFFF}".repeat(200_000));
    let units = [text("16505551234", "wamid.1", "before"), large.clone(), text("16505551234", "wamid.2", "after")];
    let body = body(&[entry("102", "106", "messages", &units)]);

    for _ in 0..2 {
        assert_eq!(deliver(&world, &body).await, 200);
    }

    let queued = queued(&world).await;
    let [queued] = queued.as_slice() else { panic!("{} messages", queued.len()) };
    let envelope = Envelope::parse(&queued.body).unwrap();
    let [Packed::Here(before), Packed::Elsewhere(elsewhere), Packed::Here(after)] = envelope.units.as_slice() else {
        panic!("{} units", envelope.units.len())
    };
    assert!(before.raw.get().contains("before") && after.raw.get().contains("after"));
    let blobs = Blobs::new(
        world.aws_clients().later(shared::aws::clients::Aws::dynamodb),
        world.variable("webhook", "RECEIPTS_TABLE"),
    );
    let read = blobs.read(elsewhere).await.unwrap();
    let unit = Unit::parse(&read).unwrap();
    assert_eq!(serde_json::from_str::<Value>(unit.raw.get()).unwrap(), large);
    let rows = world.table("RECEIPTS_TABLE").await;
    assert_eq!(rows.len(), elsewhere.rows, "the second time left the same ones");
    let until = (world.clock.now() + jiff::SignedDuration::from_hours(24 * 60)).as_second();
    assert!(rows.iter().all(|row| row["ttl"].as_i64().unwrap().abs_diff(until) < 60), "they go by themselves");
}

#[tokio::test]
async fn one_bad_part_costs_its_neighbours_nothing() {
    let world = World::start().await;
    let good = entry("102", "106", "messages", &[text("16505551234", "wamid.1", "Hello")]);
    let mut broken = good.clone();
    broken["changes"] = json!([{"value": 5, "field": "messages"}, 7, {"field": "messages"}]);
    let unknown = json!({"id": "0", "time": 5, "changes": [{"field": "brand_new", "value": {"a": [1]}}]});

    assert_eq!(deliver(&world, &body(&[json!("?"), broken, unknown, good])).await, 200);

    let units: Vec<(String, Value)> =
        seen(&queued(&world).await).into_iter().map(|unit| (unit.kind, unit.raw)).collect();
    let unreadable = |text: &str| {
        use base64::{Engine, prelude::BASE64_STANDARD};
        ("unreadable".to_owned(), json!(BASE64_STANDARD.encode(text)))
    };
    assert_eq!(units.len(), 6, "{units:#?}");
    for expected in [
        unreadable(r#""?""#),
        unreadable("7"),
        unreadable(r#"{"field":"messages"}"#),
        ("change".to_owned(), json!(5)),
        ("change".to_owned(), json!({"a": [1]})),
        ("message".to_owned(), text("16505551234", "wamid.1", "Hello")),
    ] {
        assert!(units.contains(&expected), "{expected:?} in {units:#?}");
    }
}
