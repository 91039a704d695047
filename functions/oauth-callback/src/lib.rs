//! The way back from Meta: permissions become connected numbers.

use shared::{
    clock::{Clock, Random},
    env::Env,
    http::oauth::{Context, router},
    lambda::{self, Stopped},
    telemetry,
};

pub async fn run(clock: Clock) -> Result<(), Stopped> {
    let env = Env::process();
    telemetry::init(&env);
    let context = Context::from_env(&env, clock, Random::system())?;
    lambda::serve(router(context)).await
}
