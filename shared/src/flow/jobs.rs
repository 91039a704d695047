//! Messages of a batch that is not made into messages yet: they are there all the same, as they will be made.

use serde_json::Value;

use super::accept::outbound;
use crate::{
    Error, Result,
    aws::messages::{Job, Messages},
    domain::{conversation::MessageId, message::Stored, outgoing::Batch, sending::Sending, tenant::TenantId},
};

/// A message, wherever it is.
pub async fn find(messages: &Messages, tenant: &TenantId, id: &MessageId) -> Result<Option<Stored>> {
    if let Some(found) = messages.find(tenant, id).await? {
        return Ok(Some(found));
    }
    let Some((job, index)) = id.job() else { return Ok(None) };
    let Some(job) = messages.job(tenant, job).await? else { return Ok(None) };
    let batch = read(&job)?;
    let made = message(&job, &batch, usize::from(index));
    Ok(made.filter(|message| message.id == *id))
}

pub(super) fn read(job: &Job) -> Result<Batch> {
    let unreadable = || Error::Corrupt("a batch of ours".to_owned());
    let body: Value = serde_json::from_str(&job.body).map_err(|_| unreadable())?;
    Batch::read(body).map_err(|_| unreadable())
}

/// The message at a place of a batch. None: nobody is written to from there.
pub(super) fn message(job: &Job, batch: &Batch, index: usize) -> Option<Stored> {
    let conversation = (*job.conversations.get(index)?)?;
    let addressee = batch.recipients.get(index)?.as_ref().ok()?;
    let message = batch.message.addressed(addressee);
    let id = MessageId::of_job(conversation, job.at, job.id, u16::try_from(index).ok()?);
    let sending = Sending {
        callback_data: message.callback_data,
        asked: None,
        ..Sending::new(addressee.recipient.clone(), job.at + batch.options.expires_in, batch.options.on_unknown)
    };
    let raw = Value::Object(message.body).to_string();
    Some(Stored { sending: Some(sending), ..outbound(&job.line, job.generation, id, raw, job.at) })
}
