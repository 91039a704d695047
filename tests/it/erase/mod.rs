//! A person is forgotten: all of theirs goes, and nothing else does.

mod bounded;
mod canary;
mod faults;
mod person;
mod racing;
mod tenant;

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::upkeep::Report;
use tests::{Answer, World};

use crate::{
    connect::{NUMBER, call},
    send::ACME,
};

/// The contact that a number knows by a phone.
async fn contact(world: &World, tenant: &str, number: &str, phone: &str) -> Option<String> {
    let found = call(world, tenant, "GET", &format!("/v1/accounts/{number}/contacts?limit=100")).send().await;
    assert_eq!(found.status, 200, "{found:?}");
    let phone = json!(phone);
    let is_theirs = |contact: &&Value| contact["aliases"].to_string().contains(phone.as_str().unwrap());
    let people = found.body["data"].as_array().unwrap();
    people.iter().find(is_theirs).map(|contact| contact["id"].as_str().unwrap().to_owned())
}

/// The contact of somebody who has written to [`NUMBER`].
async fn known(world: &World, phone: &str) -> String {
    contact(world, ACME, NUMBER, phone).await.unwrap_or_else(|| panic!("nobody is known by {phone}"))
}

async fn erase(world: &World, id: &str) -> Answer {
    call(world, ACME, "DELETE", &format!("/v1/contacts/{id}")).send().await
}

/// Of how many people nothing is left since the schedule came by just now.
async fn swept(world: &World) -> usize {
    let Report::Upkeep { erased, .. } = world.sweep().await else { panic!("no upkeep") };
    assert_eq!(erased.failed, 0, "{erased:?}");
    erased.done
}

/// Until nothing is left to do for anybody.
async fn swept_out(world: &World) {
    for _ in 0..10 {
        if erasures(world).await.is_empty() {
            return;
        }
        swept(world).await;
        world.feed().await;
        world.clock.advance(SignedDuration::from_mins(1));
    }
    panic!("erasures without end: {:#?}", erasures(world).await);
}

/// What is left to do.
async fn erasures(world: &World) -> Vec<Value> {
    let items = world.table("MESSAGES_TABLE").await.into_iter();
    items.filter(|item| item["pk"].as_str().is_some_and(|pk| pk.contains("#x#"))).collect()
}

/// What a tenant is shown of somebody, in all the places it is shown.
async fn all_of(world: &World, tenant: &str, contact: &str) -> Vec<Value> {
    let conversation = contact.replace("ctc_", "cnv_");
    let mut shown = Vec::new();
    for path in [
        format!("/v1/contacts/{contact}"),
        format!("/v1/conversations/{conversation}"),
        format!("/v1/conversations/{conversation}/messages?limit=100&include=raw"),
    ] {
        let answer = call(world, tenant, "GET", &path).send().await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        shown.push(answer.body);
    }
    shown
}
