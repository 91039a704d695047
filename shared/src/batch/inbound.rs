//! What the function `inbound` may touch: its role in the template grants the same, its environment names the same.

use std::sync::Arc;

use lambda_runtime::{Diagnostic, LambdaEvent};

use super::{Answer, Event};
use crate::{
    aws::{
        accounts::Accounts,
        blobs::Blobs,
        clients::{Aws, made},
        connections::Connections,
        messages::{Messages, Templates},
        parking::Parking,
        stack_secret::StackSecret,
    },
    clock::{Clock, Random},
    env::{Env, EnvError},
    flow::{known::Known, park::Park, receive::Receive, told::Tell},
};

#[derive(Debug, Clone)]
pub struct Context {
    receive: Receive,
}

impl Context {
    pub fn from_env(env: &Env, clock: Clock, random: Random) -> Result<Self, EnvError> {
        let aws = Aws::from_env(env)?;
        let dynamodb = aws.dynamodb();
        let messages = Messages::new(
            dynamodb.clone(),
            env.required("MESSAGES_TABLE")?,
            env.required("RETENTION_DAYS")?,
            clock.clone(),
        );
        let accounts = Accounts::new(dynamodb.clone(), env.required("ACCOUNTS_TABLE")?);
        let parking = Parking::new(dynamodb.clone(), env.required("RECEIPTS_TABLE")?);
        let blobs = Blobs::new(made(dynamodb.clone()), env.required("RECEIPTS_TABLE")?);
        Ok(Self {
            receive: Receive {
                tell: Tell {
                    accounts: accounts.clone(),
                    connections: Connections::new(dynamodb.clone(), env.required("CONNECTIONS_TABLE")?),
                    messages: messages.clone(),
                    templates: Templates::new(dynamodb, env.required("MESSAGES_TABLE")?),
                    clock: clock.clone(),
                },
                park: Park { accounts: accounts.clone(), blobs: blobs.clone(), parking, clock: clock.clone() },
                secret: StackSecret::new(aws.secrets(clock.clone()), env.required("STACK_SECRET")?, clock.clone()),
                blobs,
                messages,
                accounts,
                clock,
                random,
                known: Known::default(),
            },
        })
    }

    /// Answers one batch.
    pub async fn handle(self: Arc<Self>, event: LambdaEvent<Event>) -> Result<Answer, Diagnostic> {
        let mut records = event.payload.into_records();
        let failed = Box::pin(self.receive.take(&mut records)).await;
        Ok(Answer::naming(&records, &failed))
    }
}
