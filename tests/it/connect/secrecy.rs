//! Canaries: what only its owner may see is nowhere else, however it is written.

use serde_json::{Value, json};
use tests::{Browser, Consent, DASHBOARD, Log, World, spellings};

use super::{NUMBER, ONE, TWO, act, begin, call, shown, start_url, system_token};

fn parameter<'a>(url: &'a str, name: &str) -> &'a str {
    let value = url.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("{name} in {url}")).trim_end_matches('#')
}

/// Everything a deployment has written anywhere: its tables, queues and log.
async fn written(world: &World, log: &Log) -> Vec<(String, String)> {
    let mut all = vec![("the log".to_owned(), log.text())];
    for table in [
        "ACCOUNTS_TABLE",
        "CONNECTIONS_TABLE",
        "OAUTH_STATES_TABLE",
        "RECEIPTS_TABLE",
        "AUDIT_TABLE",
        "CREDENTIALS_TABLE",
    ] {
        all.push((table.to_owned(), json!(world.table(table).await).to_string()));
    }
    all
}

#[tokio::test]
async fn tokens_codes_states_tickets_and_pins_are_nowhere_but_where_they_belong() {
    let log = Log::default();
    let _listening = log.listen();
    let world = World::deployed().await;
    let mut answers = Vec::new();
    let mut secrets: Vec<(&str, String)> = Vec::new();

    // A login, with everything that travels by it.
    let begun = begin(&world, "acme", json!({ "method": "login", "return_url": DASHBOARD, "confirm": true })).await;
    let mut browser = Browser::default();
    let opened = browser.open(world.call("GET", start_url(&begun))).await;
    let dialog = opened.header("location").unwrap().to_owned();
    let cookie = opened.header("set-cookie").unwrap().split(['=', ';']).nth(1).unwrap().to_owned();
    let callback = world.meta.consent(&dialog, Consent::To(&[ONE])).await;
    secrets.push(("the state", parameter(&dialog, "state").to_owned()));
    secrets.push(("the cookie", cookie));
    secrets.push(("the code", parameter(&callback, "code").to_owned()));
    world
        .meta
        .post(
            "/_sim/faults",
            json!({ "match": { "path": "/register" }, "times": 1, "fault": { "error": { "code": 131_000 } } }),
        )
        .await;
    let back = browser.open(world.call("GET", &callback)).await;
    let verifier = parameter(back.header("location").unwrap(), "patchbay_verifier").to_owned();
    answers.push(act(&world, "acme", &begun, "confirm", json!({ "verifier": verifier })).await.body);
    answers.push(act(&world, "acme", &begun, "resume", json!({})).await.body);
    secrets.push(("the verifier", verifier));
    // A PIN of the owner's, right and wrong.
    world.meta.post("/_sim/numbers/300400500600701", json!({ "pin": "804271" })).await;
    let token = system_token(&world, TWO).await;
    let manual = json!({ "access_token": token, "phone_number_ids": ["300400500600701"] });
    let stuck = begin(&world, "acme", json!({ "method": "manual", "manual": manual })).await;
    for pin in ["917352", "804271"] {
        let body = json!({ "phone_number_id": "300400500600701", "pin": pin });
        answers.push(act(&world, "acme", &stuck, "resume", body).await.body);
        secrets.push(("a PIN", pin.to_owned()));
    }
    let pin = call(&world, "acme", "PUT", &format!("/v1/accounts/{NUMBER}/pin")).json(&json!({ "pin": "662819" }));
    answers.push(pin.send().await.body);
    secrets.push(("a PIN", "662819".to_owned()));
    for path in [format!("/v1/accounts/{NUMBER}"), "/v1/accounts".to_owned(), "/v1/connections/options".to_owned()] {
        answers.push(call(&world, "acme", "GET", &path).send().await.body);
    }
    world.sweep().await;
    answers.push(call(&world, "acme", "DELETE", &format!("/v1/accounts/{NUMBER}")).send().await.body);
    assert_eq!(shown(&world, "acme", &begun).await["status"], "connected");

    let state = world.meta.state().await;
    for token in state["tokens"].as_array().unwrap() {
        secrets.push(("a token", token["token"].as_str().unwrap().to_owned()));
    }
    secrets.push(("the app's secret", state["app"]["secret"].as_str().unwrap().to_owned()));
    for number in state["numbers"].as_array().unwrap() {
        secrets.extend(number["pin"].as_str().map(|pin| ("a PIN", pin.to_owned())));
    }
    let ticket = start_url(&begun).rsplit('/').next().unwrap().to_owned();

    let mut places = written(&world, &log).await;
    // A ticket is shown to whoever may see the connection, and written nowhere.
    let found = |secret: &str, places: &[(String, String)]| {
        let hidden = |text: &str| spellings(secret).into_iter().find(|spelling| has(text, spelling));
        places
            .iter()
            .filter_map(|(place, text)| hidden(text).map(|as_| format!("{place} as {as_}")))
            .collect::<Vec<_>>()
    };
    assert_eq!(found(&ticket, &places), Vec::<String>::new(), "the ticket");
    places.push(("the answers".to_owned(), Value::Array(answers).to_string()));
    for (name, secret) in &secrets {
        assert!(secret.len() >= 6, "{name}");
        assert_eq!(found(secret, &places), Vec::<String>::new(), "{name}");
    }
    println!("canaries: {} secrets in {} places", secrets.len() + 1, places.len());
}

/// Whether a text has a spelling of a secret. The six digits of a PIN may be in any longer number or id by chance, and in
/// the fraction of a second.
fn has(text: &str, spelling: &str) -> bool {
    let is_short = spelling.len() == 6;
    let continues = |near: Option<char>| near.is_some_and(|near| near.is_ascii_alphanumeric() || near == '.');
    text.match_indices(spelling).any(|(at, found)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + found.len()..].chars().next());
        !is_short || !(continues(before) || continues(after))
    })
}
