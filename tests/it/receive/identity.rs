//! Whoever writes is one person, by whatever name; and two people are two.

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::domain::conversation::Alias;
use tests::World;

use super::{ago, all, arrive, connected, deliver, delivery, head, heads, items, text, wamids};

const PHONE: &str = "16505551234";
const ID: &str = "US.13491208655302741918";

/// A text of somebody, by the names that are given.
async fn says(world: &World, from: Option<&str>, id: Option<&str>, wamid: &str, seconds_ago: i64) {
    let second = ago(world, SignedDuration::from_secs(seconds_ago));
    let mut message = text("", wamid, second, wamid);
    message.as_object_mut().unwrap().remove("from");
    message["from"] = from.map_or(Value::Null, Value::from);
    message["from_user_id"] = id.map_or(Value::Null, Value::from);
    arrive(world, "messages", json!({"messages": [message]})).await;
}

#[tokio::test]
async fn who_is_known_by_one_name_is_known_by_the_next() {
    let world = connected().await;
    says(&world, Some(PHONE), None, "wamid.1", 40).await;
    says(&world, Some(PHONE), Some(ID), "wamid.2", 30).await;
    says(&world, None, Some(ID), "wamid.3", 20).await;

    let (_, head) = head(&world).await;
    assert_eq!(head.unread, 3);
    let living: Vec<&Alias> = head.contact.living().collect();
    assert_eq!(living, [&Alias::Phone(PHONE.to_owned()), &Alias::User(ID.to_owned())]);
}

#[tokio::test]
async fn a_phone_is_the_same_however_its_country_writes_it() {
    let world = connected().await;
    says(&world, Some("5511987654321"), None, "wamid.1", 40).await;
    says(&world, Some("551187654321"), None, "wamid.2", 30).await;

    let (_, head) = head(&world).await;
    assert_eq!(head.unread, 2);
    assert_eq!(items(&world, 'a').await.len(), 2);
}

#[tokio::test]
async fn two_who_turn_out_to_be_one_become_one() {
    let world = connected().await;
    says(&world, Some(PHONE), None, "wamid.phone", 50).await;
    let (older, _) = head(&world).await;
    says(&world, None, Some(ID), "wamid.id", 40).await;
    let by_id = all(&world).await.into_iter().find(|message| message.wamid.as_deref() == Some("wamid.id")).unwrap();
    let second = by_id.happened_at().as_second();
    assert_eq!(heads(&world).await.len(), 2);

    says(&world, Some(PHONE), Some(ID), "wamid.both", 30).await;

    let heads = heads(&world).await;
    let (winner, kept) = heads.iter().find(|(_, head)| head.merged_into.is_none()).unwrap();
    let (loser, part) = heads.iter().find(|(_, head)| head.merged_into.is_some()).unwrap();
    assert_eq!((winner, part.merged_into), (&older, Some(older)));
    assert_eq!((&kept.parts, kept.unread, part.unread), (&vec![*loser], 3, 0));
    assert!(items(&world, 'a').await.iter().all(|item| item["conversation"] == json!(winner.hex())));
    assert_eq!(items(&world, 'u').await.iter().map(|item| &item["sk"]).collect::<Vec<_>>(), [&json!(winner.hex())]);

    // What the part has is known to the whole.
    let mut again = text("", "wamid.id", second, "wamid.id");
    again["from"] = Value::Null;
    again["from_user_id"] = json!(ID);
    world.clock.advance(SignedDuration::from_mins(6));
    arrive(&world, "messages", json!({"messages": [again]})).await;
    assert_eq!(wamids(&world).await, ["wamid.both", "wamid.id", "wamid.phone"]);
}

#[tokio::test]
async fn an_environment_that_remembers_who_was_who_learns_that_they_are_one() {
    let world = connected().await;
    let (one, other) = (world.cold_inbound("inbound-1"), world.cold_inbound("inbound-2"));
    let says = async |environment, caller: &str, from: Option<&str>, id: Option<&str>, wamid: &str| {
        let mut message = text("", wamid, ago(&world, SignedDuration::from_secs(5)), wamid);
        message["from"] = from.map_or(Value::Null, Value::from);
        message["from_user_id"] = id.map_or(Value::Null, Value::from);
        deliver(&world, &delivery("messages", json!({"messages": [message]}))).await;
        assert_eq!(world.drain_with(environment, caller).await.again, 0);
    };
    says(&one, "inbound-1", Some(PHONE), None, "wamid.1").await;
    says(&one, "inbound-1", None, Some(ID), "wamid.2").await;
    says(&other, "inbound-2", Some(PHONE), Some(ID), "wamid.3").await;
    says(&one, "inbound-1", None, Some(ID), "wamid.4").await;

    let heads = heads(&world).await;
    let living: Vec<_> = heads.iter().filter(|(_, head)| head.merged_into.is_none()).collect();
    assert_eq!(living.len(), 1, "{heads:#?}");
    assert_eq!(living[0].1.unread, 4);
}

#[tokio::test]
async fn a_new_number_is_the_same_person_and_the_old_one_somebody_elses() {
    let world = connected().await;
    let old = text(PHONE, "wamid.old", ago(&world, SignedDuration::from_secs(60)), "before");
    arrive(&world, "messages", json!({"messages": [old]})).await;
    let system = json!({"body": "User A changed", "type": "user_changed_number", "wa_id": "16505550000"});
    let second = ago(&world, SignedDuration::from_secs(50)).to_string();
    let changed = json!({"from": PHONE, "id": "wamid.sys", "timestamp": second, "type": "system", "system": system});
    arrive(&world, "messages", json!({"messages": [changed]})).await;
    says(&world, Some("16505550000"), None, "wamid.new", 40).await;

    let (id, first) = head(&world).await;
    assert_eq!((first.unread, first.contact.phone.as_deref()), (2, Some("16505550000")));
    let ended: Vec<bool> = first.contact.aliases.iter().map(|known| known.until.is_some()).collect();
    assert_eq!(ended, [true, false]);

    says(&world, Some(PHONE), None, "wamid.stranger", 20).await;
    assert_eq!(heads(&world).await.len(), 2);

    // What was said before, and how the number changed, said once more: by the one who said it.
    world.clock.advance(SignedDuration::from_mins(6));
    for again in [&old, &changed] {
        arrive(&world, "messages", json!({"messages": [again]})).await;
    }
    assert_eq!(wamids(&world).await, ["wamid.new", "wamid.old", "wamid.stranger", "wamid.sys"]);
    let of_first = all(&world).await.into_iter().filter(|message| message.id.conversation == id).count();
    assert_eq!(of_first, 3);
    assert!(heads(&world).await.iter().all(|(_, head)| head.merged_into.is_none()));
}

#[tokio::test]
async fn a_group_is_one_conversation_whoever_speaks() {
    let world = connected().await;
    for (from, wamid) in [(PHONE, "wamid.1"), ("16505550000", "wamid.2")] {
        let mut message = text(from, wamid, ago(&world, SignedDuration::from_secs(5)), "all");
        message["group_id"] = json!("Y2FwaV9ncm91cDox");
        arrive(&world, "messages", json!({"messages": [message]})).await;
    }
    let (_, head) = head(&world).await;
    assert_eq!((head.unread, head.contact.group_id.as_deref()), (2, Some("Y2FwaV9ncm91cDox")));
    assert_eq!(head.contact.phone, None);
}

#[tokio::test]
async fn somebody_new_in_two_environments_at_once_is_one() {
    let world = connected().await;
    let now = ago(&world, SignedDuration::from_secs(5));
    let mut by_id = text(PHONE, "wamid.2", now, "two");
    by_id["from_user_id"] = json!(ID);
    // Two groups of the queue: one by the phone, one by the id.
    for message in [text(PHONE, "wamid.1", now, "one"), by_id] {
        deliver(&world, &delivery("messages", json!({"messages": [message]}))).await;
    }
    let batch = world.receive(&world.cold_inbound("look")).await;
    assert_eq!(batch.len(), 2);
    let (one, other) = (world.cold_inbound("inbound-1"), world.cold_inbound("inbound-2"));
    let (first, second) =
        tokio::join!(world.invoke(&one, "inbound-1", &batch[..1]), world.invoke(&other, "inbound-2", &batch[1..]));
    assert_eq!((first, second), (Some(Vec::new()), Some(Vec::new())));

    let heads = heads(&world).await;
    let living: Vec<_> = heads.iter().filter(|(_, head)| head.merged_into.is_none()).collect();
    assert_eq!((living.len(), living[0].1.unread), (1, 2), "{heads:#?}");
}
