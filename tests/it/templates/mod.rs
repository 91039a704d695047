//! Templates, by HTTP: read from Meta and kept fresh by what it tells, handed in, deleted, and held against what is sent.

mod changing;
mod faults;
mod fitting;
mod fixtures;
mod reading;
mod told;

use serde_json::{Value, json};
use tests::{Answer, World};

use crate::{
    connect::{NUMBER, ONE, begin, call, system_token},
    send::ACME,
};

/// What Meta takes.
pub(crate) fn order(name: &str) -> Value {
    json!({"name": name, "language": "en_US", "category": "UTILITY", "components": [
        {"type": "BODY", "text": "Hi {{1}}, your order comes on {{2}} in the morning.",
            "example": {"body_text": [["Ada", "Monday"]]}},
        {"type": "BUTTONS", "buttons": [
            {"type": "URL", "text": "Track", "url": "https://example.com/{{1}}", "example": ["https://example.com/4711"]}]}]})
}

fn path() -> String {
    format!("/v1/accounts/{NUMBER}/templates")
}

async fn create(world: &World, template: &Value) -> Answer {
    call(world, ACME, "POST", &path()).json(template).send().await
}

/// Handed in, or the test ends.
async fn created(world: &World, name: &str) -> Value {
    let made = create(world, &order(name)).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body
}

async fn listed(world: &World, tenant: &str, number: &str) -> Vec<Value> {
    let answer = call(world, tenant, "GET", &format!("/v1/accounts/{number}/templates?limit=100")).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["data"].as_array().unwrap().clone()
}

/// acme's template of that name, as it is listed.
async fn shown(world: &World, name: &str) -> Value {
    let all = listed(world, ACME, NUMBER).await;
    all.into_iter().find(|template| template["name"] == name).unwrap_or(Value::Null)
}

async fn refresh(world: &World) {
    let answer = call(world, ACME, "POST", &format!("/v1/accounts/{NUMBER}/refresh")).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Another number of [`NUMBER`]'s WABA, and another tenant's.
async fn shared_with_bravo(world: &World) -> String {
    let number = world.meta.post("/_sim/numbers", json!({"waba_id": ONE, "phone_number": "15550207001"})).await;
    let number = number["id"].as_str().unwrap().to_owned();
    let token = system_token(world, ONE).await;
    let manual = json!({"access_token": token, "waba_id": ONE, "phone_number_ids": [number]});
    let begun = begin(world, "bravo", json!({"method": "manual", "manual": manual})).await;
    assert_eq!(begun["status"], "connected", "{begun:#}");
    number
}

/// The calls of templates that Meta has seen, of this method.
async fn asked(world: &World, method: &str) -> usize {
    let calls = world.meta.calls("/message_templates").await;
    calls.iter().filter(|call| call["method"] == method).count()
}

/// What Meta tells by now is taken in.
async fn told(world: &World) {
    world.meta.told().await;
    world.drain().await;
}
