//! What Meta delivers is read: the whole way through the real functions.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{all, each, shown};
use crate::{
    connect::call,
    receive::{ACME, NUMBER, ago, arrive, connected, text},
};

const MARIA: &str = "5511987654321";
const JOHN: &str = "16505550002";

fn contact(phone: &str, name: &str) -> Value {
    json!({ "wa_id": phone, "profile": { "name": name } })
}

#[tokio::test]
async fn what_customers_write_is_listed_found_counted_and_kept_apart_from_what_is_noted() {
    let world = connected().await;
    let second = ago(&world, SignedDuration::from_secs(60));
    for (phone, name, wamid, place) in [(MARIA, "Maria", "wamid.A", 0), (JOHN, "John", "wamid.B", 1)] {
        let message = text(phone, wamid, second + place, &format!("I am {name}"));
        arrive(&world, "messages", json!({ "contacts": [contact(phone, name)], "messages": [message] })).await;
    }
    let list = "/v1/conversations";
    assert_eq!(all(&world, ACME, &format!("{list}?limit=1"), "/contact/name").await, ["John", "Maria"]);

    // Two more in one second, and the conversation is the first of the list.
    let (first, next) = (text(MARIA, "wamid.Z", second + 2, "one"), text(MARIA, "wamid.Y", second + 2, "two"));
    arrive(&world, "messages", json!({ "contacts": [contact(MARIA, "Maria")], "messages": [first, next] })).await;
    let listed = shown(&world, ACME, list).await;
    assert_eq!((each(&listed, "/contact/name"), &listed["data"][0]["unread"]), (vec!["Maria", "John"], &json!(3)));
    assert_eq!(listed["data"][0]["last_message"]["preview"], "two");
    let messages = format!("{list}/{}/messages?limit=1", listed["data"][0]["id"].as_str().unwrap());
    assert_eq!(all(&world, ACME, &messages, "/preview").await, ["two", "one", "I am Maria"]);

    // However the country writes it, and by what the operator calls her from now on.
    assert_eq!(all(&world, ACME, &format!("{list}?phone=551187654321"), "/contact/name").await, ["Maria"]);
    let person = listed["data"][0]["contact"]["id"].as_str().unwrap();
    let change = call(&world, ACME, "PATCH", &format!("/v1/contacts/{person}")).json(&json!({ "name": "Mrs Lima" }));
    assert_eq!(change.send().await.status, 200);
    let message = text(MARIA, "wamid.C", second + 3, "again");
    arrive(&world, "messages", json!({ "contacts": [contact(MARIA, "Maria L.")], "messages": [message] })).await;
    assert_eq!(all(&world, ACME, &format!("{list}?q=mrs"), "/last_message/preview").await, ["again"]);
    assert_eq!(all(&world, ACME, &format!("{list}?q=maria"), "/contact/name").await, Vec::<String>::new());
    let people = all(&world, ACME, &format!("/v1/accounts/{NUMBER}/contacts?limit=1"), "/name").await;
    assert_eq!(people, ["John", "Mrs Lima"]);

    let account = shown(&world, ACME, &format!("/v1/accounts/{NUMBER}")).await;
    assert_eq!(account["unread_conversations"], 2);
    let stats = shown(&world, ACME, &format!("/v1/accounts/{NUMBER}/stats?granularity=day")).await;
    let counts: u64 = stats["data"].as_array().unwrap().iter().filter_map(|row| row["count"].as_u64()).sum();
    assert_eq!(counts, 5, "{stats:#}");
}

#[tokio::test]
async fn what_was_written_on_the_phone_is_shown_with_how_far_it_came() {
    let world = connected().await;
    let second = ago(&world, SignedDuration::from_secs(60));
    let echo = json!({ "from": "15550783881", "to": JOHN, "id": "wamid.E", "timestamp": second.to_string(),
        "type": "text", "text": { "body": "From the phone" } });
    arrive(&world, "smb_message_echoes", json!({ "message_echoes": [echo] })).await;
    for status in ["read", "delivered"] {
        let status = json!({ "id": "wamid.E", "status": status, "timestamp": (second + 1).to_string(),
            "recipient_id": JOHN });
        arrive(&world, "messages", json!({ "statuses": [status] })).await;
    }

    let message = shown(&world, ACME, "/v1/messages/wamid.E").await;

    let shown = ["direction", "origin", "status", "preview"].map(|name| message[name].as_str().unwrap());
    assert_eq!(shown, ["outbound", "app", "read", "From the phone"]);
    let history: Vec<&Value> = message["history"].as_array().unwrap().iter().map(|step| &step["status"]).collect();
    assert_eq!(history.last(), Some(&&json!("read")), "{message:#}");
    assert!(history.contains(&&json!("delivered")), "{message:#}");
}
