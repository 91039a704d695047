//! `PARTNER_ADDED`: Meta tells of a permission by webhook, whether or not the permission came through our popup.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{World, signature};

use super::{TWO, begin, system_token};

/// What Meta tells the app's own portfolio. Whoever gave the permission is told apart by `owner`.
fn told(world: &World, waba: &str, owner: &str) -> (Value, Vec<u8>) {
    let info = json!({ "waba_id": waba, "owner_business_id": owner, "partner_app_id": "100200300400500" });
    let value = json!({ "event": "PARTNER_ADDED", "waba_info": info });
    let changes = json!([{ "field": "account_update", "value": value }]);
    let entry = json!([{ "id": "900", "time": world.clock.now().as_second(), "changes": changes }]);
    let body = json!({ "object": "whatsapp_business_account", "entry": entry });
    (value, body.to_string().into_bytes())
}

/// Delivers it, and lets the queue run empty.
async fn deliver(world: &World, body: Vec<u8>) {
    let call = world.call("POST", "/webhooks/whatsapp").header("x-hub-signature-256", &signature(&body));
    assert_eq!(call.body("application/json", body).send().await.status, 200);
    world.drain().await;
}

/// One of the two numbers of [`TWO`], connected with a token that was given elsewhere.
async fn connected(world: &World, tenant: &str, number: &str) -> Value {
    let token = system_token(world, TWO).await;
    let manual = json!({ "access_token": token, "waba_id": TWO, "phone_number_ids": [number] });
    let connection = begin(world, tenant, json!({ "method": "manual", "manual": manual })).await;
    assert_eq!(connection["status"], "connected", "{connection:#}");
    connection
}

/// What is recorded on a connection. No answer of the API has it.
async fn recorded(world: &World, connection: &Value) -> Value {
    let rows = world.table("CONNECTIONS_TABLE").await;
    rows.into_iter().find(|row| row["id"] == connection["id"]).unwrap()["state"]["partner_event"].clone()
}

const FIRST: &str = "300400500600701";
const SECOND: &str = "300400500600702";

#[tokio::test]
async fn a_permission_that_meta_tells_of_is_recorded_on_its_connection_as_it_came() {
    let world = World::deployed().await;
    let connection = connected(&world, "acme", FIRST).await;
    assert_eq!(recorded(&world, &connection).await, json!(null));

    let (value, body) = told(&world, TWO, "501");
    deliver(&world, body).await;

    assert_eq!(recorded(&world, &connection).await, value);
}

#[tokio::test]
async fn one_that_is_told_of_before_anybody_has_connected_waits_for_the_connection() {
    let world = World::deployed().await;
    let (value, body) = told(&world, TWO, "501");
    deliver(&world, body).await;
    let connection = connected(&world, "acme", FIRST).await;
    assert_eq!(recorded(&world, &connection).await, json!(null));

    world.sweep().await;
    world.drain().await;

    assert_eq!(recorded(&world, &connection).await, value);
}

#[tokio::test]
async fn the_permission_of_a_later_connection_is_none_of_an_earlier_one_on_the_same_waba() {
    let world = World::deployed().await;
    let earlier = connected(&world, "acme", FIRST).await;
    let (first, body) = told(&world, TWO, "501");
    deliver(&world, body).await;
    // A connection lives seven days.
    world.clock.advance(SignedDuration::from_hours(24 * 7 + 1));
    let later = connected(&world, "bravo", SECOND).await;

    let (second, body) = told(&world, TWO, "502");
    deliver(&world, body).await;

    assert_eq!((recorded(&world, &earlier).await, recorded(&world, &later).await), (first, second));
}
