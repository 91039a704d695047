//! Logs: one JSON object a line on stdout, which is where Lambda collects them.

use std::panic;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::env::Env;

/// Starts logging at `AWS_LAMBDA_LOG_LEVEL` (default INFO). A panic is logged by its place alone: its message may
/// hold whatever was being worked on.
pub fn init(env: &Env) {
    let level = env.optional("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let lines = fmt::layer().json().flatten_event(true).with_current_span(false);
    // A second start in one process (tests) keeps the first subscriber.
    let _ = tracing_subscriber::registry().with(lines).with(heard(level)).try_init();
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panicked");
    }));
}

/// What is logged at a level. Of other crates never more than INFO: below that they log whole requests and answers, and
/// with them what customers wrote.
pub fn heard(level: LevelFilter) -> Targets {
    Targets::new().with_default(level.min(LevelFilter::INFO)).with_target("shared", level)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_level_is_ours_and_others_say_what_matters() {
        for (level, target, at, is_heard) in [
            (LevelFilter::TRACE, "shared::flow", Level::TRACE, true),
            (LevelFilter::TRACE, "aws_smithy_runtime::client", Level::DEBUG, false),
            (LevelFilter::TRACE, "lambda_runtime", Level::TRACE, false),
            (LevelFilter::TRACE, "lambda_runtime", Level::INFO, true),
            (LevelFilter::WARN, "hyper", Level::INFO, false),
            (LevelFilter::WARN, "shared", Level::INFO, false),
        ] {
            assert_eq!(heard(level).would_enable(target, &at), is_heard, "{target} at {at}, told {level}");
        }
    }
}
