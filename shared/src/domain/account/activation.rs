//! How a number becomes somebody's: claimed by a connection, then active, new or anew.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Account, Due, Facts, Hidden, State, Taken, TokenSummary, Webhook, Work};
use crate::domain::{
    connection_id::ConnectionId,
    daily,
    meta_id::{BusinessId, PhoneNumberId, SubjectId, WabaId},
    sealed::Sealed,
    tenant::TenantId,
};

/// A connection's reservation of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub number: PhoneNumberId,
    pub waba: WabaId,
    pub tenant: TenantId,
    pub connection: ConnectionId,
    pub until: Timestamp,
}

/// What a connection brings when its claim becomes an account.
#[derive(Debug, Clone)]
pub struct Fresh {
    pub claim: Claim,
    pub facts: Facts,
    pub business: Option<BusinessId>,
    pub coexistence: bool,
    pub external_id: Option<String>,
    /// Sealed for this tenant, number and `token_version`.
    pub token: Sealed,
    /// As the claim gave it.
    pub token_version: u64,
    pub summary: TokenSummary,
    pub subject: Option<SubjectId>,
    pub sealed_at: Timestamp,
    /// And the version it is bound to. None: the one kept before, where there was one.
    pub pin: Option<(Sealed, u64)>,
    pub now: Timestamp,
}

impl Account {
    /// The account that `fresh` makes, where `before` stood. A tenant that connects its own number again keeps what it
    /// called it; nobody inherits anything of another. Versions go on counting all the same.
    pub fn activated(fresh: Fresh, before: Option<&Self>) -> Self {
        let now = fresh.now;
        let own = before.filter(|before| before.tenant == fresh.claim.tenant);
        // Still connected: this is the same life going on.
        let living = own.filter(|own| !own.is_disconnected());
        let counted = before.map_or((0, 0, 0), |before| {
            let ended = u64::from(living.is_none());
            (before.version, before.hidden.generation + ended, before.hidden.revision)
        });
        let (version, generation, revision) = counted;
        let taken = match before.filter(|_| own.is_none()) {
            Some(other) => Some(Taken { from: other.tenant.clone(), at: now }),
            None => own.and_then(|own| own.hidden.taken.clone()),
        };
        let kept_pin = living.and_then(|living| living.hidden.pin.clone());
        let webhook = living.map_or_else(Webhook::default, |living| living.webhook.clone());
        let due_at = daily::next(fresh.claim.number.as_str(), now);
        let mut account = Self {
            number: fresh.claim.number,
            waba: fresh.claim.waba,
            business: fresh.business,
            tenant: fresh.claim.tenant,
            coexistence: fresh.coexistence,
            facts: fresh.facts,
            label: own.and_then(|own| own.label.clone()),
            external_id: fresh.external_id.or_else(|| own.and_then(|own| own.external_id.clone())),
            metadata: own.map(|own| own.metadata.clone()).unwrap_or_default(),
            state: State::Connected,
            reason: None,
            enabled: own.is_none_or(|own| own.enabled),
            token: fresh.summary,
            webhook: Webhook { subscribed: true, ..webhook },
            noticed: living.map_or_else(BTreeMap::new, |living| living.noticed.clone()),
            version: version + 1,
            connected_at: living.map_or(now, |living| living.connected_at),
            updated_at: now,
            hidden: Hidden {
                generation: generation.max(1),
                revision: revision + 1,
                token: Some(fresh.token),
                token_version: fresh.token_version,
                pin: fresh.pin.or(kept_pin),
                register_after: None,
                subject: fresh.subject,
                sealed_at: fresh.sealed_at,
                leaving: None,
                due: Some(Due { work: Work::Health, at: due_at }),
                connection: Some(fresh.claim.connection),
                taken,
                told: BTreeMap::new(),
            },
        };
        account.notice(now);
        account
    }
}
