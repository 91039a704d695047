//! Order, groups and deduplication.

use super::{Queue, bodies, system};
use crate::contract::{
    check::{Granted, Outcome, checks, eventually, holds, refused, same},
    clients::Clients,
};
use aws_sdk_sqs::types::{MessageSystemAttributeName::*, QueueAttributeName::*};

checks! {
    a_group_is_required,
    a_deduplication_id_or_content_is_required,
    a_per_message_delay_is_refused,
    sequence_numbers_grow,
    a_repeated_id_is_accepted_once_with_the_first_answer,
    a_repeated_id_is_remembered_after_its_message_was_deleted,
    a_repeated_body_is_accepted_once,
    the_queue_scope_takes_one_id_for_all_groups,
    the_group_scope_takes_one_id_for_each_group,
    the_limit_per_group_needs_the_group_scope,
    one_receive_hands_out_a_group_in_order,
    a_group_in_flight_hands_out_nothing_while_others_go_on,
    a_deleted_head_frees_the_rest_of_its_group,
    what_comes_back_keeps_its_place,
    a_partly_deleted_receive_keeps_its_group_locked,
    the_same_attempt_gets_the_same_messages,
    another_attempt_gets_nothing_of_the_group,
}

async fn a_group_is_required(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    refused(queue.message("a").send().await, "MissingParameter")
}

async fn a_deduplication_id_or_content_is_required(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[(ContentBasedDeduplication, "false")]).await?;
    refused(queue.message("a").message_group_id("g").send().await, "InvalidParameterValue")?;
    queue.message("a").message_group_id("g").message_deduplication_id("1").send().await.granted().map(drop)
}

async fn a_per_message_delay_is_refused(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    refused(queue.message("a").message_group_id("g").delay_seconds(5).send().await, "InvalidParameterValue")
}

async fn sequence_numbers_grow(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let mut sent = Vec::new();
    for body in ["a", "b", "c"] {
        let answer = queue.message(body).message_group_id(body).send().await.granted()?;
        sent.push(answer.sequence_number.ok_or("no sequence number")?);
    }
    holds(sent.is_sorted_by(|a, b| a.len() == b.len() && a < b), &format!("{sent:?} do not grow"))?;
    let mut received: Vec<_> =
        queue.receive(10).await?.iter().map(|message| system(message, &SequenceNumber)).collect();
    received.sort();
    same(received, sent)
}

async fn a_repeated_id_is_accepted_once_with_the_first_answer(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let send = |body| queue.message(body).message_group_id("g").message_deduplication_id("1").send();
    let first = send("a").await.granted()?;
    let again = send("b").await.granted()?;
    same(again.message_id, first.message_id)?;
    same(again.sequence_number, first.sequence_number)?;
    same(queue.bodies(10).await?, ["a"])
}

async fn a_repeated_id_is_remembered_after_its_message_was_deleted(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let send = || queue.message("a").message_group_id("g").message_deduplication_id("1").send();
    send().await.granted()?;
    for message in queue.receive(1).await? {
        queue.delete(&message).await?;
    }
    send().await.granted()?;
    same(queue.bodies(10).await?, [""; 0])
}

async fn a_repeated_body_is_accepted_once(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    queue.send_to("g", &["a", "a", "b"]).await?;
    same(queue.bodies(10).await?, ["a", "b"])
}

async fn the_queue_scope_takes_one_id_for_all_groups(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[(DeduplicationScope, "queue")]).await?;
    for group in ["g", "h"] {
        queue.message(group).message_group_id(group).message_deduplication_id("1").send().await.granted()?;
    }
    same(queue.bodies(10).await?, ["g"])
}

async fn the_group_scope_takes_one_id_for_each_group(clients: Clients) -> Outcome {
    let high_throughput = [(DeduplicationScope, "messageGroup"), (FifoThroughputLimit, "perMessageGroupId")];
    let queue = Queue::fifo(&clients, &high_throughput).await?;
    for group in ["g", "h", "g"] {
        queue.message(group).message_group_id(group).message_deduplication_id("1").send().await.granted()?;
    }
    let mut received = queue.bodies(10).await?;
    received.sort();
    same(received, ["g", "h"])
}

async fn the_limit_per_group_needs_the_group_scope(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[(FifoThroughputLimit, "perMessageGroupId")]).await;
    holds(queue.is_err(), "it was granted with the scope of the queue")
}

async fn one_receive_hands_out_a_group_in_order(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let sent: Vec<_> = (0..10).map(|n| n.to_string()).collect();
    queue.send_to("g", &sent.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    same(queue.bodies(10).await?, sent)
}

async fn a_group_in_flight_hands_out_nothing_while_others_go_on(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    queue.send_to("g", &["g1", "g2"]).await?;
    same(queue.bodies(1).await?, ["g1"])?;
    queue.send_to("h", &["h1"]).await?;
    same(queue.bodies(10).await?, ["h1"])?;
    same(queue.bodies(10).await?, [""; 0])
}

async fn a_deleted_head_frees_the_rest_of_its_group(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    queue.send_to("g", &["g1", "g2"]).await?;
    for message in queue.receive(1).await? {
        queue.delete(&message).await?;
    }
    same(queue.bodies(10).await?, ["g2"])
}

async fn what_comes_back_keeps_its_place(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[(VisibilityTimeout, "1")]).await?;
    queue.send_to("g", &["g1", "g2", "g3"]).await?;
    same(queue.bodies(2).await?, ["g1", "g2"])?;
    let again = eventually("the return of the group", async || {
        let messages = queue.receive(10).await?;
        Ok((!messages.is_empty()).then_some(messages))
    })
    .await?;
    same(bodies(&again), ["g1", "g2", "g3"])?;
    let counts: Vec<_> = again.iter().map(|message| system(message, &ApproximateReceiveCount)).collect();
    same(counts, ["2", "2", "1"])
}

async fn a_partly_deleted_receive_keeps_its_group_locked(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    queue.send_to("g", &["g1", "g2", "g3"]).await?;
    let first = queue.receive(2).await?;
    queue.delete(first.first().ok_or("nothing received")?).await?;
    same(queue.bodies(10).await?, [""; 0])
}

async fn the_same_attempt_gets_the_same_messages(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    queue.send_to("g", &["g1", "g2"]).await?;
    let receive = || clients.sqs.receive_message().queue_url(&queue.url).max_number_of_messages(2);
    let attempt = || receive().receive_request_attempt_id("one").send();
    let first = attempt().await.granted()?.messages.unwrap_or_default();
    let again = attempt().await.granted()?.messages.unwrap_or_default();
    same(bodies(&first), ["g1", "g2"])?;
    same(bodies(&again), ["g1", "g2"])
}

async fn another_attempt_gets_nothing_of_the_group(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    queue.send_to("g", &["g1", "g2"]).await?;
    let attempt = |id| clients.sqs.receive_message().queue_url(&queue.url).receive_request_attempt_id(id).send();
    same(bodies(&attempt("one").await.granted()?.messages.unwrap_or_default()), ["g1"])?;
    same(bodies(&attempt("two").await.granted()?.messages.unwrap_or_default()), [""; 0])
}
