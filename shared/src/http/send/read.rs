//! `POST /v1/conversations/{id}/read`: what a person wrote was read, here and, as they see it, at WhatsApp.

use std::sync::Arc;

use axum::{Json, body::Bytes, extract::State};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Context;
use crate::{
    Error, Result,
    http::{body::parse, caller::Caller, path::Id},
    shown::conversation::ConversationBody,
};

/// May be left out.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReadBody {
    /// Show also that an answer is being written, for 25 seconds or until it comes.
    typing: bool,
}

pub(super) async fn mark(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    body: Bytes,
) -> Result<Json<ConversationBody>> {
    let unknown = || Error::NotFound { thing: "conversation" };
    let tenant = caller.of_tenant()?;
    caller.call.concerns(&id, None);
    let id = id.parse().map_err(|_| unknown())?;
    let found = context.accept.messages.whole_conversation(tenant, &id).await?;
    let (id, _) = found.ok_or_else(unknown)?;
    let body: ReadBody = if body.is_empty() { ReadBody::default() } else { parse(&body)? };
    let (head, last) = context.mark_read.mark(tenant, id, body.typing).await?;
    Ok(Json(ConversationBody::of(id, &head, last.as_ref(), context.edge.clock.now())))
}
