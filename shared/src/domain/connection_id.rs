//! `con_…`: the id of one attempt to connect. It is derived from its tenant, so that a table keyed by it keeps tenants apart.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::tenant::TenantId;

const PREFIX: &str = "con_";
const TAG: usize = 8;
const RANDOM: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(!try_from, !into)]
pub struct ConnectionId(String);

#[derive(Debug, thiserror::Error)]
#[error("not the id of a connection")]
pub struct InvalidConnectionId;

impl ConnectionId {
    pub fn new(tenant: &TenantId, random: [u8; RANDOM]) -> Self {
        Self(PREFIX.to_owned() + &BASE64_URL_SAFE_NO_PAD.encode([&tag(tenant)[..], &random].concat()))
    }

    /// Whether it can be this tenant's: known without a look at any table.
    pub fn can_be_of(&self, tenant: &TenantId) -> bool {
        bytes(&self.0).is_some_and(|bytes| bytes[..TAG] == tag(tenant))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn tag(tenant: &TenantId) -> [u8; TAG] {
    let digest = Sha256::new().chain_update("patchbay connection of ").chain_update(tenant.as_str()).finalize();
    let mut tag = [0; TAG];
    tag.copy_from_slice(&digest[..TAG]);
    tag
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    (bytes.len() == TAG + RANDOM).then_some(bytes)
}

impl TryFrom<String> for ConnectionId {
    type Error = InvalidConnectionId;

    fn try_from(raw: String) -> Result<Self, InvalidConnectionId> {
        bytes(&raw).ok_or(InvalidConnectionId)?;
        Ok(Self(raw))
    }
}

impl FromStr for ConnectionId {
    type Err = InvalidConnectionId;

    fn from_str(raw: &str) -> Result<Self, InvalidConnectionId> {
        Self::try_from(raw.to_owned())
    }
}

impl From<ConnectionId> for String {
    fn from(id: ConnectionId) -> Self {
        id.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_whose_it_can_be_and_nothing_else_does() {
        let (acme, bravo): (TenantId, TenantId) = ("acme".parse().unwrap(), "bravo".parse().unwrap());
        let id = ConnectionId::new(&acme, [7; 16]);

        assert!(id.can_be_of(&acme) && !id.can_be_of(&bravo));
        assert_eq!(id.to_string().parse::<ConnectionId>().unwrap(), id);
        assert_ne!(id, ConnectionId::new(&acme, [8; 16]));
        for wrong in ["", "con_", "con_AAAA", "key_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "con_#"] {
            assert!(wrong.parse::<ConnectionId>().is_err(), "{wrong}");
        }
    }
}
