//! What lies in the table, and comes back out of it in its order.

use std::sync::Arc;

use shared::domain::{account::State as Connected, conversation::Line};
use tests::faults::exhaust;

use super::*;
use crate::{connect::faults::insist, receive::messages};

/// Meta takes no more of the number for so long.
async fn blocked(world: &World, by: SignedDuration) {
    let line = Line { tenant: ACME.parse().unwrap(), number: NUMBER.parse().unwrap() };
    let (messages, until) = (messages(world), world.clock.now() + by);
    let gate = messages.gate(&line).await.unwrap();
    messages.edit_gate(&line, gate, |gate| gate.is_blocked(until)).await.unwrap();
}

/// Two that cannot go for a while, one of which does not wait so long; and one more behind them.
async fn putting_off(world: Arc<World>) -> Vec<String> {
    ready(&world).await;
    written_by(&world, CUSTOMER).await;
    let one = accepted(&world, &text(CUSTOMER, "One")).await;
    let mut brief = text(CUSTOMER, "Two");
    brief["expires_in"] = json!(120);
    let two = accepted(&world, &brief).await;
    blocked(&world, SignedDuration::from_secs(300)).await;
    send_out(&world).await;
    let three = send_once(&world, "three", &text(CUSTOMER, "Three")).await;
    send_out(&world).await;
    world.clock.advance(SignedDuration::from_secs(301));
    sweep(&world).await;
    let is_over = until_over(&world).await;

    let mut broken = Broken(Vec::new());
    broken.unless(is_over, "it ends", all(&world).await);
    broken.unless(three.status == 202, "it is accepted", &three);
    for message in [&one, &three.body] {
        broken.unless_shown(&world, message, &["sent", "unconfirmed"]).await;
    }
    broken.unless_shown(&world, &two, &["expired"]).await;
    broken.unless_sent_once(&world).await;
    broken.unless_listed(&world).await;
    broken.0
}

#[tokio::test(flavor = "multi_thread")]
async fn putting_off_survives_every_single_fault() {
    exhaust(putting_off).await.must_hold("putting off", 50);
}

/// The token dies, and two wait for another.
async fn holding(world: Arc<World>) -> Vec<String> {
    ready(&world).await;
    written_by(&world, CUSTOMER).await;
    let one = accepted(&world, &text(CUSTOMER, "One")).await;
    let two = accepted(&world, &text(CUSTOMER, "Two")).await;
    super::super::fault(&world, 1, super::super::refusal(190)).await;
    for _ in 0..3 {
        send_out(&world).await;
        if Behind::of(&world).account().await.state != Connected::Connected {
            break;
        }
        world.clock.advance(ROUND);
    }
    connect(&world).await;
    world.clock.advance(SignedDuration::from_secs(61));
    sweep(&world).await;
    let is_over = until_over(&world).await;

    let mut broken = Broken(Vec::new());
    broken.unless(is_over, "it ends", all(&world).await);
    for message in [&one, &two] {
        broken.unless_shown(&world, message, &["sent", "unconfirmed"]).await;
    }
    broken.unless_sent_once(&world).await;
    broken.unless_listed(&world).await;
    broken.0
}

#[tokio::test(flavor = "multi_thread")]
async fn holding_survives_every_single_fault() {
    exhaust(holding).await.must_hold("holding", 40);
}

/// One message to three, one of whom is nobody, under a key.
async fn batching(world: Arc<World>) -> Vec<String> {
    ready(&world).await;
    written_by(&world, CUSTOMER).await;
    let body = json!({"message": {"type": "template", "template": {"name": "hello_world", "language": {"code": "en_US"}}},
        "recipients": [{"to": format!("+{CUSTOMER}")}, {"to": "nobody"}, {"to": format!("+{STRANGER}")}]});
    let path = format!("/v1/accounts/{NUMBER}/messages/batch");
    let taken = insist(&world, "batch", |caller| {
        by_operator(&world, caller, "POST", &path).header("idempotency-key", "batch").json(&body)
    })
    .await;
    let is_over = until_over(&world).await;

    let mut broken = Broken(Vec::new());
    broken.unless(is_over, "it ends", all(&world).await);
    let places = taken.body["data"].as_array().cloned().unwrap_or_default();
    broken.unless(taken.status == 202 && places.len() == 3, "it is accepted", &taken);
    for place in places.iter().filter(|place| place["error"].is_null()) {
        broken.unless_shown(&world, place, &["sent", "unconfirmed"]).await;
    }
    let messages = all(&world).await;
    broken.unless(messages.len() == 3, "each of two has one message", &messages);
    broken.unless_sent_once(&world).await;
    broken.unless_listed(&world).await;
    broken.unless_counted_once(&world, &[("template", 2)]).await;
    broken.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_survives_every_single_fault() {
    exhaust(batching).await.must_hold("a batch", 30);
}
