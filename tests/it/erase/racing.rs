//! Forgetting somebody while others have something of theirs in hand.

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::domain::{
    conversation::{Alias, ContactId, ConversationId, MessageId},
    message::{Direction, Origin, Stored},
};
use tests::World;

use super::{erase, known, swept_out};
use crate::{
    connect::NUMBER,
    inbox::Seeds,
    receive::{self, ago, deliver, delivery, text},
    send::{self, ACME, CUSTOMER},
};

const NEIGHBOUR: &str = "16505551111";

/// Everything in the table of messages of one kind, as text.
async fn items(world: &World, kind: char) -> Vec<String> {
    receive::items(world, kind).await.iter().map(Value::to_string).collect()
}

fn message_of(world: &World, conversation: ConversationId, raw: &Value) -> Stored {
    let now = world.product_clock().now();
    Stored {
        id: MessageId::of_meta(conversation, Some(now), "wamid.late"),
        number: NUMBER.parse().unwrap(),
        wamid: Some("wamid.late".to_owned()),
        direction: Direction::Inbound,
        origin: Origin::Customer,
        raw: raw.to_string(),
        sequence: "9".to_owned(),
        received_at: now,
        statuses: std::collections::BTreeMap::new(),
        generation: 1,
        sending: None,
        duplicate: None,
    }
}

#[tokio::test]
async fn what_was_put_down_late_goes_too() {
    let world = send::ready().await;
    send::written_by(&world, CUSTOMER).await;
    let id = known(&world, CUSTOMER).await;
    let conversation: ConversationId = id.replace("ctc_", "cnv_").parse().unwrap();
    assert_eq!(erase(&world, &id).await.status, 204);
    world.sweep().await;

    // A batch that had looked them up before puts down what it has: a name, a message, and neither head nor list.
    let (messages, seeds) = (receive::messages(&world), Seeds::new(&world, ACME, NUMBER));
    let alias = Alias::User("US.late".to_owned());
    assert!(messages.name(&seeds.line, conversation, std::slice::from_ref(&alias)).await.unwrap());
    let raw = json!({"from": CUSTOMER, "id": "wamid.late", "type": "text", "text": {"body": "late"}});
    let late = message_of(&world, conversation, &raw);
    messages.put(&seeds.line.tenant, &late, world.clock.now()).await.unwrap();
    world.clock.advance(SignedDuration::from_mins(4));
    swept_out(&world).await;

    assert!(items(&world, 'a').await.iter().all(|item| !item.contains("US.late")));
    assert_eq!(receive::stored(&world).await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_name_that_was_put_down_late_leads_whoever_goes_by_it_to_a_conversation_of_their_own() {
    let world = send::ready().await;
    send::written_by(&world, CUSTOMER).await;
    let id = known(&world, CUSTOMER).await;
    let conversation: ConversationId = id.replace("ctc_", "cnv_").parse().unwrap();
    assert_eq!(erase(&world, &id).await.status, 204);
    let seeds = Seeds::new(&world, ACME, NUMBER);
    seeds.named(conversation, &Alias::Phone(CUSTOMER.to_owned())).await;

    send::written_by(&world, CUSTOMER).await;
    let after = known(&world, CUSTOMER).await;
    swept_out(&world).await;

    assert_ne!(after, id);
    assert_eq!(known(&world, CUSTOMER).await, after);
    let names = items(&world, 'a').await;
    assert!(!names.is_empty() && names.iter().all(|name| !name.contains(&conversation.hex())), "{names:?}");
}

#[tokio::test]
async fn what_was_accepted_late_is_not_posted() {
    let world = send::ready().await;
    send::written_by(&world, CUSTOMER).await;
    let accepted = send::send(&world, &send::text(CUSTOMER, "Hello")).await;
    let (messages, tenant) = (receive::messages(&world), ACME.parse().unwrap());
    let message = accepted["id"].as_str().unwrap().parse().unwrap();
    let message = messages.find(&tenant, &message).await.unwrap().unwrap();
    assert_eq!(erase(&world, &known(&world, CUSTOMER).await).await.status, 204);

    // Whoever accepted it had looked before, and puts it now. Its order is in the queue.
    messages.put(&tenant, &message, world.clock.now()).await.unwrap();
    let sent = world.send_out().await;
    // The order ends there, and is not tried again until it is given up.
    assert_eq!((sent.done, sent.again), (1, 0), "{sent:?}");
    send::pass(&world, 300).await;

    assert_eq!(send::posts(&world).await, Vec::<Value>::new());
    assert_eq!(receive::stored(&world).await, Vec::<Value>::new());
}

#[tokio::test]
async fn whoever_is_gone_is_not_told_of_however_late_the_feed_is() {
    let world = send::ready().await;
    world.feed().await;
    let cursor = world.as_operator("GET", "/v1/events?after=now").tenant(ACME).send().await.text("next");
    send::written_by(&world, CUSTOMER).await;
    send::written_by(&world, NEIGHBOUR).await;
    let id = known(&world, CUSTOMER).await;
    assert_eq!(erase(&world, &id).await.status, 204);

    world.feed().await;

    let told = world.as_operator("GET", &format!("/v1/events?limit=100&after={cursor}")).tenant(ACME).send().await;
    let told = told.body["data"].as_array().unwrap();
    let theirs: Vec<&Value> =
        told.iter().filter(|event| event["conversation_id"] == json!(id.replace("ctc_", "cnv_"))).collect();
    assert!(!theirs.is_empty() && theirs.iter().all(|event| event["data"].is_null()), "{theirs:#?}");
    assert!(!told.iter().any(|event| event.to_string().contains(CUSTOMER)), "{told:#?}");
    assert!(told.iter().any(|event| event.to_string().contains(NEIGHBOUR)), "{told:#?}");
}

#[tokio::test]
async fn a_warm_function_that_remembers_somebody_begins_anew_with_them() {
    let world = receive::connected().await;
    let second = ago(&world, SignedDuration::from_secs(60));
    let said = |wamid: &str, after: i64| json!({"messages": [text(CUSTOMER, wamid, second + after, wamid)]});
    receive::arrive(&world, "messages", said("wamid.1", 0)).await;
    receive::arrive(&world, "messages", said("wamid.2", 1)).await;
    let (before, _) = receive::head(&world).await;
    // What comes is in the queue already.
    deliver(&world, &delivery("messages", said("wamid.3", 2))).await;
    let contact = ContactId(before).to_string();
    assert_eq!(erase(&world, &contact).await.status, 204);

    let drained = world.drain().await;
    swept_out(&world).await;

    assert_eq!(drained.again, 0, "{drained:?}");
    assert_eq!(receive::wamids(&world).await, ["wamid.3"]);
    let after: Vec<String> = items(&world, 'a').await;
    assert!(after.len() == 1 && !after[0].contains(&before.hex()), "{after:?}");
}

#[tokio::test]
async fn a_number_that_was_somebody_elses_before_still_leads_to_them() {
    let world = receive::connected().await;
    let second = ago(&world, SignedDuration::from_secs(600));
    receive::arrive(&world, "messages", json!({"messages": [text(CUSTOMER, "wamid.1", second, "Hi")]})).await;
    let (first, _) = receive::head(&world).await;
    let changed = json!({"from": CUSTOMER, "id": "wamid.c", "timestamp": (second + 10).to_string(), "type": "system",
        "system": {"type": "user_changed_number", "body": "", "wa_id": NEIGHBOUR}});
    receive::arrive(&world, "messages", json!({"messages": [changed]})).await;
    // Somebody else has their number now.
    receive::arrive(&world, "messages", json!({"messages": [text(CUSTOMER, "wamid.2", second + 20, "Me")]})).await;
    let others = receive::heads(&world).await;
    let (other, _) = others.iter().find(|(id, _)| *id != first).unwrap();

    let contact = ContactId(first).to_string();
    assert_eq!(erase(&world, &contact).await.status, 204);
    swept_out(&world).await;

    let names = items(&world, 'a').await;
    assert!(names.iter().all(|name| !name.contains(&first.hex())), "{names:?}");
    assert_eq!(names.iter().filter(|name| name.contains(&other.hex())).count(), 1, "{names:?}");
    assert_eq!(receive::wamids(&world).await, ["wamid.2"]);
    // What it says of them now is theirs as before.
    receive::arrive(&world, "messages", json!({"messages": [text(CUSTOMER, "wamid.3", second + 30, "Me")]})).await;
    assert_eq!(receive::heads(&world).await.len(), 1);
}

#[tokio::test]
async fn what_became_of_a_message_that_is_gone_is_not_kept() {
    let world = send::ready().await;
    send::written_by(&world, CUSTOMER).await;
    let answer = send::send(&world, &send::text(CUSTOMER, "Hello")).await;
    world.send_out().await;
    let id = known(&world, CUSTOMER).await;

    // Meta tells of it afterwards.
    assert_eq!(erase(&world, &id).await.status, 204);
    send::settle(&world).await;
    swept_out(&world).await;

    assert_eq!(items(&world, 's').await, Vec::<String>::new());
    assert_eq!(receive::stored(&world).await, Vec::<Value>::new());
    assert!(answer["id"].is_string());
}
