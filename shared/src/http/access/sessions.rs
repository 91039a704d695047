//! `/v1/sessions`: short-lived tokens for browsers, of one tenant. A token is shown once.

use std::{fmt, sync::Arc};

use axum::{Json, extract::State, http::StatusCode, response::Response};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Id, secret_bearing, unknown};
use crate::{
    Error, Result,
    domain::{
        credential::{Credential, CredentialId, Kind, Order, SESSION_LIFETIME},
        scope::{Scope, Scopes},
        tenant::TenantId,
        time::rfc3339,
    },
    http::{body::Body, caller::Caller, idempotency::Once},
};

/// What to make.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    tenant: TenantId,
    /// Never `keys:write`.
    scopes: Scopes,
    #[schemars(range(min = 1, max = 14400))]
    ttl_seconds: i64,
}

/// A session that has just been made.
#[derive(Serialize, JsonSchema)]
pub struct NewSessionBody {
    id: CredentialId,
    token: String,
    tenant: TenantId,
    scopes: Scopes,
    #[schemars(with = "String", extend("format" = "date-time"))]
    expires_at: String,
}

impl fmt::Debug for NewSessionBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSessionBody").field("id", &self.id).finish_non_exhaustive()
    }
}

pub(super) async fn create(
    State(context): State<Arc<Context>>,
    caller: Caller,
    once: Once,
    Body { value, bytes }: Body<NewSession>,
) -> Result<Response> {
    let tenant = value.tenant.clone();
    let expires_at = value.expires_at(context.edge.clock.now())?;
    caller.must_concern(Some(&tenant))?;
    let repetition = once.repetition(&caller, &bytes, &context.secret).await?;
    let order = value.order(expires_at)?;
    let audited = |session: &Credential| caller.call.entry(session.id.as_str(), session.tenant.as_ref(), 201);
    let (session, bearer) = context.mint.make(order, &caller.credential, repetition.as_ref(), audited).await?;
    caller.call.audited();
    let body = NewSessionBody {
        id: session.id,
        token: bearer.reveal().to_owned(),
        tenant,
        scopes: session.scopes,
        expires_at: rfc3339(expires_at),
    };
    Ok(secret_bearing((StatusCode::CREATED, Json(body))))
}

pub(super) async fn end(State(context): State<Arc<Context>>, caller: Caller, Id(id): Id) -> Result<StatusCode> {
    let found = context.mint.credentials.find(&id).await?;
    let session = found.filter(|found| found.kind() == Kind::Session && caller.may_end(found));
    context.end(&caller, &session.ok_or_else(unknown)?).await
}

pub(super) async fn end_own(State(context): State<Arc<Context>>, caller: Caller) -> Result<StatusCode> {
    context.end(&caller, &caller.credential).await
}

impl NewSession {
    fn expires_at(&self, now: Timestamp) -> Result<Timestamp> {
        let longest = SESSION_LIFETIME.as_secs();
        if (1..=longest).contains(&self.ttl_seconds) {
            Ok(now + SignedDuration::from_secs(self.ttl_seconds))
        } else {
            Err(Error::breaks("/ttl_seconds", format!("expected 1 to {longest}")))
        }
    }

    fn order(self, expires_at: Timestamp) -> Result<Order> {
        if self.scopes.is_empty() {
            return Err(Error::breaks("/scopes", "expected at least one scope"));
        }
        if self.scopes.contains(Scope::KeysWrite) {
            return Err(Error::breaks("/scopes", "a session never has keys:write"));
        }
        Ok(Order {
            kind: Kind::Session,
            name: None,
            tenant: Some(self.tenant),
            scopes: Some(self.scopes),
            expires_at: Some(expires_at),
        })
    }
}
