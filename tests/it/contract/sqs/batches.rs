//! Batches: their rules, and entries that fail by themselves.

use super::Queue;
use crate::contract::{
    check::{Granted, Outcome, checks, refused, same},
    clients::Clients,
};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry,
};

checks! {
    ten_messages_are_sent_in_order,
    eleven_entries_are_refused,
    no_entries_are_refused,
    equal_ids_are_refused,
    an_illegal_id_is_refused,
    a_batch_over_the_size_is_refused_whole,
    one_bad_entry_leaves_its_neighbours_alone,
    a_batch_deletes_and_names_what_it_could_not,
    a_batch_holds_and_gives_back,
}

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).message_group_id("g").build().unwrap()
}

async fn ten_messages_are_sent_in_order(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let names: Vec<_> = (0..10).map(|n| n.to_string()).collect();
    let entries = names.iter().map(|name| entry(name, name)).collect();
    let sent =
        clients.sqs.send_message_batch().queue_url(&queue.url).set_entries(Some(entries)).send().await.granted()?;
    same(sent.successful.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>(), names.clone())?;
    same(sent.failed.len(), 0)?;
    same(queue.bodies(10).await?, names)
}

async fn eleven_entries_are_refused(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let entries = (0..11).map(|n| entry(&n.to_string(), "a")).collect();
    let sent = clients.sqs.send_message_batch().queue_url(&queue.url).set_entries(Some(entries)).send().await;
    refused(sent, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest")
}

async fn no_entries_are_refused(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let sent = clients.sqs.send_message_batch().queue_url(&queue.url).set_entries(Some(Vec::new())).send().await;
    refused(sent, "AWS.SimpleQueueService.EmptyBatchRequest")
}

async fn equal_ids_are_refused(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let sent = clients.sqs.send_message_batch().queue_url(&queue.url).entries(entry("1", "a")).entries(entry("1", "b"));
    refused(sent.send().await, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct")?;
    same(queue.bodies(10).await?, [""; 0])
}

async fn an_illegal_id_is_refused(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let sent = clients.sqs.send_message_batch().queue_url(&queue.url).entries(entry("not an id!", "a")).send().await;
    refused(sent, "AWS.SimpleQueueService.InvalidBatchEntryId")
}

async fn a_batch_over_the_size_is_refused_whole(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let (half, more) = (entry("1", &"a".repeat(524_288)), entry("2", &"b".repeat(524_289)));
    let sent = clients.sqs.send_message_batch().queue_url(&queue.url).entries(half).entries(more);
    refused(sent.send().await, "AWS.SimpleQueueService.BatchRequestTooLong")?;
    same(queue.bodies(10).await?, [""; 0])
}

async fn one_bad_entry_leaves_its_neighbours_alone(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let entries = vec![entry("1", "a"), entry("2", "b\u{FFFF}"), entry("3", "c")];
    let sent =
        clients.sqs.send_message_batch().queue_url(&queue.url).set_entries(Some(entries)).send().await.granted()?;
    let failed: Vec<_> = sent.failed.iter().map(|it| (it.id.as_str(), it.code.as_str(), it.sender_fault)).collect();
    same(failed, [("2", "InvalidMessageContents", true)])?;
    same(queue.bodies(10).await?, ["a", "c"])
}

async fn a_batch_deletes_and_names_what_it_could_not(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    queue.send_to("g", &["a"]).await?;
    let handle = queue.receive(1).await?.pop().and_then(|message| message.receipt_handle).ok_or("nothing received")?;
    let delete = |id: &str, handle: &str| {
        DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle).build().unwrap()
    };
    let request = clients.sqs.delete_message_batch().queue_url(&queue.url);
    let answer = request.entries(delete("1", &handle)).entries(delete("2", "nonsense")).send().await.granted()?;
    same(answer.successful.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["1"])?;
    let failed: Vec<_> = answer.failed.iter().map(|it| (it.id.as_str(), it.code.as_str())).collect();
    same(failed, [("2", "ReceiptHandleIsInvalid")])
}

async fn a_batch_holds_and_gives_back(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    queue.send_to("g", &["a", "b"]).await?;
    let entries = queue.receive(2).await?.into_iter().enumerate().map(|(n, message)| {
        let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(n.to_string()).visibility_timeout(0);
        entry.set_receipt_handle(message.receipt_handle).build().unwrap()
    });
    let request =
        clients.sqs.change_message_visibility_batch().queue_url(&queue.url).set_entries(Some(entries.collect()));
    same(request.send().await.granted()?.successful.len(), 2)?;
    same(queue.bodies(10).await?, ["a", "b"])
}
