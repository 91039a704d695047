//! `/_sim`: its guard, its log of calls, what it adds.

use http::Method;
use serde_json::{Value, json};

use crate::world::{NUMBER, SECRET, WABA, World, app_token, proof};

#[tokio::test]
async fn only_its_own_host_is_answered() {
    let world = World::start().await;
    let own = world.base.strip_prefix("http://").unwrap();
    let port = own.rsplit_once(':').unwrap().1;

    for (host, status) in [
        (own.to_owned(), 200),
        (format!("localhost:{port}"), 200),
        (format!("[::1]:{port}"), 200),
        ("evil.example".to_owned(), 421),
        (format!("evil.example:{port}"), 421),
        ("127.0.0.1".to_owned(), 421),
    ] {
        let answer = world.request(Method::GET, "/_sim/state", &[("host", &host)], "").await.unwrap();
        assert_eq!(answer.status, status, "{host}");
    }
}

#[tokio::test]
async fn pages_and_proxies_are_kept_out_of_the_controls() {
    let world = World::start().await;
    let json = ("content-type", "application/json");
    let post = async |headers: &[(&str, &str)]| {
        world.request(Method::POST, "/_sim/reset", headers, "{}").await.unwrap().status
    };
    let own = world.base.clone();

    assert_eq!(post(&[json]).await, 200);
    assert_eq!(post(&[json, ("origin", &own)]).await, 200);
    assert_eq!(post(&[json, ("origin", "http://evil.example")]).await, 403);
    assert_eq!(post(&[json, ("origin", "null")]).await, 403);
    assert_eq!(post(&[]).await, 415);
    assert_eq!(post(&[("content-type", "application/x-www-form-urlencoded")]).await, 415);
    for header in ["forwarded", "x-forwarded-for", "x-forwarded-host", "via"] {
        assert_eq!(post(&[json, (header, "1.2.3.4")]).await, 403, "{header}");
    }
    let state = world.request(Method::GET, "/_sim/state", &[("origin", "http://evil.example")], "").await.unwrap();
    assert_eq!(state.status, 403);
    assert_eq!(world.sim_get("nothing").await.status, 404);
    assert_eq!(world.sim_get("reset").await.status, 405);
}

#[tokio::test]
async fn the_log_keeps_names_and_hides_secrets_under_stable_labels() {
    let world = World::start().await;
    let token = world.business_token(WABA[0]).await;
    world
        .post(&format!("{}/register", NUMBER[0]), &token, json!({"messaging_product": "whatsapp", "pin": "314159"}))
        .await;
    world.get(&format!("{}/phone_numbers?limit=1", WABA[0]), &token).await;
    world.get(&format!("debug_token?input_token={token}"), &app_token()).await;

    world
        .post(&format!("{}/register", NUMBER[0]), &token, json!({"messaging_product": "whatsapp", "pin": 314159}))
        .await;
    world.exchange("grant_type=client_credentials").await;

    let all = world.sim_get("calls").await;
    let calls = all.body.as_array().unwrap();

    let text = String::from_utf8(all.bytes.to_vec()).unwrap();
    for secret in [token.as_str(), SECRET, "314159", &proof(&token)] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    let state = world.state().await;
    let known = state["tokens"].as_array().unwrap().iter().find(|known| known["token"] == token.as_str()).unwrap();
    let label = known["label"].clone();
    let [exchanged, registered, listed, debugged, again, app] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!(exchanged["answer"]["access_token"], label);
    assert_eq!((&registered["token"], &registered["path"]), (&label, &json!(format!("/v25.0/{}/register", NUMBER[0]))));
    assert_eq!((&registered["method"], &registered["status"]), (&json!("POST"), &json!(200)));
    assert!(registered["body"]["pin"].as_str().unwrap().starts_with("secret:"));
    assert_eq!(again["body"]["pin"], registered["body"]["pin"]);
    assert!(app["answer"]["access_token"].as_str().unwrap().starts_with("app:"));
    assert_eq!(listed["query"]["limit"], "1");
    assert!(listed["answer"]["paging"]["next"].as_str().unwrap().contains(label.as_str().unwrap()));
    assert_eq!(debugged["query"]["input_token"], label);
    let some = world.sim_get("calls?path=phone_numbers").await.body;
    assert_eq!(some, json!([listed]));
}

#[tokio::test]
async fn what_is_added_is_there_and_reset_takes_it_away() {
    let world = World::start().await;
    let seed = world.state().await;

    let business = world.must("businesses", json!({"name": "New"})).await["id"].clone();
    let waba = world.must("wabas", json!({"business_id": business, "primary_funding_id": null})).await;
    let number = json!({"waba_id": waba["id"], "phone_number": "+44 20 7946 0000", "pin": "123456", "reads": false, "rate": 5,
        "is_on_biz_app": true, "code_verification_status": "EXPIRED"});
    let number = world.must("numbers", number).await;

    assert_eq!((&waba["business_id"], &waba["primary_funding_id"]), (&business, &Value::Null));
    let state = world.state().await;
    assert_eq!(state["numbers"][5], number);
    assert_eq!(
        (&number["phone_number"], &number["pin"], &number["reads"], &number["rate"], &number["is_on_biz_app"]),
        (&json!("+442079460000"), &json!("123456"), &json!(false), &json!(5), &json!(true))
    );
    let token = world.business_token(waba["id"].as_str().unwrap()).await;
    assert_eq!(world.get(number["id"].as_str().unwrap(), &token).await.status, 200);
    assert_eq!(world.sim("numbers", json!({"phone_number": "442079460000"})).await.status, 400);
    assert_eq!(world.sim("numbers", json!({"colour": "red"})).await.status, 422);

    world.must("reset", json!({})).await;
    assert_eq!(world.state().await, seed);
    assert_eq!(world.sim_get("calls").await.body, json!([]));
}

#[tokio::test]
async fn the_readme_names_what_there_is() {
    let world = World::start().await;
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();

    for id in crate::world::BUSINESS.into_iter().chain(WABA).chain(NUMBER).chain([crate::world::APP, SECRET]) {
        assert!(readme.contains(&format!("`{id}`")), "{id} is not in the README");
    }
    let mut paths: Vec<&str> = readme
        .match_indices("/_sim/")
        .map(|(at, _)| readme[at..].split([' ', '`', '?', '\n']).next().unwrap())
        .collect();
    paths.sort_unstable();
    paths.dedup();
    assert!(paths.len() >= 17, "{paths:?}");
    for path in paths {
        let path = path.replace("{id}", "1");
        let answer = world.request(Method::PUT, &path, &[], "").await.unwrap();
        assert_eq!(answer.status, 405, "{path} is a call that takes another method");
    }
}
