//! Somebody removes the app at Meta, or wants to be forgotten.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::domain::hex;
use tests::{World, faults::exhaust, schedule_event};

use super::{
    NUMBER, ONE, call, connected,
    faults::{by_operator, insist},
    shown, system_token,
};

async fn account(world: &World) -> Value {
    call(world, "acme", "GET", &format!("/v1/accounts/{NUMBER}")).send().await.body
}

async fn post(world: &World, path: &str, signed_request: &str) -> tests::Answer {
    let body = format!("signed_request={signed_request}");
    world.call("POST", path).body("application/x-www-form-urlencoded", body).send().await
}

#[tokio::test]
async fn whoever_removes_the_app_is_disconnected_with_a_reason() {
    let world = World::deployed().await;
    let connection = connected(&world, "acme").await;
    let token = system_token(&world, ONE).await;
    world.clock.advance(SignedDuration::from_secs(2));

    world.meta.post("/_sim/revoke", json!({ "token": token, "notify": "deauthorize" })).await;

    let account = account(&world).await;
    assert_eq!(
        (&account["status"], &account["status_reason"]["code"]),
        (&json!("needs_reconnect"), &json!("deauthorized"))
    );
    let rows = world.table("ACCOUNTS_TABLE").await;
    let row = rows.iter().find(|row| row["phone_number_id"] == NUMBER).unwrap();
    assert_eq!(row["token"], Value::Null, "{row:#}");
    let kept = world.table("CONNECTIONS_TABLE").await;
    assert_eq!(kept[0]["state"]["token"], Value::Null);
    assert_eq!(shown(&world, "acme", &connection).await["status"], "connected");
}

#[tokio::test]
async fn a_permission_given_after_the_request_is_another_one() {
    let world = World::deployed().await;
    let token = system_token(&world, ONE).await;
    world
        .meta
        .post("/_sim/faults", json!({ "match": { "path": "/nothing" }, "times": 1, "fault": { "delay_ms": 1 } }))
        .await;
    // Asked a moment before the number was connected, and delivered after.
    world.clock.advance(SignedDuration::from_secs(2));
    connected(&world, "acme").await;
    world.clock.advance(SignedDuration::from_secs(-4));

    world.meta.post("/_sim/revoke", json!({ "token": token, "notify": "deauthorize" })).await;

    assert_eq!(account(&world).await["status"], "active");
}

#[tokio::test]
async fn whoever_wants_to_be_forgotten_gets_a_page_that_says_it_was_done() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    world.clock.advance(SignedDuration::from_secs(2));
    let rows = world.table("ACCOUNTS_TABLE").await;
    let subject = rows.iter().find(|row| row["phone_number_id"] == NUMBER).unwrap()["subject"].clone();

    let told = world.meta.post("/_sim/data_deletion", json!({ "user_id": subject })).await;

    let url = told["url"].as_str().or(told["answer"]["url"].as_str()).unwrap_or_else(|| panic!("{told}"));
    let page = world.call("GET", url).send().await;
    assert_eq!(page.status, 200);
    assert!(page.body.as_str().unwrap().contains("Your data was deleted"), "{page:?}");
    let json = world.call("GET", url).header("accept", "application/json").send().await;
    assert_eq!(json.text("status"), "deleted");
    assert_eq!(account(&world).await["status"], "needs_reconnect");
    let kept = json!([world.table("ACCOUNTS_TABLE").await, world.table("CONNECTIONS_TABLE").await]).to_string();
    assert!(!kept.contains(&format!("\"subject\":{subject}")), "{kept}");
    assert_eq!(
        world.call("GET", "/oauth/data-deletion/forged").header("accept", "application/json").send().await.outcome().0,
        404
    );
}

#[tokio::test]
async fn nobody_but_meta_is_believed() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    for forged in ["", "x", "x.y", "AAAA.eyJhbGdvcml0aG0iOiJub25lIn0"] {
        for path in ["/oauth/deauthorize", "/oauth/data-deletion"] {
            assert_eq!(post(&world, path, forged).await.outcome(), (400, "not_signed".to_owned()), "{path} {forged}");
        }
    }
    assert_eq!(account(&world).await["status"], "active");
}

/// What Meta posts when somebody removes the app, or asks for their data to be deleted.
fn signed_request(world: &World, subject: &Value) -> String {
    let said = json!({ "algorithm": "HMAC-SHA256", "issued_at": world.clock.now().as_second(), "user_id": subject });
    let said = BASE64_URL_SAFE_NO_PAD.encode(said.to_string());
    let signature: [u8; 32] = hex::decode(tests::signature(said.as_bytes()).trim_start_matches("sha256=")).unwrap();
    format!("signed_request={}.{said}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// Somebody has connected a number, and Meta posts to `path` until it is answered.
async fn told_by_meta(world: &World, path: &str) -> Vec<String> {
    world.cold_sweeper("test").handle(schedule_event()).await.unwrap();
    let manual = json!({ "access_token": system_token(world, ONE).await, "phone_number_ids": [NUMBER] });
    let begun = by_operator(world, "test", "POST", "/v1/connections");
    let begun = begun.json(&json!({ "method": "manual", "manual": manual })).send().await;
    assert_eq!(begun.text("status"), "connected", "{begun:?}");
    let rows = world.table("ACCOUNTS_TABLE").await;
    let subject = rows.iter().find(|row| row["phone_number_id"] == NUMBER).unwrap()["subject"].clone();
    world.clock.advance(SignedDuration::from_secs(2));
    let request = signed_request(world, &subject);
    let answer = insist(world, "tell", |caller| {
        world.cold_call(caller, "POST", path).body("application/x-www-form-urlencoded", request.clone())
    })
    .await;

    let mut broken = Vec::new();
    let mut hold = |what: &str, holds: bool, seen: &Value| {
        if !holds {
            broken.push(format!("{what}: {seen}"));
        }
    };
    hold("it is answered", answer.status == 200, &answer.body);
    let rows = world.table("ACCOUNTS_TABLE").await;
    let row = rows.iter().find(|row| row["phone_number_id"] == NUMBER).cloned().unwrap_or_default();
    hold("no token is left of the number", row["token"].is_null(), &row);
    hold("whose it is stays known", row["tenant"] == "acme", &row);
    let attempts = world.table("CONNECTIONS_TABLE").await;
    hold("nor of the attempt", attempts.iter().all(|attempt| attempt["state"]["token"].is_null()), &json!(attempts));
    let shown = by_operator(world, "test", "GET", &format!("/v1/accounts/{NUMBER}")).send().await.body;
    hold("it asks to be connected anew", shown["status"] == "needs_reconnect", &shown);
    if let Some(url) = answer.body["url"].as_str() {
        let page = world.call("GET", url).header("accept", "application/json").send().await;
        hold("the page says that it is done", page.body["status"] == "deleted", &page.body);
        let kept = json!([rows, attempts]).to_string();
        hold("nobody is remembered", !kept.contains(&format!("\"subject\":{subject}")), &json!(kept));
    }
    broken
}

async fn removal(world: Arc<World>) -> Vec<String> {
    told_by_meta(&world, "/oauth/deauthorize").await
}

async fn deletion(world: Arc<World>) -> Vec<String> {
    told_by_meta(&world, "/oauth/data-deletion").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_survives_every_single_fault() {
    exhaust(removal).await.must_hold("removal of the app", 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_survives_every_single_fault() {
    exhaust(deletion).await.must_hold("deletion of data", 5);
}
