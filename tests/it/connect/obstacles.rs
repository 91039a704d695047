//! What may stand in the way, and that each obstacle says what to do about it.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Consent, World};

use super::{NUMBER, ONE, TWO, act, asked, begin, call, next, shown, start_url, states, steps};

/// A login to the one account, and what became of it.
async fn login(world: &World) -> Value {
    let begun = begin(world, "acme", json!({ "method": "login" })).await;
    world.consent(start_url(&begun), Consent::To(&[ONE])).await;
    shown(world, "acme", &begun).await
}

fn obstacle(connection: &Value) -> (String, String, String) {
    let error = [&connection["numbers"][0]["error"], &connection["error"]].into_iter().find(|error| !error.is_null());
    let error = error.unwrap_or_else(|| panic!("nothing in the way: {connection:#}"));
    assert!(error["remedy"].as_str().unwrap().len() > 20, "{error}");
    (
        connection["status"].as_str().unwrap().to_owned(),
        error["code"].as_str().unwrap().to_owned(),
        next(connection).to_owned(),
    )
}

fn told(status: &str, code: &str, next: &str) -> (String, String, String) {
    (status.to_owned(), code.to_owned(), next.to_owned())
}

async fn fail_once(world: &World, path: &str, fault: Value) {
    fail(world, "POST", path, 1, fault).await;
}

async fn fail(world: &World, method: &str, path: &str, times: u64, fault: Value) {
    let order = json!({ "match": { "method": method, "path": path }, "times": times, "fault": fault });
    world.meta.post("/_sim/faults", order).await;
}

#[tokio::test]
async fn a_number_with_a_pin_of_its_own_connects_once_it_is_given() {
    let world = World::deployed().await;
    world.meta.post(&format!("/_sim/numbers/{NUMBER}"), json!({ "pin": "424242" })).await;
    let stuck = login(&world).await;
    assert_eq!(obstacle(&stuck), told("failed", "pin_required", "provide_pin"));
    assert_eq!(stuck["next_action"]["phone_number_id"], NUMBER);

    let wrong = act(&world, "acme", &stuck, "resume", json!({ "phone_number_id": NUMBER, "pin": "111111" })).await;
    assert_eq!((wrong.status, obstacle(&wrong.body)), (202, told("failed", "pin_required", "provide_pin")));
    let right = act(&world, "acme", &stuck, "resume", json!({ "phone_number_id": NUMBER, "pin": "424242" })).await;

    assert_eq!((right.status, right.text("status")), (202, "connected".to_owned()), "{right:?}");
    for malformed in [json!({ "pin": "424242" }), json!({ "phone_number_id": NUMBER, "pin": "42424" })] {
        assert_eq!(act(&world, "acme", &stuck, "resume", malformed).await.status, 422);
    }
}

#[tokio::test]
async fn an_unverified_number_is_verified_on_the_way() {
    let world = World::deployed().await;
    world.meta.post(&format!("/_sim/numbers/{NUMBER}"), json!({ "code_verification_status": "NOT_VERIFIED" })).await;
    let stuck = login(&world).await;
    assert_eq!(obstacle(&stuck), told("failed", "number_unverified", "verify_number"));
    let path = format!("numbers/{NUMBER}/verification");

    let asked_for = act(&world, "acme", &stuck, &path, json!({ "method": "sms", "language": "en_US" })).await;
    assert_eq!(asked_for.status, 200, "{asked_for:?}");
    let wrong = act(&world, "acme", &stuck, &path, json!({ "code": "000000" })).await;
    assert_eq!(wrong.outcome(), (502, "meta_refused".to_owned()));
    let right = act(&world, "acme", &stuck, &path, json!({ "code": "123456" })).await;

    assert_eq!((right.status, right.text("status")), (200, "connected".to_owned()), "{right:?}");
}

#[tokio::test]
async fn too_many_registrations_wait_and_go_on() {
    let world = World::deployed().await;
    fail_once(&world, "/register", json!({ "error": { "code": 133_016 } })).await;
    let stuck = login(&world).await;
    assert_eq!(obstacle(&stuck), told("failed", "register_limit", "resume"));

    world.clock.advance(SignedDuration::from_hours(72));
    let resumed = act(&world, "acme", &stuck, "resume", json!({})).await;

    assert_eq!(resumed.text("status"), "connected", "{resumed:?}");
}

#[tokio::test]
async fn an_account_without_numbers_and_a_person_without_accounts_say_so() {
    let world = World::deployed().await;
    let state = world.meta.state().await;
    let business = state["businesses"][0]["id"].as_str().unwrap();
    let empty = world.meta.post("/_sim/wabas", json!({ "business_id": business, "name": "Empty" })).await;
    let waba = empty["id"].as_str().unwrap().to_owned();
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;
    world.consent(start_url(&begun), Consent::To(&[&waba])).await;
    let empty = shown(&world, "acme", &begun).await;
    assert_eq!(obstacle(&empty), told("failed", "no_phone_number", "open_url"));
    assert!(empty["next_action"]["url"].as_str().unwrap().starts_with("https://business.facebook.com/"));

    // A number is added meanwhile.
    world.meta.post("/_sim/numbers", json!({ "waba_id": waba, "phone_number": "15550199001" })).await;
    let resumed = act(&world, "acme", &begun, "resume", json!({})).await;
    assert_eq!(resumed.text("status"), "connected", "{resumed:?}");

    fail(&world, "GET", "/debug_token", 1, json!({ "delay_ms": 1 })).await;
    let nobody = begin(&world, "bravo", json!({ "method": "login" })).await;
    world.meta.post("/_sim/app", json!({ "login_token": "user", "scopes": ["public_profile"] })).await;
    world.consent(start_url(&nobody), Consent::ToEverything).await;
    let nobody = shown(&world, "bravo", &nobody).await;
    assert_eq!(nobody["status"], "failed");
    assert!(
        ["no_business_account", "token_missing_ability"].contains(&nobody["error"]["code"].as_str().unwrap()),
        "{nobody:#}"
    );
}

#[tokio::test]
async fn a_missing_ability_is_found_by_trying_and_not_by_its_name() {
    // Meta renames its scopes: nothing breaks.
    let world = World::deployed().await;
    let stuck = {
        world.meta.post("/_sim/app", json!({ "scopes": ["whatsapp_business_management"] })).await;
        login(&world).await
    };
    assert_eq!(obstacle(&stuck), told("failed", "token_missing_ability", "open_start_url"));

    world
        .meta
        .post("/_sim/app", json!({ "scopes": ["whatsapp_business_management", "whatsapp_business_messaging"] }))
        .await;
    world.consent(start_url(&stuck), Consent::To(&[ONE])).await;

    assert_eq!(shown(&world, "acme", &stuck).await["status"], "connected");
}

#[tokio::test]
async fn somebody_who_may_only_look_does_not_keep_the_owner_out() {
    let world = World::deployed().await;
    fail_once(&world, "/subscribed_apps", json!({ "error": { "code": 200 } })).await;
    let viewer = login(&world).await;
    assert_eq!(obstacle(&viewer), told("failed", "token_missing_ability", "open_start_url"));
    assert!(steps(&viewer["numbers"][0]).contains(&"subscribed failed(token_missing_ability)".to_owned()));

    let owner = begin(&world, "bravo", json!({ "method": "login" })).await;
    world.consent(start_url(&owner), Consent::To(&[ONE])).await;

    assert_eq!(shown(&world, "bravo", &owner).await["status"], "connected");
}

#[tokio::test]
async fn another_number_than_the_one_expected_is_not_taken() {
    let world = World::deployed().await;
    let begun = begin(&world, "acme", json!({ "method": "login", "expected_phone_number_id": NUMBER })).await;
    world.consent(start_url(&begun), Consent::To(&[TWO])).await;
    let other = shown(&world, "acme", &begun).await;
    assert_eq!(obstacle(&other), told("failed", "number_mismatch", "open_start_url"));
    assert!(states(&other).iter().all(|(_, state)| *state == "available"));

    world.consent(start_url(&begun), Consent::ToEverything).await;

    assert_eq!(shown(&world, "acme", &begun).await["account_ids"], json!([NUMBER]));
}

#[tokio::test]
async fn what_meta_does_not_answer_goes_on_by_itself() {
    let world = World::deployed().await;
    for fault in [json!({ "status": 503 }), json!({ "reset": "after" }), json!({ "error": { "code": 2 } })] {
        fail(&world, "GET", "/phone_numbers", 1, fault).await;
    }
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;
    world.consent(start_url(&begun), Consent::To(&[ONE])).await;
    let waiting = shown(&world, "acme", &begun).await;
    assert_eq!((waiting["status"].as_str(), next(&waiting)), (Some("authorized"), "wait"), "{waiting:#}");

    for _ in 0..4 {
        world.clock.advance(SignedDuration::from_secs(61));
        world.sweep().await;
    }

    let connected = shown(&world, "acme", &begun).await;
    assert_eq!((&connected["status"], &connected["error"]), (&json!("connected"), &Value::Null), "{connected:#}");
}

#[tokio::test]
async fn a_lost_answer_of_a_registration_is_no_second_registration() {
    let world = World::deployed().await;
    fail_once(&world, "/register", json!({ "reset": "after" })).await;
    let waiting = login(&world).await;
    assert_eq!(waiting["status"], "connecting", "{waiting:#}");

    let resumed = act(&world, "acme", &waiting, "resume", json!({})).await;

    assert_eq!(resumed.text("status"), "connected");
    assert_eq!(asked(&world, "POST", "/register").await, 1);
}

#[tokio::test]
async fn a_permission_withdrawn_half_way_says_so() {
    let world = World::deployed().await;
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;
    world.consent(start_url(&begun), Consent::To(&[TWO])).await;
    world.meta.post("/_sim/revoke", json!({ "waba_id": TWO, "subcode": 458 })).await;

    let chosen = act(&world, "acme", &begun, "accounts", json!({ "phone_number_ids": ["300400500600701"] })).await;

    assert_eq!(chosen.status, 202, "{chosen:?}");
    assert_eq!(obstacle(&chosen.body), told("failed", "token_invalid", "open_start_url"));
}

/// As the template writes it before the operator has an app.
const NO_APP: &str = r#"{"app_id":"","app_secret":"","verify_token":"","config_id":"","previous_app_secret":"","previous_app_secret_until":""}"#;

#[tokio::test]
async fn an_app_that_is_not_configured_says_so_and_burns_nothing() {
    let world = World::deployed().await;
    let secret = world.variable("oauth-init", "META_APP_SECRETS");
    let secrets = world.secrets_manager();
    secrets.put_secret_value().secret_id(&secret).secret_string(NO_APP).send().await.unwrap();

    let refused = call(&world, "acme", "POST", "/v1/connections").json(&json!({ "method": "login" })).send().await;
    let options = call(&world, "acme", "GET", "/v1/connections/options").send().await;

    assert_eq!(refused.outcome(), (409, "meta_app_not_configured".to_owned()));
    let methods = options.body["methods"].as_array().unwrap();
    assert!(
        methods.iter().all(|method| method["available"] == false && method["reason"] == "meta_app_not_configured"),
        "{options:?}"
    );
}

#[tokio::test]
async fn every_provider_but_meta_is_still_to_come() {
    let world = World::deployed().await;

    let refused = call(&world, "acme", "POST", "/v1/connections")
        .json(&json!({ "method": "login", "provider": "twilio" }))
        .send()
        .await;
    let options = call(&world, "acme", "GET", "/v1/connections/options").send().await;

    assert_eq!(refused.outcome(), (422, "provider_unavailable".to_owned()));
    assert_eq!(
        options.body,
        json!({
            "methods": [
                { "method": "login", "available": true, "reason": null, "remedy": null },
                { "method": "embedded_signup", "available": true, "reason": null, "remedy": null },
                { "method": "manual", "available": true, "reason": null, "remedy": null },
            ],
            "providers": [
                { "id": "meta", "available": true },
                { "id": "360dialog", "available": false },
                { "id": "twilio", "available": false },
            ],
        })
    );
}

#[tokio::test]
async fn giving_up_undoes_what_was_begun() {
    let world = World::deployed().await;
    world.meta.post(&format!("/_sim/numbers/{NUMBER}"), json!({ "pin": "424242" })).await;
    let stuck = login(&world).await;
    // Registration failed after the subscription: nobody rests on the account, so it is called off again.
    assert_eq!(asked(&world, "DELETE", "/subscribed_apps").await, 1, "{stuck:#}");

    let path = format!("/v1/connections/{}", stuck["id"].as_str().unwrap());
    assert_eq!(call(&world, "acme", "DELETE", &path).send().await.status, 204);

    let gone = shown(&world, "acme", &stuck).await;
    assert_eq!((gone["status"].as_str(), next(&gone)), (Some("cancelled"), ""));
    let kept = world.table("CONNECTIONS_TABLE").await;
    assert_eq!((&kept[0]["state"]["token"], &kept[0]["state"]["numbers"][0]["pin"]), (&Value::Null, &Value::Null));
    assert!(
        world
            .table("ACCOUNTS_TABLE")
            .await
            .iter()
            .all(|row| row["claim_connection"].is_null() && row["residents"].is_null())
    );
}
