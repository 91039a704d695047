//! Who may call: access tokens and the codes they are exchanged for.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenKind {
    App,
    User,
    LongLived,
    #[default]
    Business,
    System,
}

impl TokenKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::User => "user",
            Self::LongLived => "long_lived",
            Self::Business => "business",
            Self::System => "system",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Token {
    pub secret: String,
    #[serde(flatten)]
    pub grant: Grant,
    pub issued_at: i64,
    /// 0 is never, as in `debug_token`.
    pub expires_at: i64,
    /// The subcode calls with it get since it was revoked.
    pub revoked: Option<i64>,
}

/// What a consent gave: to whom, for what, over which WABAs (newest first).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub kind: TokenKind,
    pub user_id: String,
    pub business_id: String,
    pub wabas: Vec<String>,
    pub scopes: Vec<String>,
}

impl Token {
    pub(crate) fn is_expired(&self, now: i64) -> bool {
        self.expires_at != 0 && self.expires_at <= now
    }

    pub(crate) fn is_valid(&self, now: i64) -> bool {
        self.revoked.is_none() && !self.is_expired(now)
    }

    pub(crate) fn has_scope(&self, scope: &str) -> bool {
        self.grant.scopes.iter().any(|granted| granted == scope)
    }

    pub(crate) fn reaches_waba(&self, waba: &str) -> bool {
        self.grant.wabas.iter().any(|granted| granted == waba)
    }
}

/// What a browser carries back; good once, for thirty seconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Code {
    pub grant: Grant,
    /// `None`: given to a popup, exchanged without a `redirect_uri`.
    pub redirect_uri: Option<String>,
    pub issued_at: i64,
    pub used: bool,
    /// The consent it carries was taken back.
    pub withdrawn: bool,
}
