//! What a dashboard should show beside an account that works, or soon will not.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::Account;

/// How long ahead an expiring token is spoken of. Renewal begins earlier and normally ends the matter unseen.
pub const EXPIRY_WARNING: SignedDuration = SignedDuration::from_hours(24 * 14);
/// How long a new number may be silent before that is more than a hint.
const PROOF_PATIENCE: SignedDuration = SignedDuration::from_hours(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

/// A matter and what a shop's owner can do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Attention {
    /// Stable: programs may branch on it.
    pub code: &'static str,
    pub severity: Severity,
    pub remedy: &'static str,
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub since: Timestamp,
}

/// A matter that stands now.
pub(super) struct Matter {
    pub(super) code: &'static str,
    severity: Severity,
    remedy: &'static str,
    /// Where the matter itself says since when.
    since: Option<Timestamp>,
}

impl Account {
    /// What wants attention now, the worst first.
    pub fn attention(&self, now: Timestamp) -> Vec<Attention> {
        let since = |matter: &Matter| matter.since.or_else(|| self.noticed.get(matter.code).copied()).unwrap_or(now);
        let shown = |matter: Matter| Attention {
            code: matter.code,
            severity: matter.severity,
            remedy: matter.remedy,
            since: since(&matter),
        };
        let mut shown: Vec<Attention> = self.matters(now).into_iter().map(shown).collect();
        shown.sort_by_key(|attention| std::cmp::Reverse(attention.severity));
        shown
    }

    pub(super) fn matters(&self, now: Timestamp) -> Vec<Matter> {
        if self.is_disconnected() {
            return Vec::new();
        }
        [self.of_token(now), self.of_number(), self.of_name(), self.of_quality(), self.of_waba(), self.of_webhook(now)]
            .into_iter()
            .flatten()
            .collect()
    }

    fn of_token(&self, now: Timestamp) -> Vec<Matter> {
        let mut found = Vec::new();
        if let Some(expiry) = self.token.expires_at.filter(|expiry| *expiry - EXPIRY_WARNING <= now) {
            let severity = if expiry <= now { Severity::Critical } else { Severity::Warning };
            let remedy = "Connect the number again before the access given to us ends; nothing else changes by it.";
            found.push(Matter { since: Some(expiry - EXPIRY_WARNING), ..matter("token_expiring", severity, remedy) });
        }
        if !self.token.abilities.contains(&super::Ability::Message) {
            let remedy =
                "Connect the number again as a person who may manage it, and grant everything that is asked for.";
            found.push(matter("token_cannot_send", Severity::Critical, remedy));
        }
        found
    }

    fn of_number(&self) -> Vec<Matter> {
        let mut found = Vec::new();
        let is = |fact: &Option<String>, values: &[&str]| fact.as_deref().is_some_and(|fact| values.contains(&fact));
        if is(&self.facts.code_verification_status, &["NOT_VERIFIED", "UNVERIFIED", "EXPIRED"]) && !self.coexistence {
            let remedy =
                "Verify the number with a code by SMS or call: connect it again, and give the code when asked.";
            found.push(matter("number_unverified", Severity::Warning, remedy));
        }
        if !self.facts.is_registered {
            let remedy = "Repair the account (POST …/repair): the number is not registered for sending yet.";
            found.push(matter("number_not_registered", Severity::Critical, remedy));
        }
        if is(&self.facts.number_status, &["FLAGGED", "RATE_LIMITED"]) {
            let remedy =
                "Send less, and only to people who asked for it, until WhatsApp Manager shows the number healthy.";
            found.push(matter("number_flagged", Severity::Warning, remedy));
        }
        if is(&self.facts.number_status, &["RESTRICTED", "BANNED"]) {
            let remedy = "Open WhatsApp Manager → Account quality, read what was violated, and request a review.";
            found.push(matter("number_restricted", Severity::Critical, remedy));
        }
        found
    }

    fn of_name(&self) -> Vec<Matter> {
        let found = match self.facts.name_status.as_deref() {
            Some("PENDING_REVIEW") => {
                let remedy = "Wait for Meta's review of the display name; customers see the number until then.";
                Some(matter("display_name_in_review", Severity::Info, remedy))
            }
            Some("DECLINED") => {
                let remedy = "Choose another display name in WhatsApp Manager: Meta declined this one.";
                Some(matter("display_name_declined", Severity::Warning, remedy))
            }
            Some("EXPIRED" | "NONE") => {
                let remedy = "Set a display name in WhatsApp Manager, so that customers see who writes.";
                Some(matter("display_name_missing", Severity::Warning, remedy))
            }
            _ => None,
        };
        found.into_iter().collect()
    }

    fn of_quality(&self) -> Vec<Matter> {
        let found = match self.facts.quality_rating.as_deref() {
            Some("RED") => {
                let remedy = "Stop messages people block or report, or Meta will lower the limit: quality is red.";
                Some(matter("quality_red", Severity::Critical, remedy))
            }
            Some("YELLOW") => {
                let remedy = "Look at what was sent lately: people block or report it, and quality has sunk to yellow.";
                Some(matter("quality_yellow", Severity::Warning, remedy))
            }
            _ => None,
        };
        found.into_iter().collect()
    }

    fn of_waba(&self) -> Vec<Matter> {
        let mut found = Vec::new();
        if self.facts.is_funded == Some(false) {
            let remedy =
                "Add a payment method in WhatsApp Manager → Billing: without one, templates are not delivered.";
            found.push(matter("payment_method_missing", Severity::Warning, remedy));
        }
        if self.facts.violation.is_some() {
            let remedy = "Open WhatsApp Manager → Account quality: Meta reports a violation of its policy. Read which, \
                          and request a review if it is wrong.";
            found.push(matter("policy_violation", Severity::Critical, remedy));
        }
        if is_scheduled_to_end(self.facts.waba_status.as_deref()) {
            let remedy = "Open Business Support Home at Meta at once: the WhatsApp Business Account is to be disabled.";
            found.push(matter("waba_to_be_disabled", Severity::Critical, remedy));
        }
        match self.facts.review_status.as_deref() {
            Some("REJECTED" | "RESTRICTED") => {
                let remedy =
                    "Open Business Support Home at Meta and appeal: the WhatsApp Business Account is not approved.";
                found.push(matter("waba_not_approved", Severity::Critical, remedy));
            }
            Some("PENDING" | "LIMIT_REACHED") => {
                let remedy =
                    "Wait for Meta's review of the WhatsApp Business Account, or finish business verification.";
                found.push(matter("waba_in_review", Severity::Info, remedy));
            }
            _ => {}
        }
        found
    }

    fn of_webhook(&self, now: Timestamp) -> Vec<Matter> {
        if !self.webhook.subscribed {
            let remedy = "Repair the account (POST …/repair): what customers write does not reach us.";
            return vec![matter("webhook_not_subscribed", Severity::Critical, remedy)];
        }
        if self.webhook.proved_at.is_none() {
            let is_long = self.connected_at + PROOF_PATIENCE <= now;
            let severity = if is_long { Severity::Warning } else { Severity::Info };
            let remedy = "Write to the number from any phone: nothing has arrived here since it was connected.";
            let since = Some(self.connected_at);
            return vec![Matter { since, ..matter("webhook_unproved", severity, remedy) }];
        }
        Vec::new()
    }
}

fn is_scheduled_to_end(status: Option<&str>) -> bool {
    status == Some("SCHEDULE_FOR_DISABLE")
}

fn matter(code: &'static str, severity: Severity, remedy: &'static str) -> Matter {
    Matter { code, severity, remedy, since: None }
}
