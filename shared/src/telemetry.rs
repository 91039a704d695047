//! Logs: one JSON object a line on stdout, which is where Lambda collects them.

use std::panic;

use tracing::level_filters::LevelFilter;

use crate::env::Env;

/// Starts logging at `AWS_LAMBDA_LOG_LEVEL` (default INFO). A panic is logged by its place alone: its message may
/// hold whatever was being worked on.
pub fn init(env: &Env) {
    let level = env.optional("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let subscriber =
        tracing_subscriber::fmt().json().flatten_event(true).with_current_span(false).with_max_level(level);
    // A second start in one process (tests) keeps the first subscriber.
    let _ = subscriber.try_init();
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panicked");
    }));
}
