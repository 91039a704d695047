//! DynamoDB Streams to a function: in order, a batch again and again until it succeeds or is given up.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodbstreams::types::{AttributeValue, Record, ShardIteratorType};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use emulators::Clock;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::{Failed, failed};
use crate::files;
use crate::runtime::Pool;
use crate::template::{REGION, StreamMapping};

const BETWEEN_POLLS: Duration = Duration::from_millis(100);
const AFTER_AN_ERROR: Duration = Duration::from_secs(1);
const FIRST_RETRY: Duration = Duration::from_millis(200);
const LONGEST_RETRY: Duration = Duration::from_mins(1);

#[derive(Clone)]
pub(crate) struct StreamPoller {
    pub(crate) mapping: StreamMapping,
    pub(crate) function: Arc<Pool>,
    pub(crate) streams: aws_sdk_dynamodbstreams::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) clock: Clock,
    pub(crate) stream_arn: String,
    /// Where the sequence number of the last finished record is kept.
    pub(crate) progress: PathBuf,
    /// URL of the queue that hears of batches given up.
    pub(crate) on_failure: Option<String>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

impl StreamPoller {
    /// Polls until the returned future is dropped.
    pub(crate) async fn run(self) {
        loop {
            // Whatever it was, it begins again from the progress on disk.
            if let Err(error) = self.follow().await {
                self.function.say(&self.mapping.name, &format!("the stream cannot be followed: {error}"));
                tokio::time::sleep(AFTER_AN_ERROR).await;
            }
        }
    }

    async fn follow(&self) -> Result<(), Failure> {
        let mut iterator = Some(self.iterator().await?);
        while let Some(current) = iterator {
            let limit = i32::try_from(self.mapping.batch_size.min(1000))?;
            let page = self.streams.get_records().shard_iterator(current).limit(limit).send().await?;
            iterator = page.next_shard_iterator;
            let mut records = page.records.unwrap_or_default();
            if records.is_empty() {
                tokio::time::sleep(BETWEEN_POLLS).await;
                continue;
            }
            let until = Instant::now() + self.mapping.batching_window;
            while records.len() < self.mapping.batch_size && Instant::now() < until {
                let Some(current) = iterator.clone() else { break };
                tokio::time::sleep(BETWEEN_POLLS).await;
                let limit = i32::try_from((self.mapping.batch_size - records.len()).min(1000))?;
                let page = self.streams.get_records().shard_iterator(current).limit(limit).send().await?;
                iterator = page.next_shard_iterator;
                records.extend(page.records.unwrap_or_default());
            }
            self.finish(records).await?;
        }
        Ok(())
    }

    async fn iterator(&self) -> Result<String, Failure> {
        let described = self.streams.describe_stream().stream_arn(&self.stream_arn).send().await?;
        let shards = described.stream_description.and_then(|stream| stream.shards).unwrap_or_default();
        let shard = shards.first().and_then(|shard| shard.shard_id.clone()).ok_or("the stream has no shard")?;
        let request = self.streams.get_shard_iterator().stream_arn(&self.stream_arn).shard_id(shard);
        let request = match std::fs::read_to_string(&self.progress) {
            Ok(sequence) => {
                request.shard_iterator_type(ShardIteratorType::AfterSequenceNumber).sequence_number(sequence.trim())
            }
            Err(_) if self.mapping.from_start => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
            Err(_) => request.shard_iterator_type(ShardIteratorType::Latest),
        };
        Ok(request.send().await?.shard_iterator.ok_or("the stream gave no iterator")?)
    }

    /// Delivers a batch until every record of it succeeded or was given up.
    async fn finish(&self, records: Vec<Record>) -> Result<(), Failure> {
        // Bisected halves wait here, the earlier one on top.
        let mut waiting = vec![Batch { records, attempts: 0 }];
        while let Some(mut batch) = waiting.pop() {
            self.give_up_old(&mut batch).await?;
            if batch.records.is_empty() {
                continue;
            }
            match self.deliver(&batch.records).await {
                None => self.checkpoint(batch.records.last())?,
                Some(first_failed) => {
                    let rest = batch.records.split_off(first_failed);
                    self.checkpoint(batch.records.last())?;
                    let attempts = if first_failed > 0 { 1 } else { batch.attempts + 1 };
                    if self.mapping.maximum_retries.is_some_and(|limit| attempts > limit) {
                        self.give_up(&rest, "RetryAttemptsExhausted").await?;
                        self.checkpoint(rest.last())?;
                        continue;
                    }
                    self.back_off(attempts).await;
                    waiting.extend(self.again(rest, attempts));
                }
            }
        }
        Ok(())
    }

    /// The failed records as one batch or, bisected, as two: the earlier last, for it is taken first.
    fn again(&self, mut records: Vec<Record>, attempts: u32) -> Vec<Batch> {
        if !self.mapping.bisect || records.len() < 2 {
            return vec![Batch { records, attempts }];
        }
        let later = records.split_off(records.len() / 2);
        vec![Batch { records: later, attempts: 0 }, Batch { records, attempts }]
    }

    /// The position of the first record that failed, if one did.
    async fn deliver(&self, records: &[Record]) -> Option<usize> {
        let event = json!({ "Records": records.iter().map(|one| record(one, &self.stream_arn)).collect::<Vec<_>>() });
        let known: BTreeSet<String> = records.iter().filter_map(sequence_number).collect();
        let outcome = self.function.invoke_when_free(Bytes::from(event.to_string())).await;
        match failed(&outcome, self.mapping.partial_failures, &known) {
            Failed::Nothing => None,
            Failed::Everything => Some(0),
            Failed::These(identifiers) => {
                records.iter().position(|one| sequence_number(one).is_some_and(|number| identifiers.contains(&number)))
            }
        }
    }

    async fn give_up_old(&self, batch: &mut Batch) -> Result<(), Failure> {
        let Some(limit) = self.mapping.maximum_record_age else { return Ok(()) };
        let oldest_allowed = self.clock.now() - limit;
        let is_old = |record: &Record| {
            let made = record.dynamodb.as_ref().and_then(|change| change.approximate_creation_date_time);
            made.is_some_and(|made| made.secs() < oldest_allowed.as_second())
        };
        let old = batch.records.iter().take_while(|record| is_old(record)).count();
        let rest = batch.records.split_off(old);
        let old = std::mem::replace(&mut batch.records, rest);
        if !old.is_empty() {
            self.give_up(&old, "RecordAgeExceeded").await?;
            self.checkpoint(old.last())?;
        }
        Ok(())
    }

    async fn give_up(&self, records: &[Record], condition: &str) -> Result<(), Failure> {
        let Some(queue) = &self.on_failure else { return Ok(()) };
        let sequence = |record: Option<&Record>| record.and_then(sequence_number);
        let notice = json!({
            "requestContext": { "condition": condition, "functionArn": self.function.arn() },
            "version": "1.0",
            "timestamp": self.clock.now().to_string(),
            "DDBStreamBatchInfo": {
                "startSequenceNumber": sequence(records.first()),
                "endSequenceNumber": sequence(records.last()),
                "batchSize": records.len(),
                "streamArn": self.stream_arn,
            },
        });
        self.sqs.send_message().queue_url(queue).message_body(notice.to_string()).send().await?;
        Ok(())
    }

    async fn back_off(&self, attempts: u32) {
        let wait = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1))).min(LONGEST_RETRY);
        self.clock.sleep_until(self.clock.now() + wait).await;
    }

    fn checkpoint(&self, last: Option<&Record>) -> Result<(), Failure> {
        match last.and_then(sequence_number) {
            Some(number) => Ok(files::replace(&self.progress, number.as_bytes())?),
            None => Ok(()),
        }
    }
}

struct Batch {
    records: Vec<Record>,
    attempts: u32,
}

fn sequence_number(record: &Record) -> Option<String> {
    record.dynamodb.as_ref()?.sequence_number.clone()
}

/// A change as Lambda hands it to a function.
pub fn record(record: &Record, arn: &str) -> Value {
    let mut change = Map::new();
    if let Some(stream) = &record.dynamodb {
        let image = |item: &Option<std::collections::HashMap<String, AttributeValue>>| item.as_ref().map(attributes);
        let parts = [
            ("Keys", image(&stream.keys)),
            ("NewImage", image(&stream.new_image)),
            ("OldImage", image(&stream.old_image)),
        ];
        change.extend(parts.into_iter().filter_map(|(name, image)| Some((name.to_owned(), image?))));
        change.insert(
            "ApproximateCreationDateTime".to_owned(),
            json!(stream.approximate_creation_date_time.map(|at| at.secs())),
        );
        change.insert("SequenceNumber".to_owned(), json!(stream.sequence_number));
        change.insert("SizeBytes".to_owned(), json!(stream.size_bytes));
        change.insert(
            "StreamViewType".to_owned(),
            json!(stream.stream_view_type.as_ref().map(aws_sdk_dynamodbstreams::types::StreamViewType::as_str)),
        );
    }
    let mut value = json!({
        "eventID": record.event_id,
        "eventName": record.event_name.as_ref().map(aws_sdk_dynamodbstreams::types::OperationType::as_str),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": change,
        "eventSourceARN": arn,
    });
    // Only an expired item's deletion has one; the emulator leaves its fields empty.
    if record.user_identity.is_some() {
        value["userIdentity"] = json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" });
    }
    value
}

fn attributes(item: &std::collections::HashMap<String, AttributeValue>) -> Value {
    item.iter().map(|(name, value)| (name.clone(), attribute(value))).collect::<Map<_, _>>().into()
}

fn attribute(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::B(bytes) => json!({ "B": STANDARD.encode(bytes) }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Null(flag) => json!({ "NULL": flag }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::Ns(numbers) => json!({ "NS": numbers }),
        AttributeValue::Bs(all) => json!({ "BS": all.iter().map(|bytes| STANDARD.encode(bytes)).collect::<Vec<_>>() }),
        AttributeValue::L(items) => json!({ "L": items.iter().map(attribute).collect::<Vec<_>>() }),
        AttributeValue::M(map) => json!({ "M": attributes(map) }),
        _ => Value::Null,
    }
}
