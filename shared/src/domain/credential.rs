//! A credential: who a caller is, and what they may hand on.

use std::{fmt, str::FromStr};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    bearer::BearerHash,
    scope::{Scope, Scopes},
    tenant::TenantId,
};

/// How long a browser's session may live.
pub const SESSION_LIFETIME: SignedDuration = SignedDuration::from_hours(4);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `pb_sk_…`, for the operator's backend.
    Key,
    /// `pb_st_…`, for one tenant's browser.
    Session,
}

impl Kind {
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Key => "pb_sk_",
            Self::Session => "pb_st_",
        }
    }

    const fn id_prefix(self) -> &'static str {
        match self {
            Self::Key => "key_",
            Self::Session => "ses_",
        }
    }
}

/// `key_…` or `ses_…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(!try_from, !into)]
pub struct CredentialId(String);

#[derive(Debug, thiserror::Error)]
#[error("not the id of a key or session")]
pub struct InvalidCredentialId;

impl CredentialId {
    pub(super) fn from_parts(kind: Kind, rest: &str) -> Self {
        Self(format!("{}{rest}", kind.id_prefix()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn kind(&self) -> Kind {
        if self.0.starts_with(Kind::Key.id_prefix()) { Kind::Key } else { Kind::Session }
    }
}

impl TryFrom<String> for CredentialId {
    type Error = InvalidCredentialId;

    fn try_from(raw: String) -> Result<Self, InvalidCredentialId> {
        let rest = [Kind::Key, Kind::Session].iter().find_map(|kind| raw.strip_prefix(kind.id_prefix()));
        let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        match rest {
            Some(rest) if rest.len() == 22 && rest.bytes().all(is_base64url) => Ok(Self(raw)),
            _ => Err(InvalidCredentialId),
        }
    }
}

impl FromStr for CredentialId {
    type Err = InvalidCredentialId;

    fn from_str(raw: &str) -> Result<Self, InvalidCredentialId> {
        Self::try_from(raw.to_owned())
    }
}

impl From<CredentialId> for String {
    fn from(id: CredentialId) -> Self {
        id.0
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What `credentials` keeps of a key or session: everything but the string itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    pub id: CredentialId,
    pub hash: BearerHash,
    pub name: Option<String>,
    /// Bound to this tenant; none: all of them.
    pub tenant: Option<TenantId>,
    pub scopes: Scopes,
    pub created_at: Timestamp,
    /// The credential that made this one; none: the deployment itself.
    pub created_by: Option<CredentialId>,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl Credential {
    pub fn kind(&self) -> Kind {
        self.id.kind()
    }

    /// Whether it may be used at `now`. Its row may outlive it: a TTL only cleans up.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expiry| now < expiry)
    }
}

/// What someone asks to be minted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub kind: Kind,
    pub name: Option<String>,
    pub tenant: Option<TenantId>,
    /// None: all the minter has.
    pub scopes: Option<Scopes>,
    pub expires_at: Option<Timestamp>,
}

/// Why a minter may not have what it ordered: nobody mints more than they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this credential is bound to another tenant")]
    Tenant,
    #[error("this credential has no scope {0} to hand on")]
    Scope(Scope),
    #[error("this credential ends before that")]
    Expiry,
}

impl Order {
    /// The scopes and expiry the minted credential gets.
    pub fn granted_by(&self, minter: &Credential) -> Result<(Scopes, Option<Timestamp>), Refused> {
        if minter.tenant.is_some() && self.tenant != minter.tenant {
            return Err(Refused::Tenant);
        }
        let scopes = self.scopes.clone().unwrap_or_else(|| minter.scopes.clone());
        if let Some(scope) = scopes.first_beyond(&minter.scopes) {
            return Err(Refused::Scope(scope));
        }
        match (self.expires_at, minter.expires_at) {
            (Some(asked), Some(own)) if asked > own => Err(Refused::Expiry),
            // Not asked for: as long as the minter lives.
            (asked, own) => Ok((scopes, asked.or(own))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minter() -> Credential {
        Credential {
            id: CredentialId::from_parts(Kind::Key, "AAAAAAAAAAAAAAAAAAAAAA"),
            hash: BearerHash::from_bytes([0; 32]),
            name: None,
            tenant: Some("acme".parse().unwrap()),
            scopes: vec![Scope::AccountsRead, Scope::KeysWrite].into(),
            created_at: Timestamp::UNIX_EPOCH,
            created_by: None,
            expires_at: Some("2026-12-01T00:00:00Z".parse().unwrap()),
            revoked_at: None,
        }
    }

    fn order() -> Order {
        Order { kind: Kind::Key, name: None, tenant: Some("acme".parse().unwrap()), scopes: None, expires_at: None }
    }

    #[test]
    fn what_is_not_asked_for_is_what_the_minter_has() {
        assert_eq!(order().granted_by(&minter()), Ok((minter().scopes, minter().expires_at)));
    }

    #[test]
    fn nobody_mints_more_than_they_are() {
        let other_tenant = Order { tenant: Some("bravo".parse().unwrap()), ..order() };
        let no_tenant = Order { tenant: None, ..order() };
        let extra_scope = Order { scopes: Some(vec![Scope::MessagesSend].into()), ..order() };
        let later_expiry = Order { expires_at: Some("2026-12-01T00:00:00.001Z".parse().unwrap()), ..order() };

        assert_eq!(other_tenant.granted_by(&minter()), Err(Refused::Tenant));
        assert_eq!(no_tenant.granted_by(&minter()), Err(Refused::Tenant));
        assert_eq!(extra_scope.granted_by(&minter()), Err(Refused::Scope(Scope::MessagesSend)));
        assert_eq!(later_expiry.granted_by(&minter()), Err(Refused::Expiry));
    }

    #[test]
    fn a_credential_ends_at_its_expiry_and_at_its_revocation() {
        let expiry = minter().expires_at.unwrap();
        let just_before = expiry - SignedDuration::from_millis(1);
        let revoked = Credential { revoked_at: Some(Timestamp::UNIX_EPOCH), ..minter() };

        assert!(minter().is_alive(just_before));
        assert!(!minter().is_alive(expiry));
        assert!(!revoked.is_alive(just_before));
    }

    #[test]
    fn ids_of_another_form_are_refused() {
        for id in ["", "key_", "key_AAAAAAAAAAAAAAAAAAAAA", "con_AAAAAAAAAAAAAAAAAAAAAA", "key_AAAAAAAAAAAAAAAAAAAAA/"]
        {
            assert!(id.parse::<CredentialId>().is_err(), "{id}");
        }
    }
}
