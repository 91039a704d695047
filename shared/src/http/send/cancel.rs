//! `DELETE /v1/messages/{id}`: a message that has not begun to go out never does.

use std::sync::Arc;

use axum::{Json, extract::State};

use super::Context;
use crate::{
    Error, Result,
    aws::messages::Met,
    domain::conversation::Head,
    http::{caller::Caller, message_name::MessageName, path::Id},
    shown::conversation::MessageBody,
};

pub(super) async fn cancel(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<MessageBody>> {
    let unknown = || Error::NotFound { thing: "message" };
    let (tenant, messages) = (caller.of_tenant()?, &context.accept.messages);
    caller.call.concerns(&id, None);
    let id = match MessageName::read(&id).ok_or_else(unknown)? {
        MessageName::Ours(id) => id,
        name @ MessageName::Meta(_) => name.find(messages, tenant).await?.ok_or_else(unknown)?.id,
    };
    let message = context.accept.cancel(tenant, &id).await?.ok_or_else(unknown)?;
    let (conversation, head) = match messages.meet(tenant, &id.conversation).await? {
        Met::Somebody(id, head) => (id, *head),
        Met::Erased => return Err(unknown()),
        Met::Nobody => (id.conversation, Head::new(message.number.clone(), message.received_at)),
    };
    Ok(Json(MessageBody::of(&message, conversation, &head, false)))
}
