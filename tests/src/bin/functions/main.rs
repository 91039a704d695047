//! Functions as processes of the local host: one executable, told by the host which of them to be. The product's own,
//! and fixtures for what no product function shows.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what a function prints is its log")]

mod fixtures;

use std::process::ExitCode;

use local::hosted;
use shared::clock::Clock;

fn main() -> ExitCode {
    let clock = || Clock::from_fn(hosted::clock());
    match hosted::function().as_deref() {
        Some("access") => hosted::run(access::run(clock())),
        Some("accounts") => hosted::run(accounts::run(clock())),
        Some("feed") => hosted::run(feed::run(clock())),
        Some("inbound") => hosted::run(inbound::run(clock())),
        Some("inbox") => hosted::run(inbox::run(clock())),
        Some("oauth-callback") => hosted::run(oauth_callback::run(clock())),
        Some("oauth-init") => hosted::run(oauth_init::run(clock())),
        Some("outbound") => hosted::run(outbound::run(clock())),
        Some("send") => hosted::run(send::run(clock())),
        Some("sweeper") => hosted::run(sweeper::run(clock())),
        Some("webhook") => hosted::run(webhook::run(clock())),
        Some(name) => hosted::run(fixtures::run(name.to_owned(), hosted::clock())),
        None => ExitCode::FAILURE,
    }
}
