//! Scheduled upkeep, and the commands an operator invokes directly.

use std::sync::Arc;

use lambda_runtime::service_fn;
use shared::{
    clock::{Clock, Random},
    env::Env,
    lambda::Stopped,
    telemetry,
    upkeep::Context,
};

pub async fn run(clock: Clock) -> Result<(), Stopped> {
    let env = Env::process();
    telemetry::init(&env);
    let context = Arc::new(Context::from_env(&env, clock, Random::system())?);
    lambda_runtime::run(service_fn(|event| Arc::clone(&context).handle(event))).await.map_err(Stopped::from_runtime)
}
