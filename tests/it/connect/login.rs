//! The browser goes to Meta and comes back.

use serde_json::json;
use tests::{Browser, Consent, DASHBOARD, World};

use super::{NUMBER, ONE, OTHER, TWO, act, asked, begin, call, next, shown, start_url, states, steps};

#[tokio::test]
async fn one_number_connects_by_itself() {
    let world = World::deployed().await;
    let begun = begin(&world, "acme", json!({ "method": "login", "external_id": "shop-1" })).await;
    assert_eq!((begun["status"].as_str(), next(&begun)), (Some("created"), "open_start_url"));
    assert_eq!(begun["next_action"]["url"], begun["start_url"]);

    let back = world.consent(start_url(&begun), Consent::To(&[ONE])).await;

    assert_eq!(back.status, 303);
    let connection = shown(&world, "acme", &begun).await;
    assert_eq!(connection["status"], "connected");
    assert_eq!(connection["account_ids"], json!([NUMBER]));
    assert_eq!(steps(&connection), ["code_exchanged done", "token_inspected done", "numbers_found done"]);
    let number = &connection["numbers"][0];
    assert_eq!(
        steps(number),
        [
            "ownership_proved done",
            "claimed done",
            "subscribed done",
            "registered done",
            "sync_requested skipped",
            "active done"
        ]
    );
    assert_eq!((&number["connected_to"], &number["waba"]["id"]), (&json!("this_tenant"), &json!(ONE)));
    let account = call(&world, "acme", "GET", &format!("/v1/accounts/{NUMBER}")).send().await;
    assert_eq!((account.status, account.text("status")), (200, "active".to_owned()), "{account:?}");
    assert_eq!((account.text("external_id"), &account.body["default"]), ("shop-1".to_owned(), &json!(true)));
    assert_eq!(asked(&world, "POST", "/register").await, 1);
}

#[tokio::test]
async fn the_dashboard_is_told_how_it_went() {
    let world = World::deployed().await;
    let order = json!({ "method": "login", "return_url": format!("{DASHBOARD}/whatsapp?tab=numbers") });
    let begun = begin(&world, "acme", order).await;

    let back = world.consent(start_url(&begun), Consent::To(&[ONE])).await;

    let expected = format!(
        "{DASHBOARD}/whatsapp?tab=numbers&patchbay_connection={}&patchbay_status=connected#",
        begun["id"].as_str().unwrap()
    );
    assert_eq!((back.status, back.header("location")), (303, Some(expected.as_str())));
    for (name, value) in
        [("cache-control", "no-store"), ("referrer-policy", "no-referrer"), ("x-frame-options", "DENY")]
    {
        assert_eq!(back.header(name), Some(value));
    }
    assert!(back.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
}

#[tokio::test]
async fn a_denial_is_no_end() {
    let world = World::deployed().await;
    let begun = begin(&world, "acme", json!({ "method": "login", "return_url": DASHBOARD })).await;

    let back = world.consent(start_url(&begun), Consent::Denied).await;
    let denied = shown(&world, "acme", &begun).await;

    let location = back.header("location").unwrap();
    assert!(location.contains("patchbay_status=cancelled&patchbay_error=user_cancelled"), "{location}");
    assert_eq!((denied["status"].as_str(), next(&denied)), (Some("cancelled"), "open_start_url"));
    world.consent(start_url(&denied), Consent::To(&[ONE])).await;
    assert_eq!(shown(&world, "acme", &begun).await["status"], "connected");
}

#[tokio::test]
async fn of_several_numbers_the_tenant_chooses() {
    let world = World::deployed().await;
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;
    world.consent(start_url(&begun), Consent::To(&[TWO])).await;
    let authorized = shown(&world, "acme", &begun).await;
    assert_eq!((authorized["status"].as_str(), next(&authorized)), (Some("authorized"), "choose_numbers"));
    assert_eq!(states(&authorized), [("300400500600701", "available"), ("300400500600702", "available")]);

    let path = format!("/v1/connections/{}/numbers", begun["id"].as_str().unwrap());
    let listed = call(&world, "acme", "GET", &path).send().await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 2, "{listed:?}");
    let chosen = act(&world, "acme", &begun, "accounts", json!({ "phone_number_ids": ["300400500600702"] })).await;
    assert_eq!((chosen.status, chosen.text("status")), (202, "connected".to_owned()), "{chosen:?}");
    // The other may follow.
    let followed = act(&world, "acme", &begun, "accounts", json!({ "phone_number_ids": ["300400500600701"] })).await;

    assert_eq!(followed.text("status"), "connected");
    assert_eq!(states(&followed.body), [("300400500600701", "connected"), ("300400500600702", "connected")]);
    let accounts = call(&world, "acme", "GET", "/v1/accounts").send().await;
    let defaults: Vec<_> =
        accounts.body["data"].as_array().unwrap().iter().map(|account| &account["default"]).collect();
    assert_eq!(defaults.iter().filter(|default| **default == &json!(true)).count(), 1);
}

#[tokio::test]
async fn all_numbers_of_three_accounts_connect_at_once_and_one_of_them_stays_on_its_phone() {
    let world = World::deployed().await;
    let begun = begin(&world, "acme", json!({ "method": "login", "auto_select": "all" })).await;

    world.consent(start_url(&begun), Consent::ToEverything).await;

    let connection = shown(&world, "acme", &begun).await;
    assert_eq!(connection["status"], "connected", "{connection:#}");
    assert_eq!(connection["account_ids"].as_array().unwrap().len(), 5);
    let on_phone = connection["numbers"].as_array().unwrap().iter().find(|number| number["is_on_biz_app"] == true);
    assert_eq!(steps(on_phone.unwrap())[3..5], ["registered skipped", "sync_requested done"]);
    assert_eq!(asked(&world, "POST", "/register").await, 4);
    assert_eq!(asked(&world, "POST", "/smb_app_data").await, 2);
}

#[tokio::test]
async fn twenty_five_numbers_over_three_accounts_connect_although_nobody_waits_for_them() {
    let world = World::deployed().await;
    for place in 0..20 {
        let waba = [TWO, ONE, OTHER][place % 3];
        let number = json!({ "waba_id": waba, "phone_number": format!("155502{place:05}") });
        world.meta.post("/_sim/numbers", number).await;
    }
    let begun = begin(&world, "acme", json!({ "method": "login", "auto_select": "all" })).await;
    // Meta is slow, and the request has its time: what is left then, the sweeper does.
    world
        .meta
        .post("/_sim/faults", json!({ "match": { "path": "/register" }, "times": 30, "fault": { "delay_ms": 5 } }))
        .await;

    world.consent(start_url(&begun), Consent::ToEverything).await;
    world.sweep().await;

    let connection = shown(&world, "acme", &begun).await;
    assert_eq!(connection["status"], "connected", "{connection:#}");
    assert_eq!(connection["account_ids"].as_array().unwrap().len(), 25);
    let mut listed = Vec::new();
    let mut after = String::new();
    loop {
        let page = call(&world, "acme", "GET", &format!("/v1/accounts?limit=10{after}")).send().await;
        listed.extend(page.body["data"].as_array().unwrap().iter().map(|account| account["phone_number_id"].clone()));
        match page.body["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    listed.sort_by_key(ToString::to_string);
    listed.dedup();
    assert_eq!(listed.len(), 25);
}

#[tokio::test]
async fn a_link_preview_takes_nothing_from_the_person() {
    let world = World::deployed().await;
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;
    let mut preview = Browser::default();
    let seen = preview.open(world.call("GET", start_url(&begun))).await;
    assert_eq!(seen.status, 302);

    world.consent(start_url(&begun), Consent::To(&[ONE])).await;

    assert_eq!(shown(&world, "acme", &begun).await["status"], "connected");
}

#[tokio::test]
async fn two_tabs_both_finish() {
    let world = World::deployed().await;
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;
    let mut browser = Browser::default();
    let mut callbacks = Vec::new();
    for _ in 0..2 {
        let opened = browser.open(world.call("GET", start_url(&begun))).await;
        callbacks.push(world.meta.consent(opened.header("location").unwrap(), Consent::To(&[ONE])).await);
    }

    for callback in callbacks {
        assert_eq!(browser.open(world.call("GET", &callback)).await.status, 303);
    }

    assert_eq!(shown(&world, "acme", &begun).await["status"], "connected");
    assert_eq!(asked(&world, "POST", "/register").await, 1);
}

#[tokio::test]
async fn a_login_that_gives_a_users_token_ends_with_a_long_lived_one() {
    let world = World::deployed().await;
    world.meta.post("/_sim/app", json!({ "login_token": "user" })).await;
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;

    world.consent(start_url(&begun), Consent::To(&[ONE])).await;

    let account = call(&world, "acme", "GET", &format!("/v1/accounts/{NUMBER}")).send().await;
    assert_eq!(account.body["token"]["kind"], "user", "{account:?}");
    let expires_at: jiff::Timestamp = account.body["token"]["expires_at"].as_str().unwrap().parse().unwrap();
    assert!(expires_at > world.clock.now() + jiff::SignedDuration::from_hours(24 * 50), "{expires_at}");
}
