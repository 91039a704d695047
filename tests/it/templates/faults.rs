//! Every request of handing a template in and deleting one, with every kind of fault: whoever asks again gets there, with
//! one template at Meta.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Answer, Call, World, faults::exhaust, schedule_event};

use super::order;
use crate::connect::{NUMBER, ONE, system_token};

/// A caller that does not give up: each attempt is a new process, and what it gets no answer to it sends again.
async fn insist(world: &World, step: &str, call: impl Fn(&str) -> Call) -> Answer {
    for attempt in 0..6 {
        let caller = format!("{step}-{attempt}");
        match world.as_process(&caller, call(&caller).send()).await {
            Some(answer) if answer.status < 500 && answer.text("code") != "idempotency_in_flight" => return answer,
            _ => world.clock.advance(SignedDuration::from_secs(61)),
        }
    }
    panic!("{step}: no answer in six attempts");
}

/// What Graph shows of the WABA.
async fn at_meta(world: &World) -> Value {
    world.meta.post("/_sim/app", json!({"require_proof": false})).await;
    let token = system_token(world, ONE).await;
    let get = format!("GET /v25.0/{ONE}/message_templates?access_token={token} HTTP/1.1");
    tests::wire::send(&world.meta.url(), &[&get], b"").await.json()
}

async fn life(world: Arc<World>) -> Vec<String> {
    world.cold_sweeper("test").handle(schedule_event()).await.unwrap();
    let manual = json!({ "access_token": system_token(&world, ONE).await, "phone_number_ids": [NUMBER] });
    let connect = world.cold_call("test", "POST", "/v1/connections").bearer(&world.first_key).tenant("acme");
    let begun = connect.json(&json!({ "method": "manual", "manual": manual })).send().await;
    assert_eq!(begun.text("status"), "connected", "{begun:?}");
    let path = format!("/v1/accounts/{NUMBER}/templates");
    let call = |caller: &str, method: &str, path: &str| {
        world.cold_call(caller, method, path).bearer(&world.first_key).tenant("acme")
    };

    let listed = insist(&world, "list", |caller| call(caller, "GET", &path)).await;
    let made = insist(&world, "create", |caller| {
        call(caller, "POST", &path).header("idempotency-key", "once").json(&order("shipped"))
    })
    .await;
    let kept = call("test", "GET", &path).send().await;
    let deleted = insist(&world, "delete", |caller| call(caller, "DELETE", &format!("{path}/hello_world"))).await;
    let left = call("test", "GET", &path).send().await;

    let mut broken = Vec::new();
    let mut hold = |what: &str, holds: bool, seen: &Value| {
        if !holds {
            broken.push(format!("{what}: {seen}"));
        }
    };
    let names = |list: &Value| {
        let data = list["data"].as_array().cloned().unwrap_or_default().into_iter();
        data.map(|one| one["name"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    hold("it is listed", names(&listed.body) == ["hello_world"], &listed.body);
    hold("it is made", made.status == 201 && made.body["name"] == "shipped", &made.body);
    hold("it is kept", names(&kept.body) == ["hello_world", "shipped"], &kept.body);
    hold("the other is deleted, or was by a try that died", [204, 404].contains(&deleted.status), &deleted.body);
    hold("it is gone", names(&left.body) == ["shipped"], &left.body);
    let at_meta = names(&at_meta(&world).await);
    hold("Meta has the one", at_meta == ["shipped"], &json!(at_meta));
    broken
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_s_life_survives_every_single_fault() {
    exhaust(life).await.must_hold("templates", 20);
}
