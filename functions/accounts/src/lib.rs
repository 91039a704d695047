//! Connected numbers: shown, changed, refreshed, let go; and the numbers a connection may take.

use shared::{
    clock::{Clock, Random},
    env::Env,
    http::accounts::{Context, router},
    lambda::{self, Stopped},
    telemetry,
};

pub async fn run(clock: Clock) -> Result<(), Stopped> {
    let env = Env::process();
    telemetry::init(&env);
    let context = Context::from_env(&env, clock, Random::system())?;
    lambda::serve(router(context)).await
}
