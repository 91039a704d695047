//! Every request of a disconnect, with every kind of fault: it is gone on with, and ends in the same state.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Answer, Call, World, faults::exhaust, schedule_event};

use super::http::row;
use crate::connect::{NUMBER, ONE, asked, system_token};

/// A caller that does not give up: each attempt is a new process, and what it gets no answer to it sends again.
async fn insist(world: &World, step: &str, call: impl Fn(&str) -> Call) -> Answer {
    for attempt in 0..6 {
        let caller = format!("{step}-{attempt}");
        match world.as_process(&caller, call(&caller).send()).await {
            Some(answer) if answer.status < 500 => return answer,
            _ => {}
        }
    }
    panic!("{step}: no answer in six attempts");
}

/// A number that is connected: not part of the flow.
pub(crate) async fn prepared(world: &World) {
    world.cold_sweeper("test").handle(schedule_event()).await.unwrap();
    let manual = json!({ "access_token": system_token(world, ONE).await, "phone_number_ids": [NUMBER] });
    let call = world.cold_call("test", "POST", "/v1/connections").bearer(&world.first_key).tenant("acme");
    let begun = call.json(&json!({ "method": "manual", "manual": manual })).send().await;
    assert_eq!(begun.text("status"), "connected", "{begun:?}");
}

async fn disconnect(world: Arc<World>) -> Vec<String> {
    prepared(&world).await;
    let path = format!("/v1/accounts/{NUMBER}?deregister=true");
    let gone = insist(&world, "disconnect", |caller| {
        world.cold_call(caller, "DELETE", &path).bearer(&world.first_key).tenant("acme")
    })
    .await;
    // Whoever died had it for a minute; the schedule goes on then.
    for minute in 0..6 {
        if row(&world, NUMBER).await["leaving"].is_null() {
            break;
        }
        world.clock.advance(SignedDuration::from_secs(61));
        let caller = format!("sweep-{minute}");
        let sweeper = world.cold_sweeper(&caller);
        world.as_process(&caller, sweeper.handle(schedule_event())).await;
    }

    let mut broken = Vec::new();
    let mut hold = |what: &str, holds: bool, seen: &Value| {
        if !holds {
            broken.push(format!("{what}: {seen}"));
        }
    };
    hold("it is answered", gone.status == 200, &gone.body);
    let account = row(&world, NUMBER).await;
    let is = |name: &str, value: Value| account[name] == value;
    hold("it is disconnected", is("state", json!("disconnected")), &account);
    let is_gone = ["token", "pin", "leaving", "due", "claim_connection"].iter().all(|name| is(name, Value::Null));
    hold("nothing is left of it", is_gone, &account);
    hold("nothing is reported", account["reason"]["code"] == "disconnected", &account["reason"]);
    let waba = row(&world, &format!("waba#{ONE}")).await;
    hold("nobody rests on the WABA", waba["residents"].is_null(), &waba);
    // Whoever died before giving the WABA back has it for a minute at most.
    let minute = world.clock.now() + SignedDuration::from_secs(60);
    let is_free = waba["leaving_until"].as_i64().is_none_or(|until| until <= minute.as_millisecond());
    hold("nor is it held for long", is_free, &waba);
    let default = row(&world, "tenant#acme").await;
    hold("there is no default", default["default"].is_null(), &default);
    let unsubscribed = asked(&world, "DELETE", "/subscribed_apps").await;
    hold("Meta was told to stop", unsubscribed >= 1, &json!(unsubscribed));
    let deregistered = asked(&world, "POST", "/deregister").await;
    hold("and to switch it off", deregistered >= 1, &json!(deregistered));
    let audit = world.table("AUDIT_TABLE").await;
    let noted = audit.iter().filter(|entry| entry["what"] == "DELETE /v1/accounts/{id}" && entry["status"] == 200);
    hold("it is on record", noted.count() >= 1, &json!(audit));
    broken
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnect_survives_every_single_fault() {
    exhaust(disconnect).await.must_hold("disconnect", 12);
}
