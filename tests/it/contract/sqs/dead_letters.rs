//! Poison and where it goes.

use super::{Queue, bodies, system};
use crate::contract::{
    check::{Granted, Outcome, checks, eventually, same},
    clients::Clients,
};
use aws_sdk_sqs::types::{MessageSystemAttributeName::*, QueueAttributeName::*};

checks! {
    poison_moves_to_the_dead_letters_in_order_with_its_group,
    poison_does_not_hold_the_rest_of_its_group,
    poison_of_a_standard_queue_moves_too,
    a_dead_letter_queue_must_exist_and_be_of_the_same_kind,
    the_sources_of_dead_letters_are_listed,
    a_move_brings_dead_letters_home,
}

async fn with_dead_letters(clients: &Clients) -> Outcome<(Queue, Queue)> {
    let grave = Queue::fifo(clients, &[]).await?;
    let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":2}}"#, grave.arn().await?);
    Ok((Queue::fifo(clients, &[(RedrivePolicy, &policy)]).await?, grave))
}

/// Receives what there is, and gives it back.
async fn give_back(queue: &Queue) -> Outcome<Vec<String>> {
    let messages = queue.receive(10).await?;
    for message in &messages {
        queue.hold(message, 0).await?;
    }
    Ok(bodies(&messages))
}

async fn poison_moves_to_the_dead_letters_in_order_with_its_group(clients: Clients) -> Outcome {
    let (queue, grave) = with_dead_letters(&clients).await?;
    queue.send_to("g", &["a1", "a2"]).await?;
    for _ in 0..2 {
        same(give_back(&queue).await?, ["a1", "a2"])?;
    }
    let dead = eventually("the burial", async || {
        same(queue.bodies(10).await?, [""; 0])?;
        let dead = grave.receive(10).await?;
        Ok((!dead.is_empty()).then_some(dead))
    })
    .await?;
    same(bodies(&dead), ["a1", "a2"])?;
    same(dead.iter().map(|message| system(message, &MessageGroupId)).collect::<Vec<_>>(), ["g", "g"])?;
    same(system(&dead[0], &DeadLetterQueueSourceArn), queue.arn().await?)
}

async fn poison_does_not_hold_the_rest_of_its_group(clients: Clients) -> Outcome {
    let (queue, _grave) = with_dead_letters(&clients).await?;
    queue.send_to("g", &["poison"]).await?;
    for _ in 0..2 {
        same(give_back(&queue).await?, ["poison"])?;
    }
    queue.send_to("g", &["good"]).await?;
    let next = eventually("the next of the group", async || Ok(queue.receive(10).await?.pop())).await?;
    same(next.body(), Some("good"))
}

async fn poison_of_a_standard_queue_moves_too(clients: Clients) -> Outcome {
    let grave = Queue::standard(&clients, &[]).await?;
    let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":"1"}}"#, grave.arn().await?);
    let queue = Queue::standard(&clients, &[(RedrivePolicy, &policy)]).await?;
    queue.send(&["poison"]).await?;
    same(give_back(&queue).await?, ["poison"])?;
    let dead = eventually("the burial", async || {
        same(queue.bodies(10).await?, [""; 0])?;
        Ok(grave.receive(10).await?.pop())
    })
    .await?;
    same(dead.body(), Some("poison"))
}

async fn a_dead_letter_queue_must_exist_and_be_of_the_same_kind(clients: Clients) -> Outcome {
    let standard = Queue::standard(&clients, &[]).await?.arn().await?;
    let missing = standard.replace("queue", "no-such") + ".fifo";
    for target in [standard, missing] {
        let policy = format!(r#"{{"deadLetterTargetArn":"{target}","maxReceiveCount":2}}"#);
        if Queue::fifo(&clients, &[(RedrivePolicy, &policy)]).await.is_ok() {
            return Err(format!("{target} was accepted"));
        }
    }
    Ok(())
}

async fn the_sources_of_dead_letters_are_listed(clients: Clients) -> Outcome {
    let (queue, grave) = with_dead_letters(&clients).await?;
    let answer = clients.sqs.list_dead_letter_source_queues().queue_url(&grave.url).send().await.granted()?;
    same(answer.queue_urls, [queue.url])
}

async fn a_move_brings_dead_letters_home(clients: Clients) -> Outcome {
    let (queue, grave) = with_dead_letters(&clients).await?;
    queue.send_to("g", &["a1", "a2"]).await?;
    for _ in 0..3 {
        give_back(&queue).await?;
    }
    clients.sqs.start_message_move_task().source_arn(grave.arn().await?).send().await.granted()?;
    let home = eventually("the return", async || {
        let messages = queue.receive(10).await?;
        Ok((!messages.is_empty()).then_some(messages))
    })
    .await?;
    same(bodies(&home), ["a1", "a2"])?;
    same(system(&home[0], &ApproximateReceiveCount), "1")?;
    same(grave.bodies(10).await?, [""; 0])
}
