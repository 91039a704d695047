//! Reading the feed: pages, cursors, filters, and how long it is kept.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::World;

use super::{ACME, Reader, get, page, types};
use crate::{
    connect::{NUMBER, call},
    send,
};

/// Three customers have written to acme.
async fn with_events() -> World {
    let world = send::ready().await;
    for person in ["16505550001", "16505550002", "16505550003"] {
        send::written_by(&world, person).await;
    }
    let fed = world.feed().await;
    assert_eq!(fed.again, 0);
    world
}

fn ids(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_of_every_size_bring_the_same_in_the_same_order() {
    let world = with_events().await;
    let mut whole = Reader::of(ACME);
    whole.read_all(&world).await;
    assert!(whole.heard.len() > 10, "{}", whole.heard.len());

    for limit in [1, 2, 7, 100] {
        let mut reader = Reader::of(ACME);
        while reader.read(&world, limit).await > 0 {}
        assert_eq!(ids(&reader.heard), ids(&whole.heard), "{limit}");
    }
    let mut of_all = Reader::of_all();
    of_all.read_all(&world).await;
    assert_eq!(ids(&of_all.heard), ids(&whole.heard));
}

#[tokio::test]
async fn next_is_never_null_and_goes_on_where_nothing_was() {
    let world = send::ready().await;
    let empty = page(&world, "nobody", "").await;
    assert_eq!(empty["data"], json!([]));
    let mut reader = Reader { after: Some(empty["next"].as_str().unwrap().to_owned()), ..Reader::of("nobody") };
    assert_eq!(reader.read(&world, 10).await, 0);

    let mut acme = Reader::of(ACME).since_now();
    assert_eq!(acme.read(&world, 10).await, 0);
    send::written_by(&world, send::CUSTOMER).await;
    world.feed().await;
    acme.read_all(&world).await;

    assert!(types(&acme.heard).contains(&"message.received"), "{:?}", types(&acme.heard));
}

#[tokio::test]
async fn now_is_behind_all_that_was_told() {
    let world = with_events().await;
    let mut reader = Reader::of(ACME).since_now();

    assert_eq!(reader.read(&world, 100).await, 0);
    send::written_by(&world, "16505550001").await;
    world.feed().await;
    reader.read_all(&world).await;

    assert_eq!(types(&reader.heard), ["message.received", "conversation.updated"]);
}

#[tokio::test]
async fn a_reader_may_ask_for_one_type_or_one_number() {
    let world = with_events().await;
    let mut received = Reader::of(ACME).asking("type=message.received");
    received.read_all(&world).await;
    assert_eq!(types(&received.heard), ["message.received"; 3]);

    let mut of_number = Reader::of(ACME).asking(&format!("phone_number_id={NUMBER}"));
    of_number.read_all(&world).await;
    assert!(of_number.heard.iter().all(|event| event["phone_number_id"] == NUMBER));
    assert!(of_number.heard.len() > 3);
    let mut of_another = Reader::of(ACME).asking("phone_number_id=1");
    of_another.read_all(&world).await;
    assert_eq!(of_another.heard, Vec::<Value>::new());
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_with_its_parameter() {
    let world = send::ready().await;
    let cursor = page(&world, ACME, "").await["next"].as_str().unwrap().to_owned();
    for (query, parameter) in [
        ("limit=0".to_owned(), "limit"),
        ("limit=101".to_owned(), "limit"),
        ("type=message.deleted".to_owned(), "type"),
        ("phone_number_id=x".to_owned(), "phone_number_id"),
        ("after=x".to_owned(), "after"),
        ("before=x".to_owned(), "before"),
        // A cursor is bound to the filters, and to the tenant.
        (format!("type=message.received&after={cursor}"), "after"),
        (format!("phone_number_id=1&after={cursor}"), "after"),
    ] {
        let answer = get(&world, ACME, &query).await;
        assert_eq!(answer.outcome(), (400, "invalid_query".to_owned()), "{query}");
        assert_eq!(answer.body["errors"][0]["parameter"], parameter, "{query}");
    }
    for asked in [
        call(&world, "bravo", "GET", &format!("/v1/events?after={cursor}")),
        world.as_operator("GET", &format!("/v1/events?after={cursor}")),
    ] {
        assert_eq!(asked.send().await.outcome(), (400, "invalid_query".to_owned()));
    }
}

#[tokio::test]
async fn a_reader_may_stop_for_six_days_and_not_for_eight() {
    let world = with_events().await;
    let mut whole = Reader::of(ACME);
    whole.read_all(&world).await;
    let mut stopped = Reader::of(ACME);
    stopped.read(&world, 2).await;
    let mut late = Reader { after: stopped.after.clone(), heard: Vec::new(), ..Reader::of(ACME) };
    world.advance(SignedDuration::from_hours(24 * 6)).await;
    while stopped.read(&world, 3).await > 0 {}
    assert_eq!(ids(&stopped.heard), ids(&whole.heard));

    world.advance(SignedDuration::from_hours(24 * 2)).await;
    let query = format!("after={}", late.after.take().unwrap());
    let answer = get(&world, ACME, &query).await;
    assert_eq!(answer.outcome(), (410, "events_gone".to_owned()), "{answer:?}");
    assert!(answer.text("remedy").contains("after=now"));
    // Whoever was at the end then has missed nothing, and goes on.
    assert_eq!(stopped.read(&world, 10).await, 0);
    // And whoever begins anew begins with what is kept.
    assert_eq!(page(&world, ACME, "").await["data"], json!([]));
}

#[tokio::test]
async fn a_reader_who_begins_with_the_oldest_is_not_too_late_for_the_next() {
    let world = with_events().await;
    let mut whole = Reader::of(ACME);
    whole.read_all(&world).await;
    world.advance(SignedDuration::from_hours(24 * 7) - SignedDuration::from_mins(1)).await;
    let mut reader = Reader::of(ACME);

    assert_eq!(reader.read(&world, 1).await, 1);
    world.advance(SignedDuration::from_hours(1)).await;
    while reader.read(&world, 5).await > 0 {}

    assert_eq!(ids(&reader.heard), ids(&whole.heard));
}

#[tokio::test]
async fn tenants_hear_of_their_own_and_the_operator_of_all() {
    let world = with_events().await;
    let mut bravo = Reader::of("bravo");
    bravo.read_all(&world).await;
    assert_eq!(bravo.heard, Vec::<Value>::new());

    let session = world.make_session(ACME, &["events:read"]).await;
    let asked = world.call("GET", "/v1/events?limit=100").bearer(session["token"].as_str().unwrap()).send().await;
    assert_eq!(asked.status, 200);
    assert!(asked.body["data"].as_array().unwrap().iter().all(|event| event["tenant"] == ACME));
    let session = world.make_session("bravo", &["events:read"]).await;
    let asked = world.call("GET", "/v1/events").bearer(session["token"].as_str().unwrap()).send().await;
    assert_eq!(asked.body["data"], json!([]));
}
