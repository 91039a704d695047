//! What the functions that connect numbers have in common.

use crate::{
    aws::{
        accounts::Accounts,
        audit::Audit,
        clients::{Aws, Dynamodb},
        connections::Connections,
        credentials::Credentials,
        meta_app::MetaApps,
        stack_secret::StackSecret,
        vault::Vault,
    },
    clock::{Clock, Random},
    env::{Env, EnvError},
    flow::{
        admit::{First, Gate},
        connect::Connect,
    },
    http::{base_url::Addresses, call::Edge, caller::Admission, connection_body::Shower, routes::ROUTES},
    meta::Graph,
};

#[derive(Debug, Clone)]
pub struct Connecting {
    pub admission: Admission,
    pub edge: Edge,
    pub addresses: Addresses,
    pub connect: Connect,
    pub secret: StackSecret,
    pub shower: Shower,
}

impl Connecting {
    pub fn from_env(env: &Env, aws: &Aws, dynamodb: Dynamodb, clock: Clock, random: Random) -> Result<Self, EnvError> {
        let secrets = aws.secrets(clock.clone());
        let audit = Audit::new(dynamodb.clone(), env.required("AUDIT_TABLE")?);
        let secret = StackSecret::new(secrets.clone(), env.required("STACK_SECRET")?, clock.clone());
        let credentials = Credentials::new(dynamodb.clone(), env.required("CREDENTIALS_TABLE")?);
        let graph = Graph::from_env(env)?;
        let apps = MetaApps::new(secrets, env.required("META_APP_SECRETS")?, clock.clone());
        Ok(Self {
            admission: Admission {
                gate: Gate::new(credentials, clock.clone(), First::Know(secret.clone())),
                routes: ROUTES,
            },
            edge: Edge { audit: audit.clone(), clock: clock.clone(), random: random.clone(), routes: ROUTES },
            addresses: Addresses::from_env(env)?,
            shower: Shower { secret: secret.clone(), apps: apps.clone(), graph_version: graph.version().to_owned() },
            secret,
            connect: Connect {
                connections: Connections::new(dynamodb.clone(), env.required("CONNECTIONS_TABLE")?),
                accounts: Accounts::new(dynamodb, env.required("ACCOUNTS_TABLE")?),
                audit,
                vault: Vault::new(aws.later(Aws::kms), env.required("TOKEN_KEY")?, clock.clone()),
                apps,
                graph,
                clock,
                random,
            },
        })
    }
}
