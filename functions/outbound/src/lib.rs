//! Sends messages, batch by batch from the outbound queue.

use std::sync::Arc;

use lambda_runtime::service_fn;
use shared::{
    batch::outbound::Context,
    clock::{Clock, Random},
    env::Env,
    lambda::Stopped,
    telemetry,
};

pub async fn run(clock: Clock) -> Result<(), Stopped> {
    let env = Env::process();
    telemetry::init(&env);
    let context = Arc::new(Context::from_env(&env, clock, Random::system())?);
    lambda_runtime::run(service_fn(|event| Arc::clone(&context).handle(event))).await.map_err(Stopped::from_runtime)
}
