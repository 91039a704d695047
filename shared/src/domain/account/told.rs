//! What Meta tells of an account without being asked: the webhook's account- and number-level fields.
//!
//! Each says how something is from then on. Older news than was told before, or seen at Meta since, changes nothing, so
//! a telling may come twice and in any order. Nor does what nobody knows yet; it is kept as an event all the same.

use jiff::Timestamp;
use serde_json::Value;

use super::{Account, State, StatusReason};

/// One change of a webhook that concerns an account.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    pub field: &'a str,
    pub value: &'a Value,
    /// When Meta said so.
    pub at: Timestamp,
}

const RECONNECT: &str = "Connect the number again.";
const ASK_META: &str = "Open Business Support Home at Meta, read what happened, and request a review.";

impl Told<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.value.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    fn kind(&self) -> String {
        match (self.field, self.event()) {
            // A ban and a violation are two matters.
            ("account_update", event) => format!("account_update/{event}"),
            (field, _) => field.to_owned(),
        }
    }

    fn event(&self) -> &str {
        self.text("event").unwrap_or_default()
    }

    /// The app got its permission over the WABA.
    pub fn is_partner_added(&self) -> bool {
        self.field == "account_update" && self.event() == "PARTNER_ADDED"
    }

    /// The one number it names; none: it is about the whole WABA.
    pub fn display_phone_number(&self) -> Option<String> {
        let named = self.text("display_phone_number").or_else(|| self.text("phone_number"))?;
        let digits: String = named.chars().filter(char::is_ascii_digit).collect();
        Some(digits).filter(|digits| !digits.is_empty())
    }

    /// Whether it is about that account, of those on its WABA.
    pub fn concerns(&self, account: &Account) -> bool {
        let own = account.phone_number();
        self.display_phone_number().is_none_or(|named| own.as_deref() == Some(&format!("+{named}")))
    }
}

impl Account {
    /// Takes in what Meta told. What a look at Meta has seen since is newer.
    pub fn is_told(&mut self, told: Told<'_>) {
        let before = self.hidden.told.get(&told.kind()).copied();
        let since = before.into_iter().chain([self.token.checked_at, self.connected_at]).max();
        if self.is_disconnected() || since.is_some_and(|since| told.at < since) {
            return;
        }
        self.hidden.told.insert(told.kind(), told.at);
        match told.field {
            "account_update" => self.is_told_of_account(told),
            "account_review_update" => {
                self.facts.review_status = told.text("decision").map(str::to_owned).or(self.facts.review_status.take());
                self.is_restricted_or_not(told.at);
            }
            "business_capability_update" => self.is_told_limit(told),
            "phone_number_name_update" => self.is_told_of_name(told),
            "phone_number_quality_update" => {
                self.is_told_limit(told);
                match told.event() {
                    "THROUGHPUT_UPGRADE" => self.facts.throughput = Some("HIGH".to_owned()),
                    "FLAGGED" => self.facts.number_status = Some("FLAGGED".to_owned()),
                    "UNFLAGGED" => self.facts.number_status = Some("CONNECTED".to_owned()),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn is_told_of_account(&mut self, told: Told<'_>) {
        match told.event() {
            "PARTNER_REMOVED" | "PARTNER_APP_UNINSTALLED" => {
                let why = told.value.pointer("/disconnection_info/reason").and_then(Value::as_str);
                let detail = match why {
                    Some(why) => format!("the business took its permission back ({why})"),
                    None => "the business took its permission back".to_owned(),
                };
                self.fails(State::NeedsReconnect, StatusReason::new("partner_removed", detail, RECONNECT, told.at));
            }
            "ACCOUNT_OFFBOARDED" => {
                let detail = "the number left the WhatsApp Business App's connection";
                self.fails(State::NeedsReconnect, StatusReason::new("account_offboarded", detail, RECONNECT, told.at));
            }
            "ACCOUNT_DELETED" => {
                let detail = "the WhatsApp Business Account was deleted at Meta";
                self.fails(State::NeedsReconnect, StatusReason::new("account_deleted", detail, RECONNECT, told.at));
            }
            "ACCOUNT_RECONNECTED" if self.failed_by("account_offboarded") => self.works(),
            "DISABLED_UPDATE" => self.is_told_of_ban(told),
            "ACCOUNT_VIOLATION" => {
                let what = told.value.pointer("/violation_info/violation_type").and_then(Value::as_str);
                self.facts.violation = Some(what.unwrap_or("unknown").to_owned());
            }
            "ACCOUNT_RESTRICTION" => self.is_told_of_restriction(told),
            _ => {}
        }
    }

    fn is_told_of_ban(&mut self, told: Told<'_>) {
        let states = match told.value.pointer("/ban_info/waba_ban_state") {
            Some(Value::Array(states)) => states.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(state)) => vec![state.as_str()],
            _ => Vec::new(),
        };
        if states.contains(&"REINSTATE") {
            self.facts.waba_status = Some("ACTIVE".to_owned());
        } else if states.contains(&"DISABLE") {
            self.facts.waba_status = Some("DISABLED".to_owned());
        } else if states.contains(&"SCHEDULE_FOR_DISABLE") {
            self.facts.waba_status = Some("SCHEDULE_FOR_DISABLE".to_owned());
        }
        self.is_restricted_or_not(told.at);
    }

    /// Not every restriction keeps messages from being sent: adding numbers, and calls, are none of ours.
    fn is_told_of_restriction(&mut self, told: Told<'_>) {
        let restrictions = told.value.get("restriction_info").and_then(Value::as_array);
        let kinds = restrictions.into_iter().flatten().filter_map(|one| one.get("restriction_type")?.as_str());
        let messaging: Vec<&str> = kinds.filter(|kind| kind.ends_with("_INITIATED_MESSAGING")).collect();
        if !messaging.is_empty() {
            let detail = format!("Meta restricts the account: {}", messaging.join(", "));
            self.fails(State::Restricted, StatusReason::new("account_restricted", detail, ASK_META, told.at));
        }
    }

    fn is_told_of_name(&mut self, told: Told<'_>) {
        let status = match told.text("decision") {
            Some("APPROVED") => "APPROVED",
            Some("REJECTED") => "DECLINED",
            Some("PENDING" | "DEFERRED") => "PENDING_REVIEW",
            _ => return,
        };
        self.facts.name_status = Some(status.to_owned());
        if status == "APPROVED"
            && let Some(name) = told.text("requested_verified_name")
        {
            self.facts.verified_name = Some(name.to_owned());
        }
    }

    fn is_told_limit(&mut self, told: Told<'_>) {
        let limit = match told.value.get("max_daily_conversations_per_business") {
            Some(Value::String(tier)) => Some(tier.clone()),
            Some(Value::Number(limit)) => Some(tier_of(limit.as_i64().unwrap_or_default())),
            _ => told.text("current_limit").map(str::to_owned),
        };
        self.facts.messaging_limit = limit.or(self.facts.messaging_limit.take());
    }

    /// Restricted by what the facts say now, or not any more where the facts were why.
    fn is_restricted_or_not(&mut self, at: Timestamp) {
        match self.facts.restriction(at) {
            Some(reason) => self.fails(State::Restricted, reason),
            None if self.state == State::Restricted && !self.failed_by("account_restricted") => self.works(),
            None => {}
        }
    }

    fn failed_by(&self, code: &str) -> bool {
        self.reason.as_ref().is_some_and(|reason| reason.code == code)
    }
}

/// A limit as the tier that Meta's other answers call it.
fn tier_of(limit: i64) -> String {
    match limit {
        ..0 => "TIER_UNLIMITED".to_owned(),
        0..1_000 => format!("TIER_{limit}"),
        _ => format!("TIER_{}K", limit / 1_000),
    }
}
