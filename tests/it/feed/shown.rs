//! What events say: each thing as its GET shows it, and what of it is not as it was.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::World;

use super::{ACME, changed, incompressible, page, told, types};
use crate::{
    connect::{NUMBER, begin, call, connected, start_url},
    send,
};

async fn shown(world: &World, path: &str) -> Value {
    let answer = call(world, ACME, "GET", path).send().await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}

/// Of all types but these.
fn without(mut events: Vec<Value>, types: &[&str]) -> Vec<Value> {
    events.retain(|event| !types.iter().any(|kind| event["type"] == *kind));
    events
}

fn path_of(event: &Value) -> String {
    let id = event["data"]["id"].as_str().unwrap_or_default();
    match event["type"].as_str().unwrap().split('.').next().unwrap() {
        "message" => format!("/v1/messages/{id}"),
        "conversation" => format!("/v1/conversations/{id}"),
        "contact" => format!("/v1/contacts/{id}"),
        "connection" => format!("/v1/connections/{id}"),
        "account" => format!("/v1/accounts/{}", event["phone_number_id"].as_str().unwrap()),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn what_a_customer_writes_is_told_as_it_is_shown() {
    let world = send::ready().await;
    world.feed().await;
    let before = told(&world, ACME).await.len();
    send::written_by(&world, send::CUSTOMER).await;

    let events = told(&world, ACME).await.split_off(before);

    let events = without(events, &["account.updated"]);
    assert_eq!(types(&events), ["message.received", "conversation.updated", "contact.updated"], "{events:#?}");
    for event in &events {
        assert_eq!(event["data"], shown(&world, &path_of(event)).await, "{event:#}");
        let names: Vec<&str> = event["data"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut known = changed(event);
        known.sort_unstable();
        let mut names = names;
        names.sort_unstable();
        assert_eq!(known, names, "of what is new everything changed");
        assert_eq!((event["tenant"].as_str(), event["phone_number_id"].as_str()), (Some(ACME), Some(NUMBER)));
        assert_eq!(event["conversation_id"], events[0]["data"]["conversation_id"]);
        assert!(event["id"].as_str().unwrap().starts_with("evt_"));
    }
    assert_eq!(events[0]["data"]["content"]["body"], "Are you open?");
}

#[tokio::test]
async fn an_answer_is_told_from_its_acceptance_to_its_reading() {
    let world = send::ready().await;
    send::written_by(&world, send::CUSTOMER).await;
    let before = told(&world, ACME).await.len();

    let message = send::send(&world, &send::text(send::CUSTOMER, "Until eight.")).await;
    world.feed().await;
    send::settle(&world).await;
    let events = told(&world, ACME).await.split_off(before);

    let of_message: Vec<&Value> = events.iter().filter(|event| event["type"] == "message.updated").collect();
    let statuses: Vec<&str> = of_message.iter().map(|event| event["data"]["status"].as_str().unwrap()).collect();
    assert_eq!(statuses.first(), Some(&"accepted"), "{statuses:?}");
    assert_eq!(statuses.last(), Some(&"read"), "{statuses:?}");
    assert!(of_message.iter().all(|event| event["data"]["id"] == message["id"]));
    assert!(of_message.windows(2).all(|pair| pair[0]["data"] != pair[1]["data"]), "no event where nothing changed");
    assert!(changed(of_message.last().unwrap()).contains(&"status"), "{:#}", of_message.last().unwrap());
    assert!(!changed(of_message.last().unwrap()).contains(&"content"));
    assert_eq!(of_message.last().unwrap()["data"], send::shown(&world, &message).await);
}

#[tokio::test]
async fn a_large_message_is_told_whole() {
    let world = send::ready().await;
    let large = incompressible(700_000);
    let text = json!({"phone_number_id": NUMBER, "from": send::CUSTOMER, "type": "text", "text": {"body": large}});
    world.meta.post("/_sim/inbound", text).await;
    world.drain().await;

    let events = told(&world, ACME).await;

    let received: Vec<&Value> = events.iter().filter(|event| event["type"] == "message.received").collect();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0]["data"]["content"]["body"], large);
}

#[tokio::test]
async fn connecting_a_number_is_told_without_what_opens_the_way_to_meta() {
    let world = World::deployed().await;
    let begun = begin(&world, ACME, json!({"method": "embedded_signup"})).await;
    let (ticket, nonce) = (start_url(&begun), begun["embedded_signup"]["nonce"].as_str().unwrap());
    let events = told(&world, ACME).await;
    connected(&world, ACME).await;
    let all = told(&world, ACME).await;

    assert_eq!(types(&events), ["connection.updated"]);
    let mut expected = begun.clone();
    expected["start_url"] = Value::Null;
    expected["embedded_signup"] = Value::Null;
    expected["next_action"].as_object_mut().unwrap().remove("url");
    assert_eq!(events[0]["data"], expected);
    let text = json!(all).to_string();
    assert!(!text.contains(ticket) && !text.contains(nonce));
    let last = all.iter().rfind(|event| event["type"] == "connection.updated").unwrap();
    assert_eq!(last["data"], shown(&world, &path_of(last)).await);
    let account = all.iter().rfind(|event| event["type"] == "account.updated").unwrap();
    assert_eq!(account["data"], shown(&world, &path_of(account)).await);
    assert_eq!(account["phone_number_id"], NUMBER);
}

#[tokio::test]
async fn nothing_that_is_sealed_or_hashed_is_in_any_event() {
    let world = send::ready().await;
    send::written_by(&world, send::CUSTOMER).await;
    let told = json!(told(&world, ACME).await).to_string();

    let state = world.meta.state().await;
    let tokens = state["tokens"].as_array().unwrap().iter().map(|token| token["token"].as_str().unwrap().to_owned());
    let sealed = world.table("ACCOUNTS_TABLE").await.into_iter().chain(world.table("CONNECTIONS_TABLE").await);
    let sealed: Vec<String> = sealed
        .flat_map(|item| ["token", "pin"].map(|name| item[name].clone()))
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect();
    assert!(!sealed.is_empty());
    for secret in tokens.chain(sealed) {
        assert!(tests::spellings(&secret).iter().all(|spelling| !told.contains(spelling.as_str())), "{secret}");
    }
}

#[tokio::test]
async fn a_change_of_an_account_names_what_changed_and_no_other_is_told() {
    let world = send::ready().await;
    let before = told(&world, ACME).await.len();
    let path = format!("/v1/accounts/{NUMBER}");
    let label = json!({"label": "Till", "external_id": "7"});
    assert_eq!(call(&world, ACME, "PATCH", &path).json(&label).send().await.status, 200);
    // The same again is no change.
    assert_eq!(call(&world, ACME, "PATCH", &path).json(&label).send().await.status, 200);

    let events = told(&world, ACME).await.split_off(before);

    assert_eq!(types(&events), ["account.updated"], "{events:#?}");
    assert_eq!(changed(&events[0]), ["external_id", "label", "updated_at", "version"]);
    assert_eq!(events[0]["data"], shown(&world, &path).await);
    assert_eq!(events[0]["at"], events[0]["data"]["updated_at"]);
}

#[tokio::test]
async fn that_something_arrived_again_is_no_change_of_the_account() {
    let world = send::ready().await;
    send::written_by(&world, send::CUSTOMER).await;
    let before = told(&world, ACME).await.len();
    world.clock.advance(SignedDuration::from_mins(5));
    send::written_by(&world, send::CUSTOMER).await;

    let events = told(&world, ACME).await.split_off(before);

    assert_eq!(types(&events), ["message.received", "conversation.updated"], "{events:#?}");
    assert_eq!(changed(&events[1]), ["last_message", "unread", "updated_at", "window_open_until"]);
}

#[tokio::test]
async fn what_an_operator_keeps_of_a_person_is_told() {
    let world = send::ready().await;
    send::written_by(&world, send::CUSTOMER).await;
    let events = told(&world, ACME).await;
    let contact = events.iter().find(|event| event["type"] == "contact.updated").unwrap();
    let path = path_of(contact);
    let change = json!({"name": "Ada", "tags": ["vip"]});
    assert_eq!(call(&world, ACME, "PATCH", &path).json(&change).send().await.status, 200);

    let told = told(&world, ACME).await.split_off(events.len());

    assert_eq!(types(&told), ["conversation.updated", "contact.updated"]);
    assert_eq!(changed(&told[0]), ["contact", "last_message"], "a message names its person");
    assert_eq!(changed(&told[1]), ["name", "tags", "updated_at"]);
    assert_eq!(told[1]["data"], shown(&world, &path).await);
}

#[tokio::test]
async fn another_default_is_told_of_both_numbers() {
    let world = send::ready().await;
    let second = "300400500600702";
    let token = crate::connect::system_token(&world, crate::connect::TWO).await;
    let manual = json!({"access_token": token, "waba_id": crate::connect::TWO, "phone_number_ids": [second]});
    let connection = begin(&world, ACME, json!({"method": "manual", "manual": manual})).await;
    assert_eq!(connection["status"], "connected", "{connection:#}");
    let before = told(&world, ACME).await.len();
    let path = format!("/v1/accounts/{second}");
    assert_eq!(call(&world, ACME, "PATCH", &path).json(&json!({"default": true})).send().await.status, 200);

    let events = told(&world, ACME).await.split_off(before);

    assert!(events.iter().all(|event| event["type"] == "account.updated"), "{events:#?}");
    for (number, is_default) in [(NUMBER, false), (second, true)] {
        let of_number = |event: &&Value| event["phone_number_id"] == number && changed(event).contains(&"default");
        let event = events.iter().find(of_number).unwrap_or_else(|| panic!("{events:#?}"));
        assert_eq!(event["data"]["default"], is_default);
    }
}

#[tokio::test]
async fn two_people_who_turn_out_to_be_one_are_told_to_be_one() {
    use crate::receive::{self, arrive, text};
    let world = World::deployed().await;
    receive::own(&world, ACME, receive::NUMBER, receive::WABA).await;
    let id = "US.13491208655302741918";
    let now = receive::ago(&world, SignedDuration::from_secs(60));
    let by = |from: Value, user: Value, wamid: &str, after: i64| {
        let mut message = text("", wamid, now + after, wamid);
        (message["from"], message["from_user_id"]) = (from.clone(), user.clone());
        json!({"contacts": [{"wa_id": from, "user_id": user}], "messages": [message]})
    };
    arrive(&world, "messages", by(json!(send::CUSTOMER), Value::Null, "wamid.phone", 0)).await;
    arrive(&world, "messages", by(Value::Null, json!(id), "wamid.id", 1)).await;
    let before = told(&world, ACME).await.len();
    arrive(&world, "messages", by(json!(send::CUSTOMER), json!(id), "wamid.both", 2)).await;

    let events = told(&world, ACME).await.split_off(before);

    let conversations: Vec<&Value> = events.iter().filter(|event| event["type"] == "conversation.updated").collect();
    let moved = conversations.iter().find(|event| event["conversation_id"] != event["data"]["id"]);
    let moved = moved.unwrap_or_else(|| panic!("{conversations:#?}"));
    assert!(changed(moved).contains(&"id"), "{moved:#}");
    let path = format!("/v1/conversations/{}", moved["conversation_id"].as_str().unwrap());
    assert_eq!(moved["data"]["id"], shown(&world, &path).await["id"]);
}

#[tokio::test]
async fn a_number_that_changes_hands_is_gone_for_the_one_and_new_for_the_other() {
    let world = send::ready().await;
    let path = format!("/v1/accounts/{NUMBER}");
    assert_eq!(call(&world, ACME, "DELETE", &path).send().await.status, 200);
    let before = told(&world, ACME).await;
    let last = before.iter().rfind(|event| event["type"] == "account.updated").unwrap();
    assert_eq!(last["data"]["status"], "disconnected", "{last:#}");
    connected(&world, "bravo").await;

    let of_bravo: Vec<Value> = told(&world, "bravo").await;
    let of_acme = told(&world, ACME).await.split_off(before.len());

    assert_eq!(types(&of_acme), ["account.updated"], "{of_acme:#?}");
    assert_eq!((&of_acme[0]["data"], &of_acme[0]["phone_number_id"]), (&Value::Null, &json!(NUMBER)));
    assert!(changed(&of_acme[0]).contains(&"phone_number_id"));
    let account = of_bravo.iter().find(|event| event["type"] == "account.updated").unwrap();
    assert_eq!((&account["data"]["tenant"], &account["data"]["status"]), (&json!("bravo"), &json!("active")));
    assert!(changed(account).contains(&"phone_number_id"), "all of it is new");
    assert!(!json!(of_bravo).to_string().contains(ACME));
}

#[tokio::test]
async fn what_expires_is_told_to_nobody() {
    let world = send::ready().await;
    send::written_by(&world, send::CUSTOMER).await;
    world.feed().await;
    world.advance(SignedDuration::from_hours(24 * 366)).await;
    let (_, changes) = world.changes("MESSAGES_TABLE", 100).await;
    assert!(!changes.is_empty(), "nothing expired");
    world.feed().await;

    assert_eq!(page(&world, ACME, "after=now").await["data"], json!([]));
    assert_eq!(page(&world, ACME, "limit=100").await["data"], json!([]));
}

#[tokio::test]
async fn what_the_benchmark_of_starts_hands_over_is_told_with_its_data() {
    let world = World::deployed().await;
    let feeder = world.cold_feed("feed");
    let cases = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/events/feed.json")).unwrap();
    let cases: Value = serde_json::from_str(&cases).unwrap();
    for case in cases.as_array().unwrap() {
        assert!(world.hand_over_as(&feeder, "feed", &case["event"]).await);
    }

    let events = page(&world, ACME, "limit=100").await["data"].clone();
    let events = events.as_array().unwrap();
    assert_eq!(types(events), ["message.received"; 2]);
    assert!(events.iter().all(|event| event["data"]["type"] == "text"), "{events:#?}");
}
