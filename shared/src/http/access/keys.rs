//! `/v1/keys`: operator keys are made, listed and revoked. A key is shown once.

use std::{fmt, sync::Arc};

use axum::{Json, extract::State, http::StatusCode, response::Response};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Id, secret_bearing, unknown};
use crate::{
    Error, Result,
    domain::{
        credential::{Credential, CredentialId, Kind, Order},
        scope::Scopes,
        tenant::TenantId,
        time::rfc3339,
    },
    http::{
        body::Body,
        caller::Caller,
        idempotency::Once,
        list::{Bound, List, Page},
        query::Parameters,
    },
};

const NAME_LENGTH: usize = 100;

/// What to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// For you to tell it by.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// Bind it to one tenant.
    #[serde(default)]
    tenant: Option<TenantId>,
    /// Absent: all the caller has.
    #[serde(default)]
    scopes: Option<Scopes>,
    /// Absent: as long as the caller lives.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    expires_at: Option<Timestamp>,
}

/// A key as it is shown, without the key.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeyBody {
    id: CredentialId,
    name: Option<String>,
    tenant: Option<TenantId>,
    scopes: Scopes,
    #[schemars(with = "String", extend("format" = "date-time"))]
    created_at: String,
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    expires_at: Option<String>,
}

/// A key that has just been made, with the key: the only answer that shows it.
#[derive(Serialize, JsonSchema)]
pub struct NewKeyBody {
    #[serde(flatten)]
    body: KeyBody,
    key: String,
}

impl fmt::Debug for NewKeyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKeyBody").field("body", &self.body).finish_non_exhaustive()
    }
}

pub(super) async fn create(
    State(context): State<Arc<Context>>,
    caller: Caller,
    once: Once,
    Body { value, bytes }: Body<NewKey>,
) -> Result<Response> {
    caller.must_concern(value.tenant.as_ref())?;
    let repetition = once.repetition(&caller, &bytes, &context.secret).await?;
    let order = match value.order(&caller, context.edge.clock.now()) {
        Ok(order) => order,
        Err(refused) => return Err(context.mint.unless_made_before(repetition.as_ref(), refused).await),
    };
    let audited = |key: &Credential| caller.call.entry(key.id.as_str(), key.tenant.as_ref(), 201);
    let (key, bearer) = context.mint.make(order, &caller.credential, repetition.as_ref(), audited).await?;
    caller.call.audited();
    let body = NewKeyBody { body: KeyBody::of(&key), key: bearer.reveal().to_owned() };
    Ok(secret_bearing((StatusCode::CREATED, Json(body))))
}

pub(super) async fn list(
    State(context): State<Arc<Context>>,
    caller: Caller,
    mut parameters: Parameters,
) -> Result<Json<List<KeyBody>>> {
    let bound = Bound::to(&caller, "GET /v1/keys", &[]);
    let page = Page::take(&mut parameters, &bound, &context.secret).await?;
    parameters.finish()?;
    let found = context.mint.credentials.list_keys(caller.tenant.as_ref(), page.limit, page.after).await?;
    let now = context.edge.clock.now();
    let data = found.credentials.iter().filter(|key| key.is_alive(now)).map(KeyBody::of).collect();
    Ok(Json(List { data, next: bound.seal(found.next.as_ref(), &context.secret, &context.edge.random).await? }))
}

pub(super) async fn revoke(State(context): State<Arc<Context>>, caller: Caller, Id(id): Id) -> Result<StatusCode> {
    let found = context.mint.credentials.find(&id).await?;
    let key = found.filter(|key| key.kind() == Kind::Key && key.revoked_at.is_none() && caller.may_end(key));
    context.end(&caller, &key.ok_or_else(unknown)?).await
}

impl NewKey {
    fn order(self, caller: &Caller, now: Timestamp) -> Result<Order> {
        if !(1..=NAME_LENGTH).contains(&self.name.chars().count()) {
            return Err(Error::breaks("/name", format!("expected 1 to {NAME_LENGTH} characters")));
        }
        if self.scopes.as_ref().is_some_and(Scopes::is_empty) {
            return Err(Error::breaks("/scopes", "expected at least one scope"));
        }
        if self.expires_at.is_some_and(|expiry| expiry <= now) {
            return Err(Error::breaks("/expires_at", "expected a time to come"));
        }
        // A call that names a tenant in its header makes a key of that tenant. A bound key must say so itself:
        // whoever forgets it may have meant a key for all.
        let named = caller.tenant.clone().filter(|_| caller.credential.tenant.is_none());
        Ok(Order {
            kind: Kind::Key,
            name: Some(self.name),
            tenant: self.tenant.or(named),
            scopes: self.scopes,
            expires_at: self.expires_at,
        })
    }
}

impl KeyBody {
    fn of(key: &Credential) -> Self {
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            tenant: key.tenant.clone(),
            scopes: key.scopes.clone(),
            created_at: rfc3339(key.created_at),
            expires_at: key.expires_at.map(rfc3339),
        }
    }
}
