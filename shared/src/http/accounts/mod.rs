//! The function `accounts`: connected numbers are listed, changed and disconnected, and numbers are chosen for a connection.

mod change;
mod diagnosis;
mod numbers;
mod pin;
mod profile;
mod templates;
mod verification;
mod version;

use std::{collections::HashMap, ops::Deref, sync::Arc};

use axum::{
    Json, Router,
    extract::{FromRef, FromRequestParts, Path, State},
    http::{header, request::Parts},
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use tokio::task::JoinSet;

pub use change::ChangeBody;
pub use diagnosis::DiagnosisBody;
pub use numbers::Choice;
pub use pin::PinBody;
pub use profile::{ProfileBody, ProfileChangeBody};
pub use templates::NewTemplate;
pub use verification::Verification;

use super::{
    base_url::Addresses,
    call,
    caller::{Admission, Caller},
    connecting::Connecting,
    list::{Bound, List, Page},
    query::Parameters,
};
use crate::{
    Error, Result,
    aws::{
        clients::Aws,
        messages::{Templates, Unread},
        receipts::Receipts,
        transaction::Transactions,
    },
    clock::{Clock, Random},
    domain::{
        account::{self, Account},
        conversation::Line,
        meta_id::PhoneNumberId,
    },
    env::{Env, EnvError},
    flow::{
        diagnose::Diagnose,
        disconnect::Disconnect,
        health::Health,
        own::{Kept, Own},
        profile::Profile,
        templates::Catalog,
    },
    shown::account::AccountBody,
};
use version::{IfMatch, etag};

/// What this function may touch: its role in the template grants the same, its environment names the same.
#[derive(Debug, Clone)]
pub struct Context {
    common: Connecting,
    own: Own,
    disconnect: Disconnect,
    health: Health,
    diagnose: Diagnose,
    unread: Unread,
    catalog: Catalog,
    profile: Profile,
    receipts: Receipts,
}

impl Context {
    pub fn from_env(env: &Env, clock: Clock, random: Random) -> Result<Self, EnvError> {
        let aws = Aws::from_env(env)?;
        let dynamodb = aws.dynamodb();
        let common = Connecting::from_env(env, &aws, dynamodb.clone(), clock, random)?;
        let connect = &common.connect;
        let unread = Unread::new(dynamodb.clone(), env.required("MESSAGES_TABLE")?, connect.clock.clone());
        let catalog = Catalog::of(connect, Templates::new(dynamodb.clone(), env.required("MESSAGES_TABLE")?));
        let profile = Profile::of(connect);
        let receipts = Receipts::new(dynamodb.clone(), env.required("RECEIPTS_TABLE")?);
        let disconnect = Disconnect::of(connect, Transactions::new(dynamodb));
        let (own, health, diagnose) = (Own::of(connect), Health::of(connect), Diagnose::of(connect));
        Ok(Self { common, own, disconnect, health, diagnose, unread, catalog, profile, receipts })
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
        .route("/v1/accounts", get(list))
        .route("/v1/accounts/{id}", get(show).patch(change::change).delete(disconnect))
        .route("/v1/accounts/{id}/refresh", post(refresh))
        .route("/v1/accounts/{id}/diagnosis", get(diagnosis::show))
        .route("/v1/accounts/{id}/repair", post(diagnosis::repair))
        .route("/v1/accounts/{id}/pin", put(pin::set))
        .route("/v1/accounts/{id}/profile", get(profile::show).patch(profile::change))
        .route("/v1/accounts/{id}/templates", get(templates::list).post(templates::create))
        .route("/v1/accounts/{id}/templates/{name}", delete(templates::delete))
        .route("/v1/connections/{id}/numbers", get(numbers::list))
        .route("/v1/connections/{id}/accounts", post(numbers::connect))
        .route("/v1/connections/{id}/numbers/{phone_number_id}/verification", post(verification::verify))
        .with_state(Arc::new(context));
    call::serve(routes, edge)
}

async fn list(
    State(context): State<Arc<Context>>,
    caller: Caller,
    mut parameters: Parameters,
) -> Result<Json<List<AccountBody>>> {
    let include = parameters.take("include", |text| match text {
        "disconnected" => Ok(()),
        _ => Err("it is disconnected, or absent".to_owned()),
    })?;
    let filter = if include.is_some() { "disconnected" } else { "" };
    let bound = Bound::to(&caller, "GET /v1/accounts", &[filter]);
    let page = Page::take(&mut parameters, &bound, &context.secret).await?;
    parameters.finish()?;
    let tenant = caller.of_tenant()?;
    let accounts = &context.connect.accounts;
    let found = accounts.list(tenant, include.is_some(), page.limit, page.after).await?;
    let default = accounts.default_of(tenant).await?;
    let unread = context.unread(&found.accounts).await?;
    let now = context.edge.clock.now();
    let body = |account: &Account| {
        let unread = unread.get(&account.number).copied().unwrap_or_default();
        AccountBody::of(account, default.as_ref(), unread, now)
    };
    let data = found.accounts.iter().map(body).collect();
    Ok(Json(List { data, next: bound.seal(found.next.as_ref(), &context.secret, &context.edge.random).await? }))
}

async fn show(State(context): State<Arc<Context>>, caller: Caller, Id(id): Id) -> Result<Response> {
    let account = context.own(&caller, &id).await?;
    context.answer(&account).await
}

/// Disconnects: the answer is the account as it is from now on. What is left to do at Meta is done before it, or by the
/// sweeper.
async fn disconnect(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    if_match: IfMatch,
    mut parameters: Parameters,
) -> Result<Response> {
    let tenant = caller.of_tenant()?;
    context.own(&caller, &id).await?;
    let deregister =
        parameters.take("deregister", |text| text.parse().map_err(|_| "it is true or false".to_owned()))?;
    parameters.finish()?;
    let entry = caller.call.entry(id.as_str(), None, 200);
    let may = |account: &Account| if_match.allows(account);
    let disconnect = &context.disconnect;
    let (account, is_noted) = disconnect.commit(tenant, &id, deregister.unwrap_or_default(), may, &entry).await?;
    if is_noted {
        caller.call.audited();
    }
    if let Err(error) = context.disconnect.finish(&account).await {
        tracing::error!(error = %error.chain(), "a disconnect was left to the sweeper");
    }
    let account = context.own(&caller, &id).await?;
    context.answer(&account).await
}

/// Reads again what Meta says of the number, and the templates of its WABA.
async fn refresh(State(context): State<Arc<Context>>, caller: Caller, Id(id): Id) -> Result<Response> {
    let account = context.own(&caller, &id).await?;
    if account.is_disconnected() {
        return Err(Error::AccountDisconnected);
    }
    caller.call.concerns(id.as_str(), None);
    let account = context.health.look(&account).await?.ok_or_else(unknown)?;
    // A token that does not work reads none.
    if account.state != account::State::NeedsReconnect {
        context.catalog.read(&account).await?;
    }
    context.answer(&account).await
}

impl Context {
    /// A tenant's account. Another tenant's is not there.
    async fn own(&self, caller: &Caller, id: &PhoneNumberId) -> Result<Account> {
        self.connect.accounts.own(caller.of_tenant()?, id).await
    }

    async fn answer(&self, account: &Account) -> Result<Response> {
        let default = self.connect.accounts.default_of(&account.tenant).await?;
        let unread = self.unread.count(&line(account)).await?;
        let body = AccountBody::of(account, default.as_ref(), unread, self.edge.clock.now());
        Ok(([(header::ETAG, etag(account.version))], Json(body)).into_response())
    }

    /// How many conversations of each are unread, asked for at once.
    async fn unread(&self, accounts: &[Account]) -> Result<HashMap<PhoneNumberId, u64>> {
        let mut counting = JoinSet::new();
        for account in accounts {
            let (unread, line) = (self.unread.clone(), line(account));
            counting.spawn(async move { unread.count(&line).await.map(|count| (line.number, count)) });
        }
        counting.join_all().await.into_iter().collect()
    }

    async fn changed(&self, caller: &Caller, kept: Kept) -> Result<Response> {
        if kept.is_noted {
            caller.call.audited();
        }
        self.answer(&kept.account).await
    }
}

fn line(account: &Account) -> Line {
    Line { tenant: account.tenant.clone(), number: account.number.clone() }
}

fn unknown() -> Error {
    Error::NotFound { thing: "account" }
}

/// The number a path names; what cannot be an id is nobody's.
struct Id(PhoneNumberId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Path(id) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| unknown())?;
        id.parse().map(Self).map_err(|_| unknown())
    }
}
