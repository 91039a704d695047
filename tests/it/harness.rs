//! The harness itself: Meta calls the product and is called by it, and who calls is known.

use serde_json::{Value, json};
use tests::{Consent, World, wire};

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
