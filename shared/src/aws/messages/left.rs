//! What of a person lies among other things of a number: in batches, in statuses that wait, in events of its WABA.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem, Update};
use jiff::Timestamp;

use super::{
    Messages,
    forgetting::keys_of,
    gates::DueThing,
    jobs::{self, job_key},
    lists::text,
    number_key,
    statuses::OF,
    text_key,
};
use crate::{
    Error, Result,
    aws::transaction::{Item, Outcome, Transactions},
    domain::{
        conversation::{ConversationId, JobId, Line},
        message::Fact,
        meta_id::{PhoneNumberId, WabaId},
        outgoing::without,
        tenant::TenantId,
    },
};

/// Keys that are read at a time.
const PAGE: i32 = 5_000;
/// How often a batch is met while another person is taken out of it.
const TRIES: usize = 8;
/// What a raw object may inflate to: more than Meta sends in one delivery.
const INFLATED: usize = 8 * 1024 * 1024;

/// An event of a WABA, as one looks for somebody in it.
#[derive(Debug)]
pub struct Left {
    pub number: Option<PhoneNumberId>,
    pub received_at: Option<Timestamp>,
    /// Meta's object; none where it cannot be read.
    pub raw: Option<String>,
    key: (String, String),
}

impl Messages {
    /// The batches of a number that are not all made into messages.
    pub async fn open_jobs(&self, line: &Line) -> Result<Vec<JobId>> {
        let (mut jobs, mut after) = (Vec::new(), None);
        loop {
            let page = self.due_of(line, false, None, PAGE, after).await?;
            jobs.extend(page.things.into_iter().filter_map(|(thing, _)| match thing {
                DueThing::Job(id) => id.parse::<JobId>().ok(),
                DueThing::Message(_) => None,
            }));
            after = page.next;
            if after.is_none() {
                return Ok(jobs);
            }
        }
    }

    /// Takes whoever these conversations are with out of a batch: who was written to by it already, or is to be.
    pub async fn clear_job(&self, tenant: &TenantId, id: JobId, of: &[ConversationId]) -> Result<()> {
        for _ in 0..TRIES {
            let Some((mut job, stored)) = self.job_as_stored(tenant, id).await? else { return Ok(()) };
            let is_theirs = |conversation: &Option<ConversationId>| conversation.is_some_and(|id| of.contains(&id));
            let places: Vec<usize> =
                (0..job.conversations.len()).filter(|place| is_theirs(&job.conversations[*place])).collect();
            if places.is_empty() {
                return Ok(());
            }
            job.body = without(&job.body, &places).ok_or_else(|| Error::Corrupt("a batch".to_owned()))?;
            for place in places {
                job.conversations[place] = None;
            }
            let (first, rest) = jobs::packed(&job);
            if self.replace_job(tenant, id, &stored, first, rest).await? {
                return Ok(());
            }
        }
        Err(Error::aws("a batch was changed by others without end"))
    }

    /// All its pieces at once, for one who reads it reads them one by one.
    async fn replace_job(
        &self,
        tenant: &TenantId,
        id: JobId,
        stored: &jobs::Kept,
        first: AttributeValue,
        rest: Vec<AttributeValue>,
    ) -> Result<bool> {
        let key = |sort_key: String| text_key(job_key(tenant, id), sort_key);
        let number = |count: usize| AttributeValue::N(count.to_string());
        let update = Update::builder()
            .table_name(&self.table)
            .set_key(Some(key("-".to_owned())))
            .update_expression("SET #raw = :raw, more = :more, cleared = :after")
            .condition_expression(if stored.cleared == 0 {
                "attribute_exists(pk) AND attribute_not_exists(cleared)"
            } else {
                "cleared = :before"
            })
            .expression_attribute_names("#raw", "raw")
            .expression_attribute_values(":raw", first)
            .expression_attribute_values(":more", number(rest.len()))
            .expression_attribute_values(":after", number(stored.cleared + 1));
        let update = if stored.cleared == 0 {
            update
        } else {
            update.expression_attribute_values(":before", number(stored.cleared))
        };
        let update = update.build().map_err(Error::aws)?;
        let mut writes = vec![TransactWriteItem::builder().update(update).build()];
        for place in rest.len()..stored.more {
            let delete = Delete::builder().table_name(&self.table).set_key(Some(key(jobs::piece_key(place)))).build();
            writes.push(TransactWriteItem::builder().delete(delete.map_err(Error::aws)?).build());
        }
        for (place, piece) in rest.into_iter().enumerate() {
            let mut item: Item = key(jobs::piece_key(place));
            item.extend([("raw".to_owned(), piece), ("ttl".to_owned(), stored.ttl.clone())]);
            let put = Put::builder().table_name(&self.table).set_item(Some(item)).build();
            writes.push(TransactWriteItem::builder().put(put.map_err(Error::aws)?).build());
        }
        Ok(matches!(Transactions::new(self.client.clone()).commit(writes).await?, Outcome::Committed))
    }

    /// Takes away the statuses that wait for a message, and are of somebody: of some of all, and behind which to go on.
    pub async fn forget_waiting(
        &self,
        line: &Line,
        is_theirs: impl Fn(&Fact, &[String]) -> bool,
        after: Option<&str>,
    ) -> Result<Option<String>> {
        let (mut waiting, next) = self.behind(number_key(line, 's'), after).await?;
        waiting.retain(|item| {
            let of = item.get(OF).and_then(|of| of.as_ss().ok()).map_or(&[][..], Vec::as_slice);
            serde_dynamo::from_item::<_, Fact>(item.clone()).is_ok_and(|fact| is_theirs(&fact, of))
        });
        self.forget_items(keys_of(&waiting)).await?;
        Ok(next)
    }

    /// Some of the events of a WABA, oldest first, and behind what to go on.
    pub async fn kept(
        &self,
        tenant: &TenantId,
        waba: &WabaId,
        after: Option<&str>,
    ) -> Result<(Vec<Left>, Option<String>)> {
        let (events, next) = self.behind(format!("{tenant}#e#{waba}"), after).await?;
        Ok((events.iter().filter_map(Left::read).collect(), next))
    }

    pub async fn forget_kept(&self, theirs: Vec<Left>) -> Result<()> {
        self.forget_items(theirs.into_iter().map(|left| left.key).collect()).await
    }
}

impl Left {
    fn read(item: &Item) -> Option<Self> {
        let raw = item.get("raw").and_then(|raw| raw.as_b().ok());
        let raw = raw.and_then(|raw| miniz_oxide::inflate::decompress_to_vec_with_limit(raw.as_ref(), INFLATED).ok());
        Some(Self {
            number: text(item, "number").and_then(|number| number.parse().ok()),
            received_at: text(item, "received_at").and_then(|at| at.parse().ok()),
            raw: raw.and_then(|raw| String::from_utf8(raw).ok()),
            key: (text(item, "pk")?.to_owned(), text(item, "sk")?.to_owned()),
        })
    }
}
