//! Keys, sessions, health, and the answer to every path nobody else serves.

use shared::{
    clock::{Clock, Random},
    env::Env,
    http::access::{Context, router},
    lambda::{self, Stopped},
    telemetry,
};

pub async fn run(clock: Clock) -> Result<(), Stopped> {
    let env = Env::process();
    telemetry::init(&env);
    let context = Context::from_env(&env, clock, Random::system())?;
    lambda::serve(router(context)).await
}
