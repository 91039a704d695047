//! A browser that is gone and a process that has died only delay: the sweeper goes on.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use emulators::{Fault, FaultKind, Site};
use jiff::SignedDuration;
use serde_json::json;
use shared::upkeep::Report;
use tests::{Browser, Consent, World, schedule_event};

use super::tallies;
use crate::connect::{NUMBER, ONE, asked, begin, connected, shown, start_url, states};

/// Consents, comes back, and is never seen again: whoever took the callback died at a call to Meta.
async fn dies_after_the_callback(world: &Arc<World>, connection: &serde_json::Value, route: &str, moment: &str) {
    let fault = json!({ "match": { "route": route }, "times": 1, "fault": { "kill": moment } });
    world.meta.post("/_sim/faults", fault).await;
    let mut browser = Browser::default();
    let sent = browser.open(world.call("GET", start_url(connection))).await;
    let callback = world.meta.consent(sent.header("location").unwrap(), Consent::To(&[ONE])).await;
    let caller = format!("callback {route} {moment}");
    let call = browser.with_cookies(world.cold_call(&caller, "GET", &callback));
    let ended = world.as_process(&caller, call.send()).await;
    assert!(ended.is_none(), "{route} {moment}: nobody died: {ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_process_dies_after_the_callback_the_sweeper_connects_the_number() {
    let routes =
        ["GET /debug_token", "GET /{waba}/phone_numbers", "POST /{waba}/subscribed_apps", "POST /{number}/register"];
    for route in routes {
        for moment in ["before", "after"] {
            let world = Arc::new(World::deployed().await);
            let begun = begin(&world, "acme", json!({ "method": "login" })).await;

            dies_after_the_callback(&world, &begun, route, moment).await;
            let at_once = tallies(&world.sweep().await)[0];
            world.advance(SignedDuration::from_secs(61)).await;
            let later = tallies(&world.sweep().await)[0];

            // Whoever died has the lease until then.
            assert_eq!((at_once, later), ((0, 0), (1, 0)), "{route} {moment}");
            let connection = shown(&world, "acme", &begun).await;
            assert_eq!(connection["status"], "connected", "{route} {moment}: {connection:#}");
            let calls = world.meta.calls("/register").await;
            let registered = calls.iter().filter(|call| call["status"] == 200).count();
            assert_eq!(registered, 1, "{route} {moment}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_attempt_that_cannot_be_read_stops_no_other() {
    let world = Arc::new(World::deployed().await);
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;
    dies_after_the_callback(&world, &begun, "GET /debug_token", "before").await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = world.aws_clients().dynamodb().put_item().table_name(world.variable("sweeper", "CONNECTIONS_TABLE"));
    let id = begun["id"].as_str().unwrap().replace("con_", "con_AAAA").chars().take(36).collect::<String>();
    let put = put.item("id", text(&id)).item("due", text("connections")).item("due_at", text("0000000000000"));
    put.send().await.unwrap();

    world.advance(SignedDuration::from_secs(61)).await;
    let swept = tallies(&world.sweep().await)[0];

    assert_eq!(swept, (1, 1));
    let connection = shown(&world, "acme", &begun).await;
    assert_eq!(states(&connection), [("300400500600703", "connected")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_kind_of_work_that_cannot_be_looked_for_stops_no_other() {
    let world = Arc::new(World::deployed().await);
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;
    dies_after_the_callback(&world, &begun, "GET /debug_token", "before").await;
    world.advance(SignedDuration::from_secs(61)).await;
    let accounts = world.variable("sweeper", "ACCOUNTS_TABLE");
    // As often as the client asks.
    for time in 1..=3 {
        let site = Site::named(format!("dynamodb.Query:{accounts}#{time}"));
        world.aws.faults().arm(Fault { site, kind: FaultKind::Fail });
    }

    let swept = world.cold_sweeper("sweeper").handle(schedule_event()).await;

    assert_eq!(world.aws.faults().fired().len(), 3);
    assert!(swept.is_err(), "{swept:?}");
    let connection = shown(&world, "acme", &begun).await;
    assert_eq!(states(&connection), [(NUMBER, "connected")]);
}

#[tokio::test]
async fn an_attempt_that_expires_loses_its_token_though_nobody_looks() {
    let world = World::deployed().await;
    let begun = begin(&world, "acme", json!({ "method": "login", "auto_select": "none" })).await;
    world.consent(start_url(&begun), Consent::To(&[ONE])).await;
    let held = world.table("CONNECTIONS_TABLE").await;
    assert!(held[0]["state"]["token"].is_object(), "{held:#?}");

    world.clock.advance(SignedDuration::from_hours(24 * 7 + 1));
    world.sweep().await;

    let left = world.table("CONNECTIONS_TABLE").await;
    assert_eq!((left.len(), &left[0]["state"]["token"]), (1, &json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnect_whose_process_died_is_finished() {
    let world = Arc::new(World::deployed().await);
    connected(&world, "acme").await;
    let fault =
        json!({ "match": { "route": "DELETE /{waba}/subscribed_apps" }, "times": 1, "fault": { "kill": "before" } });
    world.meta.post("/_sim/faults", fault).await;
    let path = format!("/v1/accounts/{NUMBER}");
    let call = world.cold_call("dies", "DELETE", &path).bearer(&world.first_key).tenant("acme");
    let ended = world.as_process("dies", call.send()).await;
    assert!(ended.is_none(), "{ended:?}");

    world.advance(SignedDuration::from_secs(61)).await;
    let Report::Upkeep { leaving, .. } = world.sweep().await else { panic!("no upkeep") };

    assert_eq!((leaving.done, leaving.failed), (1, 0));
    assert_eq!(asked(&world, "DELETE", "/subscribed_apps").await, 2);
    let row = world.table("ACCOUNTS_TABLE").await.into_iter().find(|row| row["phone_number_id"] == NUMBER).unwrap();
    assert_eq!((&row["token"], &row["pin"], &row["due"]), (&json!(null), &json!(null), &json!(null)));
}
