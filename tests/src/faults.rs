//! The fault harness: a flow is recorded once without faults, and each request in it, to AWS or to Graph, is a site.
//! Then it runs once per site and kind of fault, in a world of its own, and must end in the same state.

mod graph;

use std::{collections::BTreeSet, future::Future, sync::Arc};

use emulators::{Fault, FaultKind, Site};
use tokio::task::JoinSet;

use crate::World;

/// How many scenarios run at a time, each in a world of its own: they mostly wait to try again.
const AT_ONCE: usize = 10;

/// What came of a flow's scenarios.
#[derive(Debug)]
pub struct Verdict {
    pub sites: BTreeSet<Site>,
    pub scenarios: usize,
    /// One line each: site, kind, what did not hold.
    pub violations: Vec<String>,
    /// Scenarios whose fault never came: the flow took another way, and they prove nothing.
    pub idle: Vec<String>,
}

/// Runs `flow` under every single fault. It says what does not hold when it is over.
pub async fn exhaust<F, R>(flow: F) -> Verdict
where
    F: Fn(Arc<World>) -> R + Copy + Send + 'static,
    R: Future<Output = Vec<String>> + Send + 'static,
{
    let sites = record(flow).await;
    let mut waiting: Vec<Fault> = sites.iter().flat_map(faults_at).collect();
    let scenarios = waiting.len();
    let mut verdict = Verdict { sites, scenarios, violations: Vec::new(), idle: Vec::new() };
    let mut running = JoinSet::new();
    loop {
        while running.len() < AT_ONCE
            && let Some(fault) = waiting.pop()
        {
            running.spawn(scenario(flow, fault));
        }
        let Some(ended) = running.join_next().await else { return verdict };
        let (fault, fired, broken) = ended.expect("a scenario ends");
        let name = format!("{} {:?}", fault.site, fault.kind);
        if !fired {
            verdict.idle.push(name.clone());
        }
        verdict.violations.extend(broken.into_iter().map(|what| format!("{name}: {what}")));
    }
}

/// What can happen at a site.
fn faults_at(site: &Site) -> Vec<Fault> {
    let mut kinds = FaultKind::ALL.to_vec();
    kinds.retain(|kind| graph::can_happen(*kind, site).unwrap_or_else(|| kind.can_happen_at(site)));
    kinds.into_iter().map(|kind| Fault { site: site.clone(), kind }).collect()
}

/// The sites of a flow, from a run without faults in which everything must hold.
async fn record<F, R>(flow: F) -> BTreeSet<Site>
where
    F: Fn(Arc<World>) -> R,
    R: Future<Output = Vec<String>>,
{
    let world = Arc::new(World::start().await);
    world.aws.faults().record();
    let broken = flow(Arc::clone(&world)).await;
    let seen = world.aws.faults().recorded();
    assert_eq!(broken, Vec::<String>::new(), "without any fault");
    // What a test looks up behind the scenes is no part of the flow.
    let of_aws = seen.into_iter().filter(|seen| seen.caller != "test").map(|seen| seen.site);
    of_aws.chain(graph::seen(&world).await).collect()
}

async fn scenario<F, R>(flow: F, fault: Fault) -> (Fault, bool, Vec<String>)
where
    F: Fn(Arc<World>) -> R,
    R: Future<Output = Vec<String>>,
{
    let world = Arc::new(World::start().await);
    let is_of_graph = graph::arm(&world, &fault).await;
    if !is_of_graph {
        world.aws.faults().arm(fault.clone());
    }
    let flowing = flow(Arc::clone(&world));
    let broken = tokio::select! {
        broken = flowing => broken,
        () = time_passes_once_it_fired(&world) => unreachable!("time passes for ever"),
    };
    let fired = world.aws.faults().fired().contains(&fault) || graph::has_fired(&world).await;
    (fault, fired, broken)
}

/// A delayed request to AWS waits on the movable clock, which nobody else moves.
async fn time_passes_once_it_fired(world: &World) {
    while world.aws.faults().fired().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    world.clock.advance(jiff::SignedDuration::from_secs(2));
    std::future::pending::<()>().await;
}
