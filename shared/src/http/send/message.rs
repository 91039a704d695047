//! `POST …/messages`: one message. Who asked for it is kept with the message, so the call has no audit entry beside it.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::Context;
use crate::{
    Error, Result,
    aws::{messages::Met, receipts::Fixed},
    domain::{
        conversation::{Head, MessageId},
        idempotency::Repetition,
        message::Stored,
        outgoing::{Options, Outgoing},
        sending::Asked,
        tenant::TenantId,
    },
    flow::{
        accept::{Ready, Via},
        jobs,
    },
    http::{
        body::Body,
        caller::Caller,
        idempotency::{Once, replayed},
        path::Id,
    },
    shown::conversation::MessageBody,
};

/// Meta's own body for a message (`messaging_product` may be left out), and how Patchbay is to send it. What it may be
/// is Meta's to say: see "Messages" in Meta's documentation of the Cloud API.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "described here, read by `domain::outgoing`")]
pub struct NewMessage {
    /// A phone number with its country's code; not where the conversation says it.
    to: Option<String>,
    /// A business-scoped user id.
    recipient: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    /// Given back with the message, and not to Meta.
    #[schemars(length(max = 512))]
    biz_opaque_callback_data: Option<String>,
    /// What becomes of it where nobody can say whether Meta took it: `unconfirmed` (it is not sent again), `resend` (it
    /// may arrive twice).
    on_unknown: Option<crate::domain::outgoing::OnUnknown>,
    /// After so many seconds it is not tried any more.
    #[schemars(range(min = 1, max = 604_800), extend("default" = 86_400))]
    expires_in: Option<u32>,
    /// Lets free-form content out of the 24 hours' window too: Meta is to decide.
    force: Option<bool>,
    /// The object under its type, and all else that Meta takes.
    #[serde(flatten)]
    meta: Map<String, Value>,
}

/// One message to many.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "described here, read by `domain::outgoing`")]
pub struct BatchMessage {
    message: NewMessage,
    #[schemars(length(min = 1, max = 1000))]
    recipients: Vec<BatchRecipient>,
}

#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "described here, read by `domain::outgoing`")]
struct BatchRecipient {
    to: Option<String>,
    recipient: Option<String>,
    /// Of a template: a list fills its body by order, an object by name; `{"components": […]}` gives all of Meta's
    /// components.
    parameters: Option<Value>,
}

pub(super) async fn by_account(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    once: Once,
    body: Result<Body<Value>>,
) -> Result<Response> {
    let number = id.parse().map_err(|_| Error::NotFound { thing: "account" })?;
    context.send(&caller, Via::Account(number), once, body).await
}

pub(super) async fn by_default(
    State(context): State<Arc<Context>>,
    caller: Caller,
    once: Once,
    body: Result<Body<Value>>,
) -> Result<Response> {
    context.send(&caller, Via::Default, once, body).await
}

pub(super) async fn in_conversation(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    once: Once,
    body: Result<Body<Value>>,
) -> Result<Response> {
    let id = id.parse().map_err(|_| Error::NotFound { thing: "conversation" })?;
    context.send(&caller, Via::Conversation(id), once, body).await
}

/// A request that may have come before.
struct Request<'a> {
    tenant: &'a TenantId,
    repetition: Option<Repetition>,
}

impl Context {
    async fn send(&self, caller: &Caller, via: Via, once: Once, body: Result<Body<Value>>) -> Result<Response> {
        let tenant = caller.of_tenant()?;
        let (message, options, bytes) = match read(body) {
            Ok(read) => read,
            // Another tenant's account is not there, whatever is wrong with the request besides.
            Err(wrong) => return self.accept.must_exist(tenant, &via).await.and(Err(wrong)),
        };
        let request = Request { tenant, repetition: once.repetition(caller, &bytes, &self.secret).await? };
        let ready = match self.accept.prepare(tenant, via, &message, options).await {
            Ok(ready) => ready,
            // It may have been taken when it still could be.
            Err(refused) => return self.earlier(&request, refused).await,
        };
        let id = match self.fixed(&request, self.accept.fresh_id(&ready)).await? {
            Turn::Mine(id) => id,
            Turn::Before(answer) => return Ok(answer),
        };
        let asked = Asked { who: caller.credential.id.clone(), request_id: caller.call.request_id.clone() };
        match self.accept.take(&ready, id, message, options, asked).await {
            Ok(taken) => {
                caller.call.audited();
                Ok(answer(&taken, &ready))
            }
            Err(error) => {
                // Whoever asks again goes on, and does not wait for what has failed.
                if let Some(repetition) = &request.repetition {
                    self.receipts
                        .let_go(repetition)
                        .await
                        .unwrap_or_else(|lost| tracing::warn!(error = %lost.chain(), "an id was not let go"));
                }
                Err(error)
            }
        }
    }

    /// Under which id, where a key was sent: always the same.
    async fn fixed(&self, request: &Request<'_>, fresh: MessageId) -> Result<Turn> {
        let Some(repetition) = &request.repetition else { return Ok(Turn::Mine(fresh)) };
        let now = self.edge.clock.now();
        match self.receipts.fix(repetition, &fresh.to_string(), now).await? {
            Fixed::Now => Ok(Turn::Mine(fresh)),
            Fixed::Before { id, is_in_flight } => match (self.taken(request.tenant, &id).await?, is_in_flight) {
                (Some(answer), _) => Ok(Turn::Before(answer)),
                (None, true) => Err(Error::IdempotencyInFlight),
                (None, false) => id.parse().map(Turn::Mine).map_err(|_| Error::Corrupt("a receipt's id".to_owned())),
            },
        }
    }

    async fn earlier(&self, request: &Request<'_>, refused: Error) -> Result<Response> {
        let Some(repetition) = &request.repetition else { return Err(refused) };
        match self.receipts.fixed(repetition, self.edge.clock.now()).await? {
            Some(Fixed::Before { id, .. }) => self.taken(request.tenant, &id).await?.ok_or(refused),
            _ => Err(refused),
        }
    }

    /// The first answer, again.
    async fn taken(&self, tenant: &TenantId, id: &str) -> Result<Option<Response>> {
        let id: MessageId = id.parse().map_err(|_| Error::Corrupt("a receipt's id".to_owned()))?;
        let met = self.accept.messages.meet(tenant, &id.conversation).await?;
        // It may have gone out before whoever it was for was erased: it is not made a second time.
        if matches!(met, Met::Erased) {
            return Err(Error::NotFound { thing: "message" });
        }
        let Some(message) = jobs::find(&self.accept.messages, tenant, &id).await? else { return Ok(None) };
        self.accept.order_again(tenant, &message).await?;
        let (conversation, head) = match met {
            Met::Somebody(id, head) => (id, *head),
            Met::Erased | Met::Nobody => (id.conversation, Head::new(message.number.clone(), message.received_at)),
        };
        let body = MessageBody::of(&message.as_accepted(), conversation, &head, false);
        Ok(Some(replayed((StatusCode::ACCEPTED, Json(body)).into_response())))
    }
}

enum Turn {
    Mine(MessageId),
    Before(Response),
}

fn read(body: Result<Body<Value>>) -> Result<(Outgoing, Options, Bytes)> {
    let body = body?;
    let (message, options) = Outgoing::read(body.value).map_err(Error::Unprocessable)?;
    Ok((message, options, body.bytes))
}

fn answer(taken: &Stored, ready: &Ready) -> Response {
    let body = MessageBody::of(taken, ready.conversation, &ready.head, false);
    (StatusCode::ACCEPTED, Json(body)).into_response()
}
