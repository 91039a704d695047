//! Every request of blocking somebody, letting them in again and changing a profile, with every kind of fault: whoever asks
//! again gets there.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Answer, Call, World, faults::exhaust, schedule_event};

use crate::{
    connect::{NUMBER, ONE, system_token},
    inbox::Seeds,
    send::CUSTOMER,
};

/// A caller that does not give up: each attempt is a new process, and what it gets no answer to it sends again.
async fn insist(world: &World, step: &str, call: impl Fn(&str) -> Call) -> Answer {
    for attempt in 0..6 {
        let caller = format!("{step}-{attempt}");
        match world.as_process(&caller, call(&caller).send()).await {
            Some(answer) if answer.status < 500 => return answer,
            _ => world.clock.advance(SignedDuration::from_secs(1)),
        }
    }
    panic!("{step}: no answer in six attempts");
}

async fn change(world: Arc<World>) -> Vec<String> {
    world.cold_sweeper("test").handle(schedule_event()).await.unwrap();
    let manual = json!({ "access_token": system_token(&world, ONE).await, "phone_number_ids": [NUMBER] });
    let connect = world.cold_call("test", "POST", "/v1/connections").bearer(&world.first_key).tenant("acme");
    let begun = connect.json(&json!({ "method": "manual", "manual": manual })).send().await;
    assert_eq!(begun.text("status"), "connected", "{begun:?}");
    // Meta knows who has written; what is kept here of them is seeded.
    let wrote = json!({"phone_number_id": NUMBER, "from": CUSTOMER, "type": "text", "text": {"body": "Hi"}});
    world.meta.post("/_sim/inbound", wrote).await;
    let (id, _) = Seeds::new(&world, "acme", NUMBER).said(1, CUSTOMER, "Ada", "Hi").await;
    let contact = format!("/v1/contacts/{}", shared::domain::conversation::ContactId(id));
    let profile = format!("/v1/accounts/{NUMBER}/profile");
    let call = |caller: &str, method: &str, path: &str| {
        world.cold_call(caller, method, path).bearer(&world.first_key).tenant("acme")
    };

    let blocked = insist(&world, "block", |caller| call(caller, "POST", &format!("{contact}/block"))).await;
    let unblocked = insist(&world, "unblock", |caller| call(caller, "DELETE", &format!("{contact}/block"))).await;
    let shown = call("test", "GET", &contact).send().await;
    let about = json!({"about": "Open"});
    let changed = insist(&world, "profile", |caller| call(caller, "PATCH", &profile).json(&about)).await;

    let mut broken = Vec::new();
    let mut hold = |what: &str, holds: bool, seen: &Value| {
        if !holds {
            broken.push(format!("{what}: {seen}"));
        }
    };
    hold("they are blocked", blocked.status == 200 && blocked.body["blocked"] == true, &blocked.body);
    hold("and let in again", unblocked.status == 204, &unblocked.body);
    hold("which is noted", shown.body["blocked"] == false, &shown.body);
    hold("the profile is changed", changed.status == 200 && changed.body["about"] == "Open", &changed.body);
    broken
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_and_profiles_survive_every_single_fault() {
    exhaust(change).await.must_hold("blocks and profile", 20);
}
