//! The function `send`: messages are taken to be sent, cancelled, and marked as read.

mod batch;
mod block;
mod cancel;
mod media;
mod message;
mod read;

use std::sync::Arc;

use axum::{
    Router,
    extract::FromRef,
    routing::{delete, post},
};

pub use batch::BatchBody;
pub use media::MediaBody;
pub use message::{BatchMessage, NewMessage};
pub use read::ReadBody;

use super::{
    call::{self, Edge},
    caller::Admission,
    routes::ROUTES,
};
use crate::{
    aws::{
        accounts::Accounts, audit::Audit, clients::Aws, credentials::Credentials, messages::Messages,
        meta_app::MetaApps, receipts::Receipts, stack_secret::StackSecret, vault::Vault,
    },
    clock::{Clock, Random},
    env::{Env, EnvError},
    flow::{
        accept::Accept,
        admit::{First, Gate},
        block::Block,
        files::Files,
        known::Known,
        mark_read::MarkRead,
    },
    meta::Graph,
};

/// What this function may touch: its role in the template grants the same, its environment names the same.
#[derive(Debug, Clone)]
pub struct Context {
    admission: Admission,
    edge: Edge,
    secret: StackSecret,
    receipts: Receipts,
    accept: Accept,
    mark_read: MarkRead,
    files: Files,
    block: Block,
}

impl Context {
    pub fn from_env(env: &Env, clock: Clock, random: Random) -> Result<Self, EnvError> {
        let aws = Aws::from_env(env)?;
        let (dynamodb, secrets) = (aws.dynamodb(), aws.secrets(clock.clone()));
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
        let vault = Vault::new(aws.later(Aws::kms), env.required("TOKEN_KEY")?, clock.clone());
        let apps = MetaApps::new(secrets, env.required("META_APP_SECRETS")?, clock.clone());
        let graph = Graph::from_env(env)?;
        Ok(Self {
            admission: Admission {
                gate: Gate::new(credentials, clock.clone(), First::Know(secret.clone())),
                routes: ROUTES,
            },
            edge: Edge { audit: audit.clone(), clock: clock.clone(), random: random.clone(), routes: ROUTES },
            secret,
            receipts: Receipts::new(dynamodb, env.required("RECEIPTS_TABLE")?),
            mark_read: MarkRead {
                accounts: accounts.clone(),
                messages: messages.clone(),
                vault: vault.clone(),
                apps: apps.clone(),
                graph: graph.clone(),
                clock: clock.clone(),
            },
            files: Files {
                accounts: accounts.clone(),
                messages: messages.clone(),
                vault: vault.clone(),
                apps: apps.clone(),
                graph: graph.clone(),
                clock: clock.clone(),
            },
            block: Block {
                accounts: accounts.clone(),
                messages: messages.clone(),
                audit: audit.clone(),
                vault,
                apps,
                graph,
                clock: clock.clone(),
            },
            accept: Accept {
                accounts,
                messages,
                outbound: aws.fifo(env.required("OUTBOUND_QUEUE")?, clock.clone()),
                clock,
                random,
                known: Known::default(),
            },
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
        .route("/v1/messages", post(message::by_default))
        .route("/v1/messages/{id}", delete(cancel::cancel))
        .route("/v1/accounts/{id}/messages", post(message::by_account))
        .route("/v1/accounts/{id}/messages/batch", post(batch::send))
        .route("/v1/accounts/{id}/media", post(media::upload))
        .route("/v1/contacts/{id}/block", post(block::block).delete(block::unblock))
        .route("/v1/conversations/{id}/messages", post(message::in_conversation))
        .route("/v1/conversations/{id}/read", post(read::mark))
        .with_state(Arc::new(context));
    call::serve(routes, edge)
}
