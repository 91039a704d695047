//! Many at once: one owner, one default, no half rows.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};
use tests::World;
use tokio::task::JoinSet;

use super::http::{account, get, row};
use crate::connect::{NUMBER, ONE, begin, call, shown, system_token};

/// Lets the sweeper go on until nothing waits any more. Attempts of one tenant for one number go one after the other.
async fn settle(world: &World) {
    for _ in 0..60 {
        let attempts = world.table("CONNECTIONS_TABLE").await;
        if attempts.iter().all(|attempt| attempt["state"]["status"] != "connecting") {
            return;
        }
        world.advance(jiff::SignedDuration::from_secs(61)).await;
        world.sweep().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_parallel_connects_of_one_number_make_one_owner() {
    let world = Arc::new(World::deployed().await);
    let token = system_token(&world, ONE).await;
    let mut racing = JoinSet::new();
    for place in 0..50 {
        let (world, token) = (Arc::clone(&world), token.clone());
        racing.spawn(async move {
            let tenant = if place % 2 == 0 { "acme" } else { "bravo" };
            let manual = json!({ "access_token": token, "waba_id": ONE, "phone_number_ids": [NUMBER] });
            (tenant, begin(&world, tenant, json!({ "method": "manual", "manual": manual })).await)
        });
    }
    let begun = racing.join_all().await;
    settle(&world).await;

    let mut owners = BTreeSet::new();
    for (tenant, connection) in &begun {
        let ended = shown(&world, tenant, connection).await;
        match ended["status"].as_str().unwrap() {
            "connected" => {
                owners.insert(*tenant);
            }
            "failed" => {
                let error = [&ended["error"], &ended["numbers"][0]["error"]].map(|error| error["code"].clone());
                assert!(error.contains(&json!("number_taken")), "{ended:#}");
            }
            _ => panic!("neither here nor there: {ended:#}"),
        }
    }
    assert_eq!(owners.len(), 1, "{owners:?}");
    let owner = *owners.first().unwrap();
    let loser = if owner == "acme" { "bravo" } else { "acme" };
    assert_eq!(account(&world, owner, NUMBER).await["status"], "active");
    assert_eq!(get(&world, loser, NUMBER).await.status, 404);
    let stored = row(&world, NUMBER).await;
    assert_eq!(stored["tenant"], owner);
    let claim = stored.as_object().unwrap().keys().find(|name| name.starts_with("claim_"));
    assert_eq!(claim, None, "{stored:#}");
    assert_eq!(row(&world, &format!("waba#{ONE}")).await["residents"], json!([NUMBER]));
    assert_eq!(row(&world, &format!("tenant#{loser}")).await, Value::Null);
    assert_eq!(crate::connect::asked(&world, "DELETE", "/subscribed_apps").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_numbers_activated_at_once_one_is_the_default() {
    let world = Arc::new(World::deployed().await);
    let token = system_token(&world, ONE).await;
    let mut numbers = Vec::new();
    for place in 0..20 {
        let order = json!({ "waba_id": ONE, "phone_number": format!("155501990{place:02}") });
        let added = world.meta.post("/_sim/numbers", order).await;
        numbers.push(added["id"].as_str().unwrap().to_owned());
    }
    let mut racing = JoinSet::new();
    for number in numbers.clone() {
        let (world, token) = (Arc::clone(&world), token.clone());
        racing.spawn(async move {
            let manual = json!({ "access_token": token, "waba_id": ONE, "phone_number_ids": [number] });
            begin(&world, "acme", json!({ "method": "manual", "manual": manual })).await;
        });
    }
    racing.join_all().await;
    settle(&world).await;

    let listed = call(&world, "acme", "GET", "/v1/accounts?limit=100").send().await;
    let accounts = listed.body["data"].as_array().unwrap().clone();
    assert_eq!(accounts.len(), 20);
    let defaults: Vec<&Value> = accounts.iter().filter(|account| account["default"] == true).collect();
    assert_eq!(defaults.len(), 1);

    // And moved by twenty at once, it is where one of them put it.
    let mut racing = JoinSet::new();
    for number in numbers.clone() {
        let world = Arc::clone(&world);
        racing.spawn(async move {
            let path = format!("/v1/accounts/{number}");
            call(&world, "acme", "PATCH", &path).json(&json!({ "default": true })).send().await.status
        });
    }
    let answers = racing.join_all().await;
    assert!(answers.iter().all(|status| [200, 409, 503].contains(status)), "{answers:?}");
    assert!(answers.contains(&200), "{answers:?}");
    let mut defaults = 0;
    for number in &numbers {
        defaults += usize::from(account(&world, "acme", number).await["default"] == true);
    }
    assert_eq!(defaults, 1);
}
