//! A tenant: one customer of whoever runs this.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The operator's own name for a tenant. It begins every partition key of the tenant's data.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(!try_from, !into, extend("pattern" = Self::PATTERN))]
pub struct TenantId(String);

#[derive(Debug, thiserror::Error)]
#[error("a tenant id has 1 to 64 letters, digits, `_`, `.` or `-`, and begins with a letter or digit")]
pub struct InvalidTenantId;

impl TenantId {
    pub const PATTERN: &str = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$";

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TenantId {
    type Error = InvalidTenantId;

    fn try_from(raw: String) -> Result<Self, InvalidTenantId> {
        let starts_well = raw.starts_with(|first: char| first.is_ascii_alphanumeric());
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if starts_well && raw.len() <= 64 && raw.bytes().all(is_allowed) { Ok(Self(raw)) } else { Err(InvalidTenantId) }
    }
}

impl FromStr for TenantId {
    type Err = InvalidTenantId;

    fn from_str(raw: &str) -> Result<Self, InvalidTenantId> {
        Self::try_from(raw.to_owned())
    }
}

impl From<TenantId> for String {
    fn from(id: TenantId) -> Self {
        id.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_the_documented_form_are_taken_as_they_are() {
        for id in ["a", "7", "store_42", "Acme.EU-west", &"x".repeat(64)] {
            assert_eq!(id.parse::<TenantId>().unwrap().as_str(), id);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for id in ["", "_a", ".a", "-a", "a b", "a#b", "a/b", "é", "a\n", &"x".repeat(65)] {
            assert!(id.parse::<TenantId>().is_err(), "{id:?}");
        }
    }
}
