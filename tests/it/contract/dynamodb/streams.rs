//! Streams: every change once, in the order of its item.

use super::{Table, key, n};
use crate::contract::{
    check::{Granted, Outcome, checks, eventually, same},
    clients::Clients,
};
use aws_sdk_dynamodbstreams::types::{Record, ShardIteratorType};

checks! {
    every_change_is_a_record_with_both_images,
    a_reader_goes_on_after_the_last_record,
}

async fn iterator(clients: &Clients, table: &Table, after: Option<String>) -> Outcome<String> {
    let streams =
        clients.streams.list_streams().table_name(&table.name).send().await.granted()?.streams.unwrap_or_default();
    let arn = streams.into_iter().next().and_then(|stream| stream.stream_arn).ok_or("the table has no stream")?;
    let described = clients.streams.describe_stream().stream_arn(&arn).send().await.granted()?;
    let shards = described.stream_description.and_then(|stream| stream.shards).unwrap_or_default();
    let shard = shards.into_iter().next().and_then(|shard| shard.shard_id).ok_or("the stream has no shard")?;
    let kind = if after.is_some() { ShardIteratorType::AfterSequenceNumber } else { ShardIteratorType::TrimHorizon };
    let get = clients.streams.get_shard_iterator().stream_arn(arn).shard_id(shard).shard_iterator_type(kind);
    let iterator = get.set_sequence_number(after).send().await.granted()?.shard_iterator;
    iterator.ok_or_else(|| "no iterator".to_owned())
}

async fn records(clients: &Clients, table: &Table, after: Option<String>, count: usize) -> Outcome<Vec<Record>> {
    eventually("the records", async || {
        let iterator = iterator(clients, table, after.clone()).await?;
        let records = clients.streams.get_records().shard_iterator(iterator).send().await.granted()?.records;
        Ok(records.filter(|records| records.len() >= count))
    })
    .await
}

async fn every_change_is_a_record_with_both_images(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    table.add("a", "1", &[("v", n(1))]).await?;
    table.update(key("a", "1"), "SET v = :v").expression_attribute_values(":v", n(2)).send().await.granted()?;
    clients.dynamodb.delete_item().table_name(&table.name).set_key(Some(key("a", "1"))).send().await.granted()?;
    let records = records(&clients, &table, None, 3).await?;
    let summary: Vec<_> = records.iter().map(summary).collect();
    let one = |n: &str| Some(n.to_owned());
    same(summary, [("INSERT", None, one("1")), ("MODIFY", one("1"), one("2")), ("REMOVE", one("2"), None)])
}

/// What happened, with `v` before and after.
fn summary(record: &Record) -> (&str, Option<String>, Option<String>) {
    let v = |image: Option<&std::collections::HashMap<String, aws_sdk_dynamodbstreams::types::AttributeValue>>| {
        image.and_then(|image| image.get("v")?.as_n().ok().cloned())
    };
    let change = record.dynamodb.as_ref();
    let old = v(change.and_then(|change| change.old_image.as_ref()));
    let new = v(change.and_then(|change| change.new_image.as_ref()));
    (record.event_name.as_ref().map_or("", |name| name.as_str()), old, new)
}

async fn a_reader_goes_on_after_the_last_record(clients: Clients) -> Outcome {
    let table = Table::create(&clients).await?;
    table.add("a", "1", &[]).await?;
    let first = records(&clients, &table, None, 1).await?;
    let last = first.last().and_then(|record| record.dynamodb.as_ref()?.sequence_number.clone());
    table.add("a", "2", &[]).await?;
    let next = records(&clients, &table, Some(last.ok_or("no sequence number")?), 1).await?;
    let keys: Vec<_> =
        next.iter().filter_map(|record| record.dynamodb.as_ref()?.keys.as_ref()?.get("sk")?.as_s().ok()).collect();
    same(keys, ["2"])
}
