//! Messages: put once, in their conversation.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::domain::{
    conversation::{Alias, Contact, WINDOW},
    message::{Direction, Origin},
};

use super::{NUMBER, ago, arrive, connected, deliver, delivery, found, head, items, stored, text};

const MARIA: &str = "16505551234";

#[tokio::test]
async fn a_text_becomes_a_message_of_a_conversation() {
    let world = connected().await;
    let second = ago(&world, SignedDuration::from_secs(5));
    let message = text(MARIA, "wamid.A", second, "Hello");
    let contact = json!({"wa_id": MARIA, "user_id": "US.1", "profile": {"name": "Maria", "username": "@maria"}});
    arrive(&world, "messages", json!({"contacts": [contact], "messages": [message]})).await;

    let (id, head) = head(&world).await;
    let kept = found(&world, id, second, "wamid.A").await.unwrap();
    assert_eq!((kept.direction, kept.origin, kept.number.as_str()), (Direction::Inbound, Origin::Customer, NUMBER));
    assert_eq!(serde_json::from_str::<Value>(&kept.raw).unwrap(), message);
    assert_eq!(head.window_until, Some(Timestamp::from_second(second).unwrap() + WINDOW));
    assert_eq!((head.unread, head.last, head.revision), (1, Some(kept.id), 1));
    let Contact { phone, user_id, username, name, aliases, .. } = head.contact;
    assert_eq!((phone.as_deref(), user_id.as_deref()), (Some(MARIA), Some("US.1")));
    assert_eq!((username.as_deref(), name.as_deref()), (Some("@maria"), Some("Maria")));
    let names: Vec<Alias> = aliases.into_iter().map(|known| known.alias).collect();
    assert_eq!(names, [Alias::Phone(MARIA.to_owned()), Alias::User("US.1".to_owned())]);

    let conversation = json!(id.hex());
    let leading: Vec<Value> = items(&world, 'a').await;
    assert_eq!(leading.iter().map(|item| &item["conversation"]).collect::<Vec<_>>(), [&conversation; 2]);
    let touched = items(&world, 'r').await;
    let at = head.updated_at.as_millisecond();
    assert_eq!(touched.len(), 1);
    assert_eq!(touched[0]["touched"], json!([{"c": conversation, "t": at}]));
    assert!(touched[0]["sk"].as_str().unwrap().starts_with(&format!("{at:015}#")), "{touched:?}");
    assert_eq!(items(&world, 'u').await[0]["sk"], conversation);
    assert_eq!(items(&world, 'q').await[0]["sk"], json!(format!("maria#{}", id.hex())));
    assert_eq!(items(&world, 'n').await[0]["m#inbound#text#received"], json!(1));
}

#[tokio::test]
async fn the_same_delivery_again_changes_nothing() {
    let world = connected().await;
    let second = ago(&world, SignedDuration::from_secs(5));
    let body = delivery("messages", json!({"messages": [text(MARIA, "wamid.A", second, "Hello")]}));
    deliver(&world, &body).await;
    world.drain().await;
    let before = world.table("MESSAGES_TABLE").await;

    for hours in [0, 1, 24, 24 * 5] {
        // Beyond five minutes the queue does not know it any more.
        world.clock.advance(SignedDuration::from_hours(hours));
        deliver(&world, &body).await;
        assert_eq!(world.drain().await.again, 0);
    }

    assert_eq!(world.table("MESSAGES_TABLE").await, before);
    assert_eq!(stored(&world).await.len(), 1);
}
