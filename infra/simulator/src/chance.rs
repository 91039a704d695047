//! Unguessable values: tokens, codes, message ids.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::disallowed_methods, clippy::expect_used, reason = "the one source; without it nothing can go on")]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Letters and digits, as Meta's tokens and trace ids are made of.
pub(crate) fn letters(length: usize) -> String {
    let random = std::iter::repeat_with(bytes::<64>).flatten();
    random.filter_map(|byte| LETTERS.get(usize::from(byte & 63))).take(length).map(|byte| char::from(*byte)).collect()
}

/// `EAA…`: what every access token of Meta's looks like.
pub(crate) fn token() -> String {
    format!("EAA{}", letters(61))
}

/// A message id that, like Meta's, carries the other party's number and a random part.
pub(crate) fn wamid(party: &str, outbound: bool) -> String {
    let mut raw = vec![0x1d, 0x0b, u8::try_from(party.len()).unwrap_or(u8::MAX)];
    raw.extend_from_slice(party.as_bytes());
    raw.extend_from_slice(&[0x15, 0x02, 0x00, if outbound { 0x11 } else { 0x12 }, 0x18, 0x14]);
    raw.extend_from_slice(hex(&bytes::<10>()).to_uppercase().as_bytes());
    raw.push(0);
    format!("wamid.{}", BASE64_STANDARD.encode(raw))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
