//! Takes messages to be sent, cancels them, and marks conversations as read.

use shared::{
    clock::{Clock, Random},
    env::Env,
    http::send::{Context, router},
    lambda::{self, Stopped},
    telemetry,
};

pub async fn run(clock: Clock) -> Result<(), Stopped> {
    let env = Env::process();
    telemetry::init(&env);
    let context = Context::from_env(&env, clock, Random::system())?;
    lambda::serve(router(context)).await
}
