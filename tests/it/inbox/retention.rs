//! What is past its time is not shown, whether or not the table has taken it away yet; and lists, searches and figures
//! agree on that.

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::{aws::messages::Counts, domain::message::Direction};
use tests::World;

use super::Seeds;
use crate::{
    connect::{NUMBER, call},
    send::{self, ACME},
};

const PHONE: &str = "16505550001";

async fn get(world: &World, path: &str) -> (u16, Value) {
    let answer = call(world, ACME, "GET", path).send().await;
    (answer.status, answer.body)
}

async fn listed(world: &World, path: &str) -> usize {
    let (status, body) = get(world, path).await;
    assert_eq!(status, 200, "{path}: {body}");
    body["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn what_is_past_its_time_is_shown_nowhere_though_it_is_still_there() {
    let world = send::ready().await;
    let seeds = Seeds::new(&world, ACME, NUMBER);
    let (id, message) = seeds.said(1, PHONE, "Ada", "Hello").await;
    let mut counts = Counts::default();
    counts.message(seeds.now(), Direction::Inbound, "text", "received");
    seeds.count(&counts).await;
    let hour = |at: jiff::Timestamp| format!("{at:.0}");
    let from = hour(seeds.now() - SignedDuration::from_hours(1));
    let to = hour(seeds.now() + SignedDuration::from_hours(1));
    let contact = shared::domain::conversation::ContactId(id);
    let lists = [
        "/v1/conversations".to_owned(),
        "/v1/conversations?unread=true".to_owned(),
        "/v1/conversations?q=ada".to_owned(),
        format!("/v1/conversations?phone={PHONE}"),
        format!("/v1/accounts/{NUMBER}/contacts"),
        format!("/v1/accounts/{NUMBER}/stats?from={from}&to={to}"),
    ];
    let things = [
        format!("/v1/conversations/{id}"),
        format!("/v1/conversations/{id}/messages"),
        format!("/v1/contacts/{contact}"),
        format!("/v1/messages/{message}"),
        format!("/v1/messages/{}", seeds.wamid(1, "Hello")),
    ];
    let unread = async || get(&world, &format!("/v1/accounts/{NUMBER}")).await.1["unread_conversations"].clone();
    for path in &lists {
        assert_eq!(listed(&world, path).await, 1, "{path}");
    }
    for path in &things {
        assert_eq!(get(&world, path).await.0, 200, "{path}");
    }
    let unread_before = unread().await;

    // Nothing is swept: the table is in no hurry.
    world.clock.advance(SignedDuration::from_hours(24 * 30 + 1));

    for path in &lists {
        assert_eq!(listed(&world, path).await, 0, "{path}");
    }
    for path in &things {
        assert_eq!(get(&world, path).await.0, 404, "{path}");
    }
    assert_eq!((unread_before, unread().await), (json!(1), json!(0)));
    let kept = world.table("MESSAGES_TABLE").await;
    assert!(kept.iter().any(|item| item["pk"].as_str().unwrap().ends_with(&id.hex()) && item["sk"] == "head"));
}

#[tokio::test]
async fn somebody_who_comes_back_after_that_time_is_met_anew() {
    let world = send::ready().await;
    let seeds = Seeds::new(&world, ACME, NUMBER);
    let (id, _) = seeds.said(1, PHONE, "Ada", "Hello").await;
    seeds.head(1, |head| head.contact.notes = Some("Prefers mail.".to_owned())).await;
    world.clock.advance(SignedDuration::from_hours(24 * 30 + 1));

    send::written_by(&world, PHONE).await;

    let (status, contact) = get(&world, &format!("/v1/contacts/{}", shared::domain::conversation::ContactId(id))).await;
    assert_eq!((status, &contact["notes"]), (200, &Value::Null), "{contact}");
    assert!(contact["name"] != "Ada", "{contact}");
    assert_eq!(listed(&world, &format!("/v1/conversations/{id}/messages")).await, 1);
}
