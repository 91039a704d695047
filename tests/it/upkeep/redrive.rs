//! Dead letters go back to the queue they died in, by an operator's command.

use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName};
use emulators::{Fault, FaultKind, Site};
use serde_json::{Value, json};
use tests::{World, schedule_event};

/// Two groups, one of which has two letters.
const LETTERS: [(&str, &str); 3] = [("one", "first"), ("two", "beside"), ("one", "second")];

async fn with_letters() -> World {
    let world = World::start().await;
    world.sweep().await;
    let (sqs, url) = (world.aws_clients().sqs(), world.variable("sweeper", "INBOUND_DEAD_LETTERS"));
    let kind = MessageAttributeValue::builder().data_type("String").string_value("text").build().unwrap();
    for (group, body) in LETTERS {
        let send = sqs.send_message().queue_url(&url).message_body(body).message_attributes("kind", kind.clone());
        send.message_group_id(group).message_deduplication_id(body).send().await.unwrap();
    }
    world
}

async fn redrive(world: &World, limit: usize) -> Result<Value, String> {
    let mut event = schedule_event();
    event.payload = json!({"command": "redrive", "queue": "inbound", "limit": limit});
    let report = world.sweeper().handle(event).await.map_err(|error| error.to_string())?;
    Ok(serde_json::to_value(report).unwrap())
}

/// What can be had from a queue: group, body and the attribute that came with it.
async fn there(world: &World, queue: &str) -> Vec<(String, String, String)> {
    let sqs = world.aws_clients().sqs();
    let receive = sqs.receive_message().queue_url(world.variable("sweeper", queue)).max_number_of_messages(10);
    let receive = receive.message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
    let received = receive.message_attribute_names("All").send().await.unwrap().messages.unwrap_or_default();
    let read = |message: &aws_sdk_sqs::types::Message| {
        let group = message.attributes().unwrap()[&MessageSystemAttributeName::MessageGroupId].clone();
        let kind = message.message_attributes().unwrap()["kind"].string_value().unwrap().to_owned();
        (group, message.body().unwrap().to_owned(), kind)
    };
    let mut messages: Vec<_> = received.iter().map(read).collect();
    messages.sort_by(|one, other| one.0.cmp(&other.0));
    messages
}

fn in_order() -> Vec<(String, String, String)> {
    let letter = |group: &str, body: &str| (group.to_owned(), body.to_owned(), "text".to_owned());
    vec![letter("one", "first"), letter("one", "second"), letter("two", "beside")]
}

#[tokio::test]
async fn letters_go_back_with_all_they_had_each_group_in_its_order() {
    let world = with_letters().await;

    assert_eq!(redrive(&world, 2).await, Ok(json!({"moved": 2, "more": true})));
    assert_eq!(redrive(&world, 500).await, Ok(json!({"moved": 1, "more": false})));

    assert_eq!(there(&world, "INBOUND_QUEUE").await, in_order());
    assert_eq!(there(&world, "INBOUND_DEAD_LETTERS").await, Vec::new());
}

#[tokio::test]
async fn a_letter_that_was_sent_and_not_deleted_is_in_the_queue_once() {
    let world = with_letters().await;
    // As often as it is tried.
    for ordinal in 1..=3 {
        let site = Site::named(format!("sqs.DeleteMessage:patchbay-InboundDeadLetters.fifo#{ordinal}"));
        world.aws.faults().arm(Fault { site, kind: FaultKind::Fail });
    }

    let failed = redrive(&world, 500).await.unwrap_err();
    assert!(failed.contains("an AWS call failed"), "{failed}");
    // Nobody had it for long.
    world.clock.advance(jiff::SignedDuration::from_mins(2));
    assert_eq!(redrive(&world, 500).await, Ok(json!({"moved": 3, "more": false})));

    assert_eq!(there(&world, "INBOUND_QUEUE").await, in_order());
    assert_eq!(there(&world, "INBOUND_DEAD_LETTERS").await, Vec::new());
}
