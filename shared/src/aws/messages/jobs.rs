//! Batches that are accepted and not yet made into messages. One is put whole; how far it has come is noted as it goes.

use aws_sdk_dynamodb::{
    operation::put_item::PutItemError,
    primitives::Blob,
    types::{AttributeValue, Update},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Messages, number_key, seconds, text_key};
use crate::{
    Error, Result,
    aws::{transaction::Item, update},
    domain::{
        conversation::{ConversationId, JobId, Line},
        hex,
        meta_id::PhoneNumberId,
        tenant::TenantId,
    },
};

/// A batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub id: JobId,
    pub line: Line,
    /// The life of the number it was accepted in.
    pub generation: u64,
    pub at: Timestamp,
    /// Of each recipient; none where the recipient was refused.
    pub conversations: Vec<Option<ConversationId>>,
    /// As it was sent to us.
    pub body: String,
    /// How many recipients have been made into messages.
    pub done: usize,
}

#[derive(Serialize, Deserialize)]
struct Row {
    number: PhoneNumberId,
    generation: u64,
    at: Timestamp,
    done: usize,
    more: usize,
    /// How often somebody was taken out of it.
    #[serde(default, skip_serializing_if = "super::row::is_zero")]
    cleared: usize,
}

/// What of a batch's items is no part of the batch.
pub(super) struct Kept {
    pub(super) more: usize,
    pub(super) cleared: usize,
    pub(super) ttl: AttributeValue,
}

/// An item holds 400 KB.
const IN_ONE_ITEM: usize = 300_000;
/// What a body may inflate to.
const INFLATED: usize = 8 * 1024 * 1024;
/// A finished one is kept as long as an answer may be repeated.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 8);
const HEX: usize = 32;

impl Messages {
    /// Keeps a batch, due to be looked after from then on. Twice: it is there.
    pub async fn put_job(&self, job: &Job, due: Timestamp) -> Result<()> {
        let partition = job_key(&job.line.tenant, job.id);
        let (first, rest) = packed(job);
        let until = ("ttl".to_owned(), seconds(job.at + KEPT));
        let rest: Vec<Item> = rest
            .into_iter()
            .enumerate()
            .map(|(place, piece)| {
                let mut item = text_key(partition.clone(), piece_key(place));
                item.extend([("raw".to_owned(), piece), until.clone()]);
                item
            })
            .collect();
        let row = Row {
            number: job.line.number.clone(),
            generation: job.generation,
            at: job.at,
            done: 0,
            more: rest.len(),
            cleared: 0,
        };
        // What does not fit goes first: a job that is there is there whole.
        self.put_all(rest).await?;
        let mut item: Item = serde_dynamo::to_item(row)?;
        item.extend(text_key(partition, "-".to_owned()));
        item.extend([("raw".to_owned(), first), until]);
        item.insert("of".to_owned(), AttributeValue::N(job.conversations.len().to_string()));
        item.insert("due".to_owned(), AttributeValue::S(number_key(&job.line, 'w')));
        item.insert("due_at".to_owned(), AttributeValue::N(due.as_millisecond().to_string()));
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let Err(error) = put.condition_expression("attribute_not_exists(pk)").send().await else { return Ok(()) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
            _ => Err(Error::aws(error)),
        }
    }

    pub async fn job(&self, tenant: &TenantId, id: JobId) -> Result<Option<Job>> {
        Ok(self.job_as_stored(tenant, id).await?.map(|(job, _)| job))
    }

    pub(super) async fn job_as_stored(&self, tenant: &TenantId, id: JobId) -> Result<Option<(Job, Kept)>> {
        let partition = job_key(tenant, id);
        let Some(mut item) = self.get_any(partition.clone(), "-".to_owned()).await? else { return Ok(None) };
        let unreadable = || Error::Corrupt("a batch".to_owned());
        let mut packed = bytes(&mut item);
        let ttl = item.get("ttl").cloned().ok_or_else(unreadable)?;
        let of: usize = item.get("of").and_then(|of| of.as_n().ok()?.parse().ok()).ok_or_else(unreadable)?;
        let row: Row = serde_dynamo::from_item(item)?;
        for place in 0..row.more {
            let piece = self.get_any(partition.clone(), piece_key(place)).await?;
            packed.append(&mut bytes(&mut piece.ok_or_else(unreadable)?));
        }
        let text = miniz_oxide::inflate::decompress_to_vec_with_limit(&packed, INFLATED).map_err(|_| unreadable())?;
        let text = String::from_utf8(text).map_err(|_| unreadable())?;
        let (ids, body) = text.split_at_checked(of * HEX).ok_or_else(unreadable)?;
        let id_at = |place: usize| hex::decode(&ids[place * HEX..(place + 1) * HEX]).map(ConversationId::new);
        let kept = Kept { more: row.more, cleared: row.cleared, ttl };
        let job = Job {
            id,
            line: Line { tenant: tenant.clone(), number: row.number },
            generation: row.generation,
            at: row.at,
            conversations: (0..of).map(id_at).collect(),
            body: body.to_owned(),
            done: row.done,
        };
        Ok(Some((job, kept)))
    }

    /// Notes how far a batch has come, and when it is to be looked after; none: it is finished. False: it has come
    /// elsewhere by another's hand.
    pub async fn note_job(&self, job: &Job, done: usize, due: Option<Timestamp>) -> Result<bool> {
        let due_at = due.map(|due| AttributeValue::N(due.as_millisecond().to_string()));
        let rest = if due.is_some() { ", due_at = :due_at" } else { " REMOVE due, due_at" };
        let mut values = Item::from([
            (":done".to_owned(), AttributeValue::N(done.to_string())),
            (":before".to_owned(), AttributeValue::N(job.done.to_string())),
        ]);
        values.extend(due_at.map(|at| (":due_at".to_owned(), at)));
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(text_key(job_key(&job.line.tenant, job.id), "-".to_owned())))
            .update_expression(format!("SET done = :done{rest}"))
            .condition_expression("done = :before")
            .set_expression_attribute_values(Some(values));
        update::send(&self.client, update.build().map_err(Error::aws)?).await
    }
}

/// What is in its item, and what does not fit in it.
pub(super) fn packed(job: &Job) -> (AttributeValue, Vec<AttributeValue>) {
    let text = job.conversations.iter().map(|id| id.map_or_else(|| "-".repeat(HEX), |id| id.hex()));
    let text = text.collect::<String>() + &job.body;
    let packed = miniz_oxide::deflate::compress_to_vec(text.as_bytes(), 6);
    let mut pieces = packed.chunks(IN_ONE_ITEM).map(|piece| AttributeValue::B(Blob::new(piece)));
    let first = pieces.next().unwrap_or_else(|| AttributeValue::B(Blob::new([])));
    (first, pieces.collect())
}

pub(super) fn piece_key(place: usize) -> String {
    format!("#c{place}")
}

pub(super) fn job_key(tenant: &TenantId, id: JobId) -> String {
    format!("{tenant}#j#{id}")
}

fn bytes(item: &mut Item) -> Vec<u8> {
    match item.remove("raw") {
        Some(AttributeValue::B(bytes)) => bytes.into_inner(),
        _ => Vec::new(),
    }
}
