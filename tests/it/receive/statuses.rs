//! What becomes of messages that went out: facts that converge, whatever their order.

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::domain::message::{Stored, shown};
use tests::World;

use super::{ago, all, arrive, connected, items};

const TO: &str = "16505551234";

async fn echo(world: &World, wamid: &str) {
    let second = ago(world, SignedDuration::from_secs(60)).to_string();
    let echo = json!({"from": super::DISPLAY, "to": TO, "id": wamid, "timestamp": second, "type": "text",
        "text": {"body": wamid}});
    arrive(world, "smb_message_echoes", json!({"message_echoes": [echo]})).await;
}

fn status(wamid: &str, status: &str, second: i64) -> Value {
    json!({"id": wamid, "status": status, "timestamp": second.to_string(), "recipient_id": TO})
}

async fn told(world: &World, statuses: &[Value]) {
    for status in statuses {
        arrive(world, "messages", json!({"statuses": [status]})).await;
    }
}

async fn message(world: &World, wamid: &str) -> Stored {
    all(world).await.into_iter().find(|message| message.wamid.as_deref() == Some(wamid)).unwrap()
}

fn orders<T: Clone>(all: &[T]) -> Vec<Vec<T>> {
    let Some((last, rest)) = all.split_last() else { return vec![Vec::new()] };
    let place = |order: Vec<T>| {
        (0..=order.len()).map(move |at| {
            let mut order = order.clone();
            order.insert(at, last.clone());
            order
        })
    };
    orders(rest).into_iter().flat_map(place).collect()
}

#[tokio::test]
async fn every_order_of_statuses_ends_the_same() {
    let world = connected().await;
    let now = ago(&world, SignedDuration::from_secs(50));
    let mut ends = Vec::new();
    // One of them twice, with another time: the earlier counts.
    let statuses = [("sent", 0), ("delivered", 2), ("failed", 1), ("delivered", 3)];
    let orders = orders(&statuses);
    for (place, order) in orders.iter().enumerate() {
        let wamid = format!("wamid.{place}");
        // Half of them come before what they are about.
        let is_early = place % 2 == 0;
        let statuses: Vec<Value> = order.iter().map(|(name, after)| status(&wamid, name, now + after)).collect();
        if !is_early {
            echo(&world, &wamid).await;
        }
        arrive(&world, "messages", json!({"statuses": statuses})).await;
        if is_early {
            echo(&world, &wamid).await;
        }
        let mut facts = message(&world, &wamid).await.statuses;
        assert_eq!(shown(&facts), Some("delivered"), "{order:?}");
        // That it went out is known from itself.
        facts.remove("sent").unwrap();
        ends.push(facts);
    }
    assert_eq!(ends.len(), 24);
    assert!(ends.iter().all(|end| *end == ends[0]), "{ends:#?}");
    assert_eq!(ends[0].keys().collect::<Vec<_>>(), ["delivered", "failed"]);
    assert!(items(&world, 's').await.is_empty());
}

#[tokio::test]
async fn facts_are_kept_and_counted_once() {
    let world = connected().await;
    echo(&world, "wamid.A").await;
    let now = ago(&world, SignedDuration::ZERO);
    let mut failed = status("wamid.A", "failed", now);
    failed["errors"] = json!([{"code": 131_047, "title": "Re-engagement message"}]);
    let mut delivered = status("wamid.A", "delivered", now);
    delivered["pricing"] = json!({"billable": true, "category": "service"});
    let unknown = status("wamid.A", "in_orbit", now);
    told(&world, &[failed.clone(), delivered.clone(), unknown]).await;
    world.clock.advance(SignedDuration::from_mins(6));
    told(&world, &[failed, delivered]).await;

    let message = message(&world, "wamid.A").await;
    assert_eq!(message.statuses["failed"].code().as_deref(), Some("131047"));
    assert_eq!(message.statuses["delivered"].pricing.as_deref(), Some(r#"{"billable":true,"category":"service"}"#));
    assert!(message.statuses.contains_key("in_orbit"));
    assert_eq!(shown(&message.statuses), Some("delivered"));
    let mut counted = std::collections::BTreeMap::new();
    for item in items(&world, 'n').await {
        for (name, count) in item.as_object().unwrap().iter().filter(|(name, _)| name.contains('#')) {
            *counted.entry(name.clone()).or_insert(0) += count.as_u64().unwrap();
        }
    }
    let names: Vec<(&str, u64)> = counted.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(
        names,
        [
            ("f#131047", 1),
            ("m#outbound#text#delivered", 1),
            ("m#outbound#text#failed", 1),
            ("m#outbound#text#in_orbit", 1),
            ("m#outbound#text#sent", 1),
        ]
    );
}

#[tokio::test]
async fn each_participant_of_a_group_is_told_of() {
    let world = connected().await;
    let second = ago(&world, SignedDuration::from_secs(60)).to_string();
    let echo = json!({"from": super::DISPLAY, "to": "x", "group_id": "G1", "id": "wamid.G", "timestamp": second, "type": "text",
        "text": {"body": "all"}});
    arrive(&world, "smb_message_echoes", json!({"message_echoes": [echo]})).await;
    for participant in ["1", "2"] {
        let read = json!({"id": "wamid.G", "status": "read", "timestamp": second, "recipient_id": "G1",
            "recipient_type": "group", "recipient_participant_id": participant});
        told(&world, &[read]).await;
    }
    let facts = message(&world, "wamid.G").await.statuses;
    assert_eq!(facts.keys().collect::<Vec<_>>(), ["read#1", "read#2", "sent"]);
}

#[tokio::test]
async fn a_status_of_nothing_known_waits_and_is_then_forgotten() {
    let world = connected().await;
    told(&world, &[status("wamid.lost", "sent", ago(&world, SignedDuration::ZERO))]).await;

    assert_eq!(items(&world, 's').await.len(), 1);
    world.advance(SignedDuration::from_hours(24 * 16)).await;
    assert!(items(&world, 's').await.is_empty());
}

#[tokio::test]
async fn a_status_adds_a_name_to_whom_it_is_about() {
    let world = connected().await;
    echo(&world, "wamid.A").await;
    let mut delivered = status("wamid.A", "delivered", ago(&world, SignedDuration::ZERO));
    delivered["recipient_user_id"] = json!("US.1");
    told(&world, &[delivered]).await;

    let (_, head) = super::head(&world).await;
    assert_eq!(head.contact.user_id.as_deref(), Some("US.1"));
    assert_eq!(items(&world, 'a').await.len(), 2);
}
