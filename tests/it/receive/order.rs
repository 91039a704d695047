//! Batches: order inside a conversation, neighbours, repetitions, and what is not for anybody.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::World;
use tokio::task::JoinSet;

use super::{ACME, ago, all, arrive, connected, deliver, delivery, head, heads, items, own, text, wamids};

const MARIA: &str = "16505551234";

async fn raw_record(world: &World, group: &str, body: &str) {
    let send = world.aws_clients().sqs().send_message().queue_url(world.variable("webhook", "INBOUND_QUEUE"));
    let send = send.message_body(body).message_group_id(group);
    send.message_deduplication_id(format!("{group}{}", body.len())).send().await.unwrap();
}

#[tokio::test]
async fn messages_of_one_second_keep_the_order_they_came_in() {
    let world = connected().await;
    let second = ago(&world, SignedDuration::from_secs(5));
    for message in 0..25 {
        let wamid = format!("wamid.{message:02}");
        deliver(&world, &delivery("messages", json!({"messages": [text(MARIA, &wamid, second, &wamid)]}))).await;
    }
    assert_eq!(world.drain().await.again, 0);

    let mut all = all(&world).await;
    all.sort_by_key(shared::domain::message::Stored::standing);
    let order: Vec<&str> = all.iter().filter_map(|message| message.wamid.as_deref()).collect();
    assert_eq!(order, (0..25).map(|message| format!("wamid.{message:02}")).collect::<Vec<_>>());
    let (_, head) = head(&world).await;
    assert_eq!((head.unread, head.last), (25, Some(all[24].id)));
    // Three batches, one write of the head each.
    assert_eq!(head.revision, 3);
}

#[tokio::test]
async fn an_older_message_does_not_become_the_last() {
    let world = connected().await;
    for (wamid, minutes) in [("wamid.new", 1), ("wamid.old", 60)] {
        let second = ago(&world, SignedDuration::from_mins(minutes));
        arrive(&world, "messages", json!({"messages": [text(MARIA, wamid, second, wamid)]})).await;
    }
    let (_, head) = head(&world).await;
    let newest = all(&world).await.into_iter().find(|message| message.wamid.as_deref() == Some("wamid.new")).unwrap();
    assert_eq!((head.last, head.unread), (Some(newest.id), 2));
    assert!(head.window_until.unwrap() > world.product_clock().now() + SignedDuration::from_hours(23));
}

#[tokio::test]
async fn what_cannot_be_read_hurts_nobody_beside_it() {
    let world = connected().await;
    let second = ago(&world, SignedDuration::from_secs(5));
    let good = |wamid: &str| delivery("messages", json!({"messages": [text(MARIA, wamid, second, wamid)]}));
    deliver(&world, &good("wamid.1")).await;
    for (group, body) in [("a", "nonsense"), ("b", r#"{"v":9}"#), ("c", "[]"), ("d", r#"{"v":1,"units":[{}]}"#)] {
        raw_record(&world, group, body).await;
    }
    deliver(&world, &good("wamid.2")).await;

    assert_eq!(world.drain().await.again, 0);
    assert_eq!(wamids(&world).await, ["wamid.1", "wamid.2"]);
    let parked: Vec<Value> = world.table("RECEIPTS_TABLE").await;
    let units = parked.iter().filter(|row| row["pk"].as_str().unwrap().starts_with("park#"));
    assert_eq!(units.count(), 4, "{parked:#?}");
}

#[tokio::test]
async fn the_same_delivery_a_hundred_at_a_time_is_once() {
    let world = connected().await;
    let body = delivery(
        "messages",
        json!({"messages": [text(MARIA, "wamid.A", ago(&world, SignedDuration::from_secs(5)), "Hello")]}),
    );
    deliver(&world, &body).await;
    let batch = world.receive(&world.cold_inbound("look")).await;
    let environments: Vec<_> =
        (0..8).map(|place| (format!("inbound-{place}"), world.cold_inbound(&format!("inbound-{place}")))).collect();
    // The same record, as a queue that delivers it again would, and as records of another place in the queue.
    let mut other = batch.clone();
    let attributes = other[0].attributes.as_mut().unwrap();
    *attributes.get_mut(&aws_sdk_sqs::types::MessageSystemAttributeName::SequenceNumber).unwrap() = "99".repeat(10);
    // A thousand in all, where all are asked for.
    let rounds = if tests::whole() { 125 } else { 12 };
    let world = Arc::new(world);
    let mut taking = JoinSet::new();
    for (caller, environment) in environments {
        let (world, batches) = (Arc::clone(&world), [batch.clone(), other.clone()]);
        taking.spawn(async move {
            for round in 0..rounds {
                let failed = world.invoke(&environment, &caller, &batches[round % 2]).await;
                assert_eq!(failed, Some(Vec::new()));
            }
        });
    }
    taking.join_all().await;

    assert_eq!(wamids(&world).await, ["wamid.A"]);
    assert_eq!(head(&world).await.1.unread, 1);
    assert_eq!(items(&world, 'n').await[0]["m#inbound#text#received"], json!(1));
}

#[tokio::test]
async fn what_is_repeated_after_days_is_taken_in_once_and_what_is_stale_is_parked() {
    let world = connected().await;
    let body = delivery(
        "messages",
        json!({"messages": [text(MARIA, "wamid.A", ago(&world, SignedDuration::from_secs(5)), "Hello")]}),
    );
    deliver(&world, &body).await;
    world.drain().await;
    for hours in [1, 24 * 6 - 1, 24 * 4, 24 * 4] {
        world.advance(SignedDuration::from_hours(hours)).await;
        deliver(&world, &body).await;
        assert_eq!(world.drain().await.again, 0);
    }

    assert_eq!(wamids(&world).await, ["wamid.A"]);
    assert_eq!(head(&world).await.1.unread, 1);
    let stale = world.table("RECEIPTS_TABLE").await;
    let stale: Vec<&Value> = stale.iter().filter(|row| row["pk"].as_str().unwrap().starts_with("park#")).collect();
    // Ten days and fourteen: the same unit, kept apart once.
    assert_eq!(stale.len(), 1, "{stale:#?}");
}

#[tokio::test]
async fn each_number_is_its_own_tenants() {
    let world = connected().await;
    own(&world, "bravo", "300400500600701", "200300400500601").await;
    let now = ago(&world, SignedDuration::from_secs(5));
    let value = |number: &str, wamid: &str| {
        json!({"id": "1", "changes": [{"field": "messages", "value": {
            "metadata": {"display_phone_number": "1555", "phone_number_id": number},
            "messages": [text(MARIA, wamid, now, wamid)]}}]})
    };
    let entries =
        [value(super::NUMBER, "wamid.acme"), value("300400500600701", "wamid.bravo"), value("1", "wamid.nobody")];
    let body = json!({"object": "whatsapp_business_account", "entry": entries}).to_string();
    deliver(&world, body.as_bytes()).await;
    assert_eq!(world.drain().await.again, 0);

    assert_eq!(wamids(&world).await, ["wamid.acme", "wamid.bravo"]);
    let messages = super::stored(&world).await;
    let tenants: Vec<&str> =
        messages.iter().map(|item| item["pk"].as_str().unwrap().split('#').next().unwrap()).collect();
    assert_eq!(tenants, [ACME, "bravo"]);
    assert_eq!(heads(&world).await.len(), 2);
}

#[tokio::test]
async fn only_what_a_person_wrote_opens_the_window_and_is_unread() {
    let world = connected().await;
    let now = ago(&world, SignedDuration::from_secs(5));
    let long_ago = now - 30 * 24 * 3_600;
    let echo = json!({"from": super::DISPLAY, "to": MARIA, "id": "wamid.e", "timestamp": now.to_string(), "type": "text",
        "text": {"body": "me"}});
    arrive(&world, "smb_message_echoes", json!({"message_echoes": [echo]})).await;
    let system = json!({"from": MARIA, "id": "wamid.s", "timestamp": now.to_string(), "type": "system",
        "system": {"type": "customer_identity_changed", "body": "?"}});
    arrive(&world, "messages", json!({"messages": [system]})).await;
    let (_, none) = head(&world).await;
    assert_eq!((none.window_until, none.unread), (None, 0));

    let old = text(MARIA, "wamid.h", long_ago, "once");
    let thread = json!({"id": MARIA, "messages": [old]});
    arrive(&world, "history", json!({"history": [{"metadata": {"phase": 0}, "threads": [thread]}]})).await;
    let (_, past) = head(&world).await;
    assert_eq!(past.unread, 0);
    assert!(!past.is_open(world.product_clock().now()));
    assert_eq!(past.last.map(|last| last.milliseconds()), u64::try_from(now * 1000).ok());
    assert_eq!(past.window_until.map(Timestamp::as_second), Some(long_ago + 24 * 3_600));
}

#[tokio::test]
async fn media_of_a_history_take_the_place_of_what_stood_for_them() {
    let world = connected().await;
    let second = ago(&world, SignedDuration::from_hours(24 * 30));
    let placeholder =
        json!({"from": MARIA, "id": "wamid.m", "timestamp": second.to_string(), "type": "media_placeholder"});
    let thread = json!({"id": MARIA, "messages": [placeholder]});
    arrive(&world, "history", json!({"history": [{"metadata": {"phase": 0}, "threads": [thread]}]})).await;
    let image = json!({"from": MARIA, "id": "wamid.m", "timestamp": second.to_string(), "type": "image",
        "image": {"id": "1", "caption": "There"}});
    for _ in 0..2 {
        arrive(&world, "history", json!({"messages": [image]})).await;
        world.clock.advance(SignedDuration::from_mins(6));
    }
    arrive(&world, "history", json!({"history": [{"metadata": {"phase": 0}, "threads": [thread]}]})).await;

    let kept = all(&world).await;
    assert_eq!(kept.len(), 1);
    assert_eq!(serde_json::from_str::<Value>(&kept[0].raw).unwrap(), image);
}

#[tokio::test]
async fn a_large_message_is_whole() {
    let world = connected().await;
    // Letters that do not deflate well.
    let body: String = (0_u64..700_000)
        .map(|place| char::from(b'a' + u8::try_from((place * place * 7 + place / 3) % 26).unwrap()))
        .collect();
    let message = text(MARIA, "wamid.large", ago(&world, SignedDuration::from_secs(5)), &body);
    arrive(&world, "messages", json!({"messages": [message]})).await;

    let kept = all(&world).await;
    assert_eq!(serde_json::from_str::<Value>(&kept[0].raw).unwrap(), message);
}
