//! What a business owns: itself, its WABAs, its numbers; and the app that wants to reach them.

use serde::{Deserialize, Serialize};

use super::TokenKind;

/// The one app, as its dashboard would show it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct App {
    pub id: String,
    pub secret: String,
    pub name: String,
    /// The business that owns the app; its system token is the partner's.
    pub business_id: String,
    pub verify_token: String,
    pub callback_url: String,
    pub deauthorize_url: Option<String>,
    pub data_deletion_url: Option<String>,
    /// Meta's "Require App Secret".
    pub require_proof: bool,
    /// Refuse (80007) beyond 200 or 5,000 management calls per WABA and hour, instead of only counting them.
    pub enforce_usage: bool,
    /// Webhooks of a number are told in another order than they happened.
    #[serde(default)]
    pub reorder: bool,
    /// What a login with a `config_id` gives; without one it is always a short user token.
    pub login_token: TokenKind,
    /// How long a business token lives; `None` is forever.
    pub business_token_days: Option<i64>,
    /// Permissions a consent gives. A client grants all or nothing.
    pub scopes: Vec<String>,
    /// Webhook fields the app is subscribed to; `None` is all.
    pub fields: Option<Vec<String>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Business {
    pub id: String,
    pub name: String,
    pub verification_status: String,
    /// The person who consents for it.
    pub admin_id: String,
    pub admin_name: String,
    /// Whom its business tokens belong to.
    pub integration_user_id: String,
    /// Whom its own system tokens belong to.
    pub system_user_id: String,
    pub created_at: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Waba {
    pub id: String,
    pub business_id: String,
    pub name: String,
    pub currency: String,
    pub timezone_id: String,
    pub country: String,
    pub message_template_namespace: String,
    pub account_review_status: String,
    pub status: String,
    pub primary_funding_id: Option<String>,
    pub is_enabled_for_insights: bool,
    /// That the app listens to this WABA, and where if not at its own callback.
    pub subscription: Option<Subscription>,
    /// System users (and people) it was assigned to, and what they may do.
    pub assigned_users: Vec<AssignedUser>,
    pub created_at: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AssignedUser {
    pub id: String,
    pub tasks: Vec<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub override_callback_uri: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    clippy::struct_field_names,
    reason = "Graph's own facts of a number, as it names them"
)]
pub(crate) struct Number {
    pub id: String,
    pub waba_id: String,
    /// Digits only, country code first.
    pub phone: String,
    pub display_phone_number: String,
    pub verified_name: String,
    pub name_status: String,
    pub new_display_name: Option<String>,
    pub new_name_status: String,
    pub code_verification_status: String,
    pub verification: Option<Verification>,
    pub quality_rating: String,
    /// `CONNECTED` and so on; what it is while registered.
    pub status: String,
    pub account_mode: String,
    pub throughput: String,
    pub messaging_limit: String,
    pub registered: bool,
    pub pin: Option<String>,
    /// When register and deregister were called, newest last.
    pub register_calls: Vec<i64>,
    pub register_blocked_until: i64,
    pub is_on_biz_app: bool,
    pub coexistence: Coexistence,
    pub is_official_business_account: bool,
    pub search_visibility: String,
    pub username: Option<String>,
    pub override_callback_uri: Option<String>,
    /// Whether its customers have read receipts on.
    pub reads: bool,
    /// Messages per second, both ways, instead of what `throughput` says.
    pub rate: Option<u32>,
    pub last_onboarded_at: i64,
    pub created_at: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Verification {
    pub sent_at: i64,
    pub wrong_guesses: u32,
}

/// What a number on the Business App may still be asked, once each within 24 h of its onboarding.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Coexistence {
    pub onboarded_at: i64,
    pub contacts_requested: bool,
    pub history_requested: bool,
    pub declines_history: bool,
}
