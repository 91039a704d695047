//! Every request of a flow, with every kind of fault: the flow goes on, and ends in the same state.

use std::sync::Arc;

use emulators::{Fault, FaultKind, Site};
use serde_json::{Value, json};
use tests::{Answer, Call, World, faults::exhaust};

/// A caller that does not give up: each attempt is a new process, and what it gets no answer to it sends again.
async fn insist(world: &World, step: &str, call: impl Fn(axum::Router) -> Call) -> Answer {
    for attempt in 0..6 {
        let caller = format!("{step}-{attempt}");
        let sent = call(world.cold("access", &caller)).send();
        match world.as_process(&caller, sent).await {
            Some(answer) if answer.status < 500 => return answer,
            _ => {}
        }
    }
    panic!("{step}: no answer in six attempts");
}

async fn keys_and_sessions(world: Arc<World>) -> Vec<String> {
    let key = world.first_key.clone();
    let call = |router, method: &str, path: &str| Call::new(router, method, path).bearer(&key);
    let made = insist(&world, "make-key", |router| {
        call(router, "POST", "/v1/keys").header("idempotency-key", "flow").json(&json!({ "name": "flow" }))
    })
    .await;
    let session = insist(&world, "make-session", |router| {
        let order = json!({ "tenant": "acme", "scopes": ["accounts:read"], "ttl_seconds": 600 });
        call(router, "POST", "/v1/sessions").header("idempotency-key", "flow").json(&order)
    })
    .await;
    let (key_id, session_id) = (made.text("id"), session.text("id"));
    let listed = insist(&world, "list", |router| call(router, "GET", "/v1/keys")).await;
    let ended = insist(&world, "end", |router| call(router, "DELETE", &format!("/v1/sessions/{session_id}"))).await;
    let revoked = insist(&world, "revoke", |router| call(router, "DELETE", &format!("/v1/keys/{key_id}"))).await;

    let mut broken = Vec::new();
    let mut hold = |what: &str, holds: bool, seen: &dyn std::fmt::Debug| {
        if !holds {
            broken.push(format!("{what}: {seen:?}"));
        }
    };
    hold("the key is made, or was", matches!(made.status, 201 | 409), &made);
    hold("the session is made, or was", matches!(session.status, 201 | 409), &session);
    let names: Vec<&Value> = listed.body["data"].as_array().into_iter().flatten().map(|key| &key["name"]).collect();
    hold("the list has both keys", names.len() == 2, &names);
    // Repeated after a lost answer, the session is not there any more.
    hold("the session is ended", matches!(ended.status, 204 | 404), &ended);
    hold("the key is revoked", matches!(revoked.status, 204 | 404), &revoked);

    let rows = world.table("CREDENTIALS_TABLE").await;
    let living = |row: &&Value| row["revoked_at"].is_null();
    let alive: Vec<&Value> = rows.iter().filter(living).map(|row| &row["name"]).collect();
    hold("one tombstone and the first key are left", rows.len() == 2 && alive == [&json!("first key")], &rows);
    let receipts = world.table("RECEIPTS_TABLE").await;
    let mut noted: Vec<&str> = receipts.iter().filter_map(|row| row["id"].as_str()).collect();
    noted.sort_unstable();
    hold("each request left its receipt", noted == [key_id.as_str(), session_id.as_str()], &receipts);
    let audit = world.table("AUDIT_TABLE").await;
    let entries =
        |what: &str, status: u64| audit.iter().filter(|row| row["what"] == what && row["status"] == status).count();
    for (what, status) in [("first key", 201), ("POST /v1/keys", 201), ("POST /v1/sessions", 201)] {
        hold(what, entries(what, status) == 1, &audit);
    }
    // Ending what is gone is a refusal, and has an entry of its own.
    hold("ended", entries("DELETE /v1/sessions/{id}", 204) == 1, &audit);
    hold("revoked", entries("DELETE /v1/keys/{id}", 204) == 1, &audit);
    broken
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_sessions_survive_every_single_fault() {
    let verdict = exhaust(keys_and_sessions).await;

    println!(
        "faults, keys and sessions: {} sites, {} scenarios, {} violations",
        verdict.sites.len(),
        verdict.scenarios,
        verdict.violations.len()
    );
    assert_eq!(verdict.violations, Vec::<String>::new());
    assert_eq!(verdict.idle, Vec::<String>::new());
    assert!(verdict.sites.len() >= 15, "{} sites", verdict.sites.len());
}

#[tokio::test]
async fn two_transactions_that_meet_are_nothing_a_caller_hears_of() {
    let world = World::start().await;
    world.aws.faults().record();
    world.make_key(json!({ "name": "first" })).await;
    let seen = world.aws.faults().recorded();
    // The first is that of the first key of all.
    let transaction = seen.iter().rfind(|seen| seen.operation == "TransactWriteItems").unwrap();
    let (site, _) = transaction.site.as_str().rsplit_once('#').unwrap();
    // The first attempts of the next key, but not the last.
    for ordinal in 1..=4 {
        let site = Site::named(format!("{site}#{ordinal}"));
        world.aws.faults().arm(Fault { site, kind: FaultKind::Conflict });
    }

    let made = world.make_key(json!({ "name": "second" })).await;

    assert_eq!(world.aws.faults().fired().len(), 4);
    let names: Vec<_> = world.table("CREDENTIALS_TABLE").await.iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names.iter().filter(|name| *name == &made["name"]).count(), 1, "{names:?}");
}
