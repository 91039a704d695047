//! The harness itself: Meta calls the product and is called by it, and who calls is known.

use std::sync::Arc;

use serde_json::{Value, json};
use tests::{Consent, World, faults::exhaust, wire};

const NUMBER: &str = "300400500600701";
const WABA: &str = "200300400500601";

#[tokio::test]
async fn meta_reaches_the_function_whose_route_it_is() {
    let world = World::start().await;

    let asked = world.meta.post("/_sim/data_deletion", json!({ "user_id": "123" })).await;

    let state = world.meta.state().await;
    assert_eq!(state["app"]["callback_url"], format!("{}/webhooks/whatsapp", world.url()));
    let answered = wire::send(world.url(), &["GET /v1/health HTTP/1.1"], b"").await;
    assert_eq!((answered.status, answered.json()), (200, json!({ "status": "ok" })));
    // Whatever serves it answers for itself: with a code of ours where the request is refused.
    assert!(asked["status"].as_u64().is_some_and(|status| status != 0), "{asked}");
}

#[tokio::test]
async fn a_person_answers_the_dialog() {
    let world = World::start().await;
    let redirect = format!("{}/oauth/callback", world.url());
    let app = world.meta.state().await["app"]["id"].as_str().unwrap().to_owned();
    let dialog = format!(
        "{}/v25.0/dialog/oauth?client_id={app}&redirect_uri={redirect}&state=abc&config_id=1&response_type=code",
        world.meta.way_of("somebody")
    );

    let denied = world.meta.consent(&dialog, Consent::Denied).await;
    let given = world.meta.consent(&dialog, Consent::To(&[WABA])).await;

    assert!(denied.starts_with(&format!("{redirect}?error=access_denied")), "{denied}");
    assert!(given.starts_with(&format!("{redirect}?code=")) && given.contains("state=abc"), "{given}");
}

#[tokio::test]
async fn who_calls_graph_is_known_by_its_way_there_and_may_be_killed() {
    let world = World::start().await;
    let ask = |caller: &str| {
        let way = world.meta.way_of(caller);
        let path = format!("GET /v25.0/{NUMBER} HTTP/1.1");
        async move { wire::send(&way, &[&path], b"").await.status }
    };
    let fault = json!({ "match": { "route": "GET /{number}" }, "skip": 1, "fault": { "kill": "after" } });
    world.meta.post("/_sim/faults", fault).await;

    let ends = [
        world.as_process("first", ask("first")).await,
        world.as_process("second", ask("second")).await,
        world.as_process("second", ask("second")).await,
    ];

    assert_eq!(ends, [Some(400), None, Some(400)]);
    let calls = world.meta.calls(NUMBER).await;
    let callers: Vec<&Value> = calls.iter().map(|call| &call["caller"]).collect();
    assert_eq!(callers, ["first", "second", "second"]);
}

/// A caller of Graph that does not give up: a number is registered, whatever becomes of a call.
async fn registration(world: Arc<World>) -> Vec<String> {
    world.meta.post("/_sim/app", json!({ "require_proof": false })).await;
    let state = world.meta.state().await;
    let system = state["tokens"].as_array().unwrap().iter().find(|token| token["kind"] == "system").unwrap();
    let token = format!("authorization: Bearer {}", system["token"].as_str().unwrap());
    let line = format!("POST /v25.0/{NUMBER}/register HTTP/1.1");
    let body = json!({ "messaging_product": "whatsapp", "pin": "123456" }).to_string();
    let mut ends = Vec::new();
    for attempt in 0..3 {
        let caller = format!("register-{attempt}");
        let way = world.meta.way_of(&caller);
        let (token, line, body) = (token.clone(), line.clone(), body.clone());
        let sent = async move {
            wire::try_send(&way, &[&line, &token, "content-type: application/json"], body.as_bytes()).await
        };
        ends.push(match world.as_process(&caller, sent).await {
            None => "killed".to_owned(),
            Some(None) => "no answer".to_owned(),
            Some(Some(answer)) => format!("{} {}", answer.status, answer.json()["error"]["code"]),
        });
        if ends.last().unwrap().starts_with("200") {
            break;
        }
    }
    let number = world.meta.state().await["numbers"][0].clone();
    let is_right = number["registered"] == true && ends.last().unwrap().starts_with("200");
    let mut told = if is_right { Vec::new() } else { vec![format!("not registered: {number}")] };
    if ends.len() > 1 {
        // What became of the first call.
        told.push(ends[0].clone());
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_fault_happens_to_a_call_to_graph() {
    let verdict = exhaust(registration).await;

    let sites: Vec<&str> = verdict.sites.iter().map(emulators::Site::as_str).collect();
    assert_eq!((sites, verdict.scenarios), (vec!["graph.POST /{number}/register#1"], 6));
    assert_eq!(verdict.idle, Vec::<String>::new());
    // A delayed answer comes late but comes; of all others the flow tells.
    let mut seen = verdict.violations;
    seen.sort_unstable();
    let site = "graph.POST /{number}/register#1";
    let expected = [
        ("Fail", "500 2"),
        ("KillAfter", "killed"),
        ("KillBefore", "killed"),
        ("LoseAnswer", "no answer"),
        ("Throttle", "400 80007"),
    ];
    assert_eq!(seen, expected.map(|(kind, end)| format!("{site} {kind}: {end}")));
}
