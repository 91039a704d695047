//! AES-256-GCM over what a key seals, bound to the encryption context.

use crate::random;
use base64::{Engine, engine::general_purpose::STANDARD};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

pub(crate) type Context = BTreeMap<String, String>;

/// The secret of one generation of a key.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Material(String);

impl Material {
    pub(super) fn new() -> Self {
        Self(STANDARD.encode(random::bytes::<32>()))
    }

    /// Nonce, sealed bytes and tag.
    pub(super) fn seal(&self, header: &[u8], context: &Context, plaintext: &[u8]) -> Option<Vec<u8>> {
        let nonce = random::bytes::<NONCE_LEN>();
        let mut sealed = plaintext.to_vec();
        let aad = Aad::from(bound_to(header, context));
        self.key()?.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed).ok()?;
        Some([&nonce, sealed.as_slice()].concat())
    }

    /// The plaintext, if nothing of it, of the header and of the context was changed.
    pub(super) fn open(&self, header: &[u8], context: &Context, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut opened = sealed.to_vec();
        let aad = Aad::from(bound_to(header, context));
        let length = self.key()?.open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut opened).ok()?.len();
        opened.truncate(length);
        Some(opened)
    }

    fn key(&self) -> Option<LessSafeKey> {
        let secret = STANDARD.decode(&self.0).ok()?;
        Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &secret).ok()?))
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Material([REDACTED])")
    }
}

/// The header, then each pair of the context in the order of its keys, lengths before: no two contexts look alike.
fn bound_to(header: &[u8], context: &Context) -> Vec<u8> {
    let mut bytes = header.to_vec();
    for text in context.iter().flat_map(|(key, value)| [key, value]) {
        bytes.extend((text.len() as u64).to_be_bytes());
        bytes.extend(text.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Few letters, so that contexts are often nearly the same.
    fn context() -> impl Strategy<Value = Context> {
        prop::collection::btree_map("[ab]{0,2}", "[ab]{0,2}", 0..3)
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_only_unchanged_and_under_its_own_context(
            plaintext in prop::collection::vec(any::<u8>(), 0..64),
            context in context(),
            other in context(),
            flipped in any::<prop::sample::Index>(),
        ) {
            let material = Material::new();
            let sealed = material.seal(b"header", &context, &plaintext).unwrap();
            prop_assert_eq!(material.open(b"header", &context, &sealed), Some(plaintext));

            if other != context {
                prop_assert_eq!(material.open(b"header", &other, &sealed), None);
            }
            prop_assert_eq!(material.open(b"heade", &context, &sealed), None);
            prop_assert_eq!(Material::new().open(b"header", &context, &sealed), None);
            let mut tampered = sealed;
            let bit = flipped.index(tampered.len() * 8);
            tampered[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(material.open(b"header", &context, &tampered), None);
        }
    }

    #[test]
    fn neighbouring_pairs_of_a_context_do_not_run_together() {
        let one = Context::from([("a".into(), "bc".into())]);
        let other = Context::from([("ab".into(), "c".into())]);

        assert_ne!(bound_to(b"", &one), bound_to(b"", &other));
    }
}
