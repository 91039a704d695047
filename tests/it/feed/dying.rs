//! A process that dies, or is not answered, while it tells: the batch comes again, and readers miss nothing.

use emulators::{Fault, FaultKind, Site};
use serde_json::Value;
use tests::{Fed, World};

use super::{ACME, Reader};
use crate::{connect::NUMBER, send};

const EVENTS: &str = "dynamodb.PutItem:patchbay-EventsTable";
/// As often as the SDK tries.
const TRIES: usize = 3;

/// Told so far is that the number is connected; a customer has just written.
async fn about_to_tell() -> World {
    let world = send::ready().await;
    world.feed().await;
    // The logs have begun: from here on one put is a pack or a pointer.
    send::written_by(&world, "16505550009").await;
    world.feed().await;
    send::written_by(&world, send::CUSTOMER).await;
    world
}

/// Tells in a process of its own, at whose request something happens.
async fn tell(world: &World, site: &str, kind: FaultKind) -> Fed {
    world.aws.faults().arm(Fault { site: Site::named(site), kind });
    let feeder = world.cold_feed("feed-dying");
    world.feed_with(&feeder, "feed-dying").await
}

async fn received(world: &World, mut reader: Reader) -> Vec<Value> {
    reader.read_all(world).await;
    let is_it =
        |event: &&Value| event["type"] == "message.received" && event["data"]["contact"]["phone"] == send::CUSTOMER;
    reader.heard.iter().filter(is_it).map(|event| event["id"].clone()).collect()
}

#[tokio::test]
async fn who_dies_before_it_points_points_the_next_time() {
    let world = about_to_tell().await;

    let died = tell(&world, &format!("{EVENTS}#2"), FaultKind::KillBefore).await;
    let of_tenant = received(&world, Reader::of(ACME)).await;
    let of_all = received(&world, Reader::of_all()).await;
    world.feed().await;

    assert_eq!((died.again, of_tenant.len(), of_all.len()), (1, 1, 0), "it died in between");
    assert_eq!(received(&world, Reader::of_all()).await, of_tenant);
    // The same pack at the same place is known again.
    assert_eq!(received(&world, Reader::of(ACME)).await, of_tenant);
}

#[tokio::test]
async fn a_pointer_that_is_not_put_brings_the_batch_again() {
    let world = about_to_tell().await;
    for ordinal in 2..2 + TRIES {
        let site = Site::named(format!("{EVENTS}#{ordinal}"));
        world.aws.faults().arm(Fault { site, kind: FaultKind::Fail });
    }
    let feeder = world.cold_feed("feed-refused");

    let refused = world.feed_with(&feeder, "feed-refused").await;
    assert_eq!((refused.again, received(&world, Reader::of_all()).await.len()), (1, 0));
    world.feed().await;

    assert_eq!(received(&world, Reader::of_all()).await.len(), 1);
}

#[tokio::test]
async fn what_could_not_be_looked_up_is_told_whole_the_next_time() {
    let world = about_to_tell().await;
    for ordinal in 1..=TRIES {
        let site = Site::named(format!("dynamodb.BatchGetItem:patchbay-MessagesTable#{ordinal}"));
        world.aws.faults().arm(Fault { site, kind: FaultKind::Fail });
    }
    let feeder = world.cold_feed("feed-blind");

    let refused = world.feed_with(&feeder, "feed-blind").await;
    assert_eq!((refused.again, received(&world, Reader::of(ACME)).await.len()), (1, 0), "nothing is told by halves");
    world.feed().await;

    let mut reader = Reader::of(ACME);
    reader.read_all(&world).await;
    assert!(reader.heard.iter().all(|event| event["data"].is_object()), "{:#?}", reader.heard);
    assert_eq!(received(&world, Reader::of(ACME)).await.len(), 1);
}

#[tokio::test]
async fn a_lost_answer_puts_no_pack_twice() {
    let world = about_to_tell().await;

    let told = tell(&world, &format!("{EVENTS}#1"), FaultKind::LoseAnswer).await;

    assert_eq!(told.again, 0);
    assert_eq!(received(&world, Reader::of(ACME)).await.len(), 1);
}

#[tokio::test]
async fn each_tenant_hears_of_its_own_where_one_batch_is_of_two() {
    let world = send::ready().await;
    let second = "300400500600702";
    let token = crate::connect::system_token(&world, crate::connect::TWO).await;
    let manual =
        serde_json::json!({"access_token": token, "waba_id": crate::connect::TWO, "phone_number_ids": [second]});
    let order = serde_json::json!({"method": "manual", "manual": manual});
    crate::connect::begin(&world, "bravo", order).await;

    world.feed().await;

    for (tenant, own) in [(ACME, NUMBER), ("bravo", second)] {
        let mut reader = Reader::of(tenant);
        reader.read_all(&world).await;
        let numbers: Vec<&Value> = reader.heard.iter().map(|event| &event["phone_number_id"]).collect();
        assert!(numbers.iter().all(|number| number.is_null() || **number == own), "{tenant}: {numbers:?}");
        assert!(numbers.iter().any(|number| **number == own), "{tenant}: {numbers:?}");
        assert!(reader.heard.iter().all(|event| event["tenant"] == tenant), "{tenant}");
    }
}
