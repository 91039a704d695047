//! Visibility, receipts, delays and long polls.

use super::{Queue, bodies, system};
use crate::contract::{
    check::{Granted, Outcome, checks, eventually, holds, refused, same},
    clients::Clients,
};
use aws_sdk_sqs::types::{MessageSystemAttributeName::*, QueueAttributeName::*};
use std::time::Duration;
use tokio::time::Instant;

checks! {
    a_message_in_flight_is_hidden_and_comes_back_with_a_higher_count,
    zero_makes_a_message_visible_at_once,
    a_longer_hold_keeps_a_message_hidden,
    a_fifo_receipt_expires_with_the_visibility,
    a_receipt_of_an_earlier_hand_out_does_not_delete,
    deleting_twice_is_no_error,
    a_receipt_that_never_was_is_refused,
    a_delayed_message_is_hidden_at_first,
    a_long_poll_answers_when_a_message_arrives,
    a_long_poll_answers_when_a_message_comes_back,
    a_long_poll_that_finds_nothing_waits_its_time,
    a_visibility_out_of_range_is_refused,
    more_than_ten_messages_are_refused,
    times_and_counts_are_told,
}

async fn a_message_in_flight_is_hidden_and_comes_back_with_a_higher_count(clients: Clients) -> Outcome {
    let queue = Queue::standard(&clients, &[(VisibilityTimeout, "3")]).await?;
    queue.send(&["a"]).await?;
    same(queue.bodies(10).await?, ["a"])?;
    same(queue.bodies(10).await?, [""; 0])?;
    let again = eventually("the return of the message", async || Ok(queue.receive(1).await?.pop())).await?;
    same(system(&again, &ApproximateReceiveCount), "2")
}

async fn zero_makes_a_message_visible_at_once(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    queue.send_to("g", &["a", "b"]).await?;
    for message in queue.receive(1).await? {
        queue.hold(&message, 0).await?;
    }
    same(queue.bodies(10).await?, ["a", "b"])
}

async fn a_longer_hold_keeps_a_message_hidden(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[(VisibilityTimeout, "3")]).await?;
    queue.send_to("held", &["held"]).await?;
    let held = queue.receive(1).await?.pop().ok_or("nothing received")?;
    queue.hold(&held, 60).await?;
    queue.send_to("free", &["free"]).await?;
    same(queue.bodies(10).await?, ["free"])?;
    let first = eventually("the return of the other", async || Ok(queue.receive(10).await?.pop())).await?;
    same(first.body(), Some("free"))
}

async fn a_fifo_receipt_expires_with_the_visibility(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    queue.send_to("g", &["a"]).await?;
    let message = queue.receive(1).await?.pop().ok_or("nothing received")?;
    queue.hold(&message, 0).await?;
    let delete = clients.sqs.delete_message().queue_url(&queue.url).set_receipt_handle(message.receipt_handle);
    refused(delete.send().await, "InvalidParameterValue")?;
    same(queue.bodies(10).await?, ["a"])
}

async fn a_receipt_of_an_earlier_hand_out_does_not_delete(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    queue.send_to("g", &["a"]).await?;
    let first = queue.receive(1).await?.pop().ok_or("nothing received")?;
    queue.hold(&first, 0).await?;
    let second = queue.receive(1).await?.pop().ok_or("nothing received again")?;
    // Refused or ignored: what counts is that the message is still there.
    let _ = queue.delete(&first).await;
    queue.hold(&second, 0).await?;
    same(queue.bodies(10).await?, ["a"])
}

async fn deleting_twice_is_no_error(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    queue.send_to("g", &["a"]).await?;
    let message = queue.receive(1).await?.pop().ok_or("nothing received")?;
    queue.delete(&message).await?;
    queue.delete(&message).await
}

async fn a_receipt_that_never_was_is_refused(clients: Clients) -> Outcome {
    let queue = Queue::standard(&clients, &[]).await?;
    let delete = clients.sqs.delete_message().queue_url(&queue.url).receipt_handle("nonsense");
    refused(delete.send().await, "ReceiptHandleIsInvalid")
}

async fn a_delayed_message_is_hidden_at_first(clients: Clients) -> Outcome {
    let queue = Queue::standard(&clients, &[]).await?;
    queue.message("later").delay_seconds(3).send().await.granted()?;
    queue.message("now").send().await.granted()?;
    same(queue.bodies(10).await?, ["now"])?;
    let later = eventually("the end of the delay", async || Ok(queue.receive(10).await?.pop())).await?;
    same(later.body(), Some("later"))
}

async fn a_long_poll_answers_when_a_message_arrives(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let started = Instant::now();
    let poll = tokio::spawn(clients.sqs.receive_message().queue_url(&queue.url).wait_time_seconds(10).send());
    tokio::time::sleep(Duration::from_millis(300)).await;
    queue.send_to("g", &["a"]).await?;
    let received = poll.await.map_err(|panic| panic.to_string())?.granted()?.messages.unwrap_or_default();
    same(bodies(&received), ["a"])?;
    holds(started.elapsed() < Duration::from_secs(5), "the poll went on after the arrival")
}

async fn a_long_poll_answers_when_a_message_comes_back(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[(VisibilityTimeout, "1")]).await?;
    queue.send_to("g", &["a"]).await?;
    same(queue.bodies(1).await?, ["a"])?;
    let poll = clients.sqs.receive_message().queue_url(&queue.url).wait_time_seconds(10).send();
    same(bodies(&poll.await.granted()?.messages.unwrap_or_default()), ["a"])
}

async fn a_long_poll_that_finds_nothing_waits_its_time(clients: Clients) -> Outcome {
    let queue = Queue::standard(&clients, &[(ReceiveMessageWaitTimeSeconds, "1")]).await?;
    let started = Instant::now();
    same(queue.bodies(1).await?, [""; 0])?;
    holds(started.elapsed() >= Duration::from_millis(950), &format!("it took only {:?}", started.elapsed()))
}

async fn a_visibility_out_of_range_is_refused(clients: Clients) -> Outcome {
    let queue = Queue::standard(&clients, &[]).await?;
    let receive = clients.sqs.receive_message().queue_url(&queue.url).visibility_timeout(43_201);
    refused(receive.send().await, "InvalidParameterValue")
}

async fn more_than_ten_messages_are_refused(clients: Clients) -> Outcome {
    let queue = Queue::standard(&clients, &[]).await?;
    let receive = clients.sqs.receive_message().queue_url(&queue.url).max_number_of_messages(11);
    refused(receive.send().await, "InvalidParameterValue")
}

async fn times_and_counts_are_told(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    queue.send_to("group", &["a"]).await?;
    let message = queue.receive(1).await?.pop().ok_or("nothing received")?;
    same(system(&message, &MessageGroupId), "group")?;
    same(system(&message, &ApproximateReceiveCount), "1")?;
    let sent: u64 = system(&message, &SentTimestamp).parse().map_err(|_| "no sent time")?;
    let received: u64 = system(&message, &ApproximateFirstReceiveTimestamp).parse().map_err(|_| "no receive time")?;
    holds(1_700_000_000_000 < sent && sent <= received, &format!("sent {sent}, received {received}"))
}
