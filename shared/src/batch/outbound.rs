//! What the function `outbound` may touch: its role in the template grants the same, its environment names the same.

use std::sync::Arc;

use lambda_runtime::{Diagnostic, LambdaEvent};

use super::{Answer, Event};
use crate::{
    aws::{
        accounts::Accounts,
        clients::{Aws, made},
        messages::Messages,
        meta_app::MetaApps,
        stack_secret::StackSecret,
        vault::Vault,
    },
    clock::{Clock, Random},
    env::{Env, EnvError},
    flow::{deliver::Deliver, feed::Feed},
    meta::Graph,
};

#[derive(Debug, Clone)]
pub struct Context {
    deliver: Deliver,
}

impl Context {
    pub fn from_env(env: &Env, clock: Clock, random: Random) -> Result<Self, EnvError> {
        let aws = Aws::from_env(env)?;
        let (dynamodb, secrets) = (aws.dynamodb(), aws.secrets(clock.clone()));
        let feed = Feed {
            messages: Messages::new(
                dynamodb.clone(),
                env.required("MESSAGES_TABLE")?,
                env.required("RETENTION_DAYS")?,
                clock.clone(),
            ),
            accounts: Accounts::new(dynamodb, env.required("ACCOUNTS_TABLE")?),
            outbound: aws.fifo(env.required("OUTBOUND_QUEUE")?, clock.clone()),
            clock: clock.clone(),
            random: random.clone(),
        };
        Ok(Self {
            deliver: Deliver {
                messages: feed.messages.clone(),
                accounts: feed.accounts.clone(),
                outbound: feed.outbound.clone(),
                vault: Vault::new(made(aws.kms()), env.required("TOKEN_KEY")?, clock.clone()),
                apps: MetaApps::new(secrets.clone(), env.required("META_APP_SECRETS")?, clock.clone()),
                secret: StackSecret::new(secrets, env.required("STACK_SECRET")?, clock.clone()),
                graph: Graph::from_env(env)?,
                feed,
                clock,
                random,
            },
        })
    }

    /// Answers one batch.
    pub async fn handle(self: Arc<Self>, event: LambdaEvent<Event>) -> Result<Answer, Diagnostic> {
        let records = event.payload.into_records();
        let failed = Box::pin(self.deliver.take(&records)).await;
        Ok(Answer::naming(&records, &failed))
    }
}
