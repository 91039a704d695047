//! Whether a delivery is Meta's: the header `X-Hub-Signature-256`.
//!
//! The signature covers no time. What was signed once is signed for ever, and repetitions are others' to notice.

use hmac::Mac;
use jiff::Timestamp;

use super::graph::keyed;
use crate::domain::{hex, meta_app::MetaApp};

const SCHEME: &str = "sha256=";

/// A signature as Meta writes it: whether it is of anything is not known yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 32]);

impl Signature {
    /// `sha256=` and 64 lower-case digits. Anything else was not made by Meta, and nothing needs to be asked.
    pub fn parse(header: &str) -> Option<Self> {
        header.strip_prefix(SCHEME).and_then(hex::decode).map(Self)
    }

    /// Over these very bytes, with the app's secret, or the one before it until its date. In constant time.
    pub fn is_of(&self, body: &[u8], app: &MetaApp, now: Timestamp) -> bool {
        app.secrets_at(now).any(|secret| keyed(secret).chain_update(body).verify_slice(&self.0).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    /// `printf '{"a":1}' | openssl dgst -sha256 -hmac <secret>`
    const NEW: &str = "sha256=0eb6fdf4827b258ee3a559f26dc09df4e037567f2ae37a8e56a577c2c6415756";
    const OLD: &str = "sha256=5022acffeea2804ff520532a0e2c2c89e8ad3ea1957eab6e12c65a339dd237b7";

    fn app() -> MetaApp {
        MetaApp {
            id: "1".to_owned(),
            secret: SecretString::from("new"),
            previous: Some((SecretString::from("old"), "2026-11-20T00:00:00Z".parse().unwrap())),
            verify_token: None,
            config_id: None,
        }
    }

    fn counts(header: &str, body: &[u8], now: &str) -> bool {
        Signature::parse(header).unwrap().is_of(body, &app(), now.parse().unwrap())
    }

    #[test]
    fn only_these_bytes_with_these_secrets_count() {
        let (before, after) = ("2026-11-19T23:59:59.999Z", "2026-11-20T00:00:00Z");

        assert!(counts(NEW, br#"{"a":1}"#, after));
        assert!(!counts(NEW, br#"{"a": 1}"#, after));
        assert!(counts(OLD, br#"{"a":1}"#, before));
        assert!(!counts(OLD, br#"{"a":1}"#, after));
    }

    #[test]
    fn a_header_has_one_form() {
        let digits = "0123456789abcdef".repeat(4);
        assert!(Signature::parse(&format!("sha256={digits}")).is_some());
        for wrong in [
            String::new(),
            digits.clone(),
            format!("sha1={digits}"),
            format!("SHA256={digits}"),
            format!("sha256={}", digits.to_uppercase()),
            format!(" sha256={digits}"),
            format!("sha256={digits} "),
            format!("sha256= {digits}"),
            format!("sha256={digits}0"),
            format!("sha256={}", &digits[1..]),
            format!("sha256={}g", &digits[1..]),
            format!("sha256={digits},sha256={digits}"),
        ] {
            assert_eq!(Signature::parse(&wrong), None, "{wrong}");
        }
    }
}
