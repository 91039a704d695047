//! A header is one of Meta's, or none; none that a stranger writes counts.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;
use shared::{domain::meta_app::MetaApp, meta::signature::Signature};

fuzz_target!(|input: (&str, &[u8])| {
    let (header, body) = input;
    let Some(signature) = Signature::parse(header) else { return };
    assert_eq!(header.len(), 71);
    let app = MetaApp {
        id: "1".to_owned(),
        secret: SecretString::from("a secret that nobody who writes bytes knows"),
        previous: None,
        verify_token: None,
        config_id: None,
    };
    assert!(!signature.is_of(body, &app, Timestamp::UNIX_EPOCH));
});
