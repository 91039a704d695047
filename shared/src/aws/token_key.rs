//! The KMS key that seals tokens: for now, whether it can be used.

use aws_sdk_kms::{Client, types::KeyState};

use super::clients::Later;
use crate::{Error, Result};

#[derive(Debug, Clone)]
pub struct TokenKey {
    client: Later<Client>,
    key: String,
}

impl TokenKey {
    pub fn new(client: Later<Client>, key: String) -> Self {
        Self { client, key }
    }

    /// Whether the key is enabled: a disabled one stops every send.
    pub async fn is_usable(&self) -> Result<bool> {
        let described = self.client.describe_key().key_id(&self.key).send().await.map_err(Error::aws)?;
        Ok(described.key_metadata().and_then(|key| key.key_state()) == Some(&KeyState::Enabled))
    }
}
