//! An account: one connected WhatsApp number, owned by one tenant at a time, and the rules of what becomes of it.

mod activation;
mod attention;
mod change;
mod facts;
mod told;

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    connection_id::ConnectionId,
    meta_id::{BusinessId, PhoneNumberId, SubjectId, WabaId},
    sealed::{Binding, Sealed},
    tenant::TenantId,
};

pub use activation::{Claim, Fresh};
pub use attention::{Attention, EXPIRY_WARNING, Severity};
pub use change::{Change, METADATA_LIMIT};
pub use facts::{Facts, Seen};
pub use told::Told;

/// What is kept of an account. `default` is not: it is the tenant's, see `aws/accounts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub number: PhoneNumberId,
    pub waba: WabaId,
    pub business: Option<BusinessId>,
    pub tenant: TenantId,
    pub coexistence: bool,
    pub facts: Facts,
    pub label: Option<String>,
    pub external_id: Option<String>,
    pub metadata: Map<String, Value>,
    pub state: State,
    /// Why it is in that state, where that is not plain health.
    pub reason: Option<StatusReason>,
    pub enabled: bool,
    pub token: TokenSummary,
    pub webhook: Webhook,
    /// Since when each matter that wants attention has stood.
    pub noticed: BTreeMap<String, Timestamp>,
    /// Grows with each change that a reader can see, and never starts again.
    pub version: u64,
    pub connected_at: Timestamp,
    pub updated_at: Timestamp,
    pub hidden: Hidden,
}

/// What no reader sees: changing it alone makes no new version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// Grows when the number changes hands, or comes back after a disconnect: work of an older one is void.
    pub generation: u64,
    /// Grows with every save: what a save is conditional on.
    pub revision: u64,
    pub token: Option<Sealed>,
    /// Grows with the token only. The ciphertext is bound to it.
    pub token_version: u64,
    /// The two-step PIN, and the version it is bound to.
    pub pin: Option<(Sealed, u64)>,
    /// Meta counts registrations, and takes none before.
    pub register_after: Option<Timestamp>,
    /// Whoever gave the token.
    pub subject: Option<SubjectId>,
    pub sealed_at: Timestamp,
    pub leaving: Option<Leaving>,
    pub due: Option<Due>,
    /// The attempt that made it what it is.
    pub connection: Option<ConnectionId>,
    /// Whose the number was before it was this tenant's.
    pub taken: Option<Taken>,
    /// When Meta last told of each kind of thing: what it told before then is older news.
    pub told: BTreeMap<String, Timestamp>,
}

/// That a number changed hands: what came before then is not the new owner's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    pub from: TenantId,
    pub at: Timestamp,
}

/// What became of the connection between us and the number. What a reader is told is [`Status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Connected,
    NeedsReconnect,
    Restricted,
    Disconnected,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "AccountStatus")]
pub enum Status {
    Active,
    Paused,
    NeedsReconnect,
    Restricted,
    Disconnected,
}

/// Why an account does not work, and what a person can do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusReason {
    /// Stable: programs may branch on it.
    pub code: String,
    pub detail: String,
    pub remedy: String,
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Timestamp,
}

/// What may be said of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSummary {
    /// `user`, `system_user`, `page`, or what Meta calls it.
    pub kind: String,
    /// None: never.
    pub expires_at: Option<Timestamp>,
    pub abilities: Vec<Ability>,
    pub checked_at: Timestamp,
}

/// What a token can do, found out by doing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    /// Reading and changing the WABA and its numbers.
    Manage,
    /// Sending, media.
    Message,
}

/// Whether what customers write arrives here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Webhook {
    pub subscribed: bool,
    /// When the first real unit came.
    pub proved_at: Option<Timestamp>,
    /// Written apart from everything else, and no change of the account.
    #[serde(skip)]
    pub last_event_at: Option<Timestamp>,
}

/// What is left to do after a disconnect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    pub deregister: bool,
    pub attempts: u32,
    /// Somebody is at it until then.
    #[serde(skip)]
    pub until: Option<Timestamp>,
}

/// What the sweeper is to come back for, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    pub work: Work,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Health,
    Leaving,
}

impl Account {
    pub fn status(&self) -> Status {
        match (self.state, self.enabled) {
            (State::Disconnected, _) => Status::Disconnected,
            (State::NeedsReconnect, _) => Status::NeedsReconnect,
            (State::Restricted, _) => Status::Restricted,
            (State::Connected, false) => Status::Paused,
            (State::Connected, true) => Status::Active,
        }
    }

    pub fn may_send(&self) -> bool {
        self.status() == Status::Active
    }

    pub fn is_disconnected(&self) -> bool {
        self.state == State::Disconnected
    }

    /// The number as one dials it: `+` and digits.
    pub fn phone_number(&self) -> Option<String> {
        let digits: String = self.facts.display_phone_number.chars().filter(char::is_ascii_digit).collect();
        (!digits.is_empty()).then(|| format!("+{digits}"))
    }

    /// What the token is bound to. Tenant and number are the caller's to name, so that a row cannot vouch for itself.
    pub fn token_binding(&self, tenant: &TenantId, number: &PhoneNumberId) -> Binding {
        let version = self.hidden.token_version;
        Binding::AccountToken { tenant: tenant.clone(), number: number.clone(), version }
    }

    pub fn pin_binding(tenant: &TenantId, number: &PhoneNumberId, version: u64) -> Binding {
        Binding::Pin { tenant: tenant.clone(), number: number.clone(), version }
    }

    /// It stopped working: `reason` says why. The first reason stands until it works again, so that `since` is true.
    pub fn fails(&mut self, state: State, reason: StatusReason) {
        let is_known = self.state == state && self.reason.as_ref().is_some_and(|known| known.code == reason.code);
        if !self.is_disconnected() && !is_known {
            self.state = state;
            self.reason = Some(reason);
        }
    }

    /// It works again.
    pub fn works(&mut self) {
        if !self.is_disconnected() {
            self.state = State::Connected;
            self.reason = None;
        }
    }

    /// The tenant lets go of it. What is left to do at Meta's and with the ciphertexts comes after.
    pub fn disconnects(&mut self, deregister: bool, now: Timestamp) {
        self.state = State::Disconnected;
        self.reason = Some(StatusReason {
            code: "disconnected".to_owned(),
            detail: "the number was disconnected here".to_owned(),
            remedy: "Connect the number again to use it.".to_owned(),
            since: now,
        });
        self.webhook.subscribed = false;
        self.noticed.clear();
        // A number that lives on a phone is that phone's.
        let deregister = deregister && !self.coexistence;
        self.hidden.leaving = Some(Leaving { deregister, attempts: 0, until: None });
        self.hidden.due = Some(Due { work: Work::Leaving, at: now });
    }

    /// Nothing is left to do, and nothing is left to open.
    pub fn is_gone(&mut self) {
        self.forget_token();
        self.hidden.pin = None;
        self.hidden.leaving = None;
        self.hidden.due = None;
    }

    /// Takes the ciphertext away. The version stays, for the next one must be another.
    pub fn forget_token(&mut self) {
        self.hidden.token = None;
        self.hidden.subject = None;
        self.token.abilities.clear();
    }

    /// Nothing is kept of what its tenant made of it, but whose it was: what was said to it then is nobody else's.
    pub fn is_forgotten(&mut self) {
        self.is_gone();
        self.facts = Facts::default();
        self.business = None;
        self.label = None;
        self.external_id = None;
        self.metadata = Map::new();
        self.reason = None;
        self.webhook = Webhook::default();
        self.noticed.clear();
        self.hidden.connection = None;
        self.hidden.told.clear();
    }

    /// A newer token in place of the old one.
    pub fn renews(&mut self, token: Sealed, version: u64, expires_at: Option<Timestamp>, now: Timestamp) {
        self.hidden.token = Some(token);
        self.hidden.token_version = version;
        self.hidden.sealed_at = now;
        self.token.expires_at = expires_at;
    }

    /// Whose the number was at that time, as far as its row remembers.
    pub fn owner_at(&self, at: Timestamp) -> &TenantId {
        match &self.hidden.taken {
            Some(taken) if at < taken.at => &taken.from,
            _ => &self.tenant,
        }
    }

    /// Whether what arrived at that time is this tenant's.
    pub fn had_the_number_at(&self, at: Timestamp) -> bool {
        *self.owner_at(at) == self.tenant
    }

    /// Whether it still is this tenant's, in the same life of the number.
    pub fn is_in(&self, tenant: &TenantId, generation: u64) -> bool {
        self.tenant == *tenant && self.hidden.generation == generation && !self.is_disconnected()
    }

    /// Whether it still is the same life of the number, with the same token.
    pub fn has_token_of(&self, other: &Self) -> bool {
        self.hidden.generation == other.hidden.generation && self.hidden.token_version == other.hidden.token_version
    }

    /// Prepares for a save over `before`: a new version where a reader can see a change.
    pub fn settle(&mut self, before: &Self, now: Timestamp) {
        self.notice(now);
        self.hidden.revision = before.hidden.revision + 1;
        if !self.looks_like(before) {
            self.version = before.version + 1;
            self.updated_at = now;
        }
    }

    fn looks_like(&self, other: &Self) -> bool {
        let mut seen = Self { hidden: other.hidden.clone(), ..self.clone() };
        seen.webhook.last_event_at = other.webhook.last_event_at;
        seen == *other
    }
}

/// Whose these accounts are, each tenant once.
pub fn owners(accounts: &[Account]) -> Vec<&TenantId> {
    let mut tenants: Vec<&TenantId> = Vec::new();
    for account in accounts {
        if !tenants.contains(&&account.tenant) {
            tenants.push(&account.tenant);
        }
    }
    tenants
}

impl StatusReason {
    pub fn new(code: &str, detail: impl Into<String>, remedy: &str, since: Timestamp) -> Self {
        Self { code: code.to_owned(), detail: detail.into(), remedy: remedy.to_owned(), since }
    }
}

#[cfg(test)]
mod tests;
