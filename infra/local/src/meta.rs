//! The simulator as a stack hosts it, and the Meta app both sides agree on.

use std::collections::BTreeMap;

use emulators::Clock;
use simulator::Options;

/// Not a secret: it signs what one machine says to itself. Hexadecimal, as Meta's are.
const APP_SECRET: &str = "51b0ca7e51b0ca7e51b0ca7e51b0ca7e";

/// The configuration of Login for Business; the simulator takes any.
const CONFIG_ID: &str = "680000000000001";

/// The template parameters that describe the simulated app.
pub fn parameters() -> BTreeMap<String, String> {
    let Options { app_id, verify_token, .. } = Options::default();
    let (app_secret, config_id) = (APP_SECRET.to_owned(), CONFIG_ID.to_owned());
    [
        ("MetaAppId", app_id),
        ("MetaAppSecret", app_secret),
        ("MetaVerifyToken", verify_token),
        ("MetaConfigId", config_id),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// A simulator of that app, which tells what happens to the API at `api`.
pub fn options(api: &str, clock: &Clock) -> Options {
    let clock = clock.clone();
    Options {
        app_secret: APP_SECRET.to_owned(),
        callback_url: format!("{api}/webhooks/whatsapp"),
        deauthorize_url: Some(format!("{api}/oauth/deauthorize")),
        data_deletion_url: Some(format!("{api}/oauth/data-deletion")),
        clock: simulator::Clock::from_fn(move || clock.now()),
        ..Options::default()
    }
}
