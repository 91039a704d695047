//! Marking as read, and cancelling what has not gone.

use std::sync::Arc;

use tests::faults::exhaust;

use super::*;
use crate::{connect::faults::insist, receive::head};

async fn reading(world: Arc<World>) -> Vec<String> {
    ready(&world).await;
    written_by(&world, CUSTOMER).await;
    let (id, _) = head(&world).await;
    let read =
        insist(&world, "read", |caller| by_operator(&world, caller, "POST", &format!("/v1/conversations/{id}/read")))
            .await;

    let mut broken = Broken(Vec::new());
    broken.unless(read.status == 200 && read.body["unread"] == 0, "it is read", &read);
    let (_, head) = head(&world).await;
    broken.unless(head.unread == 0, "nothing is unread", &head);
    let calls = world.meta.calls("/messages").await;
    let is_told = calls.iter().any(|call| call["body"]["status"] == "read" && call["status"] == 200);
    broken.unless(is_told, "Meta was told", &calls);
    broken.unless_listed(&world).await;
    broken.0
}

#[tokio::test(flavor = "multi_thread")]
async fn marking_as_read_survives_every_single_fault() {
    exhaust(reading).await.must_hold("marking as read", 10);
}

fn cancelling(world: &World, caller: &str, message: &Value) -> Call {
    by_operator(world, caller, "DELETE", &format!("/v1/messages/{}", message["id"].as_str().unwrap()))
}

/// One is cancelled before anybody takes it, another after that.
async fn cancelled(world: Arc<World>) -> Vec<String> {
    ready(&world).await;
    written_by(&world, CUSTOMER).await;
    let (one, two) = (accepted(&world, &text(CUSTOMER, "One")).await, accepted(&world, &text(CUSTOMER, "Two")).await);
    let first = insist(&world, "first", |caller| cancelling(&world, caller, &one)).await;
    send_out(&world).await;
    let second = insist(&world, "second", |caller| cancelling(&world, caller, &two)).await;
    let is_over = until_over(&world).await;

    let mut broken = Broken(Vec::new());
    broken.unless(is_over, "it ends", all(&world).await);
    broken.unless(first.status == 200, "it could be cancelled", &first);
    broken.0.extend(unless_cancelled(&world, &[(&one, first), (&two, second)]).await);
    broken.unless_sent_once(&world).await;
    broken.unless_listed(&world).await;
    broken.0
}

/// Whoever hears that a message is cancelled may rely on it.
async fn unless_cancelled(world: &World, answers: &[(&Value, Answer)]) -> Vec<String> {
    let mut broken = Broken(Vec::new());
    let asked = asked(world).await;
    for (message, answer) in answers {
        if answer.status == 200 {
            broken.unless_shown(world, message, &["cancelled"]).await;
            let is_posted =
                asked.iter().any(|asked| message["id"] == asked.message.to_string() && asked.may_have_succeeded);
            broken.unless(!is_posted, "what is cancelled is not posted", message);
        } else {
            broken.unless(answer.text("code") == "already_claimed", "it says why not", answer);
            broken.unless_shown(world, message, &["sent", "unconfirmed"]).await;
        }
    }
    broken.0
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_survives_every_single_fault() {
    exhaust(cancelled).await.must_hold("cancelling", 18);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_meets_a_delivery_is_believed_or_comes_too_late() {
    let world = World::start().await;
    ready(&world).await;
    let mut messages = Vec::new();
    for person in 0..30 {
        let body = greeting(&format!("165055512{person:02}"));
        messages.push(accepted(&world, &body).await);
    }
    // The last first, while the first go out: they meet somewhere.
    let send = world.cold("send", "send");
    let cancelling = async {
        let mut answers = Vec::new();
        for message in messages.iter().rev() {
            let path = format!("/v1/messages/{}", message["id"].as_str().unwrap());
            let call = Call::new(send.clone(), "DELETE", &path).bearer(&world.first_key).tenant(ACME);
            answers.push((message, call.send().await));
        }
        answers
    };
    let (answers, _) = tokio::join!(cancelling, send_out(&world));

    let cancelled = answers.iter().filter(|(_, answer)| answer.status == 200).count();
    println!("{cancelled} of {} were cancelled", messages.len());
    assert!(until_over(&world).await);
    let mut broken = Broken(unless_cancelled(&world, &answers).await);
    broken.unless_sent_once(&world).await;
    assert_eq!(broken.0, Vec::<String>::new());
}
