//! What each look means.

use jiff::{SignedDuration, Timestamp};

use super::{Blind, Sight, webhook};
use crate::domain::{
    account::{Account, EXPIRY_WARNING, Severity, State},
    diagnosis::{Check, CheckName, Diagnosis},
    meta_assets::{NameStatus, NumberStatus, Quality, ReviewStatus},
    meta_error::{Class, MetaError},
};

use CheckName as N;
use Severity::{Critical, Info, Warning};

/// How long a number may be silent before nobody can say whether it is heard.
const RECENT: SignedDuration = SignedDuration::from_hours(24 * 7);
const RECONNECT: &str = "Connect the number again (POST /v1/connections with expected_phone_number_id).";
const MANAGER: &str = "https://business.facebook.com/latest/whatsapp_manager/phone_numbers";
const SUPPORT: &str = "https://business.facebook.com/business-support-home";
const BILLING: &str = "https://business.facebook.com/billing_hub/accounts";

pub(super) fn all(account: &Account, sight: &Sight, target: &str, now: Timestamp) -> Diagnosis {
    let checks = [
        token_valid(account, sight),
        token_abilities(sight),
        token_expiry(sight, now),
        app_subscribed(account, sight),
        webhook::target(sight, target),
        registered(account, sight),
        display_name(sight),
        quality(sight),
        messaging_limit(sight),
        payment_method(sight),
        waba_status(sight),
        number_status(sight),
        webhook_recent(account, now),
    ];
    let mut diagnosis = Diagnosis { checks: checks.to_vec() };
    for check in &mut diagnosis.checks {
        if check.passed == Some(false) {
            check.since = since(account, check.name);
        }
    }
    diagnosis
}

/// Since when it is known here.
fn since(account: &Account, name: CheckName) -> Option<Timestamp> {
    let codes: &[&str] = match name {
        N::TokenValid => {
            let reason = account.reason.as_ref().filter(|_| account.state == State::NeedsReconnect);
            return reason.map(|reason| reason.since);
        }
        N::TokenAbilities => &["token_cannot_send"],
        N::TokenExpiry => &["token_expiring"],
        N::AppSubscribed => &["webhook_not_subscribed"],
        N::Registered => &["number_not_registered"],
        N::DisplayName => &["display_name_declined", "display_name_missing"],
        N::Quality => &["quality_red", "quality_yellow"],
        N::PaymentMethod => &["payment_method_missing"],
        N::WabaStatus => &["waba_not_approved", "waba_in_review"],
        N::NumberStatus => &["number_restricted", "number_flagged", "number_unverified"],
        N::WebhookTarget | N::MessagingLimit | N::WebhookRecent => &[],
    };
    codes.iter().find_map(|code| account.noticed.get(*code).copied())
}

/// What could not be seen is neither well nor ill.
pub(super) fn unseen(name: CheckName, severity: Severity, blind: &Blind) -> Check {
    Check::unknown(name, severity, blind.to_string(), blind.remedy())
}

/// The same, but for a refusal that is itself the finding.
fn found_or_unseen(name: CheckName, finding: Class, blind: &Blind) -> Check {
    match blind {
        Blind::Meta(error) if error.class() == finding => {
            Check::failed(name, Critical, error.to_string(), error.remedy())
        }
        blind => unseen(name, Critical, blind),
    }
}

fn token_valid(account: &Account, sight: &Sight) -> Check {
    let failed = |detail: String, remedy: &str| Check::failed(N::TokenValid, Critical, detail, remedy);
    if account.is_disconnected() {
        return failed("the number is disconnected".to_owned(), "Connect the number again to use it.");
    }
    if let Some(refusal) = &sight.objection {
        let error = MetaError::Refused(refusal.clone());
        return failed(error.to_string(), error.remedy());
    }
    match &sight.token {
        Ok(_) => Check::passed(N::TokenValid, Critical, "Meta accepts the token"),
        // Nothing to show to Meta is as good as nothing Meta accepts; no app to show it with is not its fault.
        Err(Blind::Without(why)) if sight.app_id.is_some() => failed((*why).to_owned(), RECONNECT),
        Err(blind) => unseen(N::TokenValid, Critical, blind),
    }
}

fn token_abilities(sight: &Sight) -> Check {
    match (&sight.waba, &sight.may_message) {
        (Err(blind), _) | (_, Err(blind)) => found_or_unseen(N::TokenAbilities, Class::AbilityMissing, blind),
        (Ok(_), Ok(true)) => Check::passed(N::TokenAbilities, Critical, "it may manage the account and send"),
        (Ok(_), Ok(false)) => {
            let remedy = "Connect the number again as a person who may manage it, and allow everything asked for.";
            Check::failed(N::TokenAbilities, Critical, "the token may not send from this number", remedy)
        }
    }
}

fn token_expiry(sight: &Sight, now: Timestamp) -> Check {
    let facts = match &sight.token {
        Ok(facts) => facts,
        Err(blind) => return unseen(N::TokenExpiry, Warning, blind),
    };
    let ends = [facts.expires_at, facts.data_access_expires_at].into_iter().flatten().min();
    match ends {
        None => Check::passed(N::TokenExpiry, Warning, "the token does not end"),
        Some(at) if at > now + EXPIRY_WARNING => Check::passed(N::TokenExpiry, Warning, format!("it ends on {at}")),
        Some(at) => {
            let severity = if at <= now { Critical } else { Warning };
            Check::failed(N::TokenExpiry, severity, format!("it ends on {at}, and was not renewed"), RECONNECT)
        }
    }
}

fn app_subscribed(account: &Account, sight: &Sight) -> Check {
    match &sight.apps {
        Err(blind) => unseen(N::AppSubscribed, Critical, blind),
        Ok(apps) if sight.app_id.as_ref().is_some_and(|id| apps.contains(id)) => {
            Check::passed(N::AppSubscribed, Critical, "the app hears of this WhatsApp account")
        }
        Ok(_) => {
            let detail = "the app is not subscribed to this WhatsApp account: nothing that customers write arrives";
            let remedy = "Repair the account: it is subscribed again.";
            Check::failed(N::AppSubscribed, Critical, detail, remedy).fixed_by("POST", repair(account))
        }
    }
}

fn registered(account: &Account, sight: &Sight) -> Check {
    let number = match &sight.number {
        Ok(number) => number,
        Err(blind) => return unseen(N::Registered, Critical, blind),
    };
    if number.is_registered() {
        return Check::passed(N::Registered, Critical, "the number is switched on for sending");
    }
    let failed =
        |remedy: &str| Check::failed(N::Registered, Critical, "the number is not registered for the Cloud API", remedy);
    if number.is_on_biz_app || account.coexistence {
        return failed(
            "Open the WhatsApp Business app on the phone and connect the account there, then connect here again.",
        );
    }
    if !number.is_verified() {
        return failed("Verify the number first: connect it again, and give the code when asked.");
    }
    failed("Repair the account: the number is registered again with its PIN.").fixed_by("POST", repair(account))
}

fn display_name(sight: &Sight) -> Check {
    let number = match &sight.number {
        Ok(number) => number,
        Err(blind) => return unseen(N::DisplayName, Warning, blind),
    };
    let (detail, remedy) = match &number.name_status {
        Some(NameStatus::Approved | NameStatus::AvailableWithoutReview) => {
            return Check::passed(N::DisplayName, Warning, "Meta has approved the display name");
        }
        Some(NameStatus::Declined) => {
            ("Meta has declined the display name", "Choose another display name in WhatsApp Manager.")
        }
        Some(NameStatus::Expired) => {
            ("the display name's approval has run out", "Ask for it again in WhatsApp Manager.")
        }
        Some(NameStatus::None) => {
            ("there is no display name", "Set one in WhatsApp Manager, so that customers see who writes.")
        }
        Some(NameStatus::PendingReview) => {
            let remedy = "Wait for Meta's review; customers see the number until then.";
            return Check::unknown(N::DisplayName, Warning, "Meta is reviewing the display name", remedy);
        }
        Some(NameStatus::Unknown(_)) | None => {
            let remedy = "Look at the number in WhatsApp Manager.";
            return Check::unknown(N::DisplayName, Warning, "Meta says nothing we know of it", remedy).at(MANAGER);
        }
    };
    Check::failed(N::DisplayName, Warning, detail, remedy).at(MANAGER)
}

fn quality(sight: &Sight) -> Check {
    let number = match &sight.number {
        Ok(number) => number,
        Err(blind) => return unseen(N::Quality, Warning, blind),
    };
    match &number.quality_rating {
        Some(Quality::Green) => Check::passed(N::Quality, Warning, "quality is green"),
        Some(Quality::Yellow) => {
            let remedy = "Look at what was sent lately: people block or report it.";
            Check::failed(N::Quality, Warning, "quality has sunk to yellow", remedy).at(MANAGER)
        }
        Some(Quality::Red) => {
            let remedy = "Stop messages that people block or report, or Meta will lower the limit.";
            Check::failed(N::Quality, Critical, "quality is red", remedy).at(MANAGER)
        }
        Some(Quality::Unknown(_)) | None => {
            let remedy = "Nothing to do: Meta rates a number once it has sent enough.";
            Check::unknown(N::Quality, Warning, "Meta has not rated the number yet", remedy)
        }
    }
}

/// Every business begins with 250 customers a day; below that something is wrong.
fn messaging_limit(sight: &Sight) -> Check {
    let number = match &sight.number {
        Ok(number) => number,
        Err(blind) => return unseen(N::MessagingLimit, Info, blind),
    };
    let remedy =
        "Verify the business in Meta's Business Settings, or send good messages for some days: the limit grows.";
    match number.messaging_limit.as_deref() {
        Some(limit @ ("TIER_50" | "TIER_NOT_SET")) => {
            let detail = format!("the limit is {limit}: hardly any customers can be written to first");
            Check::failed(N::MessagingLimit, Warning, detail, remedy).at(MANAGER)
        }
        Some(limit) => Check::passed(N::MessagingLimit, Info, format!("the limit is {limit}")),
        None => Check::unknown(N::MessagingLimit, Info, "Meta names no limit", "Look at it in WhatsApp Manager."),
    }
}

fn payment_method(sight: &Sight) -> Check {
    match &sight.waba {
        Err(blind) => unseen(N::PaymentMethod, Warning, blind),
        Ok(waba) if waba.primary_funding_id.is_some() => {
            Check::passed(N::PaymentMethod, Warning, "the WhatsApp account has a payment method")
        }
        Ok(_) => {
            let remedy =
                "Add a payment method in WhatsApp Manager → Billing: without one, templates are not delivered.";
            Check::failed(N::PaymentMethod, Warning, "the WhatsApp account has no payment method", remedy).at(BILLING)
        }
    }
}

fn waba_status(sight: &Sight) -> Check {
    let waba = match &sight.waba {
        Ok(waba) => waba,
        Err(blind) => return found_or_unseen(N::WabaStatus, Class::NotFound, blind),
    };
    let appeal = "Open Business Support Home at Meta and appeal.";
    if let Some(status) = waba.status.as_deref().filter(|status| *status != "ACTIVE") {
        return Check::failed(N::WabaStatus, Critical, format!("the WhatsApp account is {status}"), appeal).at(SUPPORT);
    }
    match &waba.account_review_status {
        Some(ReviewStatus::Approved) | None => Check::passed(N::WabaStatus, Critical, "the WhatsApp account is active"),
        Some(review @ (ReviewStatus::Pending | ReviewStatus::LimitReached)) => {
            let detail = format!("Meta's review of the WhatsApp account is {review}");
            let remedy = "Wait for Meta's review, or finish business verification in Meta's Business Settings.";
            Check::failed(N::WabaStatus, Warning, detail, remedy).at(SUPPORT)
        }
        Some(review) => {
            let detail = format!("Meta's review of the WhatsApp account says {review}");
            Check::failed(N::WabaStatus, Critical, detail, appeal).at(SUPPORT)
        }
    }
}

fn number_status(sight: &Sight) -> Check {
    let number = match &sight.number {
        Ok(number) => number,
        Err(blind) => return found_or_unseen(N::NumberStatus, Class::NotFound, blind),
    };
    let said = number.status.as_ref().map(ToString::to_string).unwrap_or_default();
    let detail = format!("Meta says that the number is {said}");
    match &number.status {
        Some(NumberStatus::Connected) => Check::passed(N::NumberStatus, Critical, detail),
        Some(NumberStatus::Flagged | NumberStatus::RateLimited) => {
            let remedy = "Send less, and only to people who asked for it, until WhatsApp Manager shows it healthy.";
            Check::failed(N::NumberStatus, Warning, detail, remedy).at(MANAGER)
        }
        Some(NumberStatus::Restricted | NumberStatus::Banned) => {
            let remedy = "Open WhatsApp Manager → Account quality, read what was violated, and request a review.";
            Check::failed(N::NumberStatus, Critical, detail, remedy).at(MANAGER)
        }
        Some(NumberStatus::Pending | NumberStatus::Disconnected) => {
            let remedy = "Register the number: see the check `registered`.";
            Check::failed(N::NumberStatus, Critical, detail, remedy)
        }
        Some(NumberStatus::Unverified) => {
            let remedy = "Verify the number: connect it again, and give the code when asked.";
            Check::failed(N::NumberStatus, Critical, detail, remedy)
        }
        Some(NumberStatus::Migrated | NumberStatus::Deleted) => Check::failed(
            N::NumberStatus,
            Critical,
            detail,
            "Find the number in WhatsApp Manager, and connect it from there.",
        ),
        Some(NumberStatus::Unknown(_)) | None => {
            Check::unknown(N::NumberStatus, Warning, detail, "Look at the number in WhatsApp Manager.").at(MANAGER)
        }
    }
}

/// Silence proves nothing: it may be that nobody has written.
fn webhook_recent(account: &Account, now: Timestamp) -> Check {
    let last = account.webhook.last_event_at.max(account.webhook.proved_at);
    let remedy = "Write to the number from any phone, and look again.";
    match last {
        Some(at) if at + RECENT > now => {
            Check::passed(N::WebhookRecent, Warning, format!("the last event came at {at}"))
        }
        Some(at) => Check::unknown(N::WebhookRecent, Warning, format!("nothing has come since {at}"), remedy),
        None => Check::unknown(N::WebhookRecent, Warning, "nothing has arrived from this number yet", remedy),
    }
}

fn repair(account: &Account) -> String {
    format!("/v1/accounts/{}/repair", account.number)
}
