//! What the function `feed` may touch: its role in the template grants the same, its environment names the same.

use std::sync::Arc;

use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Answer;
use crate::{
    Error,
    aws::{
        accounts::Accounts,
        clients::Aws,
        connections::Connections,
        events::Events,
        messages::{Messages, Unread},
    },
    clock::Clock,
    env::{Env, EnvError},
    flow::tell::Tell,
};

#[derive(Debug, Clone)]
pub struct Context {
    tell: Tell,
}

/// What a stream's mapping sends. A record that cannot be read is one record's matter.
#[derive(Debug, Deserialize)]
pub struct Event {
    #[serde(rename = "Records")]
    records: Vec<Box<RawValue>>,
}

/// What a record is known by.
#[derive(Deserialize)]
struct Identified {
    dynamodb: Numbered,
}

#[derive(Deserialize)]
struct Numbered {
    #[serde(rename = "SequenceNumber")]
    number: String,
}

impl Context {
    pub fn from_env(env: &Env, clock: Clock) -> Result<Self, EnvError> {
        let dynamodb = Aws::from_env(env)?.dynamodb();
        let messages: String = env.required("MESSAGES_TABLE")?;
        Ok(Self {
            tell: Tell {
                accounts: Accounts::new(dynamodb.clone(), env.required("ACCOUNTS_TABLE")?),
                connections: Connections::new(dynamodb.clone(), env.required("CONNECTIONS_TABLE")?),
                unread: Unread::new(dynamodb.clone(), messages.clone(), clock.clone()),
                messages: Messages::new(dynamodb.clone(), messages, env.required("RETENTION_DAYS")?, clock.clone()),
                events: Events::new(dynamodb, env.required("EVENTS_TABLE")?),
                clock,
            },
        })
    }

    /// Answers one batch. A shard is read in order, so one record that has to come again brings all behind it.
    pub async fn handle(self: Arc<Self>, event: LambdaEvent<Event>) -> Result<Answer, Diagnostic> {
        let records: Vec<&str> = event.payload.records.iter().map(|record| record.get()).collect();
        let Err(error) = Box::pin(self.tell.take(&records)).await else { return Ok(Answer::again(None)) };
        tracing::error!(error = %error.chain(), "a batch must come again");
        let first = records.first().and_then(|record| serde_json::from_str::<Identified>(record).ok());
        let first = first.ok_or_else(|| Error::Corrupt("a record without a number".to_owned()))?;
        Ok(Answer::again(Some(first.dynamodb.number)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_batch_is_read_and_answered_as_lambda_has_it() {
        let record = json!({"dynamodb": {"SequenceNumber": "111"}});

        let event: Event = serde_json::from_value(json!({"Records": [record]})).unwrap();

        let first: Identified = serde_json::from_str(event.records[0].get()).unwrap();
        let answer = serde_json::to_value(Answer::again(Some(first.dynamodb.number))).unwrap();
        assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "111"}]}));
        assert_eq!(serde_json::to_value(Answer::again(None)).unwrap(), json!({"batchItemFailures": []}));
    }
}
