//! Queues themselves: making, describing, emptying, deleting.

use super::Queue;
use crate::contract::{
    check::{Granted, Outcome, checks, eventually, fresh, refused, same},
    clients::Clients,
};
use aws_sdk_sqs::types::QueueAttributeName::*;
use std::collections::HashMap;

checks! {
    the_same_queue_again_is_the_same_queue,
    the_same_name_with_other_attributes_is_refused,
    a_fifo_name_and_the_attribute_go_together,
    an_unknown_queue_is_refused,
    a_deleted_queue_is_gone,
    attributes_have_defaults_and_can_be_set,
    an_unknown_attribute_is_refused,
    a_value_out_of_range_is_refused,
    counts_tell_visible_and_in_flight,
    a_purge_leaves_nothing,
    queues_are_listed_by_prefix,
    tags_can_be_set_and_read,
}

async fn the_same_queue_again_is_the_same_queue(clients: Clients) -> Outcome {
    let name = fresh("queue");
    let first = Queue::create(&clients, &name, &[(VisibilityTimeout, "9")]).await?;
    let again = Queue::create(&clients, &name, &[(VisibilityTimeout, "9")]).await?;
    same(again.url, first.url)
}

async fn the_same_name_with_other_attributes_is_refused(clients: Clients) -> Outcome {
    let name = fresh("queue");
    Queue::create(&clients, &name, &[(VisibilityTimeout, "9")]).await?;
    let create = clients.sqs.create_queue().queue_name(&name).attributes(VisibilityTimeout, "10");
    refused(create.send().await, "QueueAlreadyExists")
}

async fn a_fifo_name_and_the_attribute_go_together(clients: Clients) -> Outcome {
    let create = |name: String| clients.sqs.create_queue().queue_name(name);
    refused(create(fresh("queue")).attributes(FifoQueue, "true").send().await, "InvalidParameterValue")?;
    refused(create(fresh("queue") + ".fifo").send().await, "InvalidParameterValue")
}

async fn an_unknown_queue_is_refused(clients: Clients) -> Outcome {
    let code = "AWS.SimpleQueueService.NonExistentQueue";
    refused(clients.sqs.get_queue_url().queue_name(fresh("queue")).send().await, code)?;
    let url = Queue::standard(&clients, &[]).await?.url.replace("queue", "no-such");
    refused(clients.sqs.send_message().queue_url(url).message_body("a").send().await, code)
}

async fn a_deleted_queue_is_gone(clients: Clients) -> Outcome {
    let queue = Queue::standard(&clients, &[]).await?;
    clients.sqs.delete_queue().queue_url(&queue.url).send().await.granted()?;
    refused(queue.message("a").send().await, "AWS.SimpleQueueService.NonExistentQueue")
}

async fn attributes_have_defaults_and_can_be_set(clients: Clients) -> Outcome {
    let queue = Queue::standard(&clients, &[]).await?;
    same(queue.attribute(VisibilityTimeout).await?, "30")?;
    same(queue.attribute(MessageRetentionPeriod).await?, "345600")?;
    same(queue.attribute(MaximumMessageSize).await?, "1048576")?;
    clients
        .sqs
        .set_queue_attributes()
        .queue_url(&queue.url)
        .attributes(VisibilityTimeout, "7")
        .send()
        .await
        .granted()?;
    same(queue.attribute(VisibilityTimeout).await?, "7")
}

async fn an_unknown_attribute_is_refused(clients: Clients) -> Outcome {
    let create = clients.sqs.create_queue().queue_name(fresh("queue")).attributes("NoSuch".into(), "1");
    refused(create.send().await, "InvalidAttributeName")
}

async fn a_value_out_of_range_is_refused(clients: Clients) -> Outcome {
    let create = clients.sqs.create_queue().queue_name(fresh("queue")).attributes(VisibilityTimeout, "43201");
    refused(create.send().await, "InvalidAttributeValue")
}

async fn counts_tell_visible_and_in_flight(clients: Clients) -> Outcome {
    let queue = Queue::standard(&clients, &[]).await?;
    queue.send(&["a", "b", "c"]).await?;
    same(queue.receive(1).await?.len(), 1)?;
    eventually("the count", async || {
        let visible = queue.attribute(ApproximateNumberOfMessages).await?;
        let in_flight = queue.attribute(ApproximateNumberOfMessagesNotVisible).await?;
        Ok((visible == "2" && in_flight == "1").then_some(()))
    })
    .await
}

async fn a_purge_leaves_nothing(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    queue.send_to("g", &["a", "b"]).await?;
    clients.sqs.purge_queue().queue_url(&queue.url).send().await.granted()?;
    same(queue.bodies(10).await?, [""; 0])
}

async fn queues_are_listed_by_prefix(clients: Clients) -> Outcome {
    let prefix = fresh("listed");
    let one = Queue::create(&clients, &format!("{prefix}-one"), &[]).await?;
    let two = Queue::create(&clients, &format!("{prefix}-two"), &[]).await?;
    let listed = clients.sqs.list_queues().queue_name_prefix(prefix).send().await.granted()?;
    let mut urls = listed.queue_urls.unwrap_or_default();
    urls.sort();
    same(urls, [one.url, two.url])
}

async fn tags_can_be_set_and_read(clients: Clients) -> Outcome {
    let queue = Queue::standard(&clients, &[]).await?;
    clients.sqs.tag_queue().queue_url(&queue.url).tags("stage", "dev").send().await.granted()?;
    let tags = clients.sqs.list_queue_tags().queue_url(&queue.url).send().await.granted()?.tags;
    same(tags, Some(HashMap::from([("stage".to_owned(), "dev".to_owned())])))
}
