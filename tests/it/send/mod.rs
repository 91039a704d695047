//! From a request to a message on somebody's phone, through the real functions: `send` takes it, `outbound` sends it, and
//! what Meta tells of it is taken in.

mod accepting;
mod batches;
mod budget;
pub(crate) mod chaos;
mod examples;
pub(crate) mod faults;
mod isolation;
mod outcomes;
mod pacing;
mod proofs;
mod rate;
mod reading;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Answer, Call, World, schedule_event};

use crate::connect::{NUMBER, call, connected};

pub(crate) const ACME: &str = "acme";
pub(crate) const CUSTOMER: &str = "16505551234";

/// A world in which [`NUMBER`] is `acme`'s.
pub(crate) async fn ready() -> World {
    let world = World::deployed().await;
    connected(&world, ACME).await;
    world
}

/// A customer writes to [`NUMBER`], and it is taken in: from then on they can be answered.
pub(crate) async fn written_by(world: &World, from: &str) {
    let text = json!({"phone_number_id": NUMBER, "from": from, "type": "text", "text": {"body": "Are you open?"}});
    world.meta.post("/_sim/inbound", text).await;
    world.drain().await;
}

pub(crate) fn text(to: &str, body: &str) -> Value {
    json!({"to": format!("+{to}"), "type": "text", "text": {"body": body}})
}

pub(crate) fn posting(world: &World, body: &Value) -> Call {
    call(world, ACME, "POST", &format!("/v1/accounts/{NUMBER}/messages")).json(body)
}

/// Accepted, or the test ends.
pub(crate) async fn send(world: &World, body: &Value) -> Value {
    let answer = posting(world, body).send().await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.body
}

pub(crate) async fn shown(world: &World, message: &Value) -> Value {
    let path = format!("/v1/messages/{}", message["id"].as_str().unwrap());
    let answer: Answer = call(world, ACME, "GET", &path).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

pub(crate) async fn status(world: &World, message: &Value) -> String {
    shown(world, message).await["status"].as_str().unwrap().to_owned()
}

/// The POSTs of messages that Meta has seen, oldest first.
pub(crate) async fn posts(world: &World) -> Vec<Value> {
    let calls = world.meta.calls("/messages").await.into_iter();
    calls.filter(|call| call["method"] == "POST" && call["body"]["status"] != "read").collect()
}

/// Everything goes as far as it can: out, and what Meta tells of it in. Nothing waits for a time, but for the second
/// within which Meta tells.
pub(crate) async fn settle(world: &World) {
    world.send_out().await;
    world.clock.advance(SignedDuration::from_secs(1));
    world.meta.told().await;
    world.drain().await;
}

/// A while passes, with all that happens in it: the sweeper comes each minute.
pub(crate) async fn pass(world: &World, seconds: i64) {
    for minute in 0..=(seconds / 60) {
        let left = seconds - minute * 60;
        world.clock.advance(SignedDuration::from_secs(left.min(60)));
        if left >= 60 {
            world.sweeper().handle(schedule_event()).await.unwrap();
        }
        settle(world).await;
    }
}

/// Each status with who said so.
pub(crate) fn history(message: &Value) -> Vec<String> {
    let steps = message["history"].as_array().into_iter().flatten();
    steps.map(|step| format!("{} {}", step["source"].as_str().unwrap(), step["status"].as_str().unwrap())).collect()
}

/// The next calls of messages go wrong so.
pub(crate) async fn fault(world: &World, times: u64, fault: Value) {
    let matching = json!({"method": "POST", "path": "/messages"});
    world.meta.post("/_sim/faults", json!({"match": matching, "times": times, "fault": fault})).await;
}

/// A refusal of Meta's.
pub(crate) fn refusal(code: i64) -> Value {
    json!({"error": {"code": code, "message": "No", "type": "OAuthException", "error_data": {"details": "not now"}}})
}
