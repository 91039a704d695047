//! The opaque strings callers carry: `pb_sk_…` (an operator's key) and `pb_st_…` (a browser's session).
//!
//! A string is 43 letters and digits (256 bits) and 6 of a checksum, so that a mistyped or foreign one is refused
//! without a look at any table. The first key of a deployment is made by Secrets Manager, which knows no checksum:
//! it is told apart by its length.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::credential::{CredentialId, Kind};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SECRET_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;
/// As `GenerateSecretString` in the template makes it.
const FIRST_KEY_LENGTH: usize = 64;

/// A well-formed bearer string. Only its hash is ever stored.
pub struct Bearer {
    kind: Kind,
    text: SecretString,
}

#[derive(Debug, thiserror::Error)]
#[error("not a Patchbay key or session token")]
pub struct MalformedBearer;

/// The SHA-256 of a bearer string: what `credentials` keeps, and what the public id derives from.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerHash([u8; 32]);

impl Bearer {
    /// Makes a new one from random bytes; draws again while a byte would favour some letters.
    pub fn generate(kind: Kind, mut random: impl FnMut() -> [u8; 64]) -> Self {
        let mut secret = String::with_capacity(SECRET_LENGTH + CHECKSUM_LENGTH);
        while secret.len() < SECRET_LENGTH {
            let fair = random().into_iter().filter(|byte| usize::from(*byte) < 4 * ALPHABET.len());
            secret.extend(fair.map(letter).take(SECRET_LENGTH - secret.len()));
        }
        let sum = checksum(kind, &secret);
        secret.push_str(&sum);
        Self { kind, text: format!("{}{secret}", kind.prefix()).into() }
    }

    pub fn parse(raw: &str) -> Result<Self, MalformedBearer> {
        let (kind, rest) = [Kind::Key, Kind::Session]
            .into_iter()
            .find_map(|kind| Some((kind, raw.strip_prefix(kind.prefix())?)))
            .ok_or(MalformedBearer)?;
        let is_plain = rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_whole = match rest.len() {
            _ if !is_plain => false,
            FIRST_KEY_LENGTH => kind == Kind::Key,
            length => {
                length == SECRET_LENGTH + CHECKSUM_LENGTH
                    && rest[SECRET_LENGTH..] == checksum(kind, &rest[..SECRET_LENGTH])
            }
        };
        if is_whole { Ok(Self { kind, text: raw.into() }) } else { Err(MalformedBearer) }
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn hash(&self) -> BearerHash {
        BearerHash(Sha256::digest(self.text.expose_secret()).into())
    }

    /// The id of the credential this string is: derived, so that no index from hash to id is needed.
    pub fn id(&self) -> CredentialId {
        CredentialId::derive(self.kind, &self.hash())
    }

    /// For the one answer that shows it.
    pub fn reveal(&self) -> &str {
        self.text.expose_secret()
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bearer({})", self.id())
    }
}

impl BearerHash {
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Compares in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        subtle::ConstantTimeEq::ct_eq(&self.0[..], &other.0[..]).into()
    }
}

impl fmt::Debug for BearerHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerHash")
    }
}

impl CredentialId {
    fn derive(kind: Kind, hash: &BearerHash) -> Self {
        // A hash of the hash: an id shows nothing of what is compared.
        let digest = Sha256::new().chain_update("patchbay credential id").chain_update(hash.0).finalize();
        Self::from_parts(kind, &BASE64_URL_SAFE_NO_PAD.encode(&digest[..16]))
    }
}

fn letter(byte: u8) -> char {
    char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])
}

fn checksum(kind: Kind, secret: &str) -> String {
    let digest = Sha256::new().chain_update(kind.prefix()).chain_update(secret).finalize();
    digest[..CHECKSUM_LENGTH].iter().map(|byte| letter(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counting() -> impl FnMut() -> [u8; 64] {
        let mut next = 0_u8;
        move || {
            std::array::from_fn(|_| {
                next = next.wrapping_add(1);
                next
            })
        }
    }

    #[test]
    fn a_generated_string_reads_back_as_itself() {
        for kind in [Kind::Key, Kind::Session] {
            let made = Bearer::generate(kind, counting());
            let read = Bearer::parse(made.reveal()).unwrap();

            assert_eq!((read.kind(), read.reveal(), read.id()), (kind, made.reveal(), made.id()));
            assert_eq!(made.reveal().len(), "pb_sk_".len() + SECRET_LENGTH + CHECKSUM_LENGTH);
        }
    }

    #[test]
    fn one_wrong_letter_is_noticed() {
        let made = Bearer::generate(Kind::Key, counting()).reveal().to_owned();
        for place in "pb_sk_".len()..made.len() {
            let mut wrong = made.clone().into_bytes();
            wrong[place] = if wrong[place] == b'x' { b'y' } else { b'x' };
            assert!(Bearer::parse(std::str::from_utf8(&wrong).unwrap()).is_err(), "letter {place}");
        }
    }

    #[test]
    fn a_session_cannot_pass_for_a_key() {
        let made = Bearer::generate(Kind::Session, counting()).reveal().replace("pb_st_", "pb_sk_");

        assert!(Bearer::parse(&made).is_err());
    }

    #[test]
    fn the_first_key_is_known_by_its_length() {
        assert_eq!(Bearer::parse(&format!("pb_sk_{}", "a".repeat(64))).unwrap().kind(), Kind::Key);
        assert!(Bearer::parse(&format!("pb_st_{}", "a".repeat(64))).is_err());
        assert!(Bearer::parse(&format!("pb_sk_{}", "a".repeat(63))).is_err());
    }

    #[test]
    fn nothing_of_it_is_shown_by_debug() {
        let made = Bearer::generate(Kind::Key, counting());

        assert_eq!(format!("{made:?}"), format!("Bearer({})", made.id()));
        assert!(!format!("{:?}", made.hash()).contains(char::is_numeric));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "\\PC*") {
            let _ = Bearer::parse(&text);
            let _ = Bearer::parse(&format!("pb_sk_{text}"));
        }
    }
}
