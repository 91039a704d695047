//! `POST …/messages/batch`: one message to many, each of them answered for by its place.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::Context;
use crate::{
    Error, Result,
    domain::{
        conversation::{JobId, MessageId},
        meta_id::PhoneNumberId,
        outgoing::Batch,
        tenant::TenantId,
    },
    flow::accept::{Accepted, Refused, Via},
    http::{
        body::Body,
        caller::Caller,
        idempotency::{Once, answer_once},
        path::Id,
        problem::Fault,
    },
};

/// A thousand recipients with what is said to each alone.
const LIMIT: usize = 1024 * 1024;

/// What became of each recipient, in the order of the request.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BatchBody {
    data: Vec<Place>,
}

/// One recipient: the message that is on its way, or why there is none.
#[derive(Debug, Serialize, JsonSchema)]
struct Place {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<PlaceError>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct PlaceError {
    /// Stable: programs may branch on it.
    code: &'static str,
    remedy: &'static str,
    /// Pointers begin at the recipient.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
}

pub(super) async fn send(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    once: Once,
    body: Result<Body<Value, LIMIT>>,
) -> Result<Response> {
    let number: PhoneNumberId = id.parse().map_err(|_| Error::NotFound { thing: "account" })?;
    let tenant = caller.of_tenant()?;
    let read = body.and_then(|body| Ok((Batch::read(body.value).map_err(Error::Unprocessable)?, body.bytes)));
    let (batch, bytes) = match read {
        Ok(read) => read,
        // Another tenant's account is not there, whatever is wrong with the request besides.
        Err(wrong) => return context.accept.must_exist(tenant, &Via::Account(number)).await.and(Err(wrong)),
    };
    let text =
        std::str::from_utf8(&bytes).map_err(|_| Error::MalformedJson { detail: "it is not UTF-8".to_owned() })?;
    let now = context.edge.clock.now();
    let fresh = Job { id: JobId::new(context.edge.random.bytes()), at: now }.to_string();
    let work = async |job: &str| context.take(tenant, number.clone(), &batch, text, job).await;
    let repetition = once.repetition(&caller, &bytes, &context.secret).await?;
    answer_once(&context.receipts, repetition.as_ref(), &context.edge.random, &fresh, now, work).await
}

impl Context {
    async fn take(
        &self,
        tenant: &TenantId,
        number: PhoneNumberId,
        batch: &Batch,
        body: &str,
        job: &str,
    ) -> Result<Response> {
        let Job { id, at } = job.parse()?;
        let accepted = self.accept.take_batch(tenant, number, batch, body, (id, at)).await?;
        let data = accepted.into_iter().enumerate().map(place).collect();
        Ok((StatusCode::ACCEPTED, Json(BatchBody { data })).into_response())
    }
}

/// A batch's id and time, as a receipt keeps them: from both the ids of its messages are made.
struct Job {
    id: JobId,
    at: Timestamp,
}

impl std::fmt::Display for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.id, self.at.as_millisecond())
    }
}

impl std::str::FromStr for Job {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let read = || {
            let (id, at) = text.split_once('.')?;
            Some(Self { id: id.parse().ok()?, at: Timestamp::from_millisecond(at.parse().ok()?).ok()? })
        };
        read().ok_or_else(|| Error::Corrupt("a receipt's id".to_owned()))
    }
}

fn place((index, accepted): (usize, Accepted)) -> Place {
    let (id, error) = match accepted {
        Ok(id) => (Some(id), None),
        Err(refused) => (None, Some(error(refused))),
    };
    Place { index, id, status: id.map(|_| "accepted"), error }
}

fn error(refused: Refused) -> PlaceError {
    let (error, violations) = match refused {
        Refused::WindowClosed => (Error::WindowClosed, Vec::new()),
        Refused::Invalid(violations) => (Error::Unprocessable(Vec::new()), violations),
    };
    let (code, remedy) = error.told();
    let fault = |violation: crate::domain::violation::Violation| Fault {
        pointer: Some(violation.pointer),
        parameter: None,
        detail: violation.detail,
    };
    PlaceError { code, remedy, errors: violations.into_iter().map(fault).collect() }
}
