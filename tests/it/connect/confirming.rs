//! Whose browser, whose permission, whose connection: a forwarded link gives nobody's numbers away.

use serde_json::{Value, json};
use tests::{Answer, Browser, Consent, DASHBOARD, World};

use super::{NUMBER, ONE, act, asked, begin, call, next, shown, start_url};

/// Begins a connection in the browser of `tenant`'s user.
async fn begin_in_browser(world: &World, tenant: &str) -> (Value, String) {
    let session = world.make_session(tenant, &["connections:read", "connections:write"]).await;
    let token = session["token"].as_str().unwrap().to_owned();
    let order = json!({ "method": "login", "return_url": DASHBOARD });
    let begun = world.call("POST", "/v1/connections").bearer(&token).json(&order).send().await;
    assert_eq!(begun.status, 201, "{begun:?}");
    (begun.body, token)
}

fn verifier(back: &Answer) -> String {
    let location = back.header("location").unwrap_or_default();
    let (_, rest) = location.split_once("patchbay_verifier=").unwrap_or_else(|| panic!("no verifier: {back:?}"));
    rest.trim_end_matches('#').to_owned()
}

async fn confirm(world: &World, token: &str, connection: &Value, verifier: &str) -> Answer {
    let path = format!("/v1/connections/{}/confirm", connection["id"].as_str().unwrap());
    world.call("POST", &path).bearer(token).json(&json!({ "verifier": verifier })).send().await
}

#[tokio::test]
async fn what_a_browser_began_counts_once_it_is_confirmed() {
    let world = World::deployed().await;
    let (begun, token) = begin_in_browser(&world, "acme").await;

    let back = world.consent(start_url(&begun), Consent::To(&[ONE])).await;
    let waiting = shown(&world, "acme", &begun).await;
    assert_eq!(
        (waiting["status"].as_str(), next(&waiting), &waiting["numbers"]),
        (Some("authorized"), "confirm", &json!([]))
    );
    let confirmed = confirm(&world, &token, &begun, &verifier(&back)).await;

    assert_eq!((confirmed.status, confirmed.text("status")), (200, "connected".to_owned()), "{confirmed:?}");
    // The same again, its answer having been lost.
    let again = confirm(&world, &token, &begun, &verifier(&back)).await;
    assert_eq!((again.status, again.text("status")), (200, "connected".to_owned()));
}

#[tokio::test]
async fn whoever_forwards_their_link_gets_nothing_of_the_one_who_followed_it() {
    let world = World::deployed().await;
    let (begun, attacker) = begin_in_browser(&world, "acme").await;
    let victim = world.make_session("bravo", &["connections:read", "connections:write"]).await;
    // The attacker has a permission of their own, too.
    let own = world.consent(start_url(&begun), Consent::To(&["200300400500603"])).await;

    let back = world.consent(start_url(&begun), Consent::To(&[ONE])).await;

    let by_victim = confirm(&world, victim["token"].as_str().unwrap(), &begun, &verifier(&back)).await;
    assert_eq!(by_victim.outcome(), (404, "not_found".to_owned()));
    let guessed = confirm(&world, &attacker, &begun, "guessed").await;
    assert_eq!(guessed.outcome(), (403, "confirmation_required".to_owned()));
    let path = format!("/v1/connections/{}/numbers", begun["id"].as_str().unwrap());
    let numbers = world.call("GET", &path).bearer(&attacker).send().await;
    assert_eq!(numbers.outcome(), (409, "confirmation_required".to_owned()));
    assert_eq!(world.table("ACCOUNTS_TABLE").await, Vec::<Value>::new());
    // Their own verifier is good for their own permission, and for nothing else.
    let confirmed = confirm(&world, &attacker, &begun, &verifier(&own)).await;
    assert_eq!(confirmed.status, 200);
    assert!(!confirmed.body.to_string().contains(NUMBER), "{confirmed:?}");
}

#[tokio::test]
async fn an_operator_may_demand_a_confirmation() {
    let world = World::deployed().await;
    let order = json!({ "method": "login", "return_url": DASHBOARD, "confirm": true });
    let begun = begin(&world, "acme", order).await;
    let back = world.consent(start_url(&begun), Consent::To(&[ONE])).await;

    let resumed = act(&world, "acme", &begun, "resume", json!({})).await;
    let confirmed = act(&world, "acme", &begun, "confirm", json!({ "verifier": verifier(&back) })).await;

    assert_eq!(resumed.outcome(), (409, "confirmation_required".to_owned()));
    assert_eq!(confirmed.text("status"), "connected");
}

#[tokio::test]
async fn a_browsers_login_needs_a_page_to_come_back_to() {
    let world = World::deployed().await;
    let session = world.make_session("acme", &["connections:write"]).await;
    let send = async |order: Value| {
        world.call("POST", "/v1/connections").bearer(session["token"].as_str().unwrap()).json(&order).send().await
    };

    let nowhere = send(json!({ "method": "login" })).await;
    let elsewhere = send(json!({ "method": "login", "return_url": "https://evil.example" })).await;

    assert_eq!(nowhere.outcome(), (422, "invalid_body".to_owned()));
    assert_eq!(nowhere.body["errors"][0]["pointer"], "/return_url");
    assert_eq!(elsewhere.outcome(), (422, "return_url_not_allowed".to_owned()));
}

/// A person at the end of Meta's dialog: their browser, and the way back they are about to take.
async fn about_to_return(world: &World, begun: &Value) -> (Browser, String) {
    let mut browser = Browser::default();
    let opened = browser.open(world.call("GET", start_url(begun))).await;
    let callback = world.meta.consent(opened.header("location").unwrap(), Consent::To(&[ONE])).await;
    (browser, callback)
}

#[tokio::test]
async fn a_return_belongs_to_the_browser_that_left() {
    let world = World::deployed().await;
    let acme = begin(&world, "acme", json!({ "method": "login" })).await;
    let bravo = begin(&world, "bravo", json!({ "method": "login" })).await;
    let (mut attacker, attackers) = about_to_return(&world, &acme).await;
    let (mut victim, victims) = about_to_return(&world, &bravo).await;

    for (browser, callback) in
        [(&mut victim, &attackers), (&mut attacker, &victims), (&mut Browser::default(), &victims)]
    {
        let json = world.call("GET", callback).header("accept", "application/json");
        assert_eq!(browser.open(json).await.outcome(), (403, "state_browser_mismatch".to_owned()));
        assert_eq!(browser.open(world.call("GET", callback)).await.status, 403);
    }

    // No code was burnt: both finish.
    assert_eq!(
        asked(&world, "POST", "/oauth/access_token").await + asked(&world, "GET", "/oauth/access_token").await,
        0
    );
    assert_eq!(victim.open(world.call("GET", &victims)).await.status, 303);
    assert_eq!(shown(&world, "bravo", &bravo).await["status"], "connected");
    assert_eq!(attacker.open(world.call("GET", &attackers)).await.status, 303);
    assert_eq!(shown(&world, "acme", &acme).await["error"]["code"], "number_taken");
}

#[tokio::test]
async fn unknown_and_expired_returns_are_told_apart_and_one_can_start_again() {
    let world = World::deployed().await;
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;
    let (mut browser, callback) = about_to_return(&world, &begun).await;
    let json = |path: &str| world.call("GET", path).header("accept", "application/json");

    for unknown in ["/oauth/callback", "/oauth/callback?code=x", "/oauth/callback?state=x&code=y"] {
        assert_eq!(browser.open(json(unknown)).await.outcome(), (400, "state_unknown".to_owned()), "{unknown}");
    }
    // TTL has not deleted it: it counts for nothing all the same.
    world.clock.advance(jiff::SignedDuration::from_mins(10));
    assert_eq!(browser.open(json(&callback)).await.outcome(), (410, "state_expired".to_owned()));
    let page = browser.open(world.call("GET", &callback)).await;
    assert_eq!(page.status, 410);
    assert!(page.body.as_str().unwrap().contains(&format!("href=\"{}\"", start_url(&begun))), "{page:?}");
    world.consent(start_url(&begun), Consent::To(&[ONE])).await;
    assert_eq!(shown(&world, "acme", &begun).await["status"], "connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_returns_at_once_exchange_one_code() {
    let world = std::sync::Arc::new(World::deployed().await);
    let order = json!({ "method": "login", "return_url": DASHBOARD });
    let begun = begin(&world, "acme", order).await;
    let (browser, callback) = about_to_return(&world, &begun).await;

    let mut racing = tokio::task::JoinSet::new();
    for place in 0..100 {
        let caller = format!("racer-{}", place % 8);
        racing.spawn(browser.with_cookies(world.cold_call(&caller, "GET", &callback)).send());
    }
    let answers = racing.join_all().await;

    assert!(answers.iter().all(|answer| answer.status == 303), "{answers:?}");
    let exchanges = world.meta.calls("/oauth/access_token").await.len();
    assert_eq!(exchanges, 1);
    assert_eq!(shown(&world, "acme", &begun).await["status"], "connected");
    assert_eq!(asked(&world, "POST", "/register").await, 1);
    // Reloading says the same as the first time, now that all is done.
    let again = browser.with_cookies(world.call("GET", &callback)).send().await;
    assert!(again.header("location").unwrap().contains("patchbay_status=connected"), "{again:?}");
}

#[tokio::test]
async fn a_link_dies_with_its_connection() {
    let world = World::deployed().await;
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;
    let path = format!("/v1/connections/{}", begun["id"].as_str().unwrap());
    let json = |path: &str| world.call("GET", path).header("accept", "application/json");
    let other = begin(&world, "acme", json!({ "method": "login" })).await;

    assert_eq!(call(&world, "acme", "DELETE", &path).send().await.status, 204);
    assert_eq!(json(start_url(&begun)).send().await.outcome(), (410, "connection_over".to_owned()));
    assert_eq!(shown(&world, "acme", &begun).await["start_url"], Value::Null);
    world.clock.advance(jiff::SignedDuration::from_hours(24 * 7));
    assert_eq!(json(start_url(&other)).send().await.outcome(), (410, "connection_over".to_owned()));
    assert_eq!(json("/oauth/start/forged").send().await.outcome(), (404, "not_found".to_owned()));
    assert_eq!(shown(&world, "acme", &other).await["status"], "expired");
}
