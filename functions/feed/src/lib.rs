//! Tells the operator's systems what changed, batch by batch from the tables' streams.

use std::sync::Arc;

use lambda_runtime::service_fn;
use shared::{batch::feed::Context, clock::Clock, env::Env, lambda::Stopped, telemetry};

pub async fn run(clock: Clock) -> Result<(), Stopped> {
    let env = Env::process();
    telemetry::init(&env);
    let context = Arc::new(Context::from_env(&env, clock)?);
    lambda_runtime::run(service_fn(|event| Arc::clone(&context).handle(event))).await.map_err(Stopped::from_runtime)
}
