//! The mappings between the tables' streams and `feed`: what changed goes in, in its order, until it is done.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use aws_sdk_dynamodbstreams::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::{Record, ShardIteratorType},
};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::json;
use shared::batch::feed;

use crate::{World, product_clock};

/// The tables that are followed, by the variables that name them.
const TABLES: [&str; 3] = ["MESSAGES_TABLE", "ACCOUNTS_TABLE", "CONNECTIONS_TABLE"];
/// Changes in a batch, where a test does not say otherwise.
const BATCH: i32 = 100;

/// An environment of `feed`.
#[derive(Debug, Clone)]
pub struct Feeder(Arc<feed::Context>);

/// What came of telling all there was to tell.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Fed {
    pub batches: usize,
    /// Changes that are told.
    pub done: usize,
    /// Batches that come again.
    pub again: usize,
}

/// How far each stream is told.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    warm: OnceLock<Feeder>,
    done: Mutex<HashMap<&'static str, String>>,
}

impl World {
    /// A cold environment of `feed`.
    pub fn cold_feed(&self, caller: &str) -> Feeder {
        let env = self.functions.env("feed", caller);
        Feeder(Arc::new(feed::Context::from_env(&env, product_clock(&self.clock)).expect("feed starts")))
    }

    /// Tells of all that changed, in the environment that stays warm through the test.
    pub async fn feed(&self) -> Fed {
        let warm = self.streams.warm.get_or_init(|| self.cold_feed("feed")).clone();
        self.feed_with(&warm, "feed").await
    }

    /// The same in an environment of a test's own, which a fault may kill. What has to come again is left for the next.
    pub async fn feed_with(&self, feeder: &Feeder, caller: &str) -> Fed {
        let mut fed = Fed::default();
        for table in TABLES {
            while let Some(done) = self.feed_batch(feeder, caller, table, BATCH).await {
                fed.batches += 1;
                fed.done += done.unwrap_or_default();
                if done.is_none() {
                    fed.again += 1;
                    break;
                }
            }
        }
        fed
    }

    /// Tells of the next changes of a table: how many, or `Some(None)` where they come again. None: there are none.
    pub async fn feed_batch(
        &self,
        feeder: &Feeder,
        caller: &str,
        table: &'static str,
        most: i32,
    ) -> Option<Option<usize>> {
        let (arn, records) = self.changes(table, most).await;
        if records.is_empty() {
            return None;
        }
        Some(self.hand_over(feeder, caller, &arn, &records).await.then(|| {
            let last = records.last().and_then(number_of).expect("a number");
            self.streams.done().insert(table, last);
            records.len()
        }))
    }

    /// The changes of a table that are not told yet, and the stream they are in.
    pub async fn changes(&self, table: &'static str, most: i32) -> (String, Vec<Record>) {
        let (client, name) = (self.streams_client(), self.variable("feed", table));
        let described = self.aws_clients().dynamodb().describe_table().table_name(name).send().await;
        let arn = described.expect("the table").table.and_then(|table| table.latest_stream_arn).expect("its stream");
        let stream = client.describe_stream().stream_arn(&arn).send().await.expect("the stream").stream_description;
        let shards = stream.and_then(|stream| stream.shards).unwrap_or_default();
        let shard = shards.first().and_then(|shard| shard.shard_id.clone()).expect("a shard");
        let iterator = client.get_shard_iterator().stream_arn(&arn).shard_id(shard);
        let done = self.streams.done().get(table).cloned();
        let iterator = match done {
            Some(done) => iterator.shard_iterator_type(ShardIteratorType::AfterSequenceNumber).sequence_number(done),
            None => iterator.shard_iterator_type(ShardIteratorType::TrimHorizon),
        };
        let iterator = iterator.send().await.expect("the stream").shard_iterator.expect("an iterator");
        let page = client.get_records().shard_iterator(iterator).limit(most).send().await.expect("the stream");
        (arn, page.records.unwrap_or_default())
    }

    /// Whether a batch is done.
    pub async fn hand_over(&self, feeder: &Feeder, caller: &str, arn: &str, records: &[Record]) -> bool {
        let records: Vec<_> = records.iter().map(|record| local::stream_record(record, arn)).collect();
        self.hand_over_as(feeder, caller, &json!({ "Records": records })).await
    }

    /// The same, of records as a test has written them.
    pub async fn hand_over_as(&self, feeder: &Feeder, caller: &str, event: &serde_json::Value) -> bool {
        let event = serde_json::from_str(&event.to_string()).expect("the function reads the mapping's events");
        let handling = Arc::clone(&feeder.0).handle(LambdaEvent::new(event, Context::default()));
        match self.as_process(caller, handling).await {
            Some(answer) => {
                let answer = serde_json::to_value(answer.expect("it answers")).expect("JSON");
                answer["batchItemFailures"].as_array().expect("failures").is_empty()
            }
            None => false,
        }
    }

    fn streams_client(&self) -> Client {
        let config = aws_sdk_dynamodbstreams::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new("test", "local", None, None, "tests"))
            .endpoint_url(self.aws.url())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::from_static("us-east-1"))
            .build();
        Client::from_conf(config)
    }
}

impl Streams {
    fn done(&self) -> MutexGuard<'_, HashMap<&'static str, String>> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn number_of(record: &Record) -> Option<String> {
    record.dynamodb.as_ref()?.sequence_number.clone()
}
