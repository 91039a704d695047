//! People who may not write to a number any more.

use serde_json::{Value, json};
use tests::World;

use crate::{
    connect::{NUMBER, ONE, begin, call, system_token},
    send::{self, ACME, CUSTOMER},
};

/// The contact of somebody who has written.
async fn contact(world: &World) -> String {
    send::written_by(world, CUSTOMER).await;
    let found = call(world, ACME, "GET", &format!("/v1/accounts/{NUMBER}/contacts")).send().await;
    found.body["data"][0]["id"].as_str().unwrap().to_owned()
}

async fn blocked(world: &World, id: &str) -> Value {
    call(world, ACME, "GET", &format!("/v1/contacts/{id}")).send().await.body["blocked"].clone()
}

/// What Meta was asked, in order.
async fn asked(world: &World) -> Vec<(Value, Value)> {
    let calls = world.meta.calls("/block_users").await.into_iter();
    calls.map(|call| (call["method"].clone(), call["body"]["block_users"].clone())).collect()
}

#[tokio::test]
async fn a_person_is_blocked_at_meta_and_here_and_let_in_again() {
    let world = send::ready().await;
    let id = contact(&world).await;
    let path = format!("/v1/contacts/{id}/block");

    let answer = call(&world, ACME, "POST", &path).send().await;
    assert_eq!((answer.status, &answer.body["id"], &answer.body["blocked"]), (200, &json!(id), &json!(true)));
    // Twice is once.
    assert_eq!(call(&world, ACME, "POST", &path).send().await.status, 200);
    assert_eq!(blocked(&world, &id).await, json!(true));
    // What arrives from them all the same does not let them in.
    send::written_by(&world, CUSTOMER).await;
    assert_eq!(blocked(&world, &id).await, json!(true));
    for _ in 0..2 {
        let answer = call(&world, ACME, "DELETE", &path).send().await;
        assert_eq!((answer.status, answer.body), (204, Value::Null));
        assert_eq!(blocked(&world, &id).await, json!(false));
    }

    let user = json!([{"user": format!("+{CUSTOMER}")}]);
    let (post, delete) = ((json!("POST"), user.clone()), (json!("DELETE"), user));
    assert_eq!(asked(&world).await, [post.clone(), post, delete.clone(), delete]);
    let audited = world.table("AUDIT_TABLE").await.into_iter();
    let audited = audited.filter(|entry| entry["what"].as_str().is_some_and(|what| what.ends_with("/block")));
    let mut audited: Vec<(String, u64)> = audited
        .map(|entry| (entry["what"].as_str().unwrap()[..4].to_owned(), entry["status"].as_u64().unwrap()))
        .collect();
    audited.sort();
    assert_eq!(audited, [("DELE".into(), 204), ("DELE".into(), 204), ("POST".into(), 200), ("POST".into(), 200)]);
}

#[tokio::test]
async fn whom_meta_does_not_block_is_not_blocked_here_and_the_reason_is_told() {
    let world = send::ready().await;
    let id = contact(&world).await;
    world.clock.advance(jiff::SignedDuration::from_hours(25));

    let refused = call(&world, ACME, "POST", &format!("/v1/contacts/{id}/block")).send().await;

    assert_eq!(refused.outcome(), (502, "meta_refused".to_owned()));
    assert_eq!(refused.body["meta"]["code"], json!(139_100));
    assert!(refused.text("remedy").contains("within the last day"), "{refused:?}");
    assert_eq!(blocked(&world, &id).await, json!(false));
}

#[tokio::test]
async fn nobody_blocks_whom_they_do_not_know() {
    let world = send::ready().await;
    let id = contact(&world).await;
    for (tenant, id) in [("bravo", id.as_str()), (ACME, "ctc_AAAAAAAAAAAAAAAAAAAAAA"), (ACME, "x"), (ACME, "%2e%2e")] {
        for method in ["POST", "DELETE"] {
            let answer = call(&world, tenant, method, &format!("/v1/contacts/{id}/block")).send().await;
            assert_eq!(answer.outcome(), (404, "not_found".to_owned()), "{tenant} {method} {id}");
        }
    }
    // Nor on a number that is another tenant's by now.
    assert_eq!(call(&world, ACME, "DELETE", &format!("/v1/accounts/{NUMBER}")).send().await.status, 200);
    let manual = json!({"access_token": system_token(&world, ONE).await, "phone_number_ids": [NUMBER]});
    assert_eq!(begin(&world, "bravo", json!({"method": "manual", "manual": manual})).await["status"], "connected");
    let late = call(&world, ACME, "POST", &format!("/v1/contacts/{id}/block")).send().await;

    assert_eq!(late.outcome(), (409, "account_disconnected".to_owned()));
    assert_eq!(asked(&world).await, []);
}
