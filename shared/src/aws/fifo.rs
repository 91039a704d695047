//! A queue from the side of those that feed it, and of consumers that let records wait.

use std::{collections::HashMap, time::Duration};

use aws_sdk_sqs::{
    Client,
    types::{BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, SendMessageBatchRequestEntry},
};
use tokio::task::JoinSet;

use super::clients::Later;
use crate::{Error, Result, domain::record::Parcel};

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
    client: Later<Client>,
    url: String,
}

impl Fifo {
    pub fn new(client: Later<Client>, url: String) -> Self {
        Self { client, url }
    }

    /// All of them, or an error. What was sent before an error is sent again with the next try, and SQS or the ledger
    /// knows it. A parcel goes when the one before it in its group is confirmed, so no failure lets one overtake.
    pub async fn send(&self, parcels: Vec<Parcel>) -> Result<()> {
        for turn in turns(parcels) {
            let mut waiting = batches(turn).into_iter();
            let mut sending = JoinSet::new();
            for batch in waiting.by_ref().take(ABREAST) {
                sending.spawn(self.clone().send_batch(batch));
            }
            while let Some(sent) = sending.join_next().await {
                sent.map_err(|_| Error::aws(Refused("a batch was given up".to_owned())))??;
                if let Some(batch) = waiting.next() {
                    sending.spawn(self.clone().send_batch(batch));
                }
            }
        }
        Ok(())
    }

    /// Lets records that were handed out come again after so many seconds each. One that is not waited for comes when the
    /// queue's own time is over, which is later.
    pub async fn wait(&self, records: &[(String, i32)]) -> Result<()> {
        for batch in records.chunks(ENTRIES) {
            let mut request = self.client.change_message_visibility_batch().queue_url(&self.url);
            for (index, (handle, seconds)) in batch.iter().enumerate() {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(handle)
                    .visibility_timeout(*seconds);
                request = request.entries(entry.build().map_err(Error::aws)?);
            }
            request.send().await.map_err(Error::aws)?;
        }
        Ok(())
    }

    async fn send_batch(self, mut batch: Vec<Parcel>) -> Result<()> {
        let mut pause = FIRST_PAUSE;
        for tried in 1.. {
            let failed = self.try_batch(&batch).await?;
            let Some(first) = failed.first() else { break };
            let reason = format!("{} entries of a batch: {}", failed.len(), first.code());
            if tried == TRIES || failed.iter().any(BatchResultErrorEntry::sender_fault) {
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
    async fn try_batch(&self, batch: &[Parcel]) -> Result<Vec<BatchResultErrorEntry>> {
        let mut request = self.client.send_message_batch().queue_url(&self.url);
        for (index, parcel) in batch.iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .message_group_id(&parcel.group)
                .message_deduplication_id(&parcel.deduplication)
                .message_body(&parcel.body);
            request = request.entries(entry.build().map_err(Error::aws)?);
        }
        let answer = request.send().await.map_err(Error::aws)?;
        // An entry that is in neither list is not confirmed.
        if answer.successful.len() + answer.failed.len() != batch.len() {
            return Err(Error::aws(Refused("a batch was answered in part".to_owned())));
        }
        Ok(answer.failed)
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

fn remaining(batch: Vec<Parcel>, failed: &[BatchResultErrorEntry]) -> Vec<Parcel> {
    let is_failed = |index: usize| failed.iter().any(|entry| entry.id() == index.to_string());
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
