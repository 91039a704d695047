//! What a tenant is shown of its numbers, and that it is shown nobody else's.

use serde_json::{Value, json};
use tests::World;

use super::http::{SECOND, THIRD, account, connect, disconnect, get, patch};
use crate::connect::{NUMBER, ONE, TWO, call, connected};

#[tokio::test]
async fn an_account_is_shown_whole() {
    let world = World::deployed().await;
    connected(&world, "acme").await;

    let shown = get(&world, "acme", NUMBER).await;

    assert_eq!((shown.status, shown.header("etag")), (200, Some("\"1\"")));
    let mut body = shown.body;
    let now = format!("{:.3}", world.clock.now());
    let times = ["connected_at", "updated_at"].map(|name| body[name].take());
    assert!(times.iter().all(is_time), "{times:?}, now {now}");
    assert!(is_time(&body["token"]["checked_at"].take()));
    for matter in body["attention"].as_array_mut().unwrap() {
        assert!(is_time(&matter["since"].take()) && matter["remedy"].take().as_str().unwrap().len() > 20);
    }
    let seen = world.meta.state().await;
    let number = seen["numbers"].as_array().unwrap().iter().find(|number| number["id"] == NUMBER).unwrap().clone();
    let digits: String =
        number["display_phone_number"].as_str().unwrap().chars().filter(char::is_ascii_digit).collect();
    assert_eq!(
        body,
        json!({
            "phone_number_id": NUMBER,
            "waba_id": ONE,
            "business_id": number["business_id"].as_str().map_or(body["business_id"].clone(), Value::from),
            "tenant": "acme",
            "provider": "meta",
            "phone_number": format!("+{digits}"),
            "display_phone_number": number["display_phone_number"],
            "verified_name": number["verified_name"],
            "name_status": "APPROVED",
            "code_verification_status": "VERIFIED",
            "coexistence": false,
            "label": null,
            "external_id": null,
            "metadata": {},
            "status": "active",
            "status_reason": null,
            "enabled": true,
            "default": true,
            "quality_rating": body["quality_rating"],
            "messaging_limit": body["messaging_limit"],
            "throughput": body["throughput"],
            "token": { "kind": "system_user", "expires_at": null, "abilities": ["manage", "message"], "checked_at": null },
            "webhook": { "subscribed": true, "proved_at": null, "last_event_at": null },
            "attention": [{ "code": "webhook_unproved", "severity": "info", "remedy": null, "since": null }],
            "unread_conversations": 0,
            "version": 1,
            "connected_at": null,
            "updated_at": null,
        })
    );
    assert!(body["quality_rating"].is_string() && body["business_id"].is_string(), "{body:#}");
}

/// RFC 3339 in UTC, with milliseconds.
fn is_time(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        text.len() == "2026-11-21T04:00:00.000Z".len() && text.ends_with('Z') && text.as_bytes()[19] == b'.'
    })
}

#[tokio::test]
async fn lists_leave_out_what_is_disconnected_and_are_paged() {
    let world = World::deployed().await;
    connect(&world, "acme", TWO, SECOND).await;
    world.clock.advance(jiff::SignedDuration::from_secs(1));
    connect(&world, "acme", TWO, THIRD).await;
    world.clock.advance(jiff::SignedDuration::from_secs(1));
    connected(&world, "acme").await;
    assert_eq!(disconnect(&world, "acme", THIRD).await.status, 200);
    let list = async |query: &str| {
        let listed = call(&world, "acme", "GET", &format!("/v1/accounts{query}")).send().await;
        assert_eq!(listed.status, 200, "{listed:?}");
        let of = |name: &str| listed.body["data"].as_array().unwrap().iter().map(|one| one[name].clone()).collect();
        let (ids, defaults): (Vec<Value>, Vec<Value>) = (of("phone_number_id"), of("default"));
        (json!(ids), json!(defaults), listed.body["next"].clone())
    };

    assert_eq!(list("").await, (json!([NUMBER, SECOND]), json!([false, true]), Value::Null));
    assert_eq!(list("?include=disconnected").await.0, json!([NUMBER, SECOND, THIRD]));
    let (first, _, next) = list("?limit=1").await;
    let next = next.as_str().unwrap();
    assert_eq!((first, list(&format!("?limit=2&after={next}")).await.0), (json!([NUMBER]), json!([SECOND])));
    for wrong in ["?include=all", "?limit=0", "?status=active", &format!("?include=disconnected&after={next}")] {
        let refused = call(&world, "acme", "GET", &format!("/v1/accounts{wrong}")).send().await;
        assert_eq!(refused.outcome(), (400, "invalid_query".to_owned()), "{wrong}");
    }
}

#[tokio::test]
async fn another_tenants_number_is_not_there_whatever_else_is_wrong() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let before = account(&world, "acme", NUMBER).await;
    let nobodys = "999999999999999";
    let mut answers = Vec::new();
    for (method, path, body) in [
        ("GET", "", json!({})),
        ("PATCH", "", json!({ "label": "mine" })),
        ("PATCH", "", json!({ "unknown": 1 })),
        ("PATCH", "", json!({ "default": false })),
        ("DELETE", "", json!({})),
        ("POST", "/refresh", json!({})),
        ("PUT", "/pin", json!({ "pin": "x" })),
        ("PUT", "/pin", json!({ "pin": "123456" })),
    ] {
        for id in [NUMBER, nobodys, "no-number"] {
            let call = call(&world, "bravo", method, &format!("/v1/accounts/{id}{path}"));
            let mut answer = call.header("if-match", "\"77\"").json(&body).send().await;
            assert_eq!(answer.outcome(), (404, "not_found".to_owned()), "{method} {path} {body} {id}");
            answer.body["request_id"].take();
            answers.push(answer.body);
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert_eq!(account(&world, "acme", NUMBER).await, before);
}

#[tokio::test]
async fn reading_anew_shows_what_meta_shows_now() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    world.meta.post(&format!("/_sim/numbers/{NUMBER}"), json!({ "quality_rating": "RED" })).await;

    let refreshed = call(&world, "acme", "POST", &format!("/v1/accounts/{NUMBER}/refresh")).send().await;

    assert_eq!((refreshed.status, refreshed.text("quality_rating")), (200, "RED".to_owned()), "{refreshed:?}");
    assert_eq!(refreshed.header("etag"), Some("\"2\""));
    assert_eq!(refreshed.body["attention"][0]["code"], "quality_red");
    assert_eq!(account(&world, "acme", NUMBER).await, refreshed.body);
}

#[tokio::test]
async fn a_token_that_died_is_told_by_reading_anew_and_a_busy_meta_changes_nothing() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let refresh = async || call(&world, "acme", "POST", &format!("/v1/accounts/{NUMBER}/refresh")).send().await;
    let before = account(&world, "acme", NUMBER).await;
    let fault = json!({ "match": { "path": NUMBER }, "times": 1, "fault": { "status": 503 } });
    world.meta.post("/_sim/faults", fault).await;
    assert_eq!(refresh().await.outcome(), (503, "meta_unavailable".to_owned()));
    assert_eq!(account(&world, "acme", NUMBER).await, before);

    let token = crate::connect::system_token(&world, ONE).await;
    world.meta.post("/_sim/revoke", json!({ "token": token, "subcode": 460 })).await;
    let told = refresh().await;

    let reason = &told.body["status_reason"];
    assert_eq!((told.status, told.text("status")), (200, "needs_reconnect".to_owned()), "{told:?}");
    assert!(reason["remedy"].as_str().unwrap().contains("onnect the number again"), "{reason}");
    assert!(is_time(&reason["since"]), "{reason}");
}

#[tokio::test]
async fn a_disconnected_account_is_history_until_it_is_connected_again() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    disconnect(&world, "acme", NUMBER).await;
    let conflict = (409, "account_disconnected".to_owned());

    let path = format!("/v1/accounts/{NUMBER}");
    assert_eq!(call(&world, "acme", "POST", &format!("{path}/refresh")).send().await.outcome(), conflict);
    let pin = call(&world, "acme", "PUT", &format!("{path}/pin")).json(&json!({ "pin": "123456" })).send().await;
    assert_eq!(pin.outcome(), conflict);
    assert_eq!(patch(&world, "acme", NUMBER, json!({ "default": true })).await.outcome(), conflict);
    assert_eq!(account(&world, "acme", NUMBER).await["status_reason"]["code"], "disconnected");
}
