//! Schedules: what `EventBridge` Scheduler does, on the stack's clock.

mod expression;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use emulators::Clock;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use expression::{BadExpression, Cron, Expression};

use crate::random::uuid;
use crate::runtime::{Outcome, Pool};
use crate::template::{ACCOUNT, REGION, Schedule};

const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_mins(10);

/// Fires until the returned future is dropped. A clock moved past several occurrences fires once.
pub(crate) async fn run(schedule: Schedule, function: Arc<Pool>, clock: Clock) {
    let mut under_way = tokio::task::JoinSet::new();
    while let Some(next) = schedule.expression.next_after(clock.now()) {
        clock.sleep_until(next).await;
        while under_way.try_join_next().is_some() {}
        under_way.spawn(fire(schedule.clone(), function.clone(), clock.clone(), next));
    }
}

async fn fire(schedule: Schedule, function: Arc<Pool>, clock: Clock, at: Timestamp) {
    let event = schedule.input.clone().unwrap_or_else(|| default_event(&schedule.name, at));
    let event = Bytes::from(event.to_string());
    let too_late = at + schedule.maximum_event_age;
    let mut wait = FIRST_RETRY;
    for _ in 0..=schedule.maximum_retries {
        if matches!(function.invoke(event.clone()).await, Outcome::Answered(_)) || clock.now() + wait > too_late {
            return;
        }
        clock.sleep_until(clock.now() + wait).await;
        wait = (wait * 2).min(LONGEST_RETRY);
    }
}

fn default_event(name: &str, at: Timestamp) -> Value {
    json!({
        "version": "0",
        "id": uuid(),
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": ACCOUNT,
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": REGION,
        "resources": [format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}")],
        "detail": "{}",
    })
}
