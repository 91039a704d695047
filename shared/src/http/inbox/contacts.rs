//! People: those a number knows, and one of them.

use std::sync::Arc;

use axum::{Json, extract::State};

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
