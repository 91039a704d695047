//! A queue from the side of those that feed it, and of consumers that let records wait.

use std::{collections::HashMap, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};

use super::direct::{Direct, Service};
use crate::{Error, Result, domain::record::Parcel};

pub(super) const SQS: Service =
    Service { title: "SQS", name: "sqs", target: "AmazonSQS", content_type: "application/x-amz-json-1.0" };

/// What SQS takes in one call: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>.
const ENTRIES: usize = 10;
/// 1 MiB, and room for what SQS may count beside the bodies.
const BYTES: usize = (1024 - 16) * 1024;
/// Batches on their way at once: a delivery of a thousand groups has a hundred of them.
const ABREAST: usize = 8;
const TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug, Clone)]
pub struct Fifo {
    service: Direct,
    url: String,
}

/// Entries of one queue, each with an id of its own.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Batch<'a, Entry> {
    queue_url: &'a str,
    entries: Vec<Entry>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Sent<'a> {
    id: String,
    message_group_id: &'a str,
    message_deduplication_id: &'a str,
    message_body: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Hidden<'a> {
    id: String,
    receipt_handle: &'a str,
    visibility_timeout: i32,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answered {
    #[serde(default)]
    successful: Vec<Taken>,
    #[serde(default)]
    failed: Vec<NotTaken>,
}

#[derive(Deserialize)]
struct Taken {}

/// What SQS says of an entry.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NotTaken {
    id: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    sender_fault: bool,
}

impl Fifo {
    pub(super) fn new(service: Direct, url: String) -> Self {
        Self { service, url }
    }

    /// All of them, or an error. What was sent before an error is sent again with the next try, and SQS or the ledger
    /// knows it. A parcel goes when the one before it in its group is confirmed, so no failure lets one overtake.
    pub async fn send(&self, parcels: Vec<Parcel>) -> Result<()> {
        for turn in turns(parcels) {
            let sending = batches(turn).into_iter().map(|batch| self.send_batch(batch));
            stream::iter(sending).buffer_unordered(ABREAST).try_collect::<()>().await?;
        }
        Ok(())
    }

    /// Lets records that were handed out come again after so many seconds each. One that is not waited for comes when the
    /// queue's own time is over, which is later.
    pub async fn wait(&self, records: &[(String, i32)]) -> Result<()> {
        for batch in records.chunks(ENTRIES) {
            let entries = batch.iter().enumerate().map(|(index, (handle, seconds))| Hidden {
                id: index.to_string(),
                receipt_handle: handle,
                visibility_timeout: *seconds,
            });
            self.call("ChangeMessageVisibilityBatch", entries.collect()).await?;
        }
        Ok(())
    }

    async fn send_batch(&self, mut batch: Vec<Parcel>) -> Result<()> {
        let mut pause = FIRST_PAUSE;
        for tried in 1.. {
            let failed = self.try_batch(&batch).await?;
            let Some(first) = failed.first() else { break };
            let reason = format!("{} entries of a batch: {}", failed.len(), first.code);
            if tried == TRIES || failed.iter().any(|entry| entry.sender_fault) {
                return Err(Error::aws(Refused(reason)));
            }
            tracing::warn!(reason, tried, "SQS took a part");
            batch = remaining(batch, &failed);
            tokio::time::sleep(pause).await;
            pause *= 4;
        }
        Ok(())
    }

    /// The entries that SQS did not take.
    async fn try_batch(&self, batch: &[Parcel]) -> Result<Vec<NotTaken>> {
        let entries = batch.iter().enumerate().map(|(index, parcel)| Sent {
            id: index.to_string(),
            message_group_id: &parcel.group,
            message_deduplication_id: &parcel.deduplication,
            message_body: &parcel.body,
        });
        let answer = self.call("SendMessageBatch", entries.collect()).await?;
        // An entry that is in neither list is not confirmed.
        if answer.successful.len() + answer.failed.len() != batch.len() {
            return Err(Error::aws(Refused("a batch was answered in part".to_owned())));
        }
        Ok(answer.failed)
    }

    async fn call<Entry: Serialize>(&self, operation: &str, entries: Vec<Entry>) -> Result<Answered> {
        self.service.ask(operation, &Batch { queue_url: &self.url, entries }).await
    }
}

/// What SQS said of entries.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

/// The first parcels of all groups, then the second ones, and so on: within a turn nothing waits for anything.
fn turns(parcels: Vec<Parcel>) -> Vec<Vec<Parcel>> {
    let mut turns: Vec<Vec<Parcel>> = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for parcel in parcels {
        let turn = seen.entry(parcel.group.clone()).or_default();
        if *turn == turns.len() {
            turns.push(Vec::new());
        }
        turns[*turn].push(parcel);
        *turn += 1;
    }
    turns
}

fn batches(parcels: Vec<Parcel>) -> Vec<Vec<Parcel>> {
    let mut batches: Vec<Vec<Parcel>> = Vec::new();
    let mut bytes = 0;
    for parcel in parcels {
        bytes += parcel.body.len();
        match batches.last_mut() {
            Some(batch) if batch.len() < ENTRIES && bytes <= BYTES => batch.push(parcel),
            _ => {
                bytes = parcel.body.len();
                batches.push(vec![parcel]);
            }
        }
    }
    batches
}

fn remaining(batch: Vec<Parcel>, failed: &[NotTaken]) -> Vec<Parcel> {
    let is_failed = |index: usize| failed.iter().any(|entry| entry.id == index.to_string());
    batch.into_iter().enumerate().filter(|(index, _)| is_failed(*index)).map(|(_, parcel)| parcel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(group: &str, bytes: usize) -> Parcel {
        Parcel { group: group.to_owned(), deduplication: String::new(), body: "x".repeat(bytes) }
    }

    fn groups(parcels: &[Vec<Parcel>]) -> Vec<Vec<&str>> {
        parcels.iter().map(|parcels| parcels.iter().map(|parcel| parcel.group.as_str()).collect()).collect()
    }

    #[test]
    fn a_turn_has_one_of_each_group() {
        let turns = turns(["a", "b", "a", "c", "a", "b"].map(|group| parcel(group, 1)).into());

        assert_eq!(groups(&turns), [vec!["a", "b", "c"], vec!["a", "b"], vec!["a"]]);
    }

    #[test]
    fn a_batch_is_full_by_count_or_by_size() {
        let many = (0..25).map(|_| parcel("a", 1)).collect();
        assert_eq!(batches(many).iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);

        let large = [600, 400, 8, 1, 700].map(|kibibytes| parcel("a", kibibytes * 1024)).into();
        assert_eq!(batches(large).iter().map(Vec::len).collect::<Vec<_>>(), [3, 2]);
        assert!(batches(Vec::new()).is_empty());
    }
}
