//! What makes two requests the same request.

use std::{fmt, sync::Arc};

use sha2::{Digest, Sha256};

use super::{
    hex,
    keyring::{Code, Keyring, Purpose},
    tenant::TenantId,
};

/// The value of an `Idempotency-Key` header.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

#[derive(Debug, thiserror::Error)]
#[error("it has 1 to 255 printable ASCII characters")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    pub fn parse(raw: &[u8]) -> Result<Self, InvalidIdempotencyKey> {
        let is_printable = raw.iter().all(|byte| matches!(byte, b' '..=b'~'));
        match std::str::from_utf8(raw) {
            Ok(text) if is_printable && (1..=255).contains(&text.len()) => Ok(Self(text.to_owned())),
            _ => Err(InvalidIdempotencyKey),
        }
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey")
    }
}

/// A request that may come again: where its receipt lies, and what its body is compared by.
#[derive(Debug, Clone)]
pub struct Repetition {
    pub slot: String,
    body: Vec<u8>,
    keys: Arc<Keyring>,
}

impl Repetition {
    pub fn new(
        key: &IdempotencyKey,
        tenant: Option<&TenantId>,
        (method, path): (&str, &str),
        body: &[u8],
        keys: Arc<Keyring>,
    ) -> Self {
        // `-` begins no tenant id: what concerns no tenant cannot collide with one that does.
        let owner = tenant.map_or("-", TenantId::as_str);
        let digest = [owner, method, path, &key.0].iter().fold(Sha256::new(), |hash, part| {
            // The length before each part: `("a", "bc")` is not `("ab", "c")`.
            hash.chain_update((part.len() as u64).to_be_bytes()).chain_update(part)
        });
        Self { slot: format!("{owner}#idem#{}", hex::encode(&digest.finalize())), body: body.to_vec(), keys }
    }

    pub fn code(&self) -> Code {
        self.keys.code(Purpose::Idempotency, &self.body)
    }

    /// Whether a request that left `code` had this body. One that cannot be compared, because the secret has been
    /// rotated twice since, had another: nothing is done a second time on a guess.
    pub fn had(&self, code: &Code) -> bool {
        self.keys.verifies(Purpose::Idempotency, &self.body, code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(tenant: Option<&str>, method: &str, path: &str, key: &str) -> String {
        let tenant = tenant.map(|tenant| tenant.parse().unwrap());
        let key = IdempotencyKey::parse(key.as_bytes()).unwrap();
        Repetition::new(&key, tenant.as_ref(), (method, path), b"{}", Arc::new(Keyring::new(b"secret", None))).slot
    }

    #[test]
    fn a_slot_differs_by_tenant_method_path_and_key() {
        let first = slot(Some("acme"), "POST", "/v1/a", "k");

        assert_eq!(first, slot(Some("acme"), "POST", "/v1/a", "k"));
        for other in [
            slot(Some("bravo"), "POST", "/v1/a", "k"),
            slot(None, "POST", "/v1/a", "k"),
            slot(Some("acme"), "PUT", "/v1/a", "k"),
            slot(Some("acme"), "POST", "/v1/b", "k"),
            slot(Some("acme"), "POST", "/v1/a", "k2"),
            slot(Some("acme"), "POST", "/v1/", "ak"),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn keys_are_printable_and_of_bounded_length() {
        assert!(IdempotencyKey::parse(&[b'x'; 255]).is_ok());
        for wrong in [&b""[..], &[b'x'; 256], b"a\nb", "é".as_bytes(), b"\xff"] {
            assert!(IdempotencyKey::parse(wrong).is_err());
        }
    }
}
