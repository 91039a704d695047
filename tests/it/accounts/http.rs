//! Accounts as the operator's backend has them: by HTTP only.

use serde_json::{Value, json};
use tests::{Answer, World};

use crate::connect::{begin, call, system_token};

/// The two numbers of `TWO`.
pub(super) const SECOND: &str = "300400500600701";
pub(super) const THIRD: &str = "300400500600702";

/// Connects a number with a token of the business that owns it.
pub(super) async fn connect(world: &World, tenant: &str, waba: &str, number: &str) -> Value {
    let token = system_token(world, waba).await;
    let manual = json!({ "access_token": token, "waba_id": waba, "phone_number_ids": [number] });
    let connection = begin(world, tenant, json!({ "method": "manual", "manual": manual })).await;
    assert_eq!(connection["status"], "connected", "{connection:#}");
    connection
}

pub(super) async fn get(world: &World, tenant: &str, number: &str) -> Answer {
    call(world, tenant, "GET", &format!("/v1/accounts/{number}")).send().await
}

pub(super) async fn account(world: &World, tenant: &str, number: &str) -> Value {
    let shown = get(world, tenant, number).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    shown.body
}

pub(super) async fn patch(world: &World, tenant: &str, number: &str, change: Value) -> Answer {
    call(world, tenant, "PATCH", &format!("/v1/accounts/{number}")).json(&change).send().await
}

pub(super) async fn disconnect(world: &World, tenant: &str, number: &str) -> Answer {
    call(world, tenant, "DELETE", &format!("/v1/accounts/{number}")).send().await
}

/// The item of the table, as it is stored.
pub(super) async fn row(world: &World, key: &str) -> Value {
    let rows = world.table("ACCOUNTS_TABLE").await;
    rows.into_iter().find(|row| row["phone_number_id"] == key).unwrap_or_default()
}

/// The entries of the audit for a route, each its status.
pub(super) async fn audited(world: &World, what: &str) -> Vec<u64> {
    let entries = world.table("AUDIT_TABLE").await;
    let mut found: Vec<u64> =
        entries.iter().filter(|entry| entry["what"] == what).filter_map(|entry| entry["status"].as_u64()).collect();
    found.sort_unstable();
    found
}
