//! `re_encrypt`: everything sealed is sealed anew, nothing is opened on the way, and nothing newer is lost.

use std::{collections::BTreeSet, sync::Arc};

use emulators::{Fault, FaultKind, Site};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Consent, World, schedule_event};

use super::Behind;
use crate::connect::{ONE, TWO, begin, connected, start_url, system_token};

async fn re_encrypt(world: &World, after: Option<Value>) -> Value {
    let mut event = schedule_event();
    event.payload = json!({ "command": "re_encrypt", "after": after });
    serde_json::to_value(world.sweeper().handle(event).await.unwrap()).unwrap()
}

/// Every ciphertext in both tables.
async fn sealed(world: &World) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for table in ["ACCOUNTS_TABLE", "CONNECTIONS_TABLE"] {
        for row in world.table(table).await {
            collect(&row, &mut found);
        }
    }
    found
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    for (name, inner) in value.as_object().into_iter().flatten() {
        match inner.as_str() {
            Some(text) if ["token", "pin", "sealed"].contains(&name.as_str()) => {
                found.insert(text.to_owned());
            }
            _ => collect(inner, found),
        }
    }
    value.as_array().into_iter().flatten().for_each(|inner| collect(inner, found));
}

#[tokio::test]
async fn every_ciphertext_is_replaced_and_opens_as_before() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    // One that waits for a choice holds a token of its own.
    let begun = begin(&world, "bravo", json!({ "method": "login", "auto_select": "none" })).await;
    world.consent(start_url(&begun), Consent::To(&[TWO])).await;
    let behind = Behind::of(&world);
    let (before, token, pin) = (sealed(&world).await, behind.token().await, behind.pin().await);
    assert!(before.len() >= 4, "{before:?}");
    let kms = world.aws_clients().kms();
    kms.rotate_key_on_demand().key_id(world.variable("sweeper", "TOKEN_KEY")).send().await.unwrap();
    let opened = decryptions(&world);

    let answer = re_encrypt(&world, None).await;

    assert_eq!(answer, json!({ "re_encrypted": before.len(), "superseded": 0, "failed": 0, "more": false }));
    assert_eq!(decryptions(&world), opened, "nothing is opened on the way");
    let after = sealed(&world).await;
    assert_eq!((after.len(), after.intersection(&before).count()), (before.len(), 0));
    let behind = Behind::of(&world);
    assert_eq!((behind.token().await, behind.pin().await), (token, pin));
    let audit = world.table("AUDIT_TABLE").await;
    for what in ["re_encrypt begun", "re_encrypt ended"] {
        assert_eq!(audit.iter().filter(|row| row["what"] == what).count(), 1, "{what}");
    }
}

fn decryptions(world: &World) -> usize {
    world.aws.calls().iter().filter(|call| call.operation == "Decrypt" && call.caller == "sweeper").count()
}

#[tokio::test]
async fn a_call_that_runs_out_of_time_says_where_to_go_on() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let before = sealed(&world).await;
    let re_encrypt_flow = {
        let behind = Behind::of(&world);
        shared::flow::reencrypt::ReEncrypt {
            accounts: behind.accounts,
            connections: behind.connections,
            vault: behind.vault,
            clock: world.product_clock(),
        }
    };

    let none = re_encrypt_flow.run(None, world.product_clock().now()).await.unwrap();
    assert!(none.more && none.re_encrypted == 0 && none.after.is_some());
    let answer = re_encrypt(&world, serde_json::to_value(none.after).unwrap().into()).await;

    assert_eq!((answer["more"].clone(), answer["re_encrypted"].clone()), (json!(false), json!(before.len())));
    // From the middle: what came before is left as it is.
    let rest = re_encrypt(&world, Some(json!({ "connections": null }))).await;
    assert!(rest["re_encrypted"].as_u64().unwrap() < before.len() as u64, "{rest}");
}

#[tokio::test]
async fn what_does_not_open_is_counted_and_left() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let behind = Behind::of(&world);
    let before = behind.account().await;
    let mut broken = before.clone();
    broken.hidden.token = before.hidden.pin.clone().map(|(pin, _)| pin);
    assert!(behind.accounts.save(&mut broken, &before, behind.now).await.unwrap());

    let answer = re_encrypt(&world, None).await;

    assert_eq!((&answer["failed"], &answer["more"]), (&json!(1), &json!(false)));
    assert!(answer["re_encrypted"].as_u64().unwrap() >= 1, "the connection's own is none the worse: {answer}");
    assert_eq!(behind.account().await.hidden.token, broken.hidden.token);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_connected_again_meanwhile_keeps_its_newer_token() {
    let world = Arc::new(World::deployed().await);
    let behind = Behind::of(&world);
    behind.own("acme", "EAAtheOldOne", None).await;
    world.aws.faults().record();
    re_encrypt(&world, None).await;
    let seen = world.aws.faults().recorded();
    let site = seen.iter().find(|seen| seen.operation == "ReEncrypt").unwrap().site.clone();
    let fault = Fault { site: Site::named(site.as_str()), kind: FaultKind::Delay(SignedDuration::from_secs(1)) };
    world.aws.faults().arm(fault);

    let sealing = tokio::spawn({
        let world = Arc::clone(&world);
        async move { re_encrypt(&world, None).await }
    });
    while world.aws.faults().fired().is_empty() {
        tokio::task::yield_now().await;
    }
    connected(&world, "acme").await;
    world.clock.advance(SignedDuration::from_secs(2));
    let answer = sealing.await.unwrap();

    assert!(answer["superseded"].as_u64().unwrap() >= 1, "{answer}");
    assert_eq!((&answer["failed"], &answer["more"]), (&json!(0), &json!(false)));
    assert_eq!(Behind::of(&world).token().await, system_token(&world, ONE).await);
}
