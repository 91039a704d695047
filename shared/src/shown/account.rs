//! An account as every call that answers with one shows it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::{
    account::{Ability, Account, Attention, Severity, Status, StatusReason},
    meta_id::{BusinessId, PhoneNumberId, WabaId},
    tenant::TenantId,
    time::rfc3339,
};

/// One connected number.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AccountBody {
    phone_number_id: PhoneNumberId,
    waba_id: WabaId,
    business_id: Option<BusinessId>,
    tenant: TenantId,
    provider: &'static str,
    /// E.164.
    phone_number: Option<String>,
    display_phone_number: String,
    verified_name: Option<String>,
    name_status: Option<String>,
    code_verification_status: Option<String>,
    coexistence: bool,
    label: Option<String>,
    external_id: Option<String>,
    metadata: Map<String, Value>,
    status: Status,
    status_reason: Option<ReasonBody>,
    enabled: bool,
    default: bool,
    quality_rating: Option<String>,
    messaging_limit: Option<String>,
    throughput: Option<String>,
    token: TokenBody,
    webhook: WebhookBody,
    attention: Vec<AttentionBody>,
    /// A thousand stands for more.
    unread_conversations: u64,
    /// Grows with every change; it is the `ETag`, too.
    version: u64,
    #[schemars(extend("format" = "date-time"))]
    connected_at: String,
    #[schemars(extend("format" = "date-time"))]
    updated_at: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TokenBody {
    kind: String,
    /// Null: it does not end.
    #[schemars(extend("format" = "date-time"))]
    expires_at: Option<String>,
    abilities: Vec<Ability>,
    #[schemars(extend("format" = "date-time"))]
    checked_at: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct WebhookBody {
    subscribed: bool,
    /// When the first real message or status arrived.
    #[schemars(extend("format" = "date-time"))]
    proved_at: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    last_event_at: Option<String>,
}

/// Why an account does not work, and what a person can do about it.
#[derive(Debug, Serialize, JsonSchema)]
struct ReasonBody {
    /// Stable: programs may branch on it.
    code: String,
    detail: String,
    remedy: String,
    #[schemars(extend("format" = "date-time"))]
    since: String,
}

/// A matter, and what a shop's owner can do about it.
#[derive(Debug, Serialize, JsonSchema)]
struct AttentionBody {
    /// Stable: programs may branch on it.
    code: &'static str,
    severity: Severity,
    remedy: &'static str,
    #[schemars(extend("format" = "date-time"))]
    since: String,
}

impl ReasonBody {
    fn of(reason: StatusReason) -> Self {
        Self { code: reason.code, detail: reason.detail, remedy: reason.remedy, since: rfc3339(reason.since) }
    }
}

impl AttentionBody {
    fn of(attention: &Attention) -> Self {
        let Attention { code, severity, remedy, since } = *attention;
        Self { code, severity, remedy, since: rfc3339(since) }
    }
}

impl AccountBody {
    pub fn of(account: &Account, default: Option<&PhoneNumberId>, unread: u64, now: Timestamp) -> Self {
        Self {
            phone_number_id: account.number.clone(),
            waba_id: account.waba.clone(),
            business_id: account.business.clone(),
            tenant: account.tenant.clone(),
            provider: "meta",
            phone_number: account.phone_number(),
            display_phone_number: account.facts.display_phone_number.clone(),
            verified_name: account.facts.verified_name.clone(),
            name_status: account.facts.name_status.clone(),
            code_verification_status: account.facts.code_verification_status.clone(),
            coexistence: account.coexistence,
            label: account.label.clone(),
            external_id: account.external_id.clone(),
            metadata: account.metadata.clone(),
            status: account.status(),
            status_reason: account.status_reason().map(ReasonBody::of),
            enabled: account.enabled,
            default: default == Some(&account.number),
            quality_rating: account.facts.quality_rating.clone(),
            messaging_limit: account.facts.messaging_limit.clone(),
            throughput: account.facts.throughput.clone(),
            token: TokenBody {
                kind: account.token.kind.clone(),
                expires_at: account.token.expires_at.map(rfc3339),
                abilities: account.token.abilities.clone(),
                checked_at: rfc3339(account.token.checked_at),
            },
            webhook: WebhookBody {
                subscribed: account.webhook.subscribed,
                proved_at: account.webhook.proved_at.map(rfc3339),
                last_event_at: account.webhook.last_event_at.map(rfc3339),
            },
            attention: account.attention(now).iter().map(AttentionBody::of).collect(),
            unread_conversations: unread,
            version: account.version,
            connected_at: rfc3339(account.connected_at),
            updated_at: rfc3339(account.updated_at),
        }
    }
}
