//! People: those a number knows, one of them, and forgetting them.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};

use super::Context;
use crate::{
    Error, Result,
    domain::conversation::ContactId,
    http::{
        caller::Caller,
        list::{Bound, List, Page},
        path::Id,
        query::Parameters,
    },
    shown::conversation::ContactBody,
};

pub(super) const THING: &str = "contact";

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    mut parameters: Parameters,
) -> Result<Json<List<ContactBody>>> {
    let line = context.own_account(&caller, &id).await?;
    let bound = Bound::to(&caller, "GET /v1/accounts/{id}/contacts", &[line.number.as_str()]);
    let page = Page::take(&mut parameters, &bound, &context.secret).await?;
    parameters.finish()?;
    let found = context.messages.people(&line, page.limit, page.after).await?;
    let data = found.people.iter().map(|(id, head)| ContactBody::of(*id, head)).collect();
    Ok(Json(List { data, next: bound.seal(found.next.as_ref(), &context.secret, &context.edge.random).await? }))
}

pub(super) async fn show(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Json<ContactBody>> {
    let ContactId(id) = id.parse().map_err(|_| Error::NotFound { thing: THING })?;
    let (id, head) = context.own_conversation(caller.of_tenant()?, &id, THING).await?;
    parameters.finish()?;
    Ok(Json(ContactBody::of(id, &head)))
}

/// Whoever asks again, for the first answer may have been lost, hears the same.
pub(super) async fn erase(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(text): Id,
    parameters: Parameters,
) -> Result<StatusCode> {
    let ContactId(id) = text.parse().map_err(|_| Error::NotFound { thing: THING })?;
    parameters.finish()?;
    if context.erase.forget(caller.of_tenant()?, id, &caller.call.entry(&text, None, 204)).await? {
        caller.call.audited();
    } else {
        caller.call.concerns(&text, None);
    }
    Ok(StatusCode::NO_CONTENT)
}
