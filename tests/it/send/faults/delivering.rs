//! From what was accepted to what became of it.

use std::sync::Arc;

use tests::faults::exhaust;

use super::*;

/// Three messages to two people, and what Meta tells of each.
async fn delivering(world: Arc<World>) -> Vec<String> {
    ready(&world).await;
    written_by(&world, CUSTOMER).await;
    written_by(&world, STRANGER).await;
    for (to, said) in [(CUSTOMER, "One"), (STRANGER, "Two"), (CUSTOMER, "Three")] {
        accepted(&world, &text(to, said)).await;
    }
    send_out(&world).await;
    let is_taken_in = told(&world).await;
    let is_over = until_over(&world).await;
    // Of those that went out later too.
    let is_taken_in = told(&world).await && is_taken_in;

    let mut broken = Broken(Vec::new());
    broken.unless(is_taken_in && is_over, "it ends", all(&world).await);
    broken.unless_sent_once(&world).await;
    broken.unless_as_meta_knows(&world).await;
    broken.unless_listed(&world).await;
    broken.unless_counted_once(&world, &[("text", 3)]).await;
    broken.0
}

#[tokio::test(flavor = "multi_thread")]
async fn delivering_survives_every_single_fault() {
    exhaust(delivering).await.must_hold("delivering", 25);
}

/// Meta has it and does not answer; the sweeper ends it, and then Meta tells.
async fn settling(world: Arc<World>) -> Vec<String> {
    ready(&world).await;
    written_by(&world, CUSTOMER).await;
    super::super::fault(&world, 1, json!({"reset": "after"})).await;
    let lost = accepted(&world, &text(CUSTOMER, "One")).await;
    send_out(&world).await;
    world.clock.advance(SignedDuration::from_secs(301));
    sweep(&world).await;
    let is_over = until_over(&world).await;
    let before = shown(&world, lost["id"].as_str().unwrap_or_default()).await;
    let is_taken_in = told(&world).await;

    let mut broken = Broken(Vec::new());
    broken.unless(is_taken_in && is_over, "it ends", all(&world).await);
    let has_ended = before.body["status"] == "unconfirmed" || before.body["status"] == "sent";
    broken.unless(has_ended, "it had ended before Meta told", &before);
    broken.unless_sent_once(&world).await;
    broken.unless_as_meta_knows(&world).await;
    broken.unless_listed(&world).await;
    broken.0
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_survives_every_single_fault() {
    exhaust(settling).await.must_hold("an unknown outcome", 25);
}

#[tokio::test]
async fn records_that_are_handed_out_twice_at_a_time_are_posted_once() {
    let world = World::start().await;
    ready(&world).await;
    written_by(&world, CUSTOMER).await;
    for said in ["One", "Two", "Three"] {
        accepted(&world, &text(CUSTOMER, said)).await;
    }
    let (one, other) = (world.cold_outbound("one"), world.cold_outbound("other"));
    let batch = world.receive(&one).await;

    let (first, second) = tokio::join!(world.invoke(&one, "one", &batch), world.invoke(&other, "other", &batch));
    let third = world.invoke(&one, "one", &batch).await;

    assert!(batch.len() == 3 && first.is_some() && second.is_some() && third.is_some(), "{first:?} {second:?}");
    world.clock.advance(ROUND);
    assert!(until_over(&world).await);
    let mut broken = Broken(Vec::new());
    broken.unless_sent_once(&world).await;
    assert_eq!(broken.0, Vec::<String>::new());
    assert_eq!(asked(&world).await.len(), 3);
}
