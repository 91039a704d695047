//! The function `oauth-init`: connections are begun, shown and ended, and the way to Meta begins here.

mod create;
mod options;
mod start;

use std::{ops::Deref, sync::Arc};

use axum::{
    Json, Router,
    extract::{FromRef, FromRequestParts, Path, State},
    http::{StatusCode, request::Parts},
    routing::get,
};

pub use create::NewConnection;
pub use options::Options;

use super::{
    base_url::{Addresses, BaseUrl},
    call,
    caller::{Admission, Caller},
    connecting::Connecting,
    list::{Bound, List, Page},
    query::Parameters,
};
use crate::{
    Error, Result,
    aws::{clients::Aws, oauth_states::OauthStates, receipts::Receipts},
    clock::{Clock, Random},
    domain::{connection_id::ConnectionId, tenant::TenantId},
    env::{Env, EnvError},
    flow::connect::Visits,
    shown::connection::ConnectionBody,
};

/// What this function may touch: its role in the template grants the same, its environment names the same.
#[derive(Debug, Clone)]
pub struct Context {
    common: Connecting,
    receipts: Receipts,
    visits: Visits,
}

impl Context {
    pub fn from_env(env: &Env, clock: Clock, random: Random) -> Result<Self, EnvError> {
        let aws = Aws::from_env(env)?;
        let dynamodb = aws.dynamodb();
        let common = Connecting::from_env(env, &aws, dynamodb.clone(), clock, random)?;
        Ok(Self {
            receipts: Receipts::new(dynamodb.clone(), env.required("RECEIPTS_TABLE")?),
            visits: Visits {
                connect: common.connect.clone(),
                states: OauthStates::new(dynamodb, env.required("OAUTH_STATES_TABLE")?),
                secret: common.secret.clone(),
            },
            common,
        })
    }
}

impl Deref for Context {
    type Target = Connecting;

    fn deref(&self) -> &Connecting {
        &self.common
    }
}

impl FromRef<Arc<Context>> for Admission {
    fn from_ref(context: &Arc<Context>) -> Self {
        context.admission.clone()
    }
}

impl FromRef<Arc<Context>> for Addresses {
    fn from_ref(context: &Arc<Context>) -> Self {
        context.addresses.clone()
    }
}

pub fn router(context: Context) -> Router {
    let edge = context.edge.clone();
    let routes = Router::new()
        .route("/v1/connections/options", get(options::show))
        .route("/v1/connections", get(list).post(create::create))
        .route("/v1/connections/{id}", get(show).delete(cancel))
        .route("/oauth/start/{ticket}", get(start::open))
        .with_state(Arc::new(context));
    call::serve(routes, edge)
}

async fn list(
    State(context): State<Arc<Context>>,
    caller: Caller,
    base: BaseUrl,
    mut parameters: Parameters,
) -> Result<Json<List<ConnectionBody>>> {
    let bound = Bound::to(&caller, "GET /v1/connections", &[]);
    let secret = &context.secret;
    let page = Page::take(&mut parameters, &bound, secret).await?;
    parameters.finish()?;
    let (found, next) = context.connect.connections.list(caller.of_tenant()?, page.limit, page.after).await?;
    let data = context.shower.show_all(&found, &base, context.edge.clock.now()).await?;
    Ok(Json(List { data, next: bound.seal(next.as_ref(), secret, &context.edge.random).await? }))
}

async fn show(
    State(context): State<Arc<Context>>,
    caller: Caller,
    base: BaseUrl,
    Id(id): Id,
) -> Result<Json<ConnectionBody>> {
    let stored = context.connect.own(caller.of_tenant()?, &id).await?;
    context.shower.show(&stored.connection, &base, context.edge.clock.now()).await.map(Json)
}

/// What was begun for its numbers is undone before this answers, or by the sweeper.
async fn cancel(State(context): State<Arc<Context>>, caller: Caller, Id(id): Id) -> Result<StatusCode> {
    let mut stored = context.connect.own(caller.of_tenant()?, &id).await?;
    let entry = caller.call.entry(id.as_str(), None, 204);
    context
        .connect
        .act(&mut stored, &entry, |connection, now| {
            connection.cancel(now);
            Ok(())
        })
        .await?;
    caller.call.audited();
    context.connect.work_on(&mut stored).await;
    Ok(StatusCode::NO_CONTENT)
}

/// The connection a path names; what cannot be an id is nobody's.
#[derive(Debug)]
pub struct Id(pub ConnectionId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let unknown = || Error::NotFound { thing: "connection" };
        let Path(parameters) = Path::<std::collections::HashMap<String, String>>::from_request_parts(parts, state)
            .await
            .map_err(|_| unknown())?;
        parameters.get("id").and_then(|id| id.parse().ok()).map(Self).ok_or_else(unknown)
    }
}

impl Caller {
    /// The tenant of a route whose calls concern one: the route table has seen to it.
    pub fn of_tenant(&self) -> Result<&TenantId> {
        self.tenant.as_ref().ok_or(Error::TenantRequired)
    }
}
