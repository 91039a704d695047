//! Embedded Signup: Meta's popup gives code and session event to the dashboard's page.

use serde_json::{Value, json};
use tests::{Consent, DASHBOARD, World};

use super::{NUMBER, ONE, TWO, act, asked, begin, next, shown, start_url, states};

async fn popup(world: &World, order: Value) -> (Value, Value) {
    let given = world.meta.post("/_sim/embedded_signup", order).await;
    (given["code"].clone(), given["session_event"].clone())
}

async fn begun(world: &World) -> Value {
    let begun = begin(world, "acme", json!({ "method": "embedded_signup" })).await;
    let signup = &begun["embedded_signup"];
    assert!(
        ["app_id", "config_id", "graph_version", "nonce"].iter().all(|field| signup[field].is_string()),
        "{signup}"
    );
    begun
}

fn nonce(begun: &Value) -> &str {
    begun["embedded_signup"]["nonce"].as_str().unwrap()
}

#[tokio::test]
async fn the_number_named_in_the_popup_connects() {
    let world = World::deployed().await;
    let begun = begun(&world).await;
    let (code, event) = popup(&world, json!({ "waba_id": TWO, "phone_number_id": "300400500600702" })).await;

    let body = json!({ "nonce": nonce(&begun), "code": code, "session_event": event });
    let connected = act(&world, "acme", &begun, "code", body).await;

    assert_eq!((connected.status, connected.text("status")), (200, "connected".to_owned()), "{connected:?}");
    assert_eq!(states(&connected.body), [("300400500600701", "available"), ("300400500600702", "connected")]);
}

#[tokio::test]
async fn code_and_event_may_come_one_by_one_in_either_order() {
    for code_first in [true, false] {
        let world = World::deployed().await;
        let begun = begun(&world).await;
        let (code, event) = popup(&world, json!({ "waba_id": TWO, "phone_number_id": "300400500600701" })).await;
        let mut parts = vec![
            json!({ "nonce": nonce(&begun), "code": code }),
            json!({ "nonce": nonce(&begun), "session_event": event }),
        ];
        if !code_first {
            parts.reverse();
        }

        for part in parts {
            assert_eq!(act(&world, "acme", &begun, "code", part).await.status, 200);
        }

        let connection = shown(&world, "acme", &begun).await;
        assert_eq!(connection["account_ids"], json!(["300400500600701"]), "code first: {code_first} {connection:#}");
    }
}

#[tokio::test]
async fn an_answer_of_another_attempt_is_not_taken() {
    let world = World::deployed().await;
    let (own, other) = (begun(&world).await, begun(&world).await);
    let (code, _) = popup(&world, json!({ "waba_id": ONE })).await;

    for nonce in ["", "guessed", nonce(&other)] {
        let refused = act(&world, "acme", &own, "code", json!({ "nonce": nonce, "code": code })).await;
        assert_eq!(refused.outcome(), (403, "nonce_mismatch".to_owned()), "{nonce}");
    }

    assert_eq!(world.meta.calls("/oauth/access_token").await.len(), 0);
    let taken = act(&world, "acme", &own, "code", json!({ "nonce": nonce(&own), "code": code })).await;
    assert_eq!(taken.text("status"), "connected");
}

#[tokio::test]
async fn giving_up_in_the_popup_is_told_with_the_step() {
    let world = World::deployed().await;
    let begun = begun(&world).await;
    let (_, event) = popup(&world, json!({ "event": "CANCEL", "current_step": "PHONE_NUMBER_SETUP" })).await;

    let cancelled =
        act(&world, "acme", &begun, "code", json!({ "nonce": nonce(&begun), "session_event": event })).await;

    assert_eq!((cancelled.text("status"), next(&cancelled.body)), ("cancelled".to_owned(), "open_start_url"));
    assert_eq!(cancelled.body["error"]["code"], "user_cancelled");
    assert!(cancelled.body["error"]["detail"].as_str().unwrap().contains("PHONE_NUMBER_SETUP"), "{cancelled:?}");
}

#[tokio::test]
async fn codes_that_are_late_or_used_say_so_and_the_link_opens_again() {
    let world = World::deployed().await;
    let (late, used) = (begun(&world).await, begun(&world).await);
    let (code, _) = popup(&world, json!({ "waba_id": ONE })).await;
    world.clock.advance(jiff::SignedDuration::from_secs(31));
    let expired = act(&world, "acme", &late, "code", json!({ "nonce": nonce(&late), "code": code })).await;
    assert_eq!((&expired.body["error"]["code"], next(&expired.body)), (&json!("code_expired"), "open_start_url"));

    let (code, _) = popup(&world, json!({ "waba_id": ONE })).await;
    act(&world, "acme", &late, "code", json!({ "nonce": nonce(&late), "code": code })).await;
    let again = act(&world, "acme", &used, "code", json!({ "nonce": nonce(&used), "code": code })).await;

    assert_eq!(again.body["error"]["code"], "code_used");
    assert_eq!(shown(&world, "acme", &late).await["status"], "connected");
    // The same code for the same connection is the same request again.
    let repeated = act(&world, "acme", &late, "code", json!({ "nonce": nonce(&late), "code": code })).await;
    assert_eq!(repeated.text("status"), "connected");
}

#[tokio::test]
async fn ids_from_the_browser_are_hints_and_no_more() {
    let world = World::deployed().await;
    let begun = begun(&world).await;
    let (code, mut event) = popup(&world, json!({ "waba_id": ONE })).await;
    event["data"]["waba_id"] = json!("200300400500603");
    event["data"]["phone_number_id"] = json!("300400500600704");

    let body = json!({ "nonce": nonce(&begun), "code": code, "session_event": event });
    let refused = act(&world, "acme", &begun, "code", body).await;

    assert_eq!(
        (refused.text("status"), &refused.body["error"]["code"]),
        ("failed".to_owned(), &json!("number_not_in_waba"))
    );
    assert_eq!(world.table("ACCOUNTS_TABLE").await, Vec::<Value>::new());
    assert_eq!(asked(&world, "POST", "/register").await, 0);
}

#[tokio::test]
async fn the_start_url_leads_through_the_same_signup() {
    let world = World::deployed().await;
    let order = json!({ "method": "embedded_signup", "return_url": DASHBOARD, "expected_phone_number_id": NUMBER });
    let begun = begin(&world, "acme", order).await;

    world.consent(start_url(&begun), Consent::To(&[ONE])).await;

    assert_eq!(shown(&world, "acme", &begun).await["status"], "connected");
}
