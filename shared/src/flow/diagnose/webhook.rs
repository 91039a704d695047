//! Where Meta really sends this number's events: what is set for the number wins over its WhatsApp account's, and that
//! over the app's.

use super::{Sight, checks::unseen};
use crate::{
    domain::{
        account::Severity,
        diagnosis::{Check, CheckName},
    },
    meta::login::AppSubscription,
};

const NAME: CheckName = CheckName::WebhookTarget;
/// Without it nothing that customers write is sent.
const NEEDED: &str = "messages";

pub(super) fn target(sight: &Sight, expected: &str) -> Check {
    let overridden = sight.number.as_ref().ok().and_then(|number| {
        let set = number.webhook_configuration.as_ref()?;
        let at = |level: &str| set[level].as_str().filter(|url| !url.is_empty()).map(str::to_owned);
        let of_number = at("phone_number").map(|url| (url, "the number"));
        of_number.or_else(|| at("whatsapp_business_account").map(|url| (url, "its WhatsApp account")))
    });
    if let Some((url, level)) = overridden {
        if is_same(&url, expected) {
            return Check::passed(NAME, Severity::Critical, format!("{level} sends its events here"));
        }
        let detail = format!("an address set for {level} sends its events to {}", origin(&url));
        let remedy = "Take the override away in the service that set it (override_callback_uri at Meta), or disconnect \
                      the number there.";
        return Check::failed(NAME, Severity::Critical, detail, remedy);
    }
    let configured = sight
        .app_id
        .as_deref()
        .map(|id| format!("https://developers.facebook.com/apps/{id}/whatsapp-business/wa-settings"));
    let check = match (&sight.subscription, &sight.number) {
        (Err(blind), _) | (_, Err(blind)) => unseen(NAME, Severity::Critical, blind),
        (Ok(subscription), Ok(_)) => of_app(subscription.as_ref(), expected),
    };
    match configured {
        Some(link) if check.passed == Some(false) => check.at(link),
        _ => check,
    }
}

fn of_app(subscription: Option<&AppSubscription>, expected: &str) -> Check {
    let failed = |detail: String| {
        let remedy = format!(
            "The operator enters {expected} as the callback URL of the Meta app (WhatsApp → Configuration) and \
             subscribes its fields."
        );
        Check::failed(NAME, Severity::Critical, detail, remedy)
    };
    match subscription {
        None => failed("the Meta app has no address for WhatsApp's events".to_owned()),
        Some(app) if !is_same(&app.callback_url, expected) => {
            failed(format!("the Meta app sends its events to {}", origin(&app.callback_url)))
        }
        Some(app) if !app.active => failed("the Meta app's subscription is switched off".to_owned()),
        Some(app) if !app.fields.iter().any(|field| field == NEEDED) => {
            failed(format!("the Meta app is not subscribed to the field {NEEDED}"))
        }
        Some(_) => Check::passed(NAME, Severity::Critical, "Meta sends this number's events here"),
    }
}

fn is_same(url: &str, expected: &str) -> bool {
    url.trim_end_matches('/') == expected.trim_end_matches('/')
}

/// As much of a foreign address as may be shown: its path may hold a secret.
fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    // Nor what stands before an `@`.
    let whole = &url[..end];
    whole.rfind('@').map_or(whole, |at| &whole[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_foreign_address_only_the_origin_is_shown() {
        assert_eq!(origin("https://other.example.com/hook/s3cret?token=abc"), "https://other.example.com");
        assert_eq!(origin("https://user:pass@other.example.com:8443/x"), "other.example.com:8443");
        assert_eq!(origin("https://other.example.com"), "https://other.example.com");
    }
}
