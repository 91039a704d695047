//! The sites at Graph: the simulator's log names them, and its faults are asked for ahead.

use std::collections::HashMap;

use emulators::{Fault, FaultKind, Site};
use serde_json::{Value, json};

use crate::World;

/// What a site at Graph begins with; the route and the ordinal follow.
const PREFIX: &str = "graph.";
/// What a function waits for Graph where an answer is to come too late, and when it comes.
const PATIENCE_MS: u64 = 700;
const LATE_MS: u64 = 1_400;
/// Calls that Meta tells of later, so that it may tell twice.
const TOLD_OF: [&str; 2] = ["POST /{number}/messages", "POST /{number}/marketing_messages"];

/// The calls a flow made, but not those of the test itself.
pub(super) async fn seen(world: &World) -> Vec<Site> {
    let mut ordinals: HashMap<String, usize> = HashMap::new();
    let calls = world.meta.calls("").await;
    let sites = calls.iter().filter_map(|call| {
        let route = call["route"].as_str().expect("a route");
        let ordinal = ordinals.entry(route.to_owned()).or_default();
        *ordinal += 1;
        let site = Site::named(format!("{PREFIX}{route}#{ordinal}"));
        // As at AWS: what is done as `test` is no part of the flow.
        call["caller"].as_str().is_some_and(|caller| caller != "test").then_some(site)
    });
    sites.collect()
}

/// `None`: it is no site at Graph.
pub(super) fn can_happen(kind: FaultKind, site: &Site) -> Option<bool> {
    let (route, _) = parsed(site)?;
    Some(fault_of(kind, route).is_some())
}

/// Asks for the fault, where it is one at Graph, and gives its id there.
pub(super) async fn arm(world: &World, fault: &Fault) -> Option<Value> {
    let (route, ordinal) = parsed(&fault.site)?;
    let asked = fault_of(fault.kind, route).expect("a fault that can happen there");
    if matches!(fault.kind, FaultKind::Delay(_)) {
        world.set_patience_with_graph(PATIENCE_MS);
    }
    let asked = json!({ "match": { "route": route }, "skip": ordinal - 1, "times": 1, "fault": asked });
    Some(world.meta.post("/_sim/faults", asked).await["id"].clone())
}

/// Whether any of these has. A flow may ask for faults of its own.
pub(super) async fn has_fired(world: &World, ids: &[Value]) -> bool {
    let faults = world.meta.get("/_sim/faults").await;
    let mut fired = faults.as_array().into_iter().flatten().filter(|fault| fault["fired"] == 1);
    fired.any(|fault| ids.contains(&fault["id"]))
}

/// The fault as the simulator is asked for it. `None`: it cannot happen at that route.
fn fault_of(kind: FaultKind, route: &str) -> Option<Value> {
    match kind {
        FaultKind::KillBefore => Some(json!({ "kill": "before" })),
        FaultKind::KillAfter => Some(json!({ "kill": "after" })),
        FaultKind::Throttle => Some(json!({ "error": { "code": throttled(route) } })),
        FaultKind::Fail => Some(json!({ "status": 500, "error": { "code": 2, "is_transient": true } })),
        // Later than the caller waits: an answer that comes in time is no fault.
        FaultKind::Delay(_) => Some(json!({ "delay_ms": LATE_MS })),
        FaultKind::LoseAnswer => Some(json!({ "reset": "after" })),
        FaultKind::Conflict => None,
        FaultKind::Duplicate => TOLD_OF.contains(&route).then(|| json!({ "duplicate": true })),
    }
}

/// Calls of a WhatsApp account count against that account, others against the app.
fn throttled(route: &str) -> i64 {
    if route.contains("{waba}") || route.contains("{number}") { 80_007 } else { 4 }
}

fn parsed(site: &Site) -> Option<(&str, u64)> {
    let (route, ordinal) = site.as_str().strip_prefix(PREFIX)?.rsplit_once('#')?;
    Some((route, ordinal.parse().ok()?))
}
