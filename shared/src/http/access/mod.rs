//! The function `access`: keys, sessions, health, and the answer to every path nobody else serves.

mod health;
mod keys;
mod sessions;

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRef, FromRequestParts, Path},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};

pub use health::Health;
pub use keys::{KeyBody, NewKey, NewKeyBody};
pub use sessions::{NewSession, NewSessionBody};

use super::{
    call::{self, Edge},
    caller::{Admission, Caller},
    routes::ROUTES,
};
use crate::{
    Error, Result,
    aws::{
        audit::Audit, clients::Aws, credentials::Credentials, parking::Parking, queue::Queue, receipts::Receipts,
        stack_secret::StackSecret, transaction::Transactions, vault::Vault,
    },
    clock::{Clock, Random},
    domain::credential::{Credential, CredentialId},
    env::{Env, EnvError},
    flow::{
        admit::{First, Gate},
        first_key::FirstKey,
        mint::Mint,
    },
};

/// What this function may touch: its role in the template grants the same, its environment names the same.
#[derive(Debug, Clone)]
pub struct Context {
    admission: Admission,
    edge: Edge,
    mint: Mint,
    secret: StackSecret,
    vault: Vault,
    queues: [Queue; 4],
    parking: Parking,
    region: String,
}

impl Context {
    pub fn from_env(env: &Env, clock: Clock, random: Random) -> Result<Self, EnvError> {
        let aws = Aws::from_env(env)?;
        let (dynamodb, sqs) = (aws.dynamodb(), aws.later(Aws::sqs));
        let queue = |name, variable| Ok::<_, EnvError>(Queue::new(sqs.clone(), name, env.required(variable)?));
        let credentials = Credentials::new(dynamodb.clone(), env.required("CREDENTIALS_TABLE")?);
        let audit = Audit::new(dynamodb.clone(), env.required("AUDIT_TABLE")?);
        let secret = StackSecret::new(aws.secrets(clock.clone()), env.required("STACK_SECRET")?, clock.clone());
        let transactions = Transactions::new(dynamodb.clone());
        let first_key = FirstKey {
            secret: secret.clone(),
            credentials: credentials.clone(),
            audit: audit.clone(),
            clock: clock.clone(),
            transactions: transactions.clone(),
        };
        Ok(Self {
            admission: Admission {
                gate: Gate::new(credentials.clone(), clock.clone(), First::Put(first_key)),
                routes: ROUTES,
            },
            edge: Edge { audit: audit.clone(), clock: clock.clone(), random: random.clone(), routes: ROUTES },
            vault: Vault::new(aws.later(Aws::kms), env.required("TOKEN_KEY")?, clock.clone()),
            mint: Mint {
                transactions,
                credentials,
                receipts: Receipts::new(dynamodb.clone(), env.required("RECEIPTS_TABLE")?),
                audit,
                clock,
                random,
            },
            secret,
            parking: Parking::new(dynamodb, env.required("RECEIPTS_TABLE")?),
            queues: [
                queue("inbound", "INBOUND_QUEUE")?,
                queue("inbound_dead_letters", "INBOUND_DEAD_LETTERS")?,
                queue("outbound", "OUTBOUND_QUEUE")?,
                queue("outbound_dead_letters", "OUTBOUND_DEAD_LETTERS")?,
            ],
            region: aws.region().to_owned(),
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
        .route("/v1/health", get(health::show))
        .route("/v1/keys", post(keys::create).get(keys::list))
        .route("/v1/keys/{id}", delete(keys::revoke))
        .route("/v1/sessions", post(sessions::create).delete(sessions::end_own))
        .route("/v1/sessions/{id}", delete(sessions::end))
        .with_state(Arc::new(context));
    call::serve(routes, edge)
}

impl Context {
    /// Ends a credential the caller may end.
    async fn end(&self, caller: &Caller, credential: &Credential) -> Result<StatusCode> {
        let (id, tenant) = (&credential.id, credential.tenant.as_ref());
        caller.call.concerns(id.as_str(), tenant);
        let is_ended = self.mint.end(credential, &caller.call.entry(id.as_str(), tenant, 204)).await?;
        self.admission.gate.forget(id);
        if !is_ended {
            return Err(unknown());
        }
        caller.call.audited();
        Ok(StatusCode::NO_CONTENT)
    }
}

/// An answer with a secret in it: no cache may keep it.
fn secret_bearing(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A credential that is not there, is another tenant's, or has no id a credential can have: the same answer.
fn unknown() -> Error {
    Error::NotFound { thing: "key or session" }
}

/// The credential a path names.
struct Id(CredentialId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Path(id) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| unknown())?;
        id.parse().map(Self).map_err(|_| unknown())
    }
}
