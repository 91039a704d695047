//! Connecting numbers, by HTTP only: from "Connect WhatsApp" to a number that is proved to work.

mod compliance;
mod confirming;
mod ending;
pub(crate) mod faults;
mod login;
mod manual;
mod obstacles;
mod page;
mod partner;
mod popup;
mod races;
mod secrecy;

use serde_json::{Value, json};
use tests::{Answer, Call, Consent, World};

/// The seed's WABAs: two numbers on the first, one on the second, two on the third, whose last is on a phone.
pub(crate) const TWO: &str = "200300400500601";
pub(crate) const ONE: &str = "200300400500602";
pub(crate) const OTHER: &str = "200300400500603";
/// The number of [`ONE`].
pub(crate) const NUMBER: &str = "300400500600703";

pub(crate) fn call(world: &World, tenant: &str, method: &str, path: &str) -> Call {
    world.as_operator(method, path).tenant(tenant)
}

/// Begins a connection as the operator's backend.
pub(crate) async fn begin(world: &World, tenant: &str, order: Value) -> Value {
    let begun = call(world, tenant, "POST", "/v1/connections").json(&order).send().await;
    assert_eq!(begun.status, 201, "{begun:?}");
    begun.body
}

pub(crate) async fn shown(world: &World, tenant: &str, connection: &Value) -> Value {
    let path = format!("/v1/connections/{}", connection["id"].as_str().unwrap());
    let shown = call(world, tenant, "GET", &path).send().await;
    assert_eq!(shown.status, 200, "{shown:?}");
    shown.body
}

/// What one does with a connection.
pub(crate) async fn act(world: &World, tenant: &str, connection: &Value, action: &str, body: Value) -> Answer {
    let path = format!("/v1/connections/{}/{action}", connection["id"].as_str().unwrap());
    call(world, tenant, "POST", &path).json(&body).send().await
}

pub(crate) fn start_url(connection: &Value) -> &str {
    connection["start_url"].as_str().unwrap_or_else(|| panic!("no start URL: {connection}"))
}

/// Each number with its state, in order.
pub(crate) fn states(connection: &Value) -> Vec<(&str, &str)> {
    let numbers = connection["numbers"].as_array().into_iter().flatten();
    numbers.map(|number| (number["phone_number_id"].as_str().unwrap(), number["state"].as_str().unwrap())).collect()
}

/// The status and error code of a number's steps or the connection's own, by name.
pub(crate) fn steps(of: &Value) -> Vec<String> {
    let steps = of["steps"].as_array().into_iter().flatten();
    steps
        .map(|step| {
            let error = step["error"]["code"].as_str().map(|code| format!("({code})")).unwrap_or_default();
            format!("{} {}{error}", step["name"].as_str().unwrap(), step["status"].as_str().unwrap())
        })
        .collect()
}

pub(crate) fn next(connection: &Value) -> &str {
    connection["next_action"]["type"].as_str().unwrap_or_default()
}

/// The tokens Meta has given out, of a kind.
pub(crate) async fn tokens(world: &World, kind: &str) -> Vec<String> {
    let state = world.meta.state().await;
    let tokens = state["tokens"].as_array().into_iter().flatten().filter(|token| token["kind"] == kind);
    tokens.map(|token| token["token"].as_str().unwrap().to_owned()).collect()
}

/// A system token of the business that owns a WABA.
pub(crate) async fn system_token(world: &World, waba: &str) -> String {
    let state = world.meta.state().await;
    let reaches = |token: &Value| token["reaches"].as_array().into_iter().flatten().any(|id| id == waba);
    let mut tokens = state["tokens"].as_array().into_iter().flatten();
    let token = tokens.find(|token| token["kind"] == "system" && reaches(token)).unwrap();
    token["token"].as_str().unwrap().to_owned()
}

/// A connected number of a tenant: [`NUMBER`].
pub(crate) async fn connected(world: &World, tenant: &str) -> Value {
    let token = system_token(world, ONE).await;
    let manual = json!({ "access_token": token, "waba_id": ONE, "phone_number_ids": [NUMBER] });
    let connection = begin(world, tenant, json!({ "method": "manual", "manual": manual })).await;
    assert_eq!(connection["status"], "connected", "{connection:#}");
    connection
}

/// The same number once more, with a token that Meta has just given.
pub(crate) async fn reconnected(world: &World, tenant: &str) {
    let connection = begin(world, tenant, json!({ "method": "login", "expected_phone_number_id": NUMBER })).await;
    world.consent(start_url(&connection), Consent::To(&[ONE])).await;
    let connection = shown(world, tenant, &connection).await;
    assert_eq!(connection["status"], "connected", "{connection:#}");
}

/// How often Meta was asked to do something.
pub(crate) async fn asked(world: &World, method: &str, path: &str) -> usize {
    world.meta.calls(path).await.iter().filter(|call| call["method"] == method).count()
}
