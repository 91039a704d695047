//! The table of what must not happen twice. Here: answers kept under an `Idempotency-Key`.

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::{
        delete_item::DeleteItemError,
        put_item::PutItemError,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    batch_write, of_tenant,
    transaction::{Item, Position},
};
use crate::{
    Error, Result,
    domain::{credential::CredentialId, hex, idempotency::Repetition, keyring::Code, tenant::TenantId},
};

/// How long an answer is kept.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24 * 7);
/// How long a claim holds: longer than any function works on a request, so a claim past it belongs to nobody.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

#[derive(Debug, Clone)]
pub struct Receipts {
    client: Client,
    table: String,
}

/// An answer worth giving again. Never one that holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub status: u16,
    pub content_type: Option<String>,
    pub body: String,
}

/// What a claim found.
#[derive(Debug)]
pub enum Claim {
    /// Go on, and make what you make under this id: whoever claimed before and died may have made it already.
    Mine(Held),
    Answered(Answer),
}

/// The id of a thing that is made once.
#[derive(Debug, PartialEq, Eq)]
pub enum Fixed {
    /// This request makes it.
    Now,
    /// An earlier one made it, or is at it, or died on the way.
    Before { id: String, is_in_flight: bool },
}

/// A claim one holds: the slot, and the attempt that proves it.
#[derive(Debug)]
pub struct Held {
    slot: String,
    attempt: String,
    pub id: String,
    /// Somebody began before and died: what the id names may exist already.
    pub is_resumed: bool,
}

/// The stored form: renaming a field here is a migration.
#[derive(Serialize, Deserialize)]
struct Row {
    pk: String,
    sk: String,
    kid: String,
    code: String,
    id: String,
    #[serde(default)]
    attempt: String,
    state: State,
    #[serde(default)]
    lease_until: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    expires_at: i64,
    ttl: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    InFlight,
    Answered,
    /// The answer held a secret: only the id is known.
    Secret,
}

impl Receipts {
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Claims a slot, or says what stands in it. `fresh` is the id to use where no earlier claim has fixed one, and
    /// `attempt` is random: it tells our own write, answered late, from somebody else's.
    pub async fn claim(&self, repetition: &Repetition, fresh: &str, attempt: &str, now: Timestamp) -> Result<Claim> {
        let row = Row { attempt: attempt.to_owned(), ..Row::new(repetition, fresh, State::InFlight, now) };
        let Some(found) = self.put_claim(&row, None, now).await? else { return Ok(Claim::Mine(Held::first(&row))) };
        match found.verdict(repetition, now)? {
            Verdict::Answered(answer) => Ok(Claim::Answered(answer)),
            Verdict::InFlight | Verdict::Abandoned if found.attempt == attempt => {
                Ok(Claim::Mine(Held::resumed(&found)))
            }
            Verdict::InFlight => Err(Error::IdempotencyInFlight),
            Verdict::Abandoned => {
                let row = Row { id: found.id.clone(), ..row };
                match self.put_claim(&row, Some(&found.attempt), now).await? {
                    None => Ok(Claim::Mine(Held::resumed(&row))),
                    Some(other) if other.attempt == attempt => Ok(Claim::Mine(Held::resumed(&row))),
                    Some(_) => Err(Error::IdempotencyInFlight),
                }
            }
        }
    }

    /// Fixes the id of a thing that is made once for a repetition, and never written to again: what the id names is the
    /// answer. Whoever comes with the same request gets the same id, and looks whether the thing is there.
    pub async fn fix(&self, repetition: &Repetition, fresh: &str, now: Timestamp) -> Result<Fixed> {
        let row = Row::new(repetition, fresh, State::InFlight, now);
        match self.put_claim(&row, None, now).await? {
            None => Ok(Fixed::Now),
            // Our own write, answered late.
            Some(found) if found.id == fresh => Ok(Fixed::Now),
            Some(found) => found.fixed(repetition, now),
        }
    }

    /// What was fixed before, where something was.
    pub async fn fixed(&self, repetition: &Repetition, now: Timestamp) -> Result<Option<Fixed>> {
        let row = self.find(repetition, now).await?;
        row.map(|row| row.fixed(repetition, now)).transpose()
    }

    /// What was to be made under a fixed id has failed: whoever asks again need not wait.
    pub async fn let_go(&self, repetition: &Repetition) -> Result<()> {
        let slot = repetition.slot.clone();
        self.abandon(&Held { slot, attempt: String::new(), id: String::new(), is_resumed: false }).await
    }

    /// Keeps the answer of a claim one still holds. One that was taken over meanwhile is left to its new holder.
    pub async fn keep(&self, held: &Held, answer: &Answer) -> Result<()> {
        let text = serde_json::to_string(answer).map_err(|error| Error::Corrupt(error.to_string()))?;
        let sent = self
            .update_held(held)
            .update_expression("SET #state = :answered, answer = :answer")
            .expression_attribute_values(":answered", AttributeValue::S("answered".to_owned()))
            .expression_attribute_values(":answer", AttributeValue::S(text))
            .send()
            .await;
        unless_taken_over(sent, UpdateItemError::is_conditional_check_failed_exception)
    }

    /// Lets go of a claim whose work may have had its effect: the next request goes on with the same id.
    pub async fn abandon(&self, held: &Held) -> Result<()> {
        let sent = self
            .update_held(held)
            .update_expression("SET lease_until = :none")
            .expression_attribute_values(":none", AttributeValue::N("0".to_owned()))
            .send()
            .await;
        unless_taken_over(sent, UpdateItemError::is_conditional_check_failed_exception)
    }

    /// Gives a claim back: the request was refused, so nothing is kept and it may be tried again.
    pub async fn release(&self, held: &Held) -> Result<()> {
        let sent = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key(&held.slot)))
            .condition_expression(HELD)
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":attempt", AttributeValue::S(held.attempt.clone()))
            .expression_attribute_values(":in_flight", AttributeValue::S("in_flight".to_owned()))
            .send()
            .await;
        unless_taken_over(sent, DeleteItemError::is_conditional_check_failed_exception)
    }

    /// Takes away some of a tenant's. Says how many, and where to go on.
    pub async fn forget_tenant(&self, tenant: &TenantId, after: Option<Position>) -> Result<(u64, Option<Position>)> {
        let (items, next) = of_tenant::page(&self.client, &self.table, tenant, after).await?;
        batch_write::delete(&self.client, &self.table, &items).await?;
        Ok((u64::try_from(items.len()).unwrap_or_default(), next))
    }

    fn update_held(&self, held: &Held) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&held.slot)))
            .condition_expression(HELD)
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":attempt", AttributeValue::S(held.attempt.clone()))
            .expression_attribute_values(":in_flight", AttributeValue::S("in_flight".to_owned()))
    }

    /// Part of a transaction: notes that this request made the credential `id`, whose secret was shown once.
    pub fn noting_secret(
        &self,
        repetition: &Repetition,
        id: &CredentialId,
        now: Timestamp,
    ) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(serde_dynamo::to_item(Row::new(repetition, id.as_str(), State::Secret, now))?))
            .condition_expression(FREE)
            .expression_attribute_values(":now", AttributeValue::N(now.as_millisecond().to_string()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(Error::aws)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// What to answer a request that would be refused now, but may have succeeded before.
    pub async fn earlier(&self, repetition: &Repetition, now: Timestamp) -> Result<Option<Error>> {
        let row = self.find(repetition, now).await?;
        Ok(row.and_then(|row| row.verdict(repetition, now).err()))
    }

    async fn find(&self, repetition: &Repetition, now: Timestamp) -> Result<Option<Row>> {
        let found = self.client.get_item().table_name(&self.table).set_key(Some(key(&repetition.slot)));
        let found = found.consistent_read(true).send().await.map_err(Error::aws)?.item;
        let row: Option<Row> = found.map(serde_dynamo::from_item).transpose()?;
        Ok(row.filter(|row| now.as_millisecond() < row.expires_at))
    }

    /// What to answer a request whose note was refused because `found` stood there.
    pub fn refusal(found: Item, repetition: &Repetition, now: Timestamp) -> Error {
        match serde_dynamo::from_item::<_, Row>(found) {
            Err(error) => error.into(),
            Ok(row) => match row.verdict(repetition, now) {
                Err(error) => error,
                Ok(_) => Error::Corrupt("a receipt of another kind".to_owned()),
            },
        }
    }

    /// Puts a claim where the slot is free, or is held by the attempt named. Otherwise: what stands there.
    async fn put_claim(&self, row: &Row, over: Option<&str>, now: Timestamp) -> Result<Option<Row>> {
        let mut put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(serde_dynamo::to_item(row)?))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        put = match over {
            None => put
                .condition_expression(FREE)
                .expression_attribute_values(":now", AttributeValue::N(now.as_millisecond().to_string())),
            Some(attempt) => put
                .condition_expression("attempt = :over AND #state = :in_flight")
                .expression_attribute_names("#state", "state")
                .expression_attribute_values(":over", AttributeValue::S(attempt.to_owned()))
                .expression_attribute_values(":in_flight", AttributeValue::S("in_flight".to_owned())),
        };
        let Err(error) = put.send().await else { return Ok(None) };
        match error.as_service_error() {
            // Refused, and gone a moment later: somebody was working on it and gave it back.
            Some(PutItemError::ConditionalCheckFailedException(refused)) => match refused.item().cloned() {
                Some(item) => Ok(Some(serde_dynamo::from_item(item)?)),
                None => Err(Error::IdempotencyInFlight),
            },
            _ => Err(Error::aws(error)),
        }
    }
}

/// A claim is ours while no later attempt has taken it over.
const HELD: &str = "attempt = :attempt AND #state = :in_flight";

/// A slot is free when nothing stands in it, or only what TTL has yet to remove.
const FREE: &str = "attribute_not_exists(pk) OR expires_at <= :now";

/// A claim that somebody took over is theirs to end.
fn unless_taken_over<T, E, R>(sent: Result<T, SdkError<E, R>>, is_refusal: impl Fn(&E) -> bool) -> Result<()>
where
    SdkError<E, R>: std::error::Error + Send + Sync + 'static,
{
    match sent {
        Err(error) if !error.as_service_error().is_some_and(is_refusal) => Err(Error::aws(error)),
        _ => Ok(()),
    }
}

enum Verdict {
    Answered(Answer),
    InFlight,
    Abandoned,
}

impl Row {
    fn new(repetition: &Repetition, id: &str, state: State, now: Timestamp) -> Self {
        let expires_at = now + KEPT_FOR;
        let code = repetition.code();
        Self {
            pk: repetition.slot.clone(),
            sk: "-".to_owned(),
            kid: hex::encode(&code.kid),
            code: hex::encode(&code.code),
            id: id.to_owned(),
            attempt: String::new(),
            state,
            lease_until: (now + LEASE).as_millisecond(),
            answer: None,
            expires_at: expires_at.as_millisecond(),
            // TTL is in seconds and only cleans up.
            ttl: expires_at.as_second() + 3600,
        }
    }

    fn read_code(&self) -> Result<Code> {
        let unreadable = || Error::Corrupt("a receipt's code".to_owned());
        Ok(Code {
            kid: hex::decode(&self.kid).ok_or_else(unreadable)?,
            code: hex::decode(&self.code).ok_or_else(unreadable)?,
        })
    }

    fn fixed(self, repetition: &Repetition, now: Timestamp) -> Result<Fixed> {
        if !repetition.had(&self.read_code()?) {
            return Err(Error::IdempotencyMismatch);
        }
        Ok(Fixed::Before { is_in_flight: now.as_millisecond() < self.lease_until, id: self.id })
    }

    /// What a repeated request is told of this record.
    fn verdict(&self, repetition: &Repetition, now: Timestamp) -> Result<Verdict> {
        if !repetition.had(&self.read_code()?) {
            return Err(Error::IdempotencyMismatch);
        }
        match self.state {
            State::Secret => Err(match CredentialId::try_from(self.id.clone()) {
                Ok(id) => Error::SecretNotRepeated { id },
                Err(error) => Error::Corrupt(error.to_string()),
            }),
            State::InFlight if now.as_millisecond() < self.lease_until => Ok(Verdict::InFlight),
            State::InFlight => Ok(Verdict::Abandoned),
            State::Answered => {
                let text = self.answer.as_deref().unwrap_or_default();
                serde_json::from_str(text).map(Verdict::Answered).map_err(|error| Error::Corrupt(error.to_string()))
            }
        }
    }
}

impl Held {
    fn first(row: &Row) -> Self {
        Self { slot: row.pk.clone(), attempt: row.attempt.clone(), id: row.id.clone(), is_resumed: false }
    }

    fn resumed(row: &Row) -> Self {
        Self { is_resumed: true, ..Self::first(row) }
    }
}

fn key(slot: &str) -> Item {
    Item::from([
        ("pk".to_owned(), AttributeValue::S(slot.to_owned())),
        ("sk".to_owned(), AttributeValue::S("-".to_owned())),
    ])
}
