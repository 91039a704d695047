//! The edge of the function `sweeper`: what its schedule does, and the commands an operator invokes directly.

use std::sync::Arc;

use lambda_runtime::LambdaEvent;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Error, Result,
    aws::{
        audit::Audit, clients::Aws, credentials::Credentials, queue::Queue, stack_secret::StackSecret,
        transaction::Transactions,
    },
    clock::Clock,
    domain::audit::Entry,
    env::{Env, EnvError},
    flow::{first_key::FirstKey, redrive::redrive},
};

/// What this function may touch: its role in the template grants the same, its environment names the same.
#[derive(Debug, Clone)]
pub struct Context {
    first_key: FirstKey,
    audit: Audit,
    clock: Clock,
    inbound: Lane,
    outbound: Lane,
}

#[derive(Debug, Clone)]
struct Lane {
    queue: Queue,
    dead_letters: Queue,
}

/// What an invocation asks for. The schedule says `upkeep`.
#[derive(Debug, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
enum Command {
    Upkeep,
    Redrive {
        queue: Which,
        #[serde(default)]
        limit: Limit,
    },
}

/// How many messages one invocation moves: what it can do within its time.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "usize")]
struct Limit(usize);

impl Default for Limit {
    fn default() -> Self {
        Self(500)
    }
}

impl TryFrom<usize> for Limit {
    type Error = &'static str;

    fn try_from(limit: usize) -> Result<Self, &'static str> {
        if (1..=500).contains(&limit) { Ok(Self(limit)) } else { Err("limit is 1 to 500") }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Which {
    Inbound,
    Outbound,
}

/// What an invocation did.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Report {
    Upkeep { first_key_put: bool },
    Redrive { moved: usize, more: bool },
}

impl Context {
    pub fn from_env(env: &Env, clock: Clock) -> Result<Self, EnvError> {
        let aws = Aws::from_env(env)?;
        let (dynamodb, sqs) = (aws.dynamodb(), aws.later(Aws::sqs));
        let queue = |name, variable| Ok::<_, EnvError>(Queue::new(sqs.clone(), name, env.required(variable)?));
        let audit = Audit::new(dynamodb.clone(), env.required("AUDIT_TABLE")?);
        Ok(Self {
            first_key: FirstKey {
                secret: StackSecret::new(aws.secrets_manager(), env.required("STACK_SECRET")?, clock.clone()),
                credentials: Credentials::new(dynamodb.clone(), env.required("CREDENTIALS_TABLE")?),
                audit: audit.clone(),
                clock: clock.clone(),
                transactions: Transactions::new(dynamodb),
            },
            audit,
            clock,
            inbound: Lane {
                queue: queue("inbound", "INBOUND_QUEUE")?,
                dead_letters: queue("inbound_dead_letters", "INBOUND_DEAD_LETTERS")?,
            },
            outbound: Lane {
                queue: queue("outbound", "OUTBOUND_QUEUE")?,
                dead_letters: queue("outbound_dead_letters", "OUTBOUND_DEAD_LETTERS")?,
            },
        })
    }

    /// Answers one invocation.
    pub async fn handle(self: Arc<Self>, event: LambdaEvent<Value>) -> Result<Report> {
        let request_id = event.context.request_id;
        let command: Command =
            serde_json::from_value(event.payload).map_err(|error| Error::breaks("", error.to_string()))?;
        match command {
            Command::Upkeep => Ok(Report::Upkeep { first_key_put: self.first_key.put_if_absent(&request_id).await? }),
            Command::Redrive { queue, limit } => self.redrive(queue, limit, request_id).await,
        }
    }

    async fn redrive(&self, which: Which, Limit(limit): Limit, request_id: String) -> Result<Report> {
        let lane = match which {
            Which::Inbound => &self.inbound,
            Which::Outbound => &self.outbound,
        };
        // Before the effect, and after it: what was begun and died half-way is on record all the same.
        let entry = |what: &str, status| self.entry(what, lane.queue.name, &request_id, status);
        self.audit.add(&entry("redrive begun", 202)).await?;
        let moved = redrive(&lane.dead_letters, &lane.queue, limit).await;
        self.audit.add(&entry("redrive ended", if moved.is_ok() { 200 } else { 503 })).await?;
        moved.map(|moved| Report::Redrive { moved, more: moved == limit })
    }

    fn entry(&self, what: &str, on: &str, request_id: &str, status: u16) -> Entry {
        Entry {
            at: self.clock.now(),
            // Two entries of one invocation may fall into one millisecond.
            request_id: format!("{request_id}#{status}"),
            tenant: None,
            who: None,
            what: what.to_owned(),
            on: Some(on.to_owned()),
            status,
            code: None,
        }
    }
}
