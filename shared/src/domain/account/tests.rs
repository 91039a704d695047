use jiff::SignedDuration;
use serde_json::json;

use super::*;

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn fresh(tenant: &str, token_version: u64, now: Timestamp) -> Fresh {
    let tenant: TenantId = tenant.parse().unwrap();
    let connection = ConnectionId::new(&tenant, [1; 16]);
    let claim = Claim {
        number: "101".parse().unwrap(),
        waba: "201".parse().unwrap(),
        tenant,
        connection,
        until: now + SignedDuration::from_mins(10),
    };
    let facts = Facts {
        display_phone_number: "+49 151 000-101".to_owned(),
        name_status: Some("APPROVED".to_owned()),
        code_verification_status: Some("VERIFIED".to_owned()),
        quality_rating: Some("GREEN".to_owned()),
        number_status: Some("CONNECTED".to_owned()),
        is_registered: true,
        is_funded: Some(true),
        review_status: Some("APPROVED".to_owned()),
        ..Facts::default()
    };
    let summary = TokenSummary {
        kind: "system_user".to_owned(),
        expires_at: None,
        abilities: vec![Ability::Manage, Ability::Message],
        checked_at: now,
    };
    Fresh {
        claim,
        facts,
        business: None,
        coexistence: false,
        external_id: None,
        token: Sealed(vec![7]),
        token_version,
        summary,
        subject: None,
        sealed_at: now,
        pin: Some((Sealed(vec![8]), token_version)),
        now,
    }
}

fn account() -> Account {
    let mut account = Account::activated(fresh("acme", 1, now()), None);
    account.webhook.proved_at = Some(now());
    account.notice(now());
    account
}

fn codes(account: &Account, now: Timestamp) -> Vec<(&'static str, Severity)> {
    account.attention(now).into_iter().map(|attention| (attention.code, attention.severity)).collect()
}

#[test]
fn the_same_tenant_finds_what_it_called_its_number() {
    let mut before = account();
    before.change(Change { label: Some(Some("shop".to_owned())), enabled: Some(false), ..Change::default() });

    let again = Account::activated(
        Fresh { pin: None, ..fresh("acme", 2, now() + SignedDuration::from_hours(1)) },
        Some(&before),
    );

    assert_eq!((again.label.as_deref(), again.enabled, again.connected_at), (Some("shop"), false, now()));
    assert_eq!((again.version, again.hidden.generation, again.hidden.token_version), (2, 1, 2));
    assert_eq!(again.hidden.pin, before.hidden.pin);
    assert_eq!(again.webhook.proved_at, Some(now()));
}

#[test]
fn another_tenant_inherits_nothing_but_the_count() {
    let mut before = account();
    before.change(Change {
        label: Some(Some("secret plan".to_owned())),
        metadata: serde_json::from_str(r#"{"of":"acme"}"#).unwrap(),
        enabled: Some(false),
        ..Change::default()
    });
    before.disconnects(false, now());
    let later = now() + SignedDuration::from_hours(1);

    let taken = Account::activated(Fresh { pin: None, ..fresh("bravo", 2, later) }, Some(&before));

    let anew = Account::activated(Fresh { pin: None, ..fresh("bravo", 2, later) }, None);
    assert_eq!((taken.version, taken.hidden.generation), (2, 2));
    assert_eq!(
        Account { version: anew.version, hidden: anew.hidden.clone(), ..taken.clone() },
        anew,
        "apart from the counts it is as if nobody had been there before"
    );
    assert_eq!(taken.hidden.pin, None);
}

#[test]
fn a_number_that_comes_back_to_its_tenant_is_another_generation() {
    let mut before = account();
    before.disconnects(false, now());

    let again = Account::activated(fresh("acme", 2, now()), Some(&before));

    assert_eq!((again.hidden.generation, again.webhook.proved_at, again.state), (2, None, State::Connected));
}

#[test]
fn the_version_grows_with_what_can_be_seen_and_nothing_else() {
    let before = account();
    let after = |change: &dyn Fn(&mut Account)| {
        let mut after = before.clone();
        change(&mut after);
        after.settle(&before, now() + SignedDuration::from_secs(1));
        assert_eq!(after.hidden.revision, before.hidden.revision + 1);
        after.version
    };

    assert_eq!(after(&|account| account.label = Some("x".to_owned())), 2);
    assert_eq!(after(&|account| account.facts.quality_rating = Some("RED".to_owned())), 2);
    assert_eq!(after(&|account| account.webhook.proved_at = None), 2);
    assert_eq!(after(&|account| account.webhook.last_event_at = Some(now())), 1);
    assert_eq!(after(&|account| account.hidden.token = Some(Sealed(vec![1, 2]))), 1);
    assert_eq!(after(&|account| account.hidden.due = None), 1);
}

#[test]
fn each_matter_has_a_code_and_a_severity() {
    use Severity::{Critical, Info, Warning};
    let with = |change: &dyn Fn(&mut Account)| {
        let mut account = account();
        change(&mut account);
        codes(&account, now())
    };
    let day = SignedDuration::from_hours(24);

    assert_eq!(with(&|_| ()), []);
    assert_eq!(with(&|it| it.token.expires_at = Some(now() + day * 15)), []);
    assert_eq!(with(&|it| it.token.expires_at = Some(now() + day * 14)), [("token_expiring", Warning)]);
    assert_eq!(with(&|it| it.token.expires_at = Some(now())), [("token_expiring", Critical)]);
    assert_eq!(with(&|it| it.token.abilities.clear()), [("token_cannot_send", Critical)]);
    assert_eq!(
        with(&|it| it.facts.code_verification_status = Some("NOT_VERIFIED".to_owned())),
        [("number_unverified", Warning)]
    );
    assert_eq!(with(&|it| it.facts.is_registered = false), [("number_not_registered", Critical)]);
    assert_eq!(with(&|it| it.facts.number_status = Some("FLAGGED".to_owned())), [("number_flagged", Warning)]);
    assert_eq!(with(&|it| it.facts.number_status = Some("BANNED".to_owned())), [("number_restricted", Critical)]);
    assert_eq!(
        with(&|it| it.facts.name_status = Some("PENDING_REVIEW".to_owned())),
        [("display_name_in_review", Info)]
    );
    assert_eq!(with(&|it| it.facts.name_status = Some("DECLINED".to_owned())), [("display_name_declined", Warning)]);
    assert_eq!(with(&|it| it.facts.name_status = Some("EXPIRED".to_owned())), [("display_name_missing", Warning)]);
    assert_eq!(with(&|it| it.facts.quality_rating = Some("RED".to_owned())), [("quality_red", Critical)]);
    assert_eq!(with(&|it| it.facts.quality_rating = Some("YELLOW".to_owned())), [("quality_yellow", Warning)]);
    assert_eq!(with(&|it| it.facts.is_funded = Some(false)), [("payment_method_missing", Warning)]);
    assert_eq!(with(&|it| it.facts.review_status = Some("REJECTED".to_owned())), [("waba_not_approved", Critical)]);
    assert_eq!(with(&|it| it.facts.review_status = Some("PENDING".to_owned())), [("waba_in_review", Info)]);
    assert_eq!(with(&|it| it.webhook.subscribed = false), [("webhook_not_subscribed", Critical)]);
    assert_eq!(with(&|it| it.webhook.proved_at = None), [("webhook_unproved", Info)]);
    // What nobody knows yet is no matter.
    assert_eq!(with(&|it| it.facts.quality_rating = Some("PURPLE".to_owned())), []);
}

#[test]
fn a_matter_keeps_its_since_until_it_has_passed() {
    let before = account();
    let hour = SignedDuration::from_hours(1);
    let step = |before: &Account, quality: &str, now| {
        let mut after = before.clone();
        after.facts.quality_rating = Some(quality.to_owned());
        after.settle(before, now);
        after
    };

    let red = step(&before, "RED", now() + hour);
    let still = step(&red, "RED", now() + hour * 2);
    let yellow = step(&still, "YELLOW", now() + hour * 3);

    assert_eq!(still.attention(now() + hour * 2)[0].since, now() + hour);
    assert_eq!(yellow.attention(now() + hour * 4)[0].since, now() + hour * 3);
    assert!(!yellow.noticed.contains_key("quality_red"));
}

#[test]
fn the_worst_matter_comes_first() {
    let mut account = account();
    account.facts.name_status = Some("PENDING_REVIEW".to_owned());
    account.facts.is_funded = Some(false);
    account.facts.is_registered = false;

    let severities: Vec<Severity> = codes(&account, now()).into_iter().map(|(_, severity)| severity).collect();

    assert_eq!(severities, [Severity::Critical, Severity::Warning, Severity::Info]);
}

#[test]
fn a_paused_account_says_since_when_and_a_broken_one_says_why_first() {
    let mut paused = account();
    paused.change(Change { enabled: Some(false), ..Change::default() });
    paused.settle(&account(), now());
    assert_eq!((paused.status(), paused.status_reason().unwrap().since), (Status::Paused, now()));

    paused.fails(State::NeedsReconnect, StatusReason::new("token_expired", "", "Connect the number again.", now()));
    assert_eq!(paused.status(), Status::NeedsReconnect);
    assert_eq!(paused.status_reason().unwrap().code, "token_expired");

    paused.works();
    assert_eq!((paused.status(), paused.status_reason().unwrap().code.as_str()), (Status::Paused, "paused"));
}

#[test]
fn the_first_failure_of_a_kind_says_since_when() {
    let mut account = account();
    let reason = |minutes| {
        let since = now() + SignedDuration::from_mins(minutes);
        StatusReason::new("token_expired", "", "Connect the number again.", since)
    };

    account.fails(State::NeedsReconnect, reason(1));
    account.fails(State::NeedsReconnect, reason(2));

    assert_eq!(account.reason, Some(reason(1)));
}

#[test]
fn a_number_that_lives_on_a_phone_is_never_deregistered() {
    let (mut cloud, mut phone) = (account(), Account { coexistence: true, ..account() });
    cloud.disconnects(true, now());
    phone.disconnects(true, now());

    assert!(cloud.hidden.leaving.unwrap().deregister);
    assert!(!phone.hidden.leaving.unwrap().deregister);
}

#[test]
fn a_number_is_dialled_by_its_digits() {
    assert_eq!(account().phone_number().as_deref(), Some("+49151000101"));
    assert_eq!(Account { facts: Facts::default(), ..account() }.phone_number(), None);
}

fn told(account: &mut Account, field: &str, value: &Value) {
    account.is_told(Told { field, value, at: now() + SignedDuration::from_mins(5) });
}

#[test]
fn what_meta_tells_of_a_number_is_taken_over() {
    let mut account = account();
    told(
        &mut account,
        "phone_number_quality_update",
        &json!({ "event": "ONBOARDING", "max_daily_conversations_per_business": "TIER_2K" }),
    );
    told(
        &mut account,
        "phone_number_name_update",
        &json!({ "decision": "APPROVED", "requested_verified_name": "Acme" }),
    );
    told(
        &mut account,
        "account_update",
        &json!({ "event": "ACCOUNT_VIOLATION", "violation_info": { "violation_type": "SCAM" } }),
    );
    told(&mut account, "something_new", &json!({ "event": "ANYTHING" }));
    told(&mut account, "phone_number_quality_update", &json!(["not", "an", "object"]));

    let facts = &account.facts;
    assert_eq!((facts.messaging_limit.as_deref(), facts.verified_name.as_deref()), (Some("TIER_2K"), Some("Acme")));
    assert_eq!(codes(&account, now()), [("policy_violation", Severity::Critical)]);
    told(&mut account, "business_capability_update", &json!({ "max_daily_conversations_per_business": -1 }));
    assert_eq!(account.facts.messaging_limit.as_deref(), Some("TIER_UNLIMITED"));
}

#[test]
fn a_business_that_takes_its_permission_back_has_to_connect_again() {
    let mut account = account();
    told(
        &mut account,
        "account_update",
        &json!({ "event": "PARTNER_REMOVED", "disconnection_info": { "reason": "PRIMARY_INACTIVITY" } }),
    );

    assert_eq!(account.status(), Status::NeedsReconnect);
    let reason = account.reason.unwrap();
    assert_eq!(
        (reason.code.as_str(), reason.detail.as_str()),
        ("partner_removed", "the business took its permission back (PRIMARY_INACTIVITY)")
    );
}

#[test]
fn a_ban_restricts_until_it_is_lifted() {
    let mut account = account();
    told(
        &mut account,
        "account_update",
        &json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": ["DISABLE"] } }),
    );
    let banned = account.status();
    told(
        &mut account,
        "account_update",
        &json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": ["REINSTATE"] } }),
    );

    assert_eq!((banned, account.status()), (Status::Restricted, Status::Active));
    told(
        &mut account,
        "account_update",
        &json!({ "event": "ACCOUNT_RESTRICTION", "restriction_info": [{ "restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION" }] }),
    );
    assert_eq!(account.status(), Status::Active);
    told(
        &mut account,
        "account_update",
        &json!({ "event": "ACCOUNT_RESTRICTION", "restriction_info": [{ "restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING" }] }),
    );
    assert_eq!(account.status(), Status::Restricted);
}

#[test]
fn what_a_look_has_seen_since_is_newer_than_what_was_told() {
    let mut account = account();
    let early = json!({ "event": "PARTNER_REMOVED" });
    account.is_told(Told { field: "account_update", value: &early, at: now() - SignedDuration::from_secs(1) });

    assert_eq!(account.status(), Status::Active);
}

#[test]
fn older_news_changes_nothing_that_newer_told() {
    let mut account = account();
    let limit = |tier: &str| json!({ "max_daily_conversations_per_business": tier });
    let (newer, older) = (limit("TIER_10K"), limit("TIER_250"));
    let at = |minutes| now() + SignedDuration::from_mins(minutes);
    let field = "business_capability_update";
    account.is_told(Told { field, value: &newer, at: at(9) });
    account.is_told(Told { field, value: &older, at: at(8) });
    let kept = account.facts.messaging_limit.clone();
    account.is_told(Told { field, value: &older, at: at(10) });

    assert_eq!((kept.as_deref(), account.facts.messaging_limit.as_deref()), (Some("TIER_10K"), Some("TIER_250")));
}

#[test]
fn what_names_a_number_is_about_that_number_alone() {
    let account = account();
    let concerns = |value: Value| Told { field: "security", value: &value, at: now() }.concerns(&account);

    assert!(concerns(json!({ "display_phone_number": "49151000101" })));
    assert!(!concerns(json!({ "display_phone_number": "49151000102" })));
    assert!(concerns(json!({ "event": "VERIFIED_ACCOUNT" })));
}

#[test]
fn a_number_that_changes_hands_says_whose_it_was() {
    let mut before = account();
    before.disconnects(false, now());
    let taken = Account::activated(fresh("bravo", 2, now() + SignedDuration::from_mins(9)), Some(&before));
    let mut again = taken.clone();
    again.disconnects(false, now() + SignedDuration::from_mins(10));
    let again = Account::activated(fresh("bravo", 3, now() + SignedDuration::from_mins(20)), Some(&again));

    for account in [taken, again] {
        assert_eq!(account.hidden.taken.as_ref().map(|taken| taken.from.as_str()), Some("acme"));
        assert!(!account.had_the_number_at(now() + SignedDuration::from_mins(8)));
        assert!(account.had_the_number_at(now() + SignedDuration::from_mins(9)));
    }
    assert_eq!(account().hidden.taken, None);
}
