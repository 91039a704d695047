//! Our own page, for connections that no dashboard awaits: without a script, on a phone, for one browser.

use serde_json::json;
use tests::{Answer, Browser, Consent, World};

use super::{ONE, TWO, begin, shown, start_url};

/// Goes through Meta's dialog, and on to the page.
async fn arrive(world: &World, start: &str, wabas: &[&str]) -> (Browser, String) {
    let mut browser = Browser::default();
    let opened = browser.open(world.call("GET", start)).await;
    let callback = world.meta.consent(opened.header("location").unwrap(), Consent::To(wabas)).await;
    let back = browser.open(world.call("GET", &callback)).await;
    assert_eq!(back.status, 303, "{back:?}");
    (browser, back.header("location").unwrap().to_owned())
}

fn html(answer: &Answer) -> &str {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body.as_str().unwrap()
}

/// The hidden token of the page's form.
fn form(html: &str) -> &str {
    html.split("name=\"form\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap()
}

async fn submit(world: &World, browser: &mut Browser, page: &str, fields: &str) -> Answer {
    let call = world.call("POST", page).body("application/x-www-form-urlencoded", fields.to_owned());
    browser.open(call).await
}

#[tokio::test]
async fn one_number_is_connected_by_the_time_the_page_opens() {
    let world = World::deployed().await;
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;

    let (mut browser, page) = arrive(&world, start_url(&begun), &[ONE]).await;
    let shown = browser.open(world.call("GET", &page)).await;

    assert!(html(&shown).contains("<h1>WhatsApp is connected</h1>") && html(&shown).contains("Harbour Catering"));
    assert!(!html(&shown).contains("<script") && !html(&shown).contains("http-equiv"), "{}", html(&shown));
    let policy = shown.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn numbers_are_picked_there() {
    let world = World::deployed().await;
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;
    let (mut browser, page) = arrive(&world, start_url(&begun), &[TWO]).await;
    let picker = browser.open(world.call("GET", &page)).await;
    let fields = format!("form={}&action=connect&phone_number_id=300400500600702", form(html(&picker)));

    let sent = submit(&world, &mut browser, &page, &fields).await;

    assert_eq!((sent.status, sent.header("location")), (303, Some(page.as_str())));
    assert_eq!(shown(&world, "acme", &begun).await["account_ids"], json!(["300400500600702"]));
}

#[tokio::test]
async fn nobody_else_sees_it_or_acts_on_it() {
    let world = World::deployed().await;
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;
    let other = begin(&world, "acme", json!({ "method": "login" })).await;
    let (mut browser, page) = arrive(&world, start_url(&begun), &[TWO]).await;
    let (mut stranger, strangers) = arrive(&world, start_url(&other), &[TWO]).await;
    let picker = browser.open(world.call("GET", &page)).await;
    let foreign = stranger.open(world.call("GET", &strangers)).await;

    assert_eq!(stranger.open(world.call("GET", &page)).await.status, 404);
    assert_eq!(Browser::default().open(world.call("GET", &page)).await.status, 404);
    // A cookie of the right name that we did not make.
    let name = format!("__Host-pb-{}", &begun["id"].as_str().unwrap()[16..28]);
    let forged = world.call("GET", &page).header("cookie", &format!("{name}=forged.AAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    assert_eq!(forged.send().await.status, 404);
    for token in ["", "x", form(html(&foreign))] {
        let fields = format!("form={token}&action=connect&phone_number_id=300400500600702");
        assert_eq!(submit(&world, &mut browser, &page, &fields).await.status, 403, "{token}");
    }
    let fields = format!("form={}&action=connect&phone_number_id=300400500600702", form(html(&picker)));
    assert_eq!(submit(&world, &mut stranger, &page, &fields).await.status, 404);
    assert_eq!(shown(&world, "acme", &begun).await["account_ids"], json!([]));
}

#[tokio::test]
async fn a_pin_and_a_verification_are_given_there() {
    let world = World::deployed().await;
    world.meta.post("/_sim/numbers/300400500600703", json!({ "pin": "112233" })).await;
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;
    let (mut browser, page) = arrive(&world, start_url(&begun), &[ONE]).await;
    let asking = browser.open(world.call("GET", &page)).await;
    assert!(html(&asking).contains("name=\"pin\""), "{}", html(&asking));

    let fields = format!("form={}&action=pin&phone_number_id=300400500600703&pin=112233", form(html(&asking)));
    assert_eq!(submit(&world, &mut browser, &page, &fields).await.status, 303);

    assert_eq!(shown(&world, "acme", &begun).await["status"], "connected");
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let world = World::deployed().await;
    let hostile = "<img src=x onerror=alert(1)>\"'&";
    world.meta.post("/_sim/numbers/300400500600703", json!({ "verified_name": hostile })).await;
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;

    let (mut browser, page) = arrive(&world, start_url(&begun), &[ONE]).await;
    let shown = browser.open(world.call("GET", &page)).await;

    assert!(html(&shown).contains("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;"), "{}", html(&shown));
    assert!(!html(&shown).contains("<img"));
}
