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

impl Verdict {
    /// Prints it, and ends the test where something did not hold or proves nothing.
    #[expect(clippy::print_stdout, reason = "how much was tried is a result of the test")]
    pub fn must_hold(&self, flow: &str, at_least: usize) {
        let (sites, scenarios, violations) = (self.sites.len(), self.scenarios, self.violations.len());
        println!("faults, {flow}: {sites} sites, {scenarios} scenarios, {violations} violations");
        assert_eq!(self.violations, Vec::<String>::new());
        assert_eq!(self.idle, Vec::<String>::new());
        assert!(sites >= at_least, "{:?}", self.sites);
    }
}

/// Runs `flow` under every single fault. It says what does not hold when it is over.
pub async fn exhaust<F, R>(flow: F) -> Verdict
where
    F: Fn(Arc<World>) -> R + Copy + Send + 'static,
    R: Future<Output = Vec<String>> + Send + 'static,
{
    let sites = record(flow).await;
    let each = sites.iter().flat_map(faults_at).map(|fault| vec![fault]).collect();
    try_all(flow, sites, each).await
}

/// Runs `flow` under two faults at two of its sites: under each such pair where [`whole`](crate::whole) is asked for, else under
/// every `sample`-th. The one that comes first may keep the other from coming.
pub async fn exhaust_pairs<F, R>(flow: F, sample: usize) -> Verdict
where
    F: Fn(Arc<World>) -> R + Copy + Send + 'static,
    R: Future<Output = Vec<String>> + Send + 'static,
{
    let sites = record(flow).await;
    let faults: Vec<Fault> = sites.iter().flat_map(faults_at).collect();
    let pairs = faults.iter().enumerate().flat_map(|(place, first)| {
        let later = faults[place..].iter().filter(|second| second.site != first.site);
        later.map(|second| vec![first.clone(), second.clone()])
    });
    let pairs = pairs.step_by(if crate::whole() { 1 } else { sample }).collect();
    try_all(flow, sites, pairs).await
}

async fn try_all<F, R>(flow: F, sites: BTreeSet<Site>, mut waiting: Vec<Vec<Fault>>) -> Verdict
where
    F: Fn(Arc<World>) -> R + Copy + Send + 'static,
    R: Future<Output = Vec<String>> + Send + 'static,
{
    let scenarios = waiting.len();
    let mut verdict = Verdict { sites, scenarios, violations: Vec::new(), idle: Vec::new() };
    let mut running = JoinSet::new();
    loop {
        while running.len() < AT_ONCE
            && let Some(faults) = waiting.pop()
        {
            running.spawn(scenario(flow, faults));
        }
        let Some(ended) = running.join_next().await else { return verdict };
        let (name, has_fired, broken) = ended.expect("a scenario ends");
        if !has_fired {
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

/// Its name, whether any of its faults came, and what did not hold.
async fn scenario<F, R>(flow: F, faults: Vec<Fault>) -> (String, bool, Vec<String>)
where
    F: Fn(Arc<World>) -> R,
    R: Future<Output = Vec<String>>,
{
    let world = Arc::new(World::start().await);
    let mut at_graph = Vec::new();
    for fault in &faults {
        match graph::arm(&world, fault).await {
            Some(id) => at_graph.push(id),
            None => world.aws.faults().arm(fault.clone()),
        }
    }
    let flowing = flow(Arc::clone(&world));
    let broken = tokio::select! {
        broken = flowing => broken,
        () = time_passes_with_each_that_fires(&world) => unreachable!("time passes for ever"),
    };
    let has_fired = !world.aws.faults().fired().is_empty() || graph::has_fired(&world, &at_graph).await;
    let names: Vec<String> = faults.iter().map(|fault| format!("{} {:?}", fault.site, fault.kind)).collect();
    (names.join(" and "), has_fired, broken)
}

/// A delayed request to AWS waits on the movable clock, which nobody else moves.
async fn time_passes_with_each_that_fires(world: &World) {
    let mut fired = 0;
    loop {
        if world.aws.faults().fired().len() > fired {
            fired += 1;
            world.clock.advance(jiff::SignedDuration::from_secs(2));
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}
