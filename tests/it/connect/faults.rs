//! Every request of connecting, with every kind of fault: people and dashboards go on, and all ends in the same state.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{Answer, Browser, Call, Consent, DASHBOARD, World, faults::exhaust, schedule_event};

use super::{NUMBER, ONE, next, steps, system_token};

/// What the owner of a number that has one gives.
const PIN: &str = "424242";
/// What Meta sends to a number that is to be verified.
const CODE: &str = "123456";

/// A caller that does not give up: each attempt is a new process, and what it gets no answer to it sends again.
pub(crate) async fn insist(world: &World, step: &str, call: impl Fn(&str) -> Call) -> Answer {
    let mut last = None;
    for attempt in 0..6 {
        let caller = format!("{step}-{attempt}");
        match world.as_process(&caller, call(&caller).send()).await {
            // The attempt before has died with its claim: the claim ends.
            Some(answer) if answer.text("code") == "idempotency_in_flight" => {
                world.clock.advance(SignedDuration::from_secs(61));
            }
            Some(answer) if answer.status < 500 => return answer,
            answer => last = answer,
        }
    }
    panic!("{step}: no answer in six attempts, at last {last:?}");
}

pub(crate) fn by_operator(world: &World, caller: &str, method: &str, path: &str) -> Call {
    world.cold_call(caller, method, path).bearer(&world.first_key).tenant("acme")
}

async fn begin(world: &World, order: &Value) -> Value {
    let begun = insist(world, "begin", |caller| {
        by_operator(world, caller, "POST", "/v1/connections").header("idempotency-key", "flow").json(order)
    })
    .await;
    begun.body
}

async fn shown(world: &World, connection: &Value) -> Value {
    let path = format!("/v1/connections/{}", connection["id"].as_str().unwrap_or_default());
    insist(world, "show", |caller| by_operator(world, caller, "GET", &path)).await.body
}

/// A person opens the link, allows access, and comes back.
async fn log_in(world: &World, connection: &Value, round: usize) {
    let start = connection["start_url"].as_str().unwrap_or_default();
    let mut browser = Browser::default();
    let opened = insist(world, &format!("open-{round}"), |caller| world.cold_call(caller, "GET", start)).await;
    browser.keep(&opened);
    let Some(dialog) = opened.header("location") else { return };
    let callback = world.meta.consent(dialog, Consent::To(&[ONE])).await;
    insist(world, &format!("return-{round}"), |caller| browser.with_cookies(world.cold_call(caller, "GET", &callback)))
        .await;
}

/// Does what the connection asks for until it asks for nothing more.
async fn follow(world: &World, connection: &Value) -> Value {
    for round in 0..8 {
        let now = shown(world, connection).await;
        match next(&now) {
            "" | "verify_number" => return now,
            "open_start_url" => log_in(world, &now, round).await,
            _ => {
                // Whoever had it may have died: their lease ends.
                world.clock.advance(SignedDuration::from_secs(61));
                let path = format!("/v1/connections/{}/resume", now["id"].as_str().unwrap_or_default());
                let order = match next(&now) {
                    "provide_pin" => json!({ "phone_number_id": NUMBER, "pin": PIN }),
                    _ => json!({}),
                };
                insist(world, &format!("resume-{round}"), |caller| {
                    by_operator(world, caller, "POST", &path).json(&order)
                })
                .await;
            }
        }
    }
    shown(world, connection).await
}

/// What must hold at the end of every way to connect [`NUMBER`].
async fn broken(world: &World, connection: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    let mut hold = |what: &str, holds: bool, seen: &dyn std::fmt::Debug| {
        if !holds {
            broken.push(format!("{what}: {seen:?}"));
        }
    };
    hold("it is connected", connection["status"] == "connected", connection);
    let number = &connection["numbers"][0];
    let done = steps(number).iter().all(|step| step.ends_with(" done") || step.ends_with(" skipped"));
    hold("every step is done", done, &steps(number));
    hold("it is the one number", connection["account_ids"] == json!([NUMBER]), &connection["account_ids"]);
    hold("it was registered once", asked_with_success(world, "/register").await == 1, &());
    let rows = world.table("ACCOUNTS_TABLE").await;
    let account = rows.iter().find(|row| row["phone_number_id"] == NUMBER).cloned().unwrap_or_default();
    hold("the account is acme's", account["tenant"] == "acme" && account["state"] == "connected", &account);
    hold("no claim is left", account["claim_connection"].is_null(), &account);
    let waba = rows.iter().find(|row| row["phone_number_id"] == format!("waba#{ONE}")).cloned().unwrap_or_default();
    hold("it rests on its WABA", waba["residents"] == json!([NUMBER]) && waba["leaving_until"].is_null(), &waba);
    let default = rows.iter().find(|row| row["phone_number_id"] == "tenant#acme").cloned().unwrap_or_default();
    hold("it is the default", default["default"] == NUMBER, &default);
    let attempts = world.table("CONNECTIONS_TABLE").await;
    hold("there is one attempt", attempts.len() == 1, &attempts.len());
    let pin = attempts.first().map_or(&Value::Null, |attempt| &attempt["state"]["numbers"][0]["pin"]);
    hold("the attempt keeps no PIN", pin.is_null(), pin);
    let changes = world.meta.calls("/subscribed_apps").await;
    let changes: Vec<&Value> = changes.iter().filter(|call| call["method"] != "GET" && call["status"] == 200).collect();
    hold("it is subscribed", changes.last().is_some_and(|call| call["method"] == "POST"), &changes);
    broken
}

/// Registrations that had their effect: Meta counts those, and refuses after ten.
async fn asked_with_success(world: &World, path: &str) -> usize {
    let calls = world.meta.calls(path).await;
    calls.iter().filter(|call| call["method"] == "POST" && call["status"] == 200).count()
}

/// The first key is in its table: nobody's flow but the sweeper's.
async fn deployed(world: &World) {
    world.cold_sweeper("test").handle(schedule_event()).await.unwrap();
}

async fn login(world: Arc<World>) -> Vec<String> {
    deployed(&world).await;
    let begun = begin(&world, &json!({ "method": "login", "return_url": DASHBOARD })).await;
    let ended = follow(&world, &begun).await;
    broken(&world, &ended).await
}

/// Meta's popup, and a number with a PIN of its own.
async fn popup(world: Arc<World>) -> Vec<String> {
    deployed(&world).await;
    world.meta.post(&format!("/_sim/numbers/{NUMBER}"), json!({ "pin": PIN })).await;
    let begun = begin(&world, &json!({ "method": "embedded_signup" })).await;
    let given = world.meta.post("/_sim/embedded_signup", json!({ "waba_id": ONE, "phone_number_id": NUMBER })).await;
    let path = format!("/v1/connections/{}/code", begun["id"].as_str().unwrap_or_default());
    let order = json!({
        "nonce": begun["embedded_signup"]["nonce"],
        "code": given["code"],
        "session_event": given["session_event"],
    });
    insist(&world, "code", |caller| by_operator(&world, caller, "POST", &path).json(&order)).await;
    let ended = follow(&world, &begun).await;
    broken(&world, &ended).await
}

async fn manual(world: Arc<World>) -> Vec<String> {
    deployed(&world).await;
    let manual = json!({ "access_token": system_token(&world, ONE).await, "phone_number_ids": [NUMBER] });
    let begun = begin(&world, &json!({ "method": "manual", "manual": manual })).await;
    let ended = follow(&world, &begun).await;
    broken(&world, &ended).await
}

/// A number that Meta does not know to be its owner's yet.
async fn verification(world: Arc<World>) -> Vec<String> {
    deployed(&world).await;
    world.meta.post(&format!("/_sim/numbers/{NUMBER}"), json!({ "code_verification_status": "NOT_VERIFIED" })).await;
    let manual = json!({ "access_token": system_token(&world, ONE).await, "phone_number_ids": [NUMBER] });
    let begun = begin(&world, &json!({ "method": "manual", "manual": manual })).await;
    let path = format!("/v1/connections/{}/numbers/{NUMBER}/verification", begun["id"].as_str().unwrap_or_default());
    let mut ended = follow(&world, &begun).await;
    for round in 0..4 {
        if next(&ended) != "verify_number" {
            break;
        }
        let orders = [("ask", json!({ "method": "sms", "language": "en_US" })), ("enter", json!({ "code": CODE }))];
        for (step, order) in orders {
            // Whoever had it may have died: their lease ends.
            world.clock.advance(SignedDuration::from_secs(61));
            // Whatever the answer is: a code that has come is entered, and where none came the next round asks anew.
            let caller = format!("{step}-{round}");
            let call = by_operator(&world, &caller, "POST", &path).json(&order);
            let _ = world.as_process(&caller, call.send()).await;
        }
        ended = follow(&world, &ended).await;
    }
    broken(&world, &ended).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_survives_every_single_fault() {
    exhaust(login).await.must_hold("login", 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_brought_along_survives_every_single_fault() {
    exhaust(manual).await.must_hold("manual", 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_popup_and_a_pin_survive_every_single_fault() {
    exhaust(popup).await.must_hold("popup and PIN", 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_survives_every_single_fault() {
    exhaust(verification).await.must_hold("verification", 40);
}
