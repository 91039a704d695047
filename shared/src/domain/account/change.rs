//! What a tenant may change of its account.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Account, StatusReason};

/// How much metadata an account takes, as JSON text.
pub const METADATA_LIMIT: usize = 4096;

/// A change: what is None stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    pub label: Option<Option<String>>,
    pub external_id: Option<Option<String>>,
    pub metadata: Option<Map<String, Value>>,
    pub enabled: Option<bool>,
    pub make_default: bool,
}

impl Account {
    pub fn change(&mut self, change: Change) {
        if let Some(label) = change.label {
            self.label = label;
        }
        if let Some(external_id) = change.external_id {
            self.external_id = external_id;
        }
        if let Some(metadata) = change.metadata {
            self.metadata = metadata;
        }
        if let Some(enabled) = change.enabled {
            self.enabled = enabled;
        }
    }

    /// Why the status is what it is; none where all is well.
    pub fn status_reason(&self) -> Option<StatusReason> {
        let paused = || {
            let since = self.noticed.get(PAUSED).copied().unwrap_or(self.updated_at);
            let remedy = "Enable the account again (PATCH with `enabled: true`).";
            StatusReason::new(PAUSED, "the account was paused here", remedy, since)
        };
        self.reason.clone().or_else(|| (!self.enabled).then(paused))
    }

    /// Notes since when what wants attention has stood, and forgets what has passed.
    pub(super) fn notice(&mut self, now: Timestamp) {
        let mut standing: Vec<&str> = self.matters(now).into_iter().map(|matter| matter.code).collect();
        if !self.enabled {
            standing.push(PAUSED);
        }
        let since = |code: &str| self.noticed.get(code).copied().unwrap_or(now);
        self.noticed = standing.into_iter().map(|code| (code.to_owned(), since(code))).collect();
    }
}

const PAUSED: &str = "paused";
