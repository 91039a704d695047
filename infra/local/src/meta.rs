//! The simulator as the stack hosts it, and the Meta app both sides agree on.

use std::collections::BTreeMap;
use std::path::Path;

use emulators::Clock;
use simulator::{Options, Simulator};
use tokio::net::TcpListener;

/// Not a secret: it signs what one machine says to itself. Hexadecimal, as Meta's are.
const APP_SECRET: &str = "51b0ca7e51b0ca7e51b0ca7e51b0ca7e";

/// The template parameters that describe the simulated app.
pub(crate) fn parameters() -> BTreeMap<String, String> {
    let Options { app_id, verify_token, .. } = Options::default();
    [("MetaAppId", app_id), ("MetaAppSecret", APP_SECRET.to_owned()), ("MetaVerifyToken", verify_token)]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

pub(crate) fn start(listener: TcpListener, api: &str, data: &Path, clock: &Clock) -> std::io::Result<Simulator> {
    let clock = clock.clone();
    let options = Options {
        app_secret: APP_SECRET.to_owned(),
        callback_url: format!("{api}/webhooks/whatsapp"),
        deauthorize_url: Some(format!("{api}/oauth/deauthorize")),
        data_deletion_url: Some(format!("{api}/oauth/data-deletion")),
        data: Some(data.to_owned()),
        clock: simulator::Clock::from_fn(move || clock.now()),
        ..Options::default()
    };
    Simulator::start(listener, options)
}
