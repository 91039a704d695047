//! `…/templates`: what a number's WABA has of them, handing one in, deleting one.

use std::{collections::HashMap, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::{Context, Id};
use crate::{
    Error, Result,
    domain::{
        credential::Kind,
        hex,
        template::{Draft, Language, Name},
    },
    flow::templates::Authority,
    http::{
        body::Body,
        caller::Caller,
        idempotency::{Once, answer_once},
        list::{Bound, List, Page},
        query::Parameters,
    },
    shown::template::TemplateBody,
};

const ROUTE: &str = "GET /v1/accounts/{id}/templates";

/// Meta's own body for a new template. What it may be is Meta's to say: see "Templates" in Meta's documentation.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "described here, read by `domain::template`")]
pub struct NewTemplate {
    #[schemars(extend("pattern" = "^[a-z0-9_]{1,512}$"))]
    name: String,
    /// Such as `en_US`.
    language: String,
    /// `AUTHENTICATION`, `MARKETING` or `UTILITY`.
    category: String,
    /// `POSITIONAL` ({{1}}, {{2}}) or `NAMED`.
    parameter_format: Option<String>,
    components: Option<Vec<Value>>,
    /// All else that Meta takes.
    #[serde(flatten)]
    meta: Map<String, Value>,
}

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    mut parameters: Parameters,
) -> Result<Json<List<TemplateBody>>> {
    let account = context.own(&caller, &id).await?;
    let bound = Bound::to(&caller, ROUTE, &[id.as_str()]);
    let page = Page::take(&mut parameters, &bound, &context.secret).await?;
    parameters.finish()?;
    let found = context.catalog.page(&account, page.limit, page.after).await?;
    let data = found.templates.iter().map(|template| TemplateBody::of(&account.waba, template)).collect();
    Ok(Json(List { data, next: bound.seal(found.next.as_ref(), &context.secret, &context.edge.random).await? }))
}

pub(super) async fn create(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    once: Once,
    body: Result<Body<Value>>,
) -> Result<Response> {
    // Another tenant's account is not there, whatever is wrong with the request besides.
    let account = context.own(&caller, &id).await?;
    caller.call.concerns(id.as_str(), None);
    let Body { value, bytes } = body?;
    let draft = Draft::read(value).map_err(Error::Unprocessable)?;
    let repetition = once.repetition(&caller, &bytes, &context.secret).await?;
    let again = repetition.is_some();
    let work = async |_: &str| {
        let made = context.catalog.create(&account, &draft, authority(&caller), again).await?;
        Ok((StatusCode::CREATED, Json(TemplateBody::of(&account.waba, &made))).into_response())
    };
    let (random, now) = (&context.edge.random, context.edge.clock.now());
    let fresh = hex::encode(&random.bytes::<8>());
    answer_once(&context.receipts, repetition.as_ref(), random, &fresh, now, work).await
}

pub(super) async fn delete(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Path(path): Path<HashMap<String, String>>,
    mut parameters: Parameters,
) -> Result<StatusCode> {
    let id = path.get("id").and_then(|id| id.parse().ok()).ok_or(Error::NotFound { thing: "account" })?;
    let account = context.own(&caller, &id).await?;
    caller.call.concerns(&format!("{id}/{}", path.get("name").map_or("", String::as_str)), None);
    let name = path.get("name").and_then(|name| name.parse::<Name>().ok());
    let name = name.ok_or(Error::NotFound { thing: "template" })?;
    let language = parameters.take("language", |text| text.parse::<Language>().map_err(|error| error.to_string()))?;
    parameters.finish()?;
    context.catalog.delete(&account, &name, language.as_ref(), authority(&caller)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn authority(caller: &Caller) -> Authority {
    match caller.credential.kind() {
        Kind::Key => Authority::Operator,
        Kind::Session => Authority::Session,
    }
}
