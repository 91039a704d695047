//! The function `inbox`: conversations, what was said in them, the files and people, how much of it there was, and the feed.

mod change;
mod contacts;
mod conversations;
mod events;
mod media;
mod messages;
mod stats;

use std::sync::Arc;

use axum::{Router, extract::FromRef, routing::get};

pub use change::ContactChange;
pub use events::FeedBody;
pub use stats::StatsBody;

use super::{
    call::{self, Edge},
    caller::{Admission, Caller},
    routes::ROUTES,
};
use crate::{
    Error, Result,
    aws::{
        accounts::Accounts, audit::Audit, clients::Aws, credentials::Credentials, events::Events, messages::Messages,
        meta_app::MetaApps, stack_secret::StackSecret, vault::Vault,
    },
    clock::{Clock, Random},
    domain::{
        conversation::{ConversationId, Head, Line},
        tenant::TenantId,
    },
    env::{Env, EnvError},
    flow::{
        admit::{First, Gate},
        erase::Erase,
        files::Files,
    },
    meta::Graph,
};

/// What this function may touch: its role in the template grants the same, its environment names the same.
#[derive(Debug, Clone)]
pub struct Context {
    admission: Admission,
    edge: Edge,
    secret: StackSecret,
    accounts: Accounts,
    messages: Messages,
    events: Events,
    files: Files,
    erase: Erase,
}

impl Context {
    pub fn from_env(env: &Env, clock: Clock, random: Random) -> Result<Self, EnvError> {
        let aws = Aws::from_env(env)?;
        let dynamodb = aws.dynamodb();
        let secrets = aws.secrets(clock.clone());
        let secret = StackSecret::new(secrets.clone(), env.required("STACK_SECRET")?, clock.clone());
        let credentials = Credentials::new(dynamodb.clone(), env.required("CREDENTIALS_TABLE")?);
        let audit = Audit::new(dynamodb.clone(), env.required("AUDIT_TABLE")?);
        let accounts = Accounts::new(dynamodb.clone(), env.required("ACCOUNTS_TABLE")?);
        let messages = Messages::new(
            dynamodb.clone(),
            env.required("MESSAGES_TABLE")?,
            env.required("RETENTION_DAYS")?,
            clock.clone(),
        );
        let files = Files {
            accounts: accounts.clone(),
            messages: messages.clone(),
            vault: Vault::new(aws.later(Aws::kms), env.required("TOKEN_KEY")?, clock.clone()),
            apps: MetaApps::new(secrets, env.required("META_APP_SECRETS")?, clock.clone()),
            graph: Graph::from_env(env)?,
            clock: clock.clone(),
        };
        let erase =
            Erase { messages: messages.clone(), audit: audit.clone(), secret: secret.clone(), clock: clock.clone() };
        Ok(Self {
            admission: Admission {
                gate: Gate::new(credentials, clock.clone(), First::Know(secret.clone())),
                routes: ROUTES,
            },
            edge: Edge { audit, clock, random, routes: ROUTES },
            secret,
            accounts,
            messages,
            events: Events::new(dynamodb, env.required("EVENTS_TABLE")?),
            files,
            erase,
        })
    }
}

impl FromRef<Arc<Context>> for Admission {
    fn from_ref(context: &Arc<Context>) -> Self {
        context.admission.clone()
    }
}

pub fn router(context: Context) -> Router {
    let edge = context.edge.clone();
    let routes = Router::new()
        .route("/v1/conversations", get(conversations::list))
        .route("/v1/conversations/{id}", get(conversations::show))
        .route("/v1/conversations/{id}/messages", get(messages::list))
        .route("/v1/events", get(events::list))
        .route("/v1/messages/{id}", get(messages::show))
        .route("/v1/contacts/{id}", get(contacts::show).patch(change::change).delete(contacts::erase))
        .route("/v1/accounts/{id}/conversations", get(conversations::list_of_account))
        .route("/v1/accounts/{id}/contacts", get(contacts::list))
        .route("/v1/accounts/{id}/stats", get(stats::show))
        .route("/v1/accounts/{id}/media/{media_id}", get(media::fetch))
        .with_state(Arc::new(context));
    call::serve(routes, edge)
}

impl Context {
    /// A tenant's account. Another tenant's is not there.
    async fn own_account(&self, caller: &Caller, id: &str) -> Result<Line> {
        let tenant = caller.of_tenant()?;
        let number = id.parse().map_err(|_| Error::NotFound { thing: "account" })?;
        self.accounts.own(tenant, &number).await?;
        Ok(Line { tenant: tenant.clone(), number })
    }

    /// A tenant's conversation; of a part of another, that other.
    async fn own_conversation(
        &self,
        tenant: &TenantId,
        id: &ConversationId,
        thing: &'static str,
    ) -> Result<(ConversationId, Head)> {
        self.messages.whole_conversation(tenant, id).await?.ok_or(Error::NotFound { thing })
    }
}
