//! Keys derived from the one stack secret: two generations are valid, each known by its `kid`.
//!
//! Rotating the secret therefore breaks nothing that is younger than one rotation: cursors, callback data and
//! idempotency records made under the previous secret still open.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const KID_LENGTH: usize = 4;

/// What a derived key is for. No key serves two purposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Cursor,
    Idempotency,
    /// The start URL of a connection.
    Ticket,
    /// What ties a popup's answer to its connection.
    Nonce,
    /// What only the browser that finished at Meta was given.
    Verifier,
    /// The cookie of the browser that may see our own page of a connection.
    Page,
    /// What a form of that page must carry.
    Form,
    /// The status page of a data deletion.
    Deletion,
    /// What Meta gives back with the statuses of a message.
    Callback,
    /// The names of somebody who is being forgotten.
    Erasure,
    /// How far that has come among the names of others.
    ErasurePlace,
}

impl Purpose {
    const fn info(self) -> &'static [u8] {
        match self {
            Self::Cursor => b"patchbay cursor",
            Self::Idempotency => b"patchbay idempotency",
            Self::Ticket => b"patchbay ticket",
            Self::Nonce => b"patchbay nonce",
            Self::Verifier => b"patchbay verifier",
            Self::Page => b"patchbay page",
            Self::Form => b"patchbay form",
            Self::Deletion => b"patchbay deletion",
            Self::Callback => b"patchbay callback",
            Self::Erasure => b"patchbay erasure",
            Self::ErasurePlace => b"patchbay erasure place",
        }
    }
}

/// Which generation made something.
pub type Kid = [u8; KID_LENGTH];

/// One value of the stack secret.
struct Generation {
    kid: Kid,
    root: Zeroizing<Vec<u8>>,
}

/// The current generation and, after a rotation, the one before.
pub struct Keyring {
    current: Generation,
    previous: Option<Generation>,
}

/// A code over some bytes and the generation that made it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code {
    pub kid: Kid,
    pub code: [u8; 32],
}

impl Keyring {
    pub fn new(current: &[u8], previous: Option<&[u8]>) -> Self {
        Self { current: Generation::new(current), previous: previous.map(Generation::new) }
    }

    /// Encrypts, bound to `context`. The nonce is drawn by the caller and never twice.
    #[expect(clippy::expect_used, reason = "AES-GCM fails on inputs over 64 GiB only")]
    pub fn seal(&self, purpose: Purpose, nonce: [u8; NONCE_LEN], context: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut body = plain.to_vec();
        self.current
            .cipher(purpose)
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut body)
            .expect("a cursor is small");
        [&self.current.kid[..], &nonce, &body].concat()
    }

    /// What was sealed under either generation, for this purpose and context; none: it was not.
    pub fn open(&self, purpose: Purpose, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (kid, rest) = sealed.split_at_checked(KID_LENGTH)?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = body.to_vec();
        let cipher = self.generation(kid)?.cipher(purpose);
        let plain = cipher.open_in_place(nonce, Aad::from(context), &mut body).ok()?;
        Some(plain.to_vec())
    }

    pub fn code(&self, purpose: Purpose, bytes: &[u8]) -> Code {
        Code { kid: self.current.kid, code: self.current.mac(purpose, bytes) }
    }

    /// The generation that makes codes now.
    pub fn kid(&self) -> Kid {
        self.current.kid
    }

    /// The code that a generation makes; none: it is gone.
    pub fn code_of(&self, kid: &Kid, purpose: Purpose, bytes: &[u8]) -> Option<[u8; 32]> {
        self.generation(kid).map(|own| own.mac(purpose, bytes))
    }

    /// Whether `code` is over these bytes. One of a generation that is gone is not.
    pub fn verifies(&self, purpose: Purpose, bytes: &[u8], code: &Code) -> bool {
        self.generation(&code.kid).is_some_and(|own| own.mac(purpose, bytes).ct_eq(&code.code).into())
    }

    /// The same for the first bytes of a code.
    pub fn verifies_start(&self, purpose: Purpose, bytes: &[u8], kid: Kid, start: &[u8]) -> bool {
        self.generation(&kid).is_some_and(|own| own.mac(purpose, bytes)[..start.len().min(32)].ct_eq(start).into())
    }

    fn generation(&self, kid: &[u8]) -> Option<&Generation> {
        std::iter::once(&self.current).chain(&self.previous).find(|generation| generation.kid == kid)
    }
}

impl Generation {
    fn new(secret: &[u8]) -> Self {
        let digest = Sha256::new().chain_update("patchbay kid").chain_update(secret).finalize();
        let mut kid = Kid::default();
        kid.copy_from_slice(&digest[..KID_LENGTH]);
        Self { kid, root: Zeroizing::new(secret.to_vec()) }
    }

    #[expect(clippy::expect_used, reason = "HKDF fails on outputs over 8 KiB only")]
    fn subkey(&self, purpose: Purpose) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        Salt::new(HKDF_SHA256, b"patchbay")
            .extract(&self.root)
            .expand(&[purpose.info()], HKDF_SHA256)
            .and_then(|material| material.fill(&mut key[..]))
            .expect("32 bytes are within its bounds");
        key
    }

    #[expect(clippy::expect_used, reason = "the key has the length AES-256 asks for")]
    fn cipher(&self, purpose: Purpose) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &self.subkey(purpose)[..]).expect("32 bytes"))
    }

    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn mac(&self, purpose: Purpose, bytes: &[u8]) -> [u8; 32] {
        let mac = Hmac::<Sha256>::new_from_slice(&self.subkey(purpose)[..]).expect("any length");
        mac.chain_update(bytes).finalize().into_bytes().into()
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: [u8; NONCE_LEN] = [7; NONCE_LEN];

    #[test]
    fn what_was_sealed_opens_for_its_purpose_and_context_alone() {
        let keys = Keyring::new(b"first", None);
        let sealed = keys.seal(Purpose::Cursor, NONCE, b"acme /v1/keys", b"page two");

        assert_eq!(keys.open(Purpose::Cursor, b"acme /v1/keys", &sealed).as_deref(), Some(&b"page two"[..]));
        assert_eq!(keys.open(Purpose::Cursor, b"bravo /v1/keys", &sealed), None);
        assert_eq!(keys.open(Purpose::Idempotency, b"acme /v1/keys", &sealed), None);
        assert_eq!(Keyring::new(b"other", None).open(Purpose::Cursor, b"acme /v1/keys", &sealed), None);
    }

    #[test]
    fn any_flipped_bit_and_any_cut_is_noticed() {
        let keys = Keyring::new(b"first", None);
        let sealed = keys.seal(Purpose::Cursor, NONCE, b"", b"page two");
        for bit in 0..sealed.len() * 8 {
            let mut wrong = sealed.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(keys.open(Purpose::Cursor, b"", &wrong), None, "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert_eq!(keys.open(Purpose::Cursor, b"", &sealed[..length]), None, "cut at {length}");
        }
    }

    #[test]
    fn two_generations_are_valid_and_the_third_is_not() {
        let first = Keyring::new(b"first", None);
        let second = Keyring::new(b"second", Some(b"first"));
        let third = Keyring::new(b"third", Some(b"second"));
        let sealed = first.seal(Purpose::Cursor, NONCE, b"", b"page two");
        let code = first.code(Purpose::Idempotency, b"body");

        assert!(second.open(Purpose::Cursor, b"", &sealed).is_some());
        assert!(second.verifies(Purpose::Idempotency, b"body", &code));
        assert!(third.open(Purpose::Cursor, b"", &sealed).is_none());
        assert!(!third.verifies(Purpose::Idempotency, b"body", &code));
    }

    #[test]
    fn a_code_is_over_its_bytes_and_purpose() {
        let keys = Keyring::new(b"first", None);
        let code = keys.code(Purpose::Idempotency, b"body");

        assert!(keys.verifies(Purpose::Idempotency, b"body", &code));
        assert!(!keys.verifies(Purpose::Idempotency, b"bodies", &code));
        assert!(!keys.verifies(Purpose::Cursor, b"body", &code));
    }
}
