//! The numbers of a connection: what its permission reaches, and which of them to connect.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Context;
use crate::{
    Error, Result,
    aws::transaction::Position,
    domain::{connection::Found, meta_id::PhoneNumberId},
    http::{
        base_url::BaseUrl,
        body::Body,
        caller::Caller,
        connections::Id,
        list::{Bound, List, Page},
        query::Parameters,
    },
    shown::connection::{ConnectionBody, NumberRow},
};

const MOST: usize = 100;
/// Where a page ended.
const OFFSET: &str = "offset";

/// The numbers to connect.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    #[schemars(length(min = 1, max = 100))]
    phone_number_ids: Vec<PhoneNumberId>,
}

/// All of them, asked for at Meta now.
pub(super) async fn list(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    mut parameters: Parameters,
) -> Result<Json<List<NumberRow>>> {
    let stored = context.connect.own(caller.of_tenant()?, &id).await?;
    let bound = Bound::to(&caller, "GET /v1/connections/{id}/numbers", &[id.as_str()]);
    let secret = &context.secret;
    let page = Page::take(&mut parameters, &bound, secret).await?;
    parameters.finish()?;
    stored.connection.may_show_numbers(context.edge.clock.now())?;
    let found = context.connect.look(&stored.connection).await?;
    let (shown, next) = cut(&found, &page);
    let data = shown.iter().map(NumberRow::of).collect();
    Ok(Json(List { data, next: bound.seal(next.as_ref(), secret, &context.edge.random).await? }))
}

/// Meta shows all of them each time; a page is a part of that.
fn cut<'a>(found: &'a [Found], page: &Page) -> (&'a [Found], Option<Position>) {
    let begin = page.after.as_ref().and_then(|after| after.get(OFFSET)?.parse().ok()).unwrap_or(0_usize);
    let begin = begin.min(found.len());
    let limit = usize::try_from(page.limit).unwrap_or(MOST);
    let end = begin.saturating_add(limit).min(found.len());
    let next = (end < found.len()).then(|| Position::at(OFFSET, end.to_string()));
    (&found[begin..end], next)
}

pub(super) async fn connect(
    State(context): State<Arc<Context>>,
    caller: Caller,
    base: BaseUrl,
    Id(id): Id,
    body: Result<Body<Choice>>,
) -> Result<(StatusCode, Json<ConnectionBody>)> {
    let mut stored = context.connect.own(caller.of_tenant()?, &id).await?;
    let ids = body?.value.phone_number_ids;
    if !(1..=MOST).contains(&ids.len()) {
        return Err(Error::breaks("/phone_number_ids", format!("expected 1 to {MOST}")));
    }
    context.connect.choose(&mut stored, &ids, &caller.call.entry(id.as_str(), None, 202)).await?;
    caller.call.audited();
    context.connect.work_on(&mut stored).await;
    let shown = context.shower.show(&stored.connection, &base, context.edge.clock.now()).await?;
    Ok((StatusCode::ACCEPTED, Json(shown)))
}
