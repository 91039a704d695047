//! The same checks on emulators nobody here wrote. They differ only as `contract-differences.json` says, and where it says.

use super::{
    check::{Check, run},
    clients::Clients,
    dynamodb, kms, secrets, sqs,
};
use std::collections::BTreeMap;

/// For each peer, the checks that do not hold there, with the reason.
fn differences(peer: &str) -> BTreeMap<String, String> {
    let all: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_str(include_str!("../../contract-differences.json")).unwrap();
    all.get(peer).cloned().unwrap_or_default()
}

/// Asks the peer that a variable names, where there is one.
async fn ask(peer: &str, variable: &str, services: &[(&str, Vec<Check>)]) {
    #[expect(clippy::disallowed_methods, reason = "which peers run is a matter of this run, not of the product")]
    let url = std::env::var(variable);
    let Ok(url) = url else {
        #[expect(clippy::print_stderr, reason = "a peer that was not asked must not look like one that agreed")]
        {
            eprintln!("SKIPPED: {variable} is not set, so {peer} was not asked (tests/contract/peers.sh runs it)");
        }
        return;
    };
    let clients = Clients::new(&url);
    let mut found = BTreeMap::new();
    for (service, checks) in services {
        let failed = run(checks, &clients).await.into_iter().filter_map(|(name, outcome)| Some((name, outcome.err()?)));
        found.extend(failed.map(|(name, why)| (format!("{service}/{name}"), why)));
    }
    let listed = differences(peer);
    let unlisted: BTreeMap<_, _> = found.iter().filter(|(name, _)| !listed.contains_key(*name)).collect();
    let outdated: Vec<_> = listed.keys().filter(|name| !found.contains_key(*name)).collect();
    assert!(unlisted.is_empty(), "{peer} differs where contract-differences.json does not say so: {unlisted:#?}");
    assert!(outdated.is_empty(), "{peer} does not differ any more: {outdated:#?}");
}

#[tokio::test]
async fn ministack_differs_only_as_listed() {
    ask("ministack", "CONTRACT_MINISTACK_URL", &[("sqs", sqs::checks()), ("dynamodb", dynamodb::checks())]).await;
}

#[tokio::test]
async fn moto_differs_only_as_listed() {
    let services = [("kms", kms::CHECKS.to_vec()), ("secrets", secrets::CHECKS.to_vec())];
    ask("moto", "CONTRACT_MOTO_URL", &services).await;
}

#[test]
fn every_listed_difference_names_a_check_and_a_reason() {
    let checks = [
        ("dynamodb", dynamodb::checks()),
        ("kms", kms::CHECKS.to_vec()),
        ("secrets", secrets::CHECKS.to_vec()),
        ("sqs", sqs::checks()),
    ];
    let names = checks.iter().flat_map(|(service, checks)| checks.iter().map(move |check| (service, check.name)));
    let known: Vec<_> = names.map(|(service, name)| format!("{service}/{name}")).collect();
    for peer in ["ministack", "moto"] {
        for (name, reason) in differences(peer) {
            assert!(known.contains(&name), "{peer}: there is no check {name}");
            assert!(reason.len() > 10, "{peer}: {name} has no reason");
        }
    }
}
