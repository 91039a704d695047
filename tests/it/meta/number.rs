//! What is done to a WABA and its numbers.

use serde_json::json;
use shared::{
    domain::{
        meta_error::{Class, MetaError},
        meta_id::PhoneNumberId,
    },
    meta::number::{CodeMethod, Sync},
};

use super::{Meta, NUMBER, WABA};

fn number(index: usize) -> PhoneNumberId {
    NUMBER[index].parse().unwrap()
}

#[tokio::test]
async fn a_subscription_comes_and_goes_and_may_be_repeated() {
    let meta = Meta::start().await;
    let token = meta.token(WABA[0]).await;
    let (session, waba) = (meta.with(&token), WABA[0].parse().unwrap());

    let before = session.subscribed_apps(&waba).await.unwrap();
    session.subscribe(&waba).await.unwrap();
    session.subscribe(&waba).await.unwrap();
    let during = session.subscribed_apps(&waba).await.unwrap();
    session.unsubscribe(&waba).await.unwrap();
    session.unsubscribe(&waba).await.unwrap();

    assert_eq!((before, during), (vec![], vec![meta.app.id.clone()]));
    assert_eq!(session.subscribed_apps(&waba).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_number_is_switched_on_with_a_pin_that_it_then_asks_for() {
    let meta = Meta::start().await;
    let token = meta.token(WABA[0]).await;
    let (session, number) = (meta.with(&token), number(0));

    session.register(&number, &"123456".into()).await.unwrap();
    let on = session.number(&number).await.unwrap();
    let wrong = session.register(&number, &"654321".into()).await.unwrap_err();
    session.set_pin(&number, &"654321".into()).await.unwrap();
    let right = session.register(&number, &"654321".into()).await;
    session.deregister(&number).await.unwrap();
    let off = session.number(&number).await.unwrap();
    let again = session.deregister(&number).await.unwrap_err();

    assert!(on.is_registered() && on.is_pin_enabled == Some(true) && right.is_ok() && !off.is_registered());
    assert_eq!([wrong, again].map(|error| error.class()), [Class::PinMismatch, Class::NotRegistered]);
}

#[tokio::test]
async fn an_unverified_number_is_verified_by_the_code_its_owner_gets() {
    let meta = Meta::start().await;
    meta.sim(&format!("numbers/{}", NUMBER[0]), json!({"code_verification_status": "NOT_VERIFIED"})).await;
    let token = meta.token(WABA[0]).await;
    let (session, number) = (meta.with(&token), number(0));

    let unverified = session.register(&number, &"123456".into()).await.unwrap_err();
    let unasked = session.verify_code(&number, &"123456".into()).await.unwrap_err();
    session.request_code(&number, CodeMethod::Voice, "en_US").await.unwrap();
    let too_soon = session.request_code(&number, CodeMethod::Sms, "en_US").await.unwrap_err();
    let wrong = session.verify_code(&number, &"000000".into()).await.unwrap_err();
    session.verify_code(&number, &"123456".into()).await.unwrap();

    assert!(session.number(&number).await.unwrap().is_verified());
    assert_eq!(
        [&unverified, &unasked, &too_soon, &wrong].map(MetaError::class),
        [Class::NotVerified, Class::VerificationRefused, Class::VerificationRefused, Class::VerificationRefused]
    );
    assert_eq!(wrong.refusal().unwrap().details.as_deref(), Some("The code is not correct."));
    let asked = meta.calls("/request_code").await;
    assert_eq!((&asked[0]["body"]["code_method"], &asked[0]["body"]["language"]), (&json!("VOICE"), &json!("en_US")));
}

#[tokio::test]
async fn the_eleventh_switching_within_three_days_is_refused() {
    let meta = Meta::start().await;
    let token = meta.token(WABA[0]).await;
    let (session, number) = (meta.with(&token), number(0));
    for _ in 0..10 {
        session.register(&number, &"123456".into()).await.unwrap();
    }

    let error = session.register(&number, &"123456".into()).await.unwrap_err();

    assert_eq!((error.class(), error.is_temporary()), (Class::RegisterLimit, false));
}

#[tokio::test]
async fn contacts_and_history_are_brought_over_once_and_on_the_first_day() {
    let meta = Meta::start().await;
    let token = meta.token(WABA[2]).await;
    let (session, number) = (meta.with(&token), number(4));

    session.request_sync(&number, Sync::Contacts).await.unwrap();
    let again = session.request_sync(&number, Sync::Contacts).await.unwrap_err();
    meta.advance(25 * 3600);
    let late = session.request_sync(&number, Sync::History).await.unwrap_err();

    assert_eq!([&again, &late].map(MetaError::class), [Class::SyncRefused; 2]);
    assert_eq!([&again, &late].map(|error| error.row().name), ["sync_already_requested", "sync_too_late"]);
}

#[tokio::test]
async fn pins_codes_and_proofs_travel_in_the_body() {
    let meta = Meta::start().await;
    let token = meta.token(WABA[0]).await;
    let (session, number) = (meta.with(&token), number(0));
    session.register(&number, &"123456".into()).await.unwrap();
    session.set_pin(&number, &"123456".into()).await.unwrap();
    let _ = session.verify_code(&number, &"123456".into()).await;

    let calls = meta.calls(NUMBER[0]).await;

    assert_eq!(calls.len(), 3);
    for call in calls {
        assert_eq!((&call["method"], &call["query"]), (&json!("POST"), &json!({})), "{call}");
        assert!(call["body"].get("appsecret_proof").is_some(), "{call}");
    }
}
