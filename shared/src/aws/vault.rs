//! Seals tokens and PINs with KMS, each bound to its purpose, tenant and thing, and opens them again.
//!
//! What was opened is remembered for five minutes. It is wiped when it is forgotten; what the TLS stack and the SDK copy
//! on the way cannot be.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_kms::{
    Client, operation::decrypt::DecryptError, operation::re_encrypt::ReEncryptError, primitives::Blob, types::KeyState,
};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::clients::Later;
use crate::{
    Error, Result,
    clock::Clock,
    domain::sealed::{Binding, Sealed},
};

const KEPT_FOR: SignedDuration = SignedDuration::from_mins(5);
const KEPT: usize = 256;

#[derive(Debug, Clone)]
pub struct Vault {
    client: Later<Client>,
    key: String,
    clock: Clock,
    opened: Arc<Opened>,
}

/// What was opened of late. Whoever asks for the same while it is being opened waits for it.
#[derive(Default)]
struct Opened(Mutex<HashMap<Id, Entry>>);

/// A binding and the hash of a ciphertext: another version, tenant or ciphertext is another thing.
type Id = (Binding, [u8; 32]);

#[derive(Clone)]
struct Entry {
    since: Timestamp,
    secret: Arc<OnceCell<Arc<SecretString>>>,
}

impl Vault {
    pub fn new(client: Later<Client>, key: String, clock: Clock) -> Self {
        Self { client, key, clock, opened: Arc::default() }
    }

    pub async fn seal(&self, binding: &Binding, secret: &SecretString) -> Result<Sealed> {
        let sealed = self
            .client
            .encrypt()
            .key_id(&self.key)
            .set_encryption_context(Some(context(binding)))
            .plaintext(Blob::new(secret.expose_secret().as_bytes()))
            .send()
            .await
            .map_err(Error::aws)?;
        ciphertext(sealed.ciphertext_blob)
    }

    /// The secret, if it was sealed under this very binding; else [`Error::SealBroken`].
    pub async fn open(&self, binding: &Binding, sealed: &Sealed) -> Result<Arc<SecretString>> {
        let id = (binding.clone(), Sha256::digest(&sealed.0).into());
        let entry = self.opened.entry(id, self.clock.now());
        entry.secret.get_or_try_init(|| self.decrypt(binding, sealed)).await.cloned()
    }

    /// Seals anew under another binding, inside KMS. From a binding to itself: under the current key.
    pub async fn rebind(&self, from: &Binding, to: &Binding, sealed: &Sealed) -> Result<Sealed> {
        let moved = self
            .client
            .re_encrypt()
            .ciphertext_blob(Blob::new(sealed.0.clone()))
            .set_source_encryption_context(Some(context(from)))
            .destination_key_id(&self.key)
            .set_destination_encryption_context(Some(context(to)))
            .send()
            .await
            .map_err(|error| match error.as_service_error() {
                Some(ReEncryptError::InvalidCiphertextException(_) | ReEncryptError::IncorrectKeyException(_)) => {
                    broken(from)
                }
                _ => Error::aws(error),
            })?;
        ciphertext(moved.ciphertext_blob)
    }

    /// Whether the key is enabled: a disabled one stops every send.
    pub async fn is_usable(&self) -> Result<bool> {
        let described = self.client.describe_key().key_id(&self.key).send().await.map_err(Error::aws)?;
        Ok(described.key_metadata().and_then(|key| key.key_state()) == Some(&KeyState::Enabled))
    }

    /// Names no key: what an earlier one sealed opens too, as far as the function's role permits.
    async fn decrypt(&self, binding: &Binding, sealed: &Sealed) -> Result<Arc<SecretString>> {
        let opened = self
            .client
            .decrypt()
            .ciphertext_blob(Blob::new(sealed.0.clone()))
            .set_encryption_context(Some(context(binding)))
            .send()
            .await
            .map_err(|error| match error.as_service_error() {
                Some(DecryptError::InvalidCiphertextException(_) | DecryptError::IncorrectKeyException(_)) => {
                    broken(binding)
                }
                _ => Error::aws(error),
            })?;
        let plain = Zeroizing::new(opened.plaintext.map(Blob::into_inner).unwrap_or_default());
        let text = std::str::from_utf8(&plain).map_err(|_| broken(binding))?;
        // A boxed text has no spare room, so that no copy of it is left behind.
        Ok(Arc::new(SecretString::from(Box::<str>::from(text))))
    }
}

impl Opened {
    /// The entry of a thing, which may still have to be opened. What is too old goes; if need be, so does the oldest.
    fn entry(&self, id: Id, now: Timestamp) -> Entry {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| (SignedDuration::ZERO..KEPT_FOR).contains(&now.duration_since(entry.since)));
        if !entries.contains_key(&id)
            && entries.len() >= KEPT
            && let Some(oldest) = entries.iter().min_by_key(|(_, entry)| entry.since).map(|(id, _)| id.clone())
        {
            entries.remove(&oldest);
        }
        entries.entry(id).or_insert_with(|| Entry { since: now, secret: Arc::default() }).clone()
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened")
    }
}

fn context(binding: &Binding) -> HashMap<String, String> {
    binding.context().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn ciphertext(blob: Option<Blob>) -> Result<Sealed> {
    let blob = blob.ok_or_else(|| Error::Corrupt("KMS answered without a ciphertext".to_owned()))?;
    Ok(Sealed(blob.into_inner()))
}

/// Somebody has exchanged ciphertexts or bindings, or a key is gone: never something that passes by itself.
fn broken(binding: &Binding) -> Error {
    tracing::error!(binding = ?binding.context(), "a sealed secret does not open under what it should be bound to");
    Error::SealBroken
}
