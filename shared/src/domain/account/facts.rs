//! What Meta shows of a number and its WABA, and what that makes of the account.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Ability, Account, State, StatusReason};
use crate::domain::{
    meta_assets::{Number, Waba},
    meta_error::{Class, MetaError, row_of},
    meta_id::BusinessId,
};

/// What Meta says of the number and its WABA, as it says it: an enum of Meta's may have a value nobody knows yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    pub display_phone_number: String,
    pub verified_name: Option<String>,
    pub name_status: Option<String>,
    pub code_verification_status: Option<String>,
    pub quality_rating: Option<String>,
    pub messaging_limit: Option<String>,
    pub throughput: Option<String>,
    pub number_status: Option<String>,
    pub is_registered: bool,
    pub waba_name: Option<String>,
    pub waba_status: Option<String>,
    pub review_status: Option<String>,
    /// None: not known.
    pub is_funded: Option<bool>,
    /// What Meta said was violated, until the next look finds nothing of it.
    pub violation: Option<String>,
}

/// What a look at an account whose token works has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub kind: String,
    pub expires_at: Option<Timestamp>,
    pub abilities: Vec<Ability>,
    pub business: Option<BusinessId>,
    pub is_subscribed: bool,
    pub facts: Facts,
}

impl Facts {
    pub fn of(waba: &Waba, number: &Number) -> Self {
        Self {
            display_phone_number: number.display_phone_number.clone().unwrap_or_default(),
            verified_name: number.verified_name.clone(),
            name_status: number.name_status.clone().map(String::from),
            code_verification_status: number.code_verification_status.clone().map(String::from),
            quality_rating: number.quality_rating.clone().map(String::from),
            messaging_limit: number.messaging_limit.clone(),
            throughput: number.throughput.clone(),
            number_status: number.status.clone().map(String::from),
            is_registered: number.is_registered(),
            waba_name: waba.name.clone(),
            waba_status: waba.status.clone(),
            review_status: waba.account_review_status.clone().map(String::from),
            is_funded: Some(waba.primary_funding_id.is_some()),
            violation: None,
        }
    }

    /// Why nothing can be sent or received, though the token works.
    pub fn restriction(&self, now: Timestamp) -> Option<StatusReason> {
        let is = |fact: &Option<String>, values: &[&str]| fact.as_deref().is_some_and(|fact| values.contains(&fact));
        let said = |fact: &Option<String>| fact.clone().unwrap_or_default();
        if is(&self.number_status, &["RESTRICTED", "BANNED", "DELETED"]) {
            let detail = format!("Meta says that the number is {}", said(&self.number_status));
            return Some(StatusReason::new("number_restricted", detail, APPEAL_NUMBER, now));
        }
        if is(&self.review_status, &["REJECTED", "RESTRICTED"]) {
            let detail = format!("Meta says that the WhatsApp account is {}", said(&self.review_status));
            return Some(StatusReason::new("waba_not_approved", detail, APPEAL_WABA, now));
        }
        if is(&self.waba_status, &["BANNED", "DISABLED", "RESTRICTED"]) {
            let detail = format!("Meta says that the WhatsApp account is {}", said(&self.waba_status));
            return Some(StatusReason::new("waba_restricted", detail, APPEAL_WABA, now));
        }
        None
    }
}

const APPEAL_NUMBER: &str = "Open WhatsApp Manager → Account quality, read what was violated, and request a review.";
const APPEAL_WABA: &str =
    "Open Business Support Home at Meta and appeal: the WhatsApp Business Account is not allowed to send.";

impl Account {
    /// Meta was asked, and the token works.
    pub fn is_seen(&mut self, seen: Seen, now: Timestamp) {
        self.token.kind = seen.kind;
        self.token.expires_at = seen.expires_at;
        self.token.abilities = seen.abilities;
        self.token.checked_at = now;
        self.business = seen.business.or(self.business.take());
        self.webhook.subscribed = seen.is_subscribed;
        self.facts = seen.facts;
        match self.facts.restriction(now) {
            Some(reason) => self.fails(State::Restricted, reason),
            None => self.works(),
        }
    }

    /// Meta was asked, and refused. Says whether that is a matter of this account: what passes by itself, or is the
    /// operator's, changes nothing here.
    pub fn is_refused(&mut self, error: &MetaError, now: Timestamp) -> bool {
        /// "Application does not have the capability": access that Meta grants to the app, not to a person.
        const CAPABILITY: i64 = 3;
        let state = match error.class() {
            Class::AbilityMissing if error.refusal().is_some_and(|refusal| refusal.code == CAPABILITY) => return false,
            Class::TokenInvalid | Class::AbilityMissing | Class::NotFound => State::NeedsReconnect,
            Class::PolicyBlocked => State::Restricted,
            _ => return false,
        };
        let row = error.row();
        self.token.checked_at = now;
        self.fails(state, StatusReason::new(row.name, error.to_string(), row.remedy, now));
        true
    }

    /// There is no token that could be tried, or none that opens.
    pub fn lacks_token(&mut self, detail: &str, now: Timestamp) {
        let row = row_of(190, None);
        self.fails(State::NeedsReconnect, StatusReason::new(row.name, detail, row.remedy, now));
    }
}
