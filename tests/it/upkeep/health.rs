//! The daily look: what it finds, what it makes of it, and tokens that are renewed before they end.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::domain::account::{Ability, Account, State};
use tests::{Consent, World};

use super::{Behind, a_day_later, at_meta, tallies, token_of_60_days};
use crate::connect::{NUMBER, ONE, OTHER, begin, connected, start_url, system_token, tokens};

/// State and reason of [`NUMBER`].
async fn stands(world: &World) -> (State, Option<String>) {
    let account = Behind::of(world).account().await;
    (account.state, account.reason.map(|reason| reason.code))
}

#[tokio::test]
async fn a_revoked_token_is_found_with_its_cause_and_what_to_do() {
    let world = World::deployed().await;
    let causes = [
        (458, "app_removed"),
        (459, "login_blocked"),
        (460, "password_changed"),
        (463, "token_expired"),
        (464, "login_unconfirmed"),
        (467, "token_invalid"),
    ];
    let mut remedies = Vec::new();
    for (subcode, code) in causes {
        let begun = begin(&world, "acme", json!({ "method": "login" })).await;
        world.consent(start_url(&begun), Consent::To(&[ONE])).await;
        assert_eq!(stands(&world).await, (State::Connected, None), "{subcode}: connected again");
        let token = tokens(&world, "business").await.pop().unwrap();
        world.meta.post("/_sim/revoke", json!({ "token": token, "subcode": subcode })).await;

        let swept = a_day_later(&world).await;

        assert_eq!(tallies(&swept)[1], (1, 0), "{subcode}");
        assert_eq!(stands(&world).await, (State::NeedsReconnect, Some(code.to_owned())), "{subcode}");
        let reason = Behind::of(&world).account().await.reason.unwrap();
        assert_eq!(reason.detail, format!("Meta refused: {code} (190/{subcode})"));
        remedies.push(reason.remedy);
    }
    remedies.dedup();
    assert_eq!(remedies.len(), causes.len(), "each cause has its own remedy: {remedies:#?}");
}

#[tokio::test]
async fn what_meta_shows_is_taken_over() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let before = Behind::of(&world).account().await;
    let changed = json!({ "quality_rating": "RED", "messaging_limit": "TIER_10K", "verified_name": "Blumen",
                          "name_status": "DECLINED" });
    world.meta.post(&format!("/_sim/numbers/{NUMBER}"), changed).await;
    world.meta.post(&format!("/_sim/wabas/{ONE}"), json!({ "primary_funding_id": null })).await;

    a_day_later(&world).await;

    let account = Behind::of(&world).account().await;
    let facts = &account.facts;
    let seen = [&facts.quality_rating, &facts.messaging_limit, &facts.verified_name, &facts.name_status];
    assert_eq!(seen.map(Option::as_deref), [Some("RED"), Some("TIER_10K"), Some("Blumen"), Some("DECLINED")]);
    assert_eq!((facts.is_funded, account.state), (Some(false), State::Connected));
    assert!(account.version > before.version && account.token.checked_at > before.token.checked_at);
    // And again tomorrow, at the same second of the day.
    let (due, was) = (account.hidden.due.unwrap(), before.hidden.due.unwrap());
    assert_eq!(due.at, was.at + SignedDuration::from_hours(24));
    assert_eq!(tallies(&world.sweep().await)[1], (0, 0));
}

#[tokio::test]
async fn a_restricted_number_is_said_to_be_and_comes_back_by_itself() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let number = format!("/_sim/numbers/{NUMBER}");

    world.meta.post(&number, json!({ "status": "RESTRICTED" })).await;
    a_day_later(&world).await;
    let restricted = stands(&world).await;
    world.meta.post(&number, json!({ "status": "CONNECTED" })).await;
    a_day_later(&world).await;

    assert_eq!(restricted, (State::Restricted, Some("number_restricted".to_owned())));
    assert_eq!(stands(&world).await, (State::Connected, None));
}

#[tokio::test]
async fn a_subscription_that_is_gone_is_seen() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    // Somebody else took the partner away and gave it back: the subscription is not what it was.
    let token = system_token(&world, ONE).await;
    unsubscribe(&world, &token).await;

    a_day_later(&world).await;

    let account = Behind::of(&world).account().await;
    assert!(!account.webhook.subscribed);
    let attention: Vec<&str> =
        account.attention(world.product_clock().now()).iter().map(|attention| attention.code).collect();
    assert!(attention.contains(&"webhook_not_subscribed"), "{attention:?}");
}

/// Past the product.
async fn unsubscribe(world: &World, token: &str) {
    world.meta.post("/_sim/app", json!({ "require_proof": false })).await;
    let line = format!("DELETE /v25.0/{ONE}/subscribed_apps HTTP/1.1");
    let bearer = format!("authorization: Bearer {token}");
    let answer = tests::wire::send(&world.meta.url(), &[&line, &bearer], b"").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    world.meta.post("/_sim/app", json!({ "require_proof": true })).await;
}

#[tokio::test]
async fn meta_not_answering_says_nothing_about_a_number() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let outage = json!({ "match": { "route": "GET /debug_token" }, "times": 1, "fault": { "status": 503 } });
    world.meta.post("/_sim/faults", outage).await;

    let during = tallies(&a_day_later(&world).await)[1];
    let untouched = stands(&world).await;
    let at_once = tallies(&world.sweep().await)[1];
    world.advance(SignedDuration::from_mins(15)).await;
    let after = tallies(&world.sweep().await)[1];

    assert_eq!((during, at_once, after), ((0, 1), (0, 0), (1, 0)));
    assert_eq!(untouched, (State::Connected, None));
}

#[tokio::test]
async fn an_app_whose_secret_is_wrong_says_nothing_about_a_number() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    enter_app_secret(&world, "not-the-secret-of-this-app").await;

    let swept = tallies(&a_day_later(&world).await)[1];

    assert_eq!((swept, stands(&world).await), ((0, 1), (State::Connected, None)));
}

#[tokio::test]
async fn without_an_app_no_number_is_looked_at_and_nothing_fails() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    enter_app_secret(&world, "").await;

    let swept = tallies(&a_day_later(&world).await)[1];

    assert_eq!((swept, stands(&world).await), ((0, 0), (State::Connected, None)));
}

async fn enter_app_secret(world: &World, secret: &str) {
    let secrets = world.secrets_manager();
    let id = world.variable("sweeper", "META_APP_SECRETS");
    let value = secrets.get_secret_value().secret_id(&id).send().await.unwrap().secret_string.unwrap();
    let mut value: Value = serde_json::from_str(&value).unwrap();
    value["app_secret"] = json!(secret);
    secrets.put_secret_value().secret_id(&id).secret_string(value.to_string()).send().await.unwrap();
}

#[tokio::test]
async fn a_token_that_does_not_open_takes_its_number_out_of_use() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let behind = Behind::of(&world);
    let before = behind.account().await;
    // Somebody with access to the table has put another tenant's ciphertext there.
    let foreign = Account::pin_binding(&"bravo".parse().unwrap(), &before.number, 1);
    let mut swapped = before.clone();
    swapped.hidden.token = Some(behind.sealed(&foreign, "EAAforeign").await);
    assert!(behind.accounts.save(&mut swapped, &before, behind.now).await.unwrap());

    a_day_later(&world).await;

    assert_eq!(stands(&world).await, (State::NeedsReconnect, Some("token_invalid".to_owned())));
    assert_eq!(world.meta.calls("EAAforeign").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_token_of_60_days_is_renewed_long_before_its_end_and_the_pin_stays() {
    let world = World::deployed().await;
    let behind = Behind::of(&world);
    let first = token_of_60_days(&world).await;
    let ends = Timestamp::from_second(behind.now.as_second()).unwrap() + SignedDuration::from_hours(24 * 60);
    let before = behind.own("acme", &first, Some(ends)).await;

    world.advance(SignedDuration::from_hours(24 * 29)).await;
    world.sweep().await;
    let early = behind.account().await;
    world.advance(SignedDuration::from_hours(24 * 2)).await;
    world.sweep().await;

    assert_eq!((early.hidden.token_version, early.token.expires_at), (1, Some(ends)));
    let account = behind.account().await;
    let second = behind.token().await;
    assert_eq!((account.hidden.token_version, account.version > before.version), (2, true));
    assert!(second != first && at_meta(&world, &second).await["valid"] == true);
    let left = account.token.expires_at.unwrap().duration_since(world.product_clock().now());
    assert!(left > SignedDuration::from_hours(24 * 59), "{left}");
    assert_eq!(behind.pin().await, "135790");
    // The old one is not revoked: whoever still holds it works to its end.
    assert_eq!(at_meta(&world, &first).await["valid"], true);
    a_day_later(&world).await;
    assert_eq!(behind.account().await.hidden.token_version, 2, "one renewal is enough");
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_stays_in_use() {
    let world = World::deployed().await;
    let behind = Behind::of(&world);
    let token = token_of_60_days(&world).await;
    behind.own("acme", &token, Some(behind.now + SignedDuration::from_hours(24 * 60))).await;
    let refused = json!({ "match": { "route": "POST /oauth/access_token" }, "times": 1,
                          "fault": { "error": { "code": 100 } } });

    world.advance(SignedDuration::from_hours(24 * 40)).await;
    world.meta.post("/_sim/faults", refused).await;
    let swept = tallies(&world.sweep().await)[1];

    assert_eq!(swept, (1, 0));
    assert_eq!((stands(&world).await, behind.token().await), ((State::Connected, None), token));
    assert_eq!(behind.account().await.token.abilities, [Ability::Manage, Ability::Message]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_connected_again_while_its_token_is_renewed_keeps_the_newer_one() {
    let world = Arc::new(World::deployed().await);
    let behind = Behind::of(&world);
    let old = token_of_60_days(&world).await;
    behind.own("acme", &old, Some(behind.now + SignedDuration::from_hours(24 * 60))).await;
    world.advance(SignedDuration::from_hours(24 * 40)).await;
    let slow = json!({ "match": { "route": "POST /oauth/access_token" }, "times": 1, "fault": { "delay_ms": 1500 } });
    world.meta.post("/_sim/faults", slow).await;

    let sweeping = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.sweep().await }
    });
    while world.meta.calls("oauth/access_token").await.is_empty()
        && world.meta.get("/_sim/faults").await[0]["fired"] != 1
    {
        tokio::task::yield_now().await;
    }
    connected(&world, "acme").await;
    let reconnected = behind.account().await;
    sweeping.await.unwrap();

    let account = behind.account().await;
    assert_eq!(account.hidden.token_version, reconnected.hidden.token_version);
    assert_eq!(behind.token().await, system_token(&world, ONE).await);
    assert_eq!((account.state, account.token.expires_at), (State::Connected, None));
}

#[tokio::test]
async fn one_number_that_cannot_be_read_stops_no_other() {
    let world = World::deployed().await;
    connected(&world, "acme").await;
    let begun = begin(&world, "bravo", json!({ "method": "login", "auto_select": "all" })).await;
    world.consent(start_url(&begun), Consent::To(&[OTHER])).await;
    let update = world.aws_clients().dynamodb().update_item().table_name(world.variable("sweeper", "ACCOUNTS_TABLE"));
    let key = aws_sdk_dynamodb::types::AttributeValue::S(NUMBER.to_owned());
    update.key("phone_number_id", key).update_expression("REMOVE facts").send().await.unwrap();

    let swept = tallies(&a_day_later(&world).await)[1];

    assert_eq!(swept, (2, 0));
}
