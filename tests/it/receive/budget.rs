//! What a unit costs, counted at the emulators: DESIGN §9.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::World;

use super::{ago, connected, deliver, delivery, text};

/// What a batch of ten came to, for each unit.
#[derive(Debug, Default, PartialEq)]
struct Spent {
    calls: BTreeMap<String, usize>,
    written: f64,
}

impl Spent {
    fn of(world: &World) -> Self {
        let mut spent = Self::default();
        for call in world.aws.calls().into_iter().filter(|call| call.caller == "inbound") {
            assert_eq!(call.status, 200, "{call:?}");
            *spent.calls.entry(call.operation).or_default() += 1;
            spent.written += call.consumed_write_units;
        }
        spent
    }

    fn told(&self, what: &str) {
        let calls: usize = self.calls.values().sum();
        println!("{what}: {} calls, {:.1} written units, for ten units: {:?}", calls, self.written, self.calls);
    }
}

/// Ten deliveries of one unit each, taken in as one batch.
async fn batch(world: &World, units: impl Fn(usize) -> (&'static str, Value)) -> Spent {
    for place in 0..10 {
        let (field, value) = units(place);
        deliver(world, &delivery(field, value)).await;
    }
    world.aws.clear_calls();
    let drained = world.drain().await;
    assert_eq!((drained.batches, drained.done), (1, 10));
    Spent::of(world)
}

fn said(world: &World, person: usize, wamid: &str) -> (&'static str, Value) {
    let from = format!("1650555{person:04}");
    let contact = json!({"wa_id": from, "user_id": format!("US.1349120865530274{person:04}"), "profile": {"name": "Maria Silva"}});
    let wamid = format!("wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQzQTdCNTg5RjY1MEMyRjlGMjRG{wamid}");
    let body = "Hello, is the blue one still there? I would like to come by tomorrow.";
    let message = text(&from, &wamid, ago(world, SignedDuration::from_secs(5)), body);
    ("messages", json!({"contacts": [contact], "messages": [message]}))
}

#[tokio::test]
async fn ten_messages_of_ten_people_cost_what_they_may() {
    let world = connected().await;
    let first = batch(&world, |person| said(&world, person, &format!("a{person}"))).await;
    first.told("ten messages of ten new people");
    let warm = batch(&world, |person| said(&world, person, &format!("b{person}"))).await;
    warm.told("ten messages of ten known people");

    let calls = |name: &str| warm.calls.get(name).copied().unwrap_or_default();
    assert_eq!(calls("PutItem"), 20, "a message and a head each");
    assert_eq!(warm.calls.values().sum::<usize>() - 20, 3, "{warm:?}");
    assert!(warm.written <= 32.0, "{warm:?}");
}

#[tokio::test]
async fn ten_messages_of_one_person_share_a_head() {
    let world = connected().await;
    batch(&world, |message| said(&world, 1, &format!("a{message}"))).await;
    let warm = batch(&world, |message| said(&world, 1, &format!("b{message}"))).await;
    warm.told("ten messages of one person");

    assert_eq!(warm.calls["PutItem"], 11);
    assert!(warm.calls.values().sum::<usize>() <= 14 && warm.written <= 23.5, "{warm:?}");
}

#[tokio::test]
async fn ten_statuses_cost_a_write_each() {
    let world = connected().await;
    let wamid = |place: usize| format!("wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQzQTdCNTg5RjY1MEMyRjlGMjRG{place}");
    let second = ago(&world, SignedDuration::from_secs(5)).to_string();
    batch(&world, |place| {
        let echo = json!({"from": super::DISPLAY, "to": format!("1650555{place:04}"), "id": wamid(place), "timestamp": second,
            "type": "text", "text": {"body": "It is. Come whenever you like, we are open until eight."}});
        ("smb_message_echoes", json!({"message_echoes": [echo]}))
    })
    .await;
    for name in ["delivered", "read"] {
        let told = batch(&world, |place| {
            let pricing = json!({"billable": true, "pricing_model": "PMP", "type": "regular", "category": "service"});
            let status = json!({"id": wamid(place), "status": name, "timestamp": second, "pricing": pricing,
                "recipient_id": format!("1650555{place:04}")});
            ("messages", json!({"statuses": [status]}))
        })
        .await;
        told.told(&format!("ten statuses: {name}"));

        assert_eq!(told.calls["UpdateItem"], 11, "ten facts, one count");
        assert!(told.written <= 11.0, "{told:?}");
    }
}
