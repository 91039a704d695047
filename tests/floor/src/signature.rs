//! Meta's signature of a body.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

pub(crate) fn is_valid(body: &[u8], signature: &str, secret: &str) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    mac.update(body);
    bytes(signature).is_some_and(|signature| mac.verify_slice(&signature).is_ok())
}

fn bytes(hexadecimal: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let digits = hexadecimal.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(0)? << 4 | digit(1)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn only_the_right_signature_of_the_right_body_is_valid() {
        let signature = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

        assert!(is_valid(b"what do ya want for nothing?", signature, "Jefe"));
        assert!(!is_valid(b"what do ya want for nothing!", signature, "Jefe"));
        assert!(!is_valid(b"what do ya want for nothing?", &signature[2..], "Jefe"));
        assert!(!is_valid(b"what do ya want for nothing?", &signature.replace('5', "6"), "Jefe"));
    }
}
