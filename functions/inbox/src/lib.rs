//! Conversations, what was said in them, the people, and how much of it there was.

use shared::{
    clock::{Clock, Random},
    env::Env,
    http::inbox::{Context, router},
    lambda::{self, Stopped},
    telemetry,
};

pub async fn run(clock: Clock) -> Result<(), Stopped> {
    let env = Env::process();
    telemetry::init(&env);
    let context = Context::from_env(&env, clock, Random::system())?;
    lambda::serve(router(context)).await
}
