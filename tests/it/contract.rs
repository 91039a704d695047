//! What the product expects of AWS, as named checks through the real SDK clients. Our emulators pass all of them in every
//! run; independent emulators are asked too where one is running, and may differ only as `contract-differences.json` says.

#![expect(clippy::unwrap_used, reason = "what a check itself builds is legal; a panic fails the check")]

mod check;
mod clients;
mod dynamodb;
mod faults;
mod kms;
mod ours;
mod peers;
mod secrets;
mod sqs;
mod stress;

use check::{Check, run};
use clients::Clients;
use emulators::{Emulators, Options};

async fn failures_of_ours(checks: &[Check]) -> Vec<(&'static str, String)> {
    let directory = tempfile::tempdir().unwrap();
    let emulators = Emulators::start(Options::new(directory.path())).await.unwrap();
    let outcomes = run(checks, &Clients::new(&emulators.url())).await;
    emulators.stop().await;
    outcomes.into_iter().filter_map(|(name, outcome)| Some((name, outcome.err()?))).collect()
}

#[tokio::test]
async fn our_sqs_keeps_the_contract() {
    assert_eq!(failures_of_ours(&sqs::checks()).await, []);
}

#[tokio::test]
async fn our_dynamodb_keeps_the_contract() {
    assert_eq!(failures_of_ours(&dynamodb::checks()).await, []);
}

#[tokio::test]
async fn our_kms_keeps_the_contract() {
    assert_eq!(failures_of_ours(kms::CHECKS).await, []);
}

#[tokio::test]
async fn our_secrets_manager_keeps_the_contract() {
    assert_eq!(failures_of_ours(secrets::CHECKS).await, []);
}
