//! Every request of an upload, with every kind of fault: whoever asks again under the same key gets one file that is there.

use std::sync::Arc;

use serde_json::{Value, json};
use tests::{Answer, Call, World, faults::exhaust, schedule_event};

use super::{Form, PNG};
use crate::connect::{NUMBER, ONE, system_token};

/// A caller that does not give up: each attempt is a new process, and what it gets no answer to it sends again.
async fn insist(world: &World, step: &str, call: impl Fn(&str) -> Call) -> Answer {
    for attempt in 0..6 {
        let caller = format!("{step}-{attempt}");
        match world.as_process(&caller, call(&caller).send()).await {
            Some(answer) if answer.status < 500 && answer.text("code") != "idempotency_in_flight" => return answer,
            _ => world.clock.advance(jiff::SignedDuration::from_secs(61)),
        }
    }
    panic!("{step}: no answer in six attempts");
}

async fn upload(world: Arc<World>) -> Vec<String> {
    world.cold_sweeper("test").handle(schedule_event()).await.unwrap();
    let manual = json!({ "access_token": system_token(&world, ONE).await, "phone_number_ids": [NUMBER] });
    let call = world.cold_call("test", "POST", "/v1/connections").bearer(&world.first_key).tenant("acme");
    let begun = call.json(&json!({ "method": "manual", "manual": manual })).send().await;
    assert_eq!(begun.text("status"), "connected", "{begun:?}");

    let path = format!("/v1/accounts/{NUMBER}/media");
    let post = |caller: &str| {
        let call = world.cold_call(caller, "POST", &path).bearer(&world.first_key).tenant("acme");
        Form::default().file("a.png", None, PNG).on(call.header("idempotency-key", "once"))
    };
    let uploaded = insist(&world, "upload", post).await;
    let again = insist(&world, "again", post).await;
    let file = format!("{path}/{}", uploaded.text("id"));
    let back = insist(&world, "download", |caller| {
        world.cold_call(caller, "GET", &file).bearer(&world.first_key).tenant("acme")
    })
    .await;

    let mut broken = Vec::new();
    let mut hold = |what: &str, holds: bool, seen: &Value| {
        if !holds {
            broken.push(format!("{what}: {seen}"));
        }
    };
    hold("it is uploaded", uploaded.status == 201, &uploaded.body);
    // An answer that could not be kept is made again: with the same file, under another id of Meta's.
    let is_same = again.status == 201 && again.body["sha256"] == uploaded.body["sha256"];
    hold("the same again is the same", is_same, &again.body);
    hold("it is there", back.status == 200 && back.bytes == PNG, &back.body);
    let files = world.table("MESSAGES_TABLE").await;
    let mut files = files.iter().filter(|item| item["pk"].as_str().is_some_and(|pk| pk.contains("#f#")));
    hold("it is noted", files.any(|item| item["sk"] == uploaded.body["id"]), &uploaded.body);
    broken
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_survives_every_single_fault() {
    exhaust(upload).await.must_hold("media", 8);
}
