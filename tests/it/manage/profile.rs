//! The business profile: Meta's, read and changed there.

use serde_json::{Value, json};

use crate::{
    connect::{NUMBER, call},
    send::{self, ACME},
};

fn path() -> String {
    format!("/v1/accounts/{NUMBER}/profile")
}

#[tokio::test]
async fn a_profile_is_shown_and_changed_as_meta_has_it() {
    let world = send::ready().await;
    let change = json!({"about": "Bread since 1902", "email": "hello@example.com", "websites": ["https://example.com"],
        "vertical": "GROCERY"});

    let before = call(&world, ACME, "GET", &path()).send().await;
    let changed = call(&world, ACME, "PATCH", &path()).json(&change).send().await;
    let after = call(&world, ACME, "GET", &path()).send().await;

    assert_eq!((before.status, &before.body["vertical"]), (200, &json!("UNDEFINED")), "{before:?}");
    assert_eq!(changed.status, 200, "{changed:?}");
    let mut shown = changed.body;
    let mut again = after.body;
    assert!(shown["updated_at"].take().as_str().is_some_and(|at| at.ends_with('Z')));
    again["updated_at"].take();
    assert_eq!(shown, again);
    shown.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    assert_eq!(shown, change);
    let cleared = call(&world, ACME, "PATCH", &path()).json(&json!({"email": null, "websites": null})).send().await;
    assert_eq!((cleared.status, &cleared.body["about"]), (200, &json!("Bread since 1902")));
    assert!(["email", "websites"].iter().all(|name| cleared.body[*name].is_null()), "{cleared:?}");
    let audited = world.table("AUDIT_TABLE").await.into_iter();
    let audited = audited.filter(|entry| entry["what"] == "PATCH /v1/accounts/{id}/profile" && entry["on"] == NUMBER);
    assert_eq!(audited.count(), 2);
}

#[tokio::test]
async fn what_meta_would_refuse_is_pointed_at_and_meta_is_not_asked() {
    let world = send::ready().await;

    let change = json!({"about": "", "vertical": "BAKERY", "websites": ["example.com"]});
    let refused = call(&world, ACME, "PATCH", &path()).json(&change).send().await;

    let errors = refused.body["errors"].as_array().unwrap();
    let pointers: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(
        (refused.outcome(), pointers),
        ((422, "invalid_body".to_owned()), vec!["/about", "/websites/0", "/vertical"])
    );
    assert_eq!(world.meta.calls("/whatsapp_business_profile").await, [Value::Null; 0]);
    // Nothing to change is nothing to ask for.
    assert_eq!(call(&world, ACME, "PATCH", &path()).json(&json!({})).send().await.status, 200);
    let calls = world.meta.calls("/whatsapp_business_profile").await;
    assert!(calls.iter().all(|call| call["method"] == "GET"), "{calls:#?}");
}

#[tokio::test]
async fn anothers_profile_is_not_there_and_one_of_a_number_that_is_gone_is_not_asked_for() {
    let world = send::ready().await;
    for (method, body) in [("GET", json!({})), ("PATCH", json!({"about": ""}))] {
        let theirs = call(&world, "bravo", method, &path()).json(&body).send().await;
        assert_eq!(theirs.outcome(), (404, "not_found".to_owned()));
    }
    assert_eq!(call(&world, ACME, "DELETE", &format!("/v1/accounts/{NUMBER}")).send().await.status, 200);

    let gone = call(&world, ACME, "GET", &path()).send().await;

    assert_eq!(gone.outcome(), (409, "account_disconnected".to_owned()));
    assert_eq!(world.meta.calls("/whatsapp_business_profile").await, [Value::Null; 0]);
}
