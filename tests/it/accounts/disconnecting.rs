//! A tenant lets go of a number: at once here, then at Meta, where nobody else needs it.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::World;

use super::http::{SECOND, THIRD, account, audited, connect, disconnect, get, patch, row};
use crate::connect::{NUMBER, ONE, TWO, asked, begin, call, connected, system_token};

async fn fail(world: &World, method: &str, path: &str, times: u64, fault: Value) {
    let order = json!({ "match": { "method": method, "path": path }, "times": times, "fault": fault });
    world.meta.post("/_sim/faults", order).await;
}

/// What is sealed of a number.
async fn ciphertexts(world: &World, number: &str) -> [Value; 2] {
    let row = row(world, number).await;
    ["token", "pin"].map(|name| row[name].clone())
}

#[tokio::test]
async fn the_last_one_ends_the_subscription_and_leaves_no_ciphertext() {
    let world = World::deployed().await;
    connected(&world, "acme").await;

    let gone = disconnect(&world, "acme", NUMBER).await;

    assert_eq!(
        (gone.status, gone.text("status"), &gone.body["default"]),
        (200, "disconnected".to_owned(), &json!(false))
    );
    assert_eq!(gone.body["status_reason"]["code"], "disconnected");
    assert_eq!((gone.body["webhook"]["subscribed"].clone(), gone.body["attention"].clone()), (json!(false), json!([])));
    assert_eq!(asked(&world, "DELETE", "/subscribed_apps").await, 1);
    assert_eq!(asked(&world, "POST", "/deregister").await, 0);
    assert_eq!(ciphertexts(&world, NUMBER).await, [Value::Null, Value::Null]);
    let row = row(&world, NUMBER).await;
    assert_eq!((&row["due"], &row["leaving"], &row["subject"]), (&Value::Null, &Value::Null, &Value::Null));
    // Again: it stays so.
    assert_eq!(disconnect(&world, "acme", NUMBER).await.body, account(&world, "acme", NUMBER).await);
    assert_eq!(asked(&world, "DELETE", "").await, 1);
    assert_eq!(audited(&world, "DELETE /v1/accounts/{id}").await, [200, 200]);
}

#[tokio::test]
async fn whoever_shares_the_account_is_not_touched() {
    let world = World::deployed().await;
    connect(&world, "acme", TWO, SECOND).await;
    connect(&world, "bravo", TWO, THIRD).await;
    let before = account(&world, "bravo", THIRD).await;

    assert_eq!(disconnect(&world, "acme", SECOND).await.status, 200);
    assert_eq!(asked(&world, "DELETE", "").await, 0, "nothing is unsubscribed or revoked");
    assert_eq!(ciphertexts(&world, SECOND).await, [Value::Null, Value::Null]);
    assert_eq!(account(&world, "bravo", THIRD).await, before);
    let refreshed = call(&world, "bravo", "POST", &format!("/v1/accounts/{THIRD}/refresh")).send().await;
    assert_eq!((refreshed.status, refreshed.text("status")), (200, "active".to_owned()));

    assert_eq!(disconnect(&world, "bravo", THIRD).await.status, 200);
    let unsubscribed = world.meta.calls("/subscribed_apps").await;
    let unsubscribed: Vec<&Value> = unsubscribed.iter().filter(|call| call["method"] == "DELETE").collect();
    assert_eq!(unsubscribed.len(), 1);
    assert!(unsubscribed[0]["path"].as_str().unwrap().contains(TWO));
}

#[tokio::test]
async fn an_attempt_that_is_given_up_spares_the_neighbour_too() {
    let world = World::deployed().await;
    connect(&world, "bravo", TWO, THIRD).await;
    fail(&world, "POST", "/register", 1, json!({ "error": { "code": 133_005 } })).await;
    let token = system_token(&world, TWO).await;
    let manual = json!({ "access_token": token, "waba_id": TWO, "phone_number_ids": [SECOND] });
    let stuck = begin(&world, "acme", json!({ "method": "manual", "manual": manual })).await;
    assert_eq!(stuck["status"], "failed", "{stuck:#}");

    let path = format!("/v1/connections/{}", stuck["id"].as_str().unwrap());
    assert_eq!(call(&world, "acme", "DELETE", &path).send().await.status, 204);

    assert_eq!(asked(&world, "DELETE", "").await, 0);
    assert_eq!(account(&world, "bravo", THIRD).await["status"], "active");
    assert_eq!(row(&world, &format!("waba#{TWO}")).await["residents"], json!([THIRD]));
}

#[tokio::test]
async fn a_number_is_switched_off_where_asked_but_not_one_that_lives_on_a_phone() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let state = world.meta.state().await;
    let numbers = state["numbers"].as_array().unwrap();
    let on_phone = numbers.iter().find(|number| number["is_on_biz_app"] == true).unwrap();
    let (phone, waba) = (on_phone["id"].as_str().unwrap(), on_phone["waba_id"].as_str().unwrap());
    connect(&world, "acme", waba, phone).await;
    let leave = async |number: &str, query: &str| {
        call(&world, "acme", "DELETE", &format!("/v1/accounts/{number}?deregister={query}")).send().await
    };

    assert_eq!(leave(NUMBER, "yes").await.outcome(), (400, "invalid_query".to_owned()));
    assert_eq!(leave(phone, "true").await.status, 200);
    assert_eq!(asked(&world, "POST", "/deregister").await, 0);
    assert_eq!(leave(NUMBER, "true").await.status, 200);
    assert_eq!(asked(&world, "POST", "/deregister").await, 1);
    assert_eq!(asked(&world, "DELETE", "/subscribed_apps").await, 2);
}

#[tokio::test]
async fn what_meta_cannot_do_now_the_sweeper_does_later() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    fail(&world, "DELETE", "/subscribed_apps", 2, json!({ "status": 503 })).await;

    let gone = disconnect(&world, "acme", NUMBER).await;
    assert_eq!((gone.status, gone.text("status")), (200, "disconnected".to_owned()));
    assert_ne!(ciphertexts(&world, NUMBER).await[0], Value::Null, "it takes the token to leave");
    world.sweep().await;
    assert_eq!(asked(&world, "DELETE", "/subscribed_apps").await, 1, "not yet due");
    for (minutes, asked_for) in [(1, 2), (3, 3)] {
        world.advance(SignedDuration::from_mins(minutes)).await;
        world.sweep().await;
        assert_eq!(asked(&world, "DELETE", "/subscribed_apps").await, asked_for);
    }

    assert_eq!(ciphertexts(&world, NUMBER).await, [Value::Null, Value::Null]);
    assert_eq!(account(&world, "acme", NUMBER).await["status_reason"]["code"], "disconnected");
}

#[tokio::test]
async fn what_meta_refuses_to_undo_is_told() {
    for (path, code, told) in [
        ("/subscribed_apps", 200, "subscription_left"),
        ("/deregister", 200, "registration_left"),
        ("/subscribed_apps", 190, "disconnected"),
    ] {
        let world = World::deployed().await;
        connected(&world, "acme").await;
        let method = if path == "/deregister" { "POST" } else { "DELETE" };
        fail(&world, method, path, 1, json!({ "error": { "code": code } })).await;

        let gone = call(&world, "acme", "DELETE", &format!("/v1/accounts/{NUMBER}?deregister=true")).send().await;

        let reason = &gone.body["status_reason"];
        assert_eq!((gone.status, reason["code"].as_str()), (200, Some(told)), "{path} {code}: {reason}");
        assert!(reason["detail"].as_str().unwrap().contains("still"), "{reason}");
        assert_eq!(ciphertexts(&world, NUMBER).await, [Value::Null, Value::Null]);
        // One refusal does not keep the other from being tried; a dead permission does.
        let deregistered = usize::from(code != 190);
        assert_eq!(asked(&world, "POST", "/deregister").await, deregistered, "{path} {code}");
    }
}

#[tokio::test]
async fn the_next_owner_inherits_nothing() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let left = json!({ "label": "CANARY", "external_id": "CANARY", "metadata": { "k": "CANARY" }, "enabled": false });
    let last = patch(&world, "acme", NUMBER, left).await.body;
    disconnect(&world, "acme", NUMBER).await;

    connect(&world, "bravo", ONE, NUMBER).await;

    let next = account(&world, "bravo", NUMBER).await;
    assert_eq!(
        ["label", "external_id", "metadata", "enabled", "default", "status"].map(|name| next[name].clone()),
        [Value::Null, Value::Null, json!({}), json!(true), json!(true), json!("active")]
    );
    assert!(next["version"].as_u64() > last["version"].as_u64());
    let mut stored = row(&world, NUMBER).await;
    // Whose it was is noted: what was on its way to them stays theirs.
    assert_eq!(stored["taken"].take()["from"], "acme");
    let stored = stored.to_string();
    assert!(!stored.contains("CANARY") && !stored.contains("acme"), "{stored}");
    assert_eq!(get(&world, "acme", NUMBER).await.outcome(), (404, "not_found".to_owned()));
    assert_eq!(disconnect(&world, "acme", NUMBER).await.outcome(), (404, "not_found".to_owned()));
    assert_eq!(account(&world, "bravo", NUMBER).await["status"], "active");
}

#[tokio::test]
async fn whoever_comes_back_finds_what_they_called_it() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let kept = json!({ "label": "Shop", "metadata": { "k": 1 } });
    let before = patch(&world, "acme", NUMBER, kept).await.body;
    disconnect(&world, "acme", NUMBER).await;

    connect(&world, "acme", ONE, NUMBER).await;

    let again = account(&world, "acme", NUMBER).await;
    assert_eq!((&again["label"], &again["metadata"]), (&before["label"], &before["metadata"]));
    assert_eq!((again["status"].as_str(), &again["default"]), (Some("active"), &json!(true)));
    assert!(again["version"].as_u64() > before["version"].as_u64());
}
