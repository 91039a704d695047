//! `GET /v1/health`: whether it answers, and to the operator, what it rests on.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::{
    Result,
    aws::{parking::Count, queue::Depth},
    domain::{credential::Kind, parking::Reason},
    http::caller::Caller,
};

const PATIENCE: Duration = Duration::from_secs(3);
const MOST_LOTS: i32 = 1_000;

/// `status` alone for the public; the rest for an operator's key that is bound to no tenant.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    status: Status,
    #[serde(flatten)]
    details: Option<Details>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    Ok,
    Degraded,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Details {
    build: &'static str,
    region: String,
    dependencies: Vec<Dependency>,
    queues: Vec<QueueBody>,
    /// When the first of the units came that wait for somebody to connect their number. Null: none waits, or the table
    /// did not answer.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    oldest_unprocessed_at: Option<Timestamp>,
    /// What could not be taken in, by why. Null where the table did not answer.
    parked: Option<Vec<ParkedBody>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ParkedBody {
    /// `unowned`, `stale`, `poison` or `unreadable`.
    reason: &'static str,
    /// How many numbers, or accounts at Meta, they are of.
    numbers: usize,
    units: u64,
    /// How many there was no room for.
    dropped: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Dependency {
    name: &'static str,
    status: Status,
}

#[derive(Debug, Serialize, JsonSchema)]
struct QueueBody {
    name: &'static str,
    /// Null where the queue did not answer.
    waiting: Option<u64>,
    in_flight: Option<u64>,
}

pub(super) async fn show(State(context): State<Arc<Context>>, caller: Option<Caller>) -> Result<Json<Health>> {
    let is_operator =
        caller.is_some_and(|caller| caller.credential.kind() == Kind::Key && caller.credential.tenant.is_none());
    let details = if is_operator { Some(Box::pin(details(&context)).await) } else { None };
    let is_degraded = details.as_ref().is_some_and(|details| details.dependencies.iter().any(Dependency::is_degraded));
    Ok(Json(Health { status: if is_degraded { Status::Degraded } else { Status::Ok }, details }))
}

/// Asks everything at once, and takes what is slow for degraded: health must answer when little else does.
async fn details(context: &Context) -> Details {
    let [inbound, inbound_dead, outbound, outbound_dead] = &context.queues;
    let (parked, tables, secret, token_key, first, second, third, fourth) = tokio::join!(
        in_time(context.parking.lots(MOST_LOTS, None)),
        in_time(context.mint.credentials.list_keys(None, 1, None)),
        in_time(context.secret.keyring()),
        in_time(context.vault.is_usable()),
        in_time(inbound.depth()),
        in_time(inbound_dead.depth()),
        in_time(outbound.depth()),
        in_time(outbound_dead.depth()),
    );
    let parked = parked.map(|(lots, _)| lots);
    let depths = [first, second, third, fourth];
    Details {
        build: env!("CARGO_PKG_VERSION"),
        region: context.region.clone(),
        dependencies: vec![
            Dependency::new("tables", tables.is_some()),
            Dependency::new("stack_secret", secret.is_some()),
            Dependency::new("token_key", token_key == Some(true)),
            Dependency::new("queues", depths.iter().all(Option::is_some)),
        ],
        oldest_unprocessed_at: parked.as_deref().and_then(oldest_unowned),
        parked: parked.as_deref().map(parked_by_reason),
        queues: context.queues.iter().zip(depths).map(|(queue, depth)| QueueBody::new(queue.name, depth)).collect(),
    }
}

fn oldest_unowned(lots: &[Count]) -> Option<Timestamp> {
    lots.iter().filter(|count| count.lot.reason == Reason::Unowned && count.units > 0).map(|count| count.since).min()
}

fn parked_by_reason(lots: &[Count]) -> Vec<ParkedBody> {
    let of = |reason: Reason| {
        let lots = || lots.iter().filter(move |count| count.lot.reason == reason);
        let body = ParkedBody {
            reason: reason.name(),
            numbers: lots().filter(|count| count.units > 0).count(),
            units: lots().map(|count| count.units).sum(),
            dropped: lots().map(|count| count.dropped).sum(),
        };
        (body.units > 0 || body.dropped > 0).then_some(body)
    };
    Reason::ALL.into_iter().filter_map(of).collect()
}

async fn in_time<T>(asked: impl Future<Output = Result<T>>) -> Option<T> {
    tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()
}

impl Dependency {
    fn new(name: &'static str, is_ok: bool) -> Self {
        Self { name, status: if is_ok { Status::Ok } else { Status::Degraded } }
    }

    fn is_degraded(&self) -> bool {
        self.status == Status::Degraded
    }
}

impl QueueBody {
    fn new(name: &'static str, depth: Option<Depth>) -> Self {
        Self { name, waiting: depth.map(|depth| depth.waiting), in_flight: depth.map(|depth| depth.in_flight) }
    }
}
