//! What a message may be, and how it comes out.

use super::Queue;
use crate::contract::{
    check::{Granted, Outcome, checks, holds, refused, same},
    clients::Clients,
};
use aws_sdk_sqs::{primitives::Blob, types::MessageAttributeValue};

checks! {
    one_mebibyte_passes_and_one_byte_more_does_not,
    attributes_count_towards_the_size,
    an_empty_body_is_refused,
    characters_outside_xml_are_refused,
    all_legal_characters_come_out_as_they_went_in,
    attributes_come_out_as_they_went_in,
    only_the_attributes_asked_for_come_out,
    digests_are_those_of_the_content,
    an_attribute_without_a_value_is_refused,
}

fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type("String").string_value(value).build().unwrap()
}

fn binary(value: &[u8]) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type("Binary").binary_value(Blob::new(value)).build().unwrap()
}

async fn one_mebibyte_passes_and_one_byte_more_does_not(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let body = "a".repeat(1_048_576);
    queue.send_to("g", &[&body]).await?;
    let more = queue.message(&format!("{body}a")).message_group_id("g");
    refused(more.send().await, "InvalidParameterValue")?;
    holds(queue.bodies(10).await? == [body], "the body came out otherwise")
}

async fn attributes_count_towards_the_size(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let body = "a".repeat(1_048_576);
    let send = queue.message(&body).message_group_id("g").message_attributes("name", text("value"));
    refused(send.send().await, "InvalidParameterValue")
}

async fn an_empty_body_is_refused(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    refused(queue.message("").message_group_id("g").send().await, "MissingParameter")
}

async fn characters_outside_xml_are_refused(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    for illegal in ["\0", "\u{8}", "\u{B}", "\u{1F}", "\u{FFFE}", "\u{FFFF}"] {
        let send = queue.message(&format!("a{illegal}")).message_group_id("g");
        refused(send.send().await, "InvalidMessageContents").map_err(|why| format!("{illegal:?} {why}"))?;
    }
    Ok(())
}

async fn all_legal_characters_come_out_as_they_went_in(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let body = "\t\n\r \"\\/<&>\u{7F}\u{85}é\u{2028}\u{D7FF}\u{E000}\u{FFFD}\u{10000}😀\u{10FFFF}";
    queue.send_to("g", &[body]).await?;
    same(queue.bodies(1).await?, [body])
}

async fn attributes_come_out_as_they_went_in(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let number = MessageAttributeValue::builder().data_type("Number.int").string_value("7").build().unwrap();
    let wanted = [("b", binary(b"\0\xFF")), ("n", number), ("t", text("é"))];
    let mut send = queue.message("a").message_group_id("g");
    for (name, value) in &wanted {
        send = send.message_attributes(*name, value.clone());
    }
    send.send().await.granted()?;
    let message = queue.receive(1).await?.pop().ok_or("nothing received")?;
    same(message.message_attributes, Some(wanted.map(|(name, value)| (name.to_owned(), value)).into()))
}

async fn only_the_attributes_asked_for_come_out(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let mut send = queue.message("a").message_group_id("g");
    for name in ["app.one", "app.two", "other"] {
        send = send.message_attributes(name, text("x"));
    }
    send.send().await.granted()?;
    let receive = clients.sqs.receive_message().queue_url(&queue.url).message_attribute_names("app.*");
    let message = receive.send().await.granted()?.messages.unwrap_or_default().pop().ok_or("nothing received")?;
    let mut names: Vec<_> = message.message_attributes.unwrap_or_default().into_keys().collect();
    names.sort();
    same(names, ["app.one", "app.two"])
}

/// By the rule AWS documents: the client of another language checks these digests itself.
async fn digests_are_those_of_the_content(clients: Clients) -> Outcome {
    const BODY: Option<&str> = Some("5d41402abc4b2a76b9719d911017c592");
    const ATTRIBUTES: Option<&str> = Some("3c13f2eea6d76a0878f6b4344fbac930");
    let queue = Queue::fifo(&clients, &[]).await?;
    let message = queue.message("hello").message_group_id("g");
    let sent =
        message.message_attributes("a", text("x")).message_attributes("b", binary(b"abc")).send().await.granted()?;
    same((sent.md5_of_message_body(), sent.md5_of_message_attributes()), (BODY, ATTRIBUTES))?;
    let message = queue.receive(1).await?.pop().ok_or("nothing received")?;
    same((message.md5_of_body(), message.md5_of_message_attributes()), (BODY, ATTRIBUTES))
}

async fn an_attribute_without_a_value_is_refused(clients: Clients) -> Outcome {
    let queue = Queue::fifo(&clients, &[]).await?;
    let send = queue.message("a").message_group_id("g").message_attributes("a", text(""));
    refused(send.send().await, "InvalidParameterValue")
}
