//! What KMS gave for a secret, and what it is bound to: only the same purpose, tenant and thing opens it again.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{connection_id::ConnectionId, meta_id::PhoneNumberId, tenant::TenantId};

/// A ciphertext. Not a secret, but nothing to be shown either.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sealed(#[serde(with = "base64_text")] pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// What a ciphertext is bound to. Taken from the caller, the path or our own queue, never from the row it lies in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Binding {
    ConnectionToken { tenant: TenantId, connection: ConnectionId },
    AccountToken { tenant: TenantId, number: PhoneNumberId, version: u64 },
    Pin { tenant: TenantId, number: PhoneNumberId, version: u64 },
}

impl Binding {
    /// The KMS encryption context: exactly these keys. Logged in the clear by AWS, so it has ids only.
    pub fn context(&self) -> Vec<(&'static str, String)> {
        let (purpose, tenant) = match self {
            Self::ConnectionToken { tenant, .. } => ("connection-token", tenant),
            Self::AccountToken { tenant, .. } => ("account-token", tenant),
            Self::Pin { tenant, .. } => ("pin", tenant),
        };
        let mut context = vec![("purpose", purpose.to_owned()), ("tenant", tenant.to_string())];
        match self {
            Self::ConnectionToken { connection, .. } => context.push(("connection_id", connection.to_string())),
            Self::AccountToken { number, version, .. } | Self::Pin { number, version, .. } => {
                context.push(("phone_number_id", number.to_string()));
                context.push(("token_version", version.to_string()));
            }
        }
        context
    }
}

mod base64_text {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        BASE64_STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
