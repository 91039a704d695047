//! `/_sim/faults`: each kind, proved from outside.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value, json};
use simulator::Kill;

use crate::sender::Sender;
use crate::world::{NUMBER, WABA, World};

async fn world_and_token() -> (World, String) {
    let world = World::start().await;
    let token = world.business_token(WABA[0]).await;
    (world, token)
}

fn registration() -> Value {
    json!({"messaging_product": "whatsapp", "pin": "123456"})
}

async fn register(world: &World, token: &str) -> Result<crate::world::Answer, String> {
    world.graph_raw(Method::POST, &format!("{}/register", NUMBER[0]), token, Some(registration())).await
}

async fn is_registered(world: &World) -> bool {
    world.number_state(NUMBER[0]).await["registered"] == true
}

#[tokio::test]
async fn an_error_is_answered_instead_and_nothing_happens() {
    let (world, token) = world_and_token().await;
    let error = json!({"code": 131016, "error_subcode": 7, "is_transient": true, "error_data": {"details": "Later."}});
    world.must("faults", json!({"match": {"path": "/register"}, "times": 1, "fault": {"error": error}})).await;

    let answer = register(&world, &token).await.unwrap();

    assert_eq!(answer.status, 500);
    let trace = answer.body["error"]["fbtrace_id"].clone();
    assert_eq!(
        answer.body,
        json!({"error": {"message": "(#131016) Service unavailable", "type": "OAuthException", "code": 131016, "error_subcode": 7,
            "is_transient": true, "error_data": {"messaging_product": "whatsapp", "details": "Later."}, "fbtrace_id": trace}})
    );
    assert!(!is_registered(&world).await);
    assert_eq!(register(&world, &token).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_error_may_hide_that_it_happened() {
    let (world, token) = world_and_token().await;
    world.must("faults", json!({"fault": {"error": {"code": 2}, "accepted": true}})).await;

    let answer = register(&world, &token).await.unwrap();

    assert_eq!((answer.status, answer.error().0), (503, 2));
    assert!(is_registered(&world).await);
}

#[tokio::test]
async fn a_bare_status_comes_without_an_envelope() {
    let (world, token) = world_and_token().await;
    world.must("faults", json!({"match": {"method": "post"}, "fault": {"status": 502}})).await;

    let answer = register(&world, &token).await.unwrap();

    assert_eq!((answer.status, answer.body), (502, json!({})));
    assert!(!is_registered(&world).await);
}

#[tokio::test]
async fn a_connection_breaks_before_or_after_the_effect() {
    let (world, token) = world_and_token().await;

    world.must("faults", json!({"match": {"path": "register"}, "fault": {"reset": "before"}})).await;
    assert!(register(&world, &token).await.is_err());
    assert!(!is_registered(&world).await);

    world.must("faults", json!({"match": {"path": "register"}, "fault": {"reset": "after"}})).await;
    assert!(register(&world, &token).await.is_err());
    assert!(is_registered(&world).await);

    let calls = world.sim_get("calls?path=register").await.body;
    assert_eq!((&calls[0]["status"], &calls[0]["answer"]), (&Value::Null, &Value::Null));
    assert_eq!((&calls[1]["status"], &calls[1]["answer"]), (&json!(200), &json!({"success": true})));
    assert_eq!(calls[1]["fault"], json!({"reset": "after"}));
}

#[tokio::test]
async fn a_slow_answer_was_done_at_once() {
    let (world, token) = world_and_token().await;
    let slow = |delay: u64| json!({"match": {"path": "register"}, "fault": {"delay_ms": delay}});

    world.must("faults", slow(100)).await;
    let began = Instant::now();
    assert_eq!(register(&world, &token).await.unwrap().status, 200);
    assert!(began.elapsed() >= Duration::from_millis(100));

    world.must(&format!("numbers/{}", NUMBER[0]), json!({"registered": false})).await;
    world.must("faults", slow(600_000)).await;
    tokio::select! {
        answer = register(&world, &token) => panic!("answered before ten minutes were over: {answer:?}"),
        () = async { while !is_registered(&world).await {} } => {}
    }
}

#[tokio::test]
async fn a_fault_meets_only_what_it_names_and_as_often_as_it_says() {
    let (world, token) = world_and_token().await;
    let fault = json!({"match": {"phone_number_id": NUMBER[1], "method": "GET", "path": "v25"}, "times": 2, "fault": {"error": {"code": 4}}});
    let id = world.must("faults", fault).await["id"].clone();
    let get = async |id: &str| world.get(id, &token).await.status;

    assert_eq!(get(NUMBER[0]).await, 200);
    assert_eq!(world.post(NUMBER[1], &token, json!({"search_visibility": "VISIBLE"})).await.status, 200);
    assert_eq!([get(NUMBER[1]).await, get(NUMBER[1]).await, get(NUMBER[1]).await], [400, 400, 200]);

    let listed = world.sim_get("faults").await.body;
    assert_eq!((&listed[0]["id"], &listed[0]["times"], &listed[0]["fired"]), (&id, &json!(2), &json!(2)));
    let forgotten = world.request(Method::DELETE, "/_sim/faults", &[], "").await.unwrap();
    assert_eq!((forgotten.status, forgotten.body), (200, json!([])));
}

#[tokio::test]
async fn a_fault_may_let_calls_through_first() {
    let (world, token) = world_and_token().await;
    world.must("faults", json!({"match": {"path": NUMBER[0]}, "skip": 2, "fault": {"error": {"code": 4}}})).await;

    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(world.get(NUMBER[0], &token).await.status);
    }

    assert_eq!(statuses, [200, 200, 400, 200]);
}

#[tokio::test]
async fn a_route_is_exactly_one_call_whatever_the_version_and_the_number() {
    let (world, token) = world_and_token().await;
    let route = "GET /{number}";
    world.must("faults", json!({"match": {"route": route}, "skip": 1, "fault": {"error": {"code": 4}}})).await;

    let list = format!("{}/phone_numbers", WABA[0]);
    let mut statuses = Vec::new();
    for path in [list.as_str(), NUMBER[0], WABA[0], NUMBER[1], NUMBER[0]] {
        statuses.push(world.get(path, &token).await.status);
    }

    assert_eq!(statuses, [200, 200, 200, 400, 200]);
    let calls = world.sim_get("calls").await.body;
    let routes: Vec<&str> = calls.as_array().unwrap().iter().filter_map(|call| call["route"].as_str()).collect();
    let exchanged = ["GET /oauth/access_token"; 1];
    assert_eq!(routes[..1], exchanged);
    assert_eq!(routes[1..], ["GET /{waba}/phone_numbers", route, "GET /{waba}", route, route]);
}

#[tokio::test]
async fn an_address_of_its_own_leads_a_caller_back_there_and_ends_with_its_door() {
    let (world, token) = world_and_token().await;
    let door = world.door("pager").await;
    let own = world.at(&format!("http://{}", door.address()));

    let page = own.get(&format!("{}/phone_numbers?limit=1", WABA[0]), &token).await.body;

    assert!(page["paging"]["next"].as_str().unwrap().starts_with(&own.base), "{page}");
    let origins = [own.base.as_str(), world.base.as_str()];
    let mut asked = Vec::new();
    for origin in origins {
        let headers = [("origin", origin), ("content-type", "application/json")];
        asked.push(own.request(Method::POST, "/_sim/app", &headers, "{}").await.unwrap().status);
    }
    assert_eq!(asked, [200, 403], "a page that was loaded there may drive it from there");
    drop(door);
    let began = Instant::now();
    while own.graph_raw(Method::GET, NUMBER[0], &token, None).await.is_ok() {
        assert!(began.elapsed() < Duration::from_secs(5), "it still answers");
    }
}

#[tokio::test]
async fn a_host_that_can_kills_the_caller_before_or_after_the_effect() {
    let killed = Arc::new(Mutex::new(Vec::new()));
    let victims = Arc::clone(&killed);
    let kill = Kill::from_fn(move |caller| {
        assert!(caller.peer.ip().is_loopback());
        victims.lock().unwrap().push(caller.door.as_deref().map(str::to_owned));
    });
    let world = World::with(|options| options.kill = Some(kill)).await;
    let token = world.business_token(WABA[0]).await;
    let doors = [world.door("first").await, world.door("second").await];
    let [first, second] = doors.each_ref().map(|door| world.at(&format!("http://{}", door.address())));

    for (caller, moment, registered) in [(&first, "before", false), (&second, "after", true)] {
        world.must("faults", json!({"match": {"path": "register"}, "fault": {"kill": moment}})).await;
        assert!(register(caller, &token).await.is_err());
        assert_eq!(is_registered(&world).await, registered, "{moment}");
    }
    world.must("faults", json!({"fault": {"kill": "before"}})).await;
    assert!(register(&world, &token).await.is_err());

    assert_eq!(*killed.lock().unwrap(), [Some("first".to_owned()), Some("second".to_owned()), None]);
    let calls = world.sim_get("calls?path=register").await.body;
    let callers: Vec<&Value> = calls.as_array().unwrap().iter().map(|call| &call["caller"]).collect();
    assert_eq!(callers, [&json!("first"), &json!("second"), &Value::Null]);
    let alone = World::start().await;
    assert_eq!(alone.sim("faults", json!({"fault": {"kill": "before"}})).await.status, 400);
}

/// The statuses told of one text, once the fault has met its sending.
async fn told(fault: Value, count: usize) -> (Vec<String>, Value) {
    let sender = Sender::start().await;
    sender.world.must("faults", json!({"match": {"path": "/messages"}, "fault": fault})).await;
    sender.sent("Hello").await;
    sender.world.advance(1);
    let mut told: Vec<String> =
        sender.statuses(count).await.iter().map(|status| status["status"].as_str().unwrap().to_owned()).collect();
    told.sort_unstable();
    let state = sender.world.state().await;
    (told, state["messages"].as_array().unwrap().last().unwrap()["status"].clone())
}

#[tokio::test]
async fn statuses_may_be_told_twice_or_not_at_all_and_happen_all_the_same() {
    let twice = ["delivered", "delivered", "read", "read", "sent", "sent"].map(str::to_owned).to_vec();
    assert_eq!(told(json!({"duplicate": true}), 6).await, (twice, json!("read")));
    let two = |first: &str, second: &str| vec![first.to_owned(), second.to_owned()];
    assert_eq!(told(json!({"drop_status": "delivered"}), 2).await, (two("read", "sent"), json!("read")));
    assert_eq!(told(json!({"drop_status": ["sent"]}), 2).await, (two("delivered", "read"), json!("read")));

    let sender = Sender::start().await;
    sender.world.must("faults", json!({"match": {"path": "/messages"}, "fault": {"drop_status": true}})).await;
    let silent = sender.sent("Hello").await;
    sender.world.advance(1);
    let told_of = sender.sent("Hello again").await;
    sender.world.advance(1);
    let told = sender.statuses(3).await;
    assert!(told.iter().all(|status| status["id"] == told_of && status["id"] != silent));
}

#[tokio::test]
async fn a_number_whose_customers_hide_it_is_told_of_no_read() {
    let sender = Sender::start().await;
    sender.world.must(&format!("numbers/{}", NUMBER[0]), json!({"reads": false})).await;

    sender.sent("Hello").await;
    sender.world.advance(1);

    sender.statuses(2).await;
    let message = sender.world.state().await["messages"].as_array().unwrap().last().unwrap().clone();
    let statuses: Vec<&Value> = message["history"].as_array().unwrap().iter().map(|told| &told["status"]).collect();
    assert_eq!(statuses, ["sent", "delivered"]);
}

#[tokio::test]
async fn a_fault_that_could_not_be_carried_out_is_refused() {
    let world = World::start().await;

    for fault in [json!({"error": {}}), json!({"status": 99}), json!({"reset": "sideways"}), json!({"explode": true})] {
        let answer = world.sim("faults", json!({"fault": fault})).await;
        assert!(answer.status == 400 || answer.status == 422, "{fault}: {}", answer.status);
        assert!(answer.body["error"].is_string());
    }
}

#[tokio::test]
async fn statuses_told_in_another_order_do_not_undo_what_happened() {
    let sender = Sender::start().await;
    sender.world.must("app", json!({"reorder": true})).await;

    sender.sent("Hello").await;
    sender.world.advance(1);
    sender.statuses(2).await;
    sender.world.advance(2);

    let told = sender.statuses(3).await;
    let told: Vec<&str> = told.iter().map(|status| status["status"].as_str().unwrap()).collect();
    assert_eq!(told, ["delivered", "sent", "read"]);
    assert_eq!(sender.world.state().await["messages"].as_array().unwrap().last().unwrap()["status"], "read");
}
