//! The operator has a token already.

use serde_json::{Value, json};
use tests::{World, spellings};

use super::{NUMBER, ONE, OTHER, TWO, begin, call, connected, next, shown, states, system_token};

#[tokio::test]
async fn a_token_brought_along_connects_the_numbers_named() {
    let world = World::deployed().await;
    let token = system_token(&world, TWO).await;
    let manual = json!({ "access_token": token, "waba_id": TWO, "phone_number_ids": ["300400500600701"] });

    let connection = begin(&world, "acme", json!({ "method": "manual", "manual": manual })).await;

    assert_eq!((connection["status"].as_str(), &connection["start_url"]), (Some("connected"), &Value::Null));
    assert!(states(&connection).contains(&("300400500600701", "connected")), "{connection:#}");
    for table in ["CONNECTIONS_TABLE", "ACCOUNTS_TABLE", "RECEIPTS_TABLE", "AUDIT_TABLE"] {
        let kept = json!(world.table(table).await).to_string();
        assert!(spellings(&token).iter().all(|spelling| !kept.contains(spelling)), "{table}");
    }
}

#[tokio::test]
async fn an_account_named_that_the_token_does_not_reach_is_no_way_in() {
    let world = World::deployed().await;
    let token = system_token(&world, TWO).await;
    let manual = json!({ "access_token": token, "waba_id": OTHER, "phone_number_ids": ["300400500600704"] });

    let connection = begin(&world, "acme", json!({ "method": "manual", "manual": manual })).await;

    assert_eq!(
        (connection["status"].as_str(), &connection["error"]["code"]),
        (Some("failed"), &json!("number_not_in_waba"))
    );
    assert_eq!(connection["account_ids"], json!([]));
    assert_eq!(world.table("ACCOUNTS_TABLE").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_session_never_brings_a_token() {
    let world = World::deployed().await;
    let session = world.make_session("acme", &["connections:write"]).await;
    let order = json!({ "method": "manual", "manual": { "access_token": "EAAxyz" } });

    let refused =
        world.call("POST", "/v1/connections").bearer(session["token"].as_str().unwrap()).json(&order).send().await;

    assert_eq!(refused.outcome(), (403, "key_required".to_owned()));
}

#[tokio::test]
async fn a_token_of_nobody_is_said_to_be_invalid() {
    let world = World::deployed().await;

    let connection =
        begin(&world, "acme", json!({ "method": "manual", "manual": { "access_token": "EAAnothing" } })).await;

    assert_eq!(
        (connection["status"].as_str(), &connection["error"]["code"]),
        (Some("failed"), &json!("token_invalid"))
    );
    assert_eq!(next(&connection), "");
}

#[tokio::test]
async fn the_same_request_again_shows_the_connection_as_it_is_now() {
    let world = World::deployed().await;
    let send = async || {
        let call = call(&world, "acme", "POST", "/v1/connections").header("idempotency-key", "once");
        call.json(&json!({ "method": "login" })).send().await
    };
    let first = send().await;
    let path = format!("/v1/connections/{}", first.text("id"));
    assert_eq!(call(&world, "acme", "DELETE", &path).send().await.status, 204);

    let again = send().await;

    assert_eq!((again.status, again.header("idempotency-replayed")), (201, Some("true")));
    assert_eq!((again.text("id"), again.text("status")), (first.text("id"), "cancelled".to_owned()));
    assert_eq!(world.table("CONNECTIONS_TABLE").await.len(), 1);
}

#[tokio::test]
async fn a_number_of_another_tenant_stays_its_own() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let token = system_token(&world, ONE).await;
    let manual = json!({ "access_token": token, "phone_number_ids": [NUMBER] });

    let refused = begin(&world, "bravo", json!({ "method": "manual", "manual": manual })).await;

    assert_eq!((refused["status"].as_str(), &refused["error"]["code"]), (Some("failed"), &json!("number_taken")));
    let numbers = refused["numbers"].as_array().unwrap();
    let theirs = numbers.iter().find(|number| number["phone_number_id"] == NUMBER).unwrap();
    assert_eq!(theirs["connected_to"], "another_tenant");
    assert!(!refused.to_string().contains("acme"));
    assert_eq!(shown(&world, "bravo", &refused).await["account_ids"], json!([]));
}
