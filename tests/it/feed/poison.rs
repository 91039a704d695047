//! What cannot be told: it is told that it cannot, and keeps nothing back.

use serde_json::{Value, json};
use tests::{Log, World};

use super::{ACME, Reader, types};
use crate::{connect::NUMBER, send};

/// The changes of a table that are not told yet, as Lambda hands them over.
async fn batch(world: &World, table: &'static str) -> Value {
    let (arn, records) = world.changes(table, 100).await;
    json!({ "Records": records.iter().map(|record| local::stream_record(record, &arn)).collect::<Vec<_>>() })
}

/// A world in which all is told, but what a customer has just written.
async fn about_to_tell() -> (World, Value) {
    let world = send::ready().await;
    world.feed().await;
    send::written_by(&world, send::CUSTOMER).await;
    let batch = batch(&world, "MESSAGES_TABLE").await;
    (world, batch)
}

/// The place of the record of the first item whose sort key begins so.
fn place_of(batch: &Value, key: &str) -> usize {
    let records = batch["Records"].as_array().unwrap();
    let is_it = |record: &Value| record["dynamodb"]["Keys"]["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with(key));
    records.iter().position(is_it).unwrap()
}

async fn hand_over(world: &World, batch: &Value) -> (Vec<Value>, String) {
    let mut reader = Reader::of(ACME).since_now();
    reader.read(world, 1).await;
    let log = Log::default();
    let listening = log.listen_as_deployed();
    let feeder = world.cold_feed("feed");
    assert!(world.hand_over_as(&feeder, "feed", batch).await, "the batch is done");
    drop(listening);
    reader.read_all(world).await;
    (reader.heard, log.text())
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_told_without_data_and_its_neighbours_with() {
    let (world, mut batch) = about_to_tell().await;
    let place = place_of(&batch, "m#");
    batch["Records"][place]["dynamodb"]["NewImage"]["raw"] = json!({"B": "bm90IGRlZmxhdGVk"});
    batch["Records"][place]["dynamodb"]["NewImage"]["z"] = json!({"BOOL": true});

    let (events, logged) = hand_over(&world, &batch).await;

    assert_eq!(types(&events), ["message.updated", "conversation.updated", "contact.updated"], "{events:#?}");
    assert_eq!((&events[0]["data"], &events[0]["changed"]), (&Value::Null, &json!([])));
    assert_eq!(events[0]["conversation_id"], events[1]["conversation_id"]);
    assert!(events[1]["data"].is_object());
    assert_eq!(logged.matches("a change could not be told").count(), 1, "{logged}");
    assert!(!logged.contains("Are you open?") && !logged.contains(send::CUSTOMER), "{logged}");
}

#[tokio::test]
async fn a_record_that_is_none_keeps_nothing_back() {
    let (world, mut batch) = about_to_tell().await;
    let strange = json!({"dynamodb": {"SequenceNumber": "1"}});
    batch["Records"].as_array_mut().unwrap().insert(0, strange);

    let (events, logged) = hand_over(&world, &batch).await;

    assert_eq!(types(&events), ["message.received", "conversation.updated", "contact.updated"]);
    assert_eq!(logged.matches("a change could not be told").count(), 1, "{logged}");
}

#[tokio::test]
async fn a_conversation_that_cannot_be_read_spoils_no_message_of_another() {
    let (world, _) = about_to_tell().await;
    send::written_by(&world, "16505559999").await;
    let mut batch = batch(&world, "MESSAGES_TABLE").await;
    let place = place_of(&batch, "head");
    batch["Records"][place]["dynamodb"]["NewImage"]["unread"] = json!({"S": "many"});

    let (events, _) = hand_over(&world, &batch).await;

    let untold: Vec<&Value> = events.iter().filter(|event| event["data"].is_null()).collect();
    assert_eq!(untold.len(), 1, "{events:#?}");
    assert_eq!((&untold[0]["type"], &untold[0]["changed"]), (&json!("conversation.updated"), &json!([])));
    assert_eq!(types(&events).iter().filter(|kind| **kind == "message.received").count(), 2);
}

#[tokio::test]
async fn an_account_that_cannot_be_read_is_told_to_its_tenant() {
    let world = World::deployed().await;
    crate::connect::connected(&world, ACME).await;
    let mut batch = batch(&world, "ACCOUNTS_TABLE").await;
    let records = batch["Records"].as_array_mut().unwrap();
    records.retain(|record| record["dynamodb"]["NewImage"]["state"].is_object());
    let last = records.pop().unwrap();
    *records = vec![last];
    records[0]["dynamodb"]["NewImage"]["state"] = json!({"S": "levitating"});

    let (events, _) = hand_over(&world, &batch).await;

    assert_eq!(types(&events), ["account.updated"]);
    assert_eq!((&events[0]["data"], &events[0]["phone_number_id"]), (&Value::Null, &json!(NUMBER)));
}

#[tokio::test]
async fn the_same_changes_have_the_same_ids() {
    let (world, batch) = about_to_tell().await;
    let (first, _) = hand_over(&world, &batch).await;
    let (again, _) = hand_over(&world, &batch).await;

    let ids = |events: &[Value]| events.iter().map(|event| event["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&first), ids(&again));
    let mut unique = ids(&first);
    unique.dedup();
    assert_eq!(unique.len(), first.len());
}

#[tokio::test]
async fn what_is_deleted_is_told_to_be_gone() {
    let world = send::ready().await;
    send::written_by(&world, send::CUSTOMER).await;
    world.feed().await;
    let item = world.table("MESSAGES_TABLE").await.into_iter().find(|item| item["sk"] == "head").unwrap();
    let text = |name: &str| aws_sdk_dynamodb::types::AttributeValue::S(item[name].as_str().unwrap().to_owned());
    let delete = world.aws_clients().dynamodb().delete_item().table_name(world.variable("feed", "MESSAGES_TABLE"));
    delete.key("pk", text("pk")).key("sk", text("sk")).send().await.unwrap();

    let batch = batch(&world, "MESSAGES_TABLE").await;
    let (events, _) = hand_over(&world, &batch).await;

    assert_eq!(types(&events), ["conversation.updated", "contact.updated"]);
    for event in &events {
        assert!(event["data"].is_null() && !event["changed"].as_array().unwrap().is_empty(), "{event:#}");
    }
    assert!(!json!(events).to_string().contains(send::CUSTOMER));
}
