//! The function `oauth-callback`: the browser comes back from Meta, permissions are confirmed, codes of the popup taken,
//! and Meta tells who wants to be forgotten.

mod actions;
mod callback;
mod compliance;
mod page;

use std::{ops::Deref, sync::Arc};

use axum::{
    Router,
    extract::FromRef,
    routing::{get, post},
};

pub use actions::{Confirm, PopupAnswer, Resume};
pub use compliance::{Deletion, DeletionStatus};

use super::{base_url::Addresses, call, caller::Admission, connecting::Connecting, connections::Id};
use crate::{
    aws::{clients::Aws, oauth_states::OauthStates},
    clock::{Clock, Random},
    env::{Env, EnvError},
    flow::{connect::Visits, forget::Forget},
};

/// What this function may touch: its role in the template grants the same, its environment names the same.
#[derive(Debug, Clone)]
pub struct Context {
    common: Connecting,
    visits: Visits,
    forget: Forget,
}

impl Context {
    pub fn from_env(env: &Env, clock: Clock, random: Random) -> Result<Self, EnvError> {
        let aws = Aws::from_env(env)?;
        let dynamodb = aws.dynamodb();
        let common = Connecting::from_env(env, &aws, dynamodb.clone(), clock, random)?;
        Ok(Self {
            visits: Visits {
                connect: common.connect.clone(),
                states: OauthStates::new(dynamodb, env.required("OAUTH_STATES_TABLE")?),
                secret: common.secret.clone(),
            },
            forget: Forget {
                accounts: common.connect.accounts.clone(),
                connections: common.connect.connections.clone(),
                audit: common.connect.audit.clone(),
                clock: common.edge.clock.clone(),
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
        .route("/oauth/callback", get(callback::finish))
        .route("/oauth/connections/{id}", get(page::show).post(page::act))
        .route("/v1/connections/{id}/confirm", post(actions::confirm))
        .route("/v1/connections/{id}/code", post(actions::code))
        .route("/v1/connections/{id}/resume", post(actions::resume))
        .route("/oauth/deauthorize", post(compliance::deauthorize))
        .route("/oauth/data-deletion", post(compliance::delete))
        .route("/oauth/data-deletion/{code}", get(compliance::status))
        .with_state(Arc::new(context));
    call::serve(routes, edge)
}
