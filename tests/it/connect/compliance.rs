//! Somebody removes the app at Meta, or wants to be forgotten.

use serde_json::{Value, json};
use tests::World;

use super::{NUMBER, call, connected, shown};

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
    let token = super::system_token(&world, super::ONE).await;
    world.clock.advance(jiff::SignedDuration::from_secs(2));

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
    let token = super::system_token(&world, super::ONE).await;
    world
        .meta
        .post("/_sim/faults", json!({ "match": { "path": "/nothing" }, "times": 1, "fault": { "delay_ms": 1 } }))
        .await;
    // Asked a moment before the number was connected, and delivered after.
    world.clock.advance(jiff::SignedDuration::from_secs(2));
    connected(&world, "acme").await;
    world.clock.advance(jiff::SignedDuration::from_secs(-4));

    world.meta.post("/_sim/revoke", json!({ "token": token, "notify": "deauthorize" })).await;

    assert_eq!(account(&world).await["status"], "active");
}

#[tokio::test]
async fn whoever_wants_to_be_forgotten_gets_a_page_that_says_it_was_done() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    world.clock.advance(jiff::SignedDuration::from_secs(2));
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
