//! Meta's deliveries: verified, taken apart, put on the queue. What becomes of them is the consumer's to say.

use lambda_runtime::{Error, service_fn};
use shared::{clock::Clock, env::Env, lambda::Stopped, telemetry, webhook::Context};

pub async fn run(clock: Clock) -> Result<(), Stopped> {
    let env = Env::process();
    telemetry::init(&env);
    let context = &Context::from_env(&env, clock)?;
    lambda_runtime::run(service_fn(|event| async { Ok::<_, Error>(context.handle(event).await) }))
        .await
        .map_err(Stopped::from_runtime)
}
