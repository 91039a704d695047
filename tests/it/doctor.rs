//! Diagnosis and repair: each thing that can be wrong is found, with what to do, and mended where it can be.

use axum::{Router, extract::Query, routing::get};
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};
use tests::{Answer, World, faults::exhaust, schedule_event, wire};

use crate::connect::{
    NUMBER, ONE, asked, call, connected,
    faults::{by_operator, insist},
    system_token,
};

async fn diagnosis(world: &World) -> Value {
    let shown = call(world, "acme", "GET", &format!("/v1/accounts/{NUMBER}/diagnosis")).send().await;
    assert_eq!(shown.status, 200, "{shown:?}");
    shown.body
}

async fn repair(world: &World) -> Value {
    let repaired = call(world, "acme", "POST", &format!("/v1/accounts/{NUMBER}/repair")).send().await;
    assert_eq!(repaired.status, 200, "{repaired:?}");
    repaired.body
}

fn check<'a>(diagnosis: &'a Value, name: &str) -> &'a Value {
    diagnosis["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap()
}

/// The names of the checks that came out so.
fn that(diagnosis: &Value, passed: &Value) -> Vec<String> {
    let checks = diagnosis["checks"].as_array().unwrap().iter().filter(|check| check["passed"] == *passed);
    checks.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
}

/// Straight to Graph, past the product.
async fn graph(world: &World, method: &str, path: &str, body: Value) {
    world.meta.post("/_sim/app", json!({ "require_proof": false })).await;
    let line = format!("{method} /v25.0/{path} HTTP/1.1");
    let bearer = format!("authorization: Bearer {}", system_token(world, ONE).await);
    let head = [line.as_str(), bearer.as_str(), "content-type: application/json"];
    let answer = wire::send(&world.meta.url(), &head, body.to_string().as_bytes()).await;
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
    world.meta.post("/_sim/app", json!({ "require_proof": true })).await;
}

/// Another service that takes Meta's webhooks: it answers the handshake.
async fn other_service() -> String {
    let answer = async |Query(query): Query<HashMap<String, String>>| query["hub.challenge"].clone();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        axum::serve(listener, Router::new().route("/hook/s3cret", get(answer))).await.unwrap();
    });
    url
}

/// What is done to a healthy account, and what becomes of it.
struct Ill {
    what: &'static str,
    /// A call to `/_sim`.
    sim: (&'static str, Value),
    finds: &'static str,
    status: &'static str,
    is_mended: bool,
}

fn ill(what: &'static str, path: &'static str, body: Value, finds: &'static str, status: &'static str) -> Ill {
    Ill { what, sim: (path, body), finds, status, is_mended: false }
}

fn illnesses() -> Vec<Ill> {
    let number = "/_sim/numbers/300400500600703";
    let waba = "/_sim/wabas/200300400500602";
    let refused = |route: &str, code: i64| json!({ "match": { "route": route }, "times": 9, "fault": { "error": { "code": code } } });
    let mended = |ill: Ill| Ill { is_mended: true, ..ill };
    vec![
        ill("revoked", "/_sim/revoke", json!({ "waba_id": ONE, "subcode": 460 }), "token_valid", "unhealthy"),
        ill("may not send", "/_sim/faults", refused("POST /{number}/messages", 10), "token_abilities", "unhealthy"),
        ill(
            "other callback",
            "/_sim/app",
            json!({ "callback_url": "https://other.example.com/x" }),
            "webhook_target",
            "unhealthy",
        ),
        ill("no field", "/_sim/app", json!({ "fields": ["account_update"] }), "webhook_target", "unhealthy"),
        mended(ill("off", number, json!({ "registered": false }), "registered", "unhealthy")),
        ill("other PIN", number, json!({ "registered": false, "pin": "999999" }), "registered", "unhealthy"),
        ill(
            "unverified",
            number,
            json!({ "registered": false, "code_verification_status": "NOT_VERIFIED" }),
            "registered",
            "unhealthy",
        ),
        ill("name declined", number, json!({ "name_status": "DECLINED" }), "display_name", "degraded"),
        ill("red", number, json!({ "quality_rating": "RED" }), "quality", "unhealthy"),
        ill("yellow", number, json!({ "quality_rating": "YELLOW" }), "quality", "degraded"),
        ill("low limit", number, json!({ "messaging_limit": "TIER_50" }), "messaging_limit", "degraded"),
        ill("no payment", waba, json!({ "primary_funding_id": null }), "payment_method", "degraded"),
        ill("account banned", waba, json!({ "status": "BANNED" }), "waba_status", "unhealthy"),
        ill("restricted", number, json!({ "status": "RESTRICTED" }), "number_status", "unhealthy"),
        ill("flagged", number, json!({ "status": "FLAGGED" }), "number_status", "degraded"),
    ]
}

#[tokio::test]
async fn a_healthy_number_passes_every_check() {
    let world = World::deployed().await;
    connected(&world, "acme").await;

    let found = diagnosis(&world).await;

    assert_eq!(found["status"], "healthy", "{found:#}");
    assert_eq!(that(&found, &json!(false)), Vec::<String>::new());
    // Nobody has written yet.
    assert_eq!(that(&found, &json!(null)), ["webhook_recent"]);
    let names: Vec<&Value> = found["checks"].as_array().unwrap().iter().map(|check| &check["name"]).collect();
    let expected = [
        "token_valid",
        "token_abilities",
        "token_expiry",
        "app_subscribed",
        "webhook_target",
        "registered",
        "display_name",
        "quality",
        "messaging_limit",
        "payment_method",
        "waba_status",
        "number_status",
        "webhook_recent",
    ];
    assert_eq!(names, expected);
    let before = world.table("ACCOUNTS_TABLE").await;
    diagnosis(&world).await;
    assert_eq!(world.table("ACCOUNTS_TABLE").await, before, "looking changes nothing");
}

#[tokio::test]
async fn each_seeded_fault_is_found_with_what_to_do_and_repair_mends_what_it_can() {
    let (mut found, mut mended) = (0, 0);
    for ill in illnesses() {
        let world = World::deployed().await;
        connected(&world, "acme").await;
        let (path, body) = ill.sim;
        world.meta.post(path, body).await;

        let seen = diagnosis(&world).await;
        assert_eq!(seen["status"], ill.status, "{}: {seen:#}", ill.what);
        let check_before = check(&seen, ill.finds);
        assert_eq!(check_before["passed"], false, "{}: {seen:#}", ill.what);
        let remedy = check_before["remedy"].as_str().unwrap_or_default();
        assert!(remedy.len() > 20 && remedy.ends_with('.'), "{}: {remedy}", ill.what);
        found += 1;

        let after = repair(&world).await;
        let check_after = check(&after, ill.finds);
        assert_eq!(check_after["passed"], ill.is_mended, "{}: {after:#}", ill.what);
        if ill.is_mended {
            assert_eq!(after["status"], "healthy", "{}: {after:#}", ill.what);
            mended += 1;
        } else {
            assert!(check_after["remedy"].is_string(), "{}: {after:#}", ill.what);
        }
    }
    println!("diagnosis: {found} seeded faults found, {mended} of them mended by repair");
}

/// A call to Graph is refused; only what that proves is said to be wrong.
#[tokio::test]
async fn a_refusal_is_a_finding_where_it_says_what_is_wrong_and_nowhere_else() {
    let not_there = json!({ "code": 100, "error_subcode": 33 });
    let refusals = [
        ("GET /{number}", not_there.clone(), "number_status"),
        ("GET /{waba}", not_there, "waba_status"),
        ("GET /{waba}", json!({ "code": 200 }), "token_abilities"),
    ];
    for (route, error, finding) in refusals {
        let world = World::deployed().await;
        connected(&world, "acme").await;
        let fault = json!({ "match": { "route": route }, "times": 9, "fault": { "error": error } });
        world.meta.post("/_sim/faults", fault).await;

        let seen = diagnosis(&world).await;

        assert_eq!(
            (that(&seen, &json!(false)), seen["status"].as_str()),
            (vec![finding.to_owned()], Some("unhealthy")),
            "{route}"
        );
        assert!(!check(&seen, finding)["remedy"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_subscription_that_is_gone_is_found_and_made_again() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    graph(&world, "DELETE", &format!("{ONE}/subscribed_apps"), json!({})).await;

    let seen = diagnosis(&world).await;
    let fix = check(&seen, "app_subscribed")["fix"].clone();
    assert_eq!(
        (&seen["status"], check(&seen, "app_subscribed")["passed"].as_bool()),
        (&json!("unhealthy"), Some(false))
    );
    assert_eq!(fix, json!({ "method": "POST", "href": format!("/v1/accounts/{NUMBER}/repair") }));
    let path = fix["href"].as_str().unwrap();
    let mended = call(&world, "acme", "POST", path).send().await;

    assert_eq!((mended.status, mended.text("status")), (200, "healthy".to_owned()), "{mended:?}");
}

#[tokio::test]
async fn an_address_of_another_service_is_named_without_its_secrets() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let other = other_service().await;
    let verify_token = world.meta.state().await["app"]["verify_token"].clone();
    let overriding = json!({ "override_callback_uri": format!("{other}/hook/s3cret"), "verify_token": verify_token });

    graph(&world, "POST", &format!("{ONE}/subscribed_apps"), overriding.clone()).await;
    let of_waba = diagnosis(&world).await;
    graph(&world, "POST", NUMBER, json!({ "webhook_configuration": overriding })).await;
    let of_number = diagnosis(&world).await;

    for (found, level) in [(&of_waba, "its WhatsApp account"), (&of_number, "the number")] {
        let check = check(found, "webhook_target");
        let detail = format!("an address set for {level} sends its events to {other}");
        assert_eq!((&check["passed"], check["detail"].as_str()), (&json!(false), Some(detail.as_str())));
        assert!(check["remedy"].as_str().unwrap().contains("override"));
    }
}

#[tokio::test]
async fn a_token_about_to_end_is_found_though_nobody_swept() {
    let world = World::deployed().await;
    world.meta.post("/_sim/app", json!({ "business_token_days": 60 })).await;
    let begun = crate::connect::begin(&world, "acme", json!({ "method": "login" })).await;
    world.consent(crate::connect::start_url(&begun), tests::Consent::To(&[ONE])).await;
    world.clock.advance(SignedDuration::from_hours(24 * 50));

    let seen = diagnosis(&world).await;

    let expiry = check(&seen, "token_expiry");
    assert_eq!((&seen["status"], &expiry["passed"]), (&json!("degraded"), &json!(false)), "{seen:#}");
    assert!(expiry["remedy"].as_str().unwrap().contains("Connect the number again"));
}

#[tokio::test]
async fn an_outage_of_metas_is_nobodys_illness() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    world.meta.post("/_sim/faults", json!({ "times": 100, "fault": { "status": 503 } })).await;

    let seen = diagnosis(&world).await;
    let repaired = repair(&world).await;

    for found in [&seen, &repaired] {
        assert_eq!(that(found, &json!(false)), Vec::<String>::new(), "{found:#}");
        assert_eq!((that(found, &json!(null)).len(), found["status"].as_str()), (13, Some("degraded")));
    }
    let account = call(&world, "acme", "GET", &format!("/v1/accounts/{NUMBER}")).send().await;
    assert_eq!(account.text("status"), "active");
}

#[tokio::test]
async fn a_wrong_pin_is_said_to_be_one_and_the_right_one_repairs() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let number = format!("/_sim/numbers/{NUMBER}");
    world.meta.post(&number, json!({ "registered": false, "pin": "246813" })).await;

    let refused = repair(&world).await;
    let registered = check(&refused, "registered");
    assert!(registered["detail"].as_str().unwrap().contains("pin_mismatch (133005)"), "{registered:#}");
    let fix = json!({ "method": "PUT", "href": format!("/v1/accounts/{NUMBER}/pin") });
    assert_eq!(registered["fix"], fix);
    let given =
        call(&world, "acme", "PUT", fix["href"].as_str().unwrap()).json(&json!({ "pin": "246813" })).send().await;
    assert_eq!(given.status, 200, "{given:?}");
    let mended = repair(&world).await;

    assert_eq!(mended["status"], "healthy", "{mended:#}");
}

#[tokio::test]
async fn a_registration_that_meta_has_counted_too_often_is_not_tried_again() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    world.meta.post(&format!("/_sim/numbers/{NUMBER}"), json!({ "registered": false })).await;
    let limit = json!({ "match": { "route": "POST /{number}/register" }, "times": 9, "fault": { "error": { "code": 133_016 } } });
    world.meta.post("/_sim/faults", limit).await;
    let before = asked(&world, "POST", "/register").await;

    let first = repair(&world).await;
    let second = repair(&world).await;

    assert_eq!(asked(&world, "POST", "/register").await, before + 1);
    for (found, says) in [(&first, "register_limit (133016)"), (&second, "takes no registration of this number before")]
    {
        let check = check(found, "registered");
        assert!(check["detail"].as_str().unwrap().contains(says), "{check:#}");
        assert_eq!((&check["passed"], &check["fix"]), (&json!(false), &json!(null)));
    }
    world.clock.advance(SignedDuration::from_hours(73));
    world.meta.post("/_sim/faults", json!({ "match": { "route": "GET /nothing" }, "fault": { "status": 503 } })).await;
    repair(&world).await;
    assert_eq!(asked(&world, "POST", "/register").await, before + 2, "after Meta's own time it is");
}

#[tokio::test]
async fn a_number_on_a_phone_is_never_registered_here() {
    let world = World::deployed().await;
    let begun = crate::connect::begin(&world, "acme", json!({ "method": "login", "auto_select": "all" })).await;
    world.consent(crate::connect::start_url(&begun), tests::Consent::To(&[crate::connect::OTHER])).await;
    let on_phone = "300400500600705";
    world.meta.post(&format!("/_sim/numbers/{on_phone}"), json!({ "registered": false })).await;
    let before = asked(&world, "POST", "/register").await;

    let repaired = call(&world, "acme", "POST", &format!("/v1/accounts/{on_phone}/repair")).send().await;

    assert_eq!(check(&repaired.body, "registered")["passed"], false, "{repaired:?}");
    assert_eq!(asked(&world, "POST", "/register").await, before);
}

#[tokio::test]
async fn anothers_number_is_not_there_and_a_reader_may_not_repair() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let path = |what: &str| format!("/v1/accounts/{NUMBER}/{what}");
    let outcome = |answer: Answer| answer.outcome();

    let foreign = call(&world, "bravo", "GET", &path("diagnosis")).send().await;
    let mending = call(&world, "bravo", "POST", &path("repair")).send().await;
    let reader = world.make_session("acme", &["accounts:read"]).await;
    let reading = world.call("POST", &path("repair")).bearer(reader["token"].as_str().unwrap()).send().await;

    assert_eq!(outcome(foreign), (404, "not_found".to_owned()));
    assert_eq!(outcome(mending), (404, "not_found".to_owned()));
    assert_eq!(outcome(reading), (403, "scope_missing".to_owned()));
}

#[tokio::test]
async fn what_is_disconnected_is_not_repaired_but_told_of() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let path = format!("/v1/accounts/{NUMBER}");
    assert_eq!(call(&world, "acme", "DELETE", &path).send().await.status, 200);
    let before = world.meta.calls("").await.len();

    let repaired = call(&world, "acme", "POST", &format!("{path}/repair")).send().await;
    assert_eq!(world.meta.calls("").await.len(), before);
    let seen = diagnosis(&world).await;

    assert_eq!(repaired.outcome(), (409, "account_disconnected".to_owned()));
    assert_eq!((&seen["status"], &check(&seen, "token_valid")["passed"]), (&json!("unhealthy"), &json!(false)));
}

/// Neither subscribed nor registered any more: both are mended by whoever asks until they are answered.
async fn repairing(world: Arc<World>) -> Vec<String> {
    world.cold_sweeper("test").handle(schedule_event()).await.unwrap();
    let manual = json!({ "access_token": system_token(&world, ONE).await, "phone_number_ids": [NUMBER] });
    let begun = by_operator(&world, "test", "POST", "/v1/connections");
    let begun = begun.json(&json!({ "method": "manual", "manual": manual })).send().await;
    assert_eq!(begun.text("status"), "connected", "{begun:?}");
    graph(&world, "DELETE", &format!("{ONE}/subscribed_apps"), json!({})).await;
    world.meta.post(&format!("/_sim/numbers/{NUMBER}"), json!({ "registered": false })).await;

    let path = format!("/v1/accounts/{NUMBER}/repair");
    // What a fault of Meta's kept from being mended, or seen, is said, and asked for again.
    let mut repaired = Value::Null;
    for round in 0..3 {
        let answer =
            insist(&world, &format!("repair-{round}"), |caller| by_operator(&world, caller, "POST", &path)).await;
        repaired = answer.body;
        if repaired["status"] == "healthy" {
            break;
        }
    }

    let mut broken = Vec::new();
    let mut hold = |what: &str, holds: bool, seen: &Value| {
        if !holds {
            broken.push(format!("{what}: {seen}"));
        }
    };
    hold("it is healthy", repaired["status"] == "healthy", &repaired);
    let registrations = world.meta.calls("/register").await;
    let registered = registrations.iter().filter(|call| call["method"] == "POST" && call["status"] == 200).count();
    hold("it was registered once more", registered == 2, &json!(registered));
    broken
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repair_survives_every_single_fault() {
    exhaust(repairing).await.must_hold("repair", 10);
}
