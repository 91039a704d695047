//! One message to many is taken as one job: who it is for is found out now, and the messages are made by and by.

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::{Accept, JOB_PATIENCE, may_send, parcel};
use crate::{
    Error, Result,
    aws::messages::{Job, Seen},
    domain::{
        conversation::{Alias, ConversationId, Head, JobId, Line, MessageId},
        meta_id::PhoneNumberId,
        outgoing::{Addressee, Batch, without},
        sending::Order,
        tenant::TenantId,
        violation::Violation,
    },
};

/// What became of one recipient.
pub type Accepted = Result<MessageId, Refused>;

/// Why one recipient gets nothing. The others do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    Invalid(Vec<Violation>),
    WindowClosed,
}

/// People who are met for the first time, at a time.
const AT_ONCE: usize = 16;

impl Accept {
    /// Takes a batch under an id that no other has. `body` is what it was read from.
    pub async fn take_batch(
        &self,
        tenant: &TenantId,
        number: PhoneNumberId,
        batch: &Batch,
        body: &str,
        (id, at): (JobId, Timestamp),
    ) -> Result<Vec<Accepted>> {
        let account = self.accounts.own(tenant, &number).await?;
        may_send(&account)?;
        let line = Line { tenant: tenant.clone(), number };
        let template = self.template(&account, &batch.message, &mut Seen::default()).await?;
        let people = self.meet(&line, batch, at).await?;
        let of = |addressee: &Addressee| people.get(addressee.recipient.names().aliases().first()?);
        let judged = batch.recipients.iter().zip(0_u16..).map(|(recipient, index)| {
            let addressee = recipient.as_ref().map_err(|violations| Refused::Invalid(violations.clone()))?;
            let misfits = template.as_ref().map(|template| batch.misfits(template, addressee)).unwrap_or_default();
            if !misfits.is_empty() {
                return Err(Refused::Invalid(misfits));
            }
            let (conversation, head) = of(addressee).ok_or_else(|| Refused::Invalid(nobody()))?;
            if batch.message.is_free_form() && !batch.options.force && !head.is_open(at) {
                return Err(Refused::WindowClosed);
            }
            Ok(MessageId::of_job(*conversation, at, id, index))
        });
        let accepted: Vec<Accepted> = judged.collect();
        // Whoever gets nothing is not kept: what is kept of somebody is found by their conversation.
        let refused: Vec<usize> = (0..accepted.len()).filter(|place| accepted[*place].is_err()).collect();
        let body = if refused.is_empty() { Some(body.to_owned()) } else { without(body, &refused) };
        let conversation = |accepted: &Accepted| accepted.as_ref().ok().map(|id| id.conversation);
        let job = Job {
            id,
            line,
            generation: account.hidden.generation,
            at,
            conversations: accepted.iter().map(conversation).collect(),
            body: body.ok_or_else(|| Error::Corrupt("a batch".to_owned()))?,
            done: 0,
        };
        if accepted.iter().any(Result::is_ok) {
            let order = Order::Job { tenant: tenant.clone(), number: job.line.number.clone(), job: id.to_string() };
            self.outbound.send(vec![parcel(&order, &self.random)]).await?;
            let due = self.clock.now() + JOB_PATIENCE;
            self.messages
                .edit_gate(&job.line, self.messages.gate(&job.line).await?, |gate| gate.is_due(due, at))
                .await?;
            self.messages.put_job(&job, due).await?;
        }
        Ok(accepted)
    }

    /// The conversation with each of them. Whoever is unknown is known from now on.
    async fn meet(&self, line: &Line, batch: &Batch, now: Timestamp) -> Result<HashMap<Alias, (ConversationId, Head)>> {
        let mut wanted = HashMap::new();
        for addressee in batch.recipients.iter().flatten() {
            if let Some(alias) = addressee.recipient.names().aliases().into_iter().next() {
                wanted.entry(alias).or_insert_with(|| addressee.recipient.clone());
            }
        }
        let aliases: Vec<Alias> = wanted.keys().cloned().collect();
        let seen = self.look(line, &aliases, None).await?;
        let meeting = wanted.into_iter().map(|(alias, recipient)| {
            let known = known(&seen, line, &alias);
            async move {
                let mut seen = known;
                let found = self.whom(line, &alias, &recipient, &mut seen, now).await?;
                Ok::<_, Error>((alias, found))
            }
        });
        stream::iter(meeting).buffer_unordered(AT_ONCE).try_collect().await
    }
}

/// What is known of one name among many.
fn known(seen: &Seen, line: &Line, alias: &Alias) -> Seen {
    let mut known = Seen::default();
    for spelling in alias.spellings() {
        let name = (line.clone(), spelling);
        let Some(leads) = seen.aliases.get(&name).copied() else { continue };
        known.aliases.insert(name, leads);
        let mut next = leads.now;
        while let Some(id) = next {
            let head = seen.heads.get(&(line.clone(), id)).cloned().flatten();
            next = head.as_ref().and_then(|head| head.merged_into);
            known.heads.insert((line.clone(), id), head);
        }
    }
    known
}

fn nobody() -> Vec<Violation> {
    vec![Violation { pointer: "/to".to_owned(), detail: "names nobody".to_owned() }]
}
