//! The numbers of a connection: shown, chosen, verified.

use serde_json::{Value, json};
use tests::World;

use super::http::{SECOND, THIRD};
use crate::connect::{ONE, TWO, act, begin, call, shown, states, system_token};

/// A connection whose tenant chooses.
async fn choosing(world: &World, waba: &str) -> Value {
    let token = system_token(world, waba).await;
    let order =
        json!({ "method": "manual", "auto_select": "none", "manual": { "access_token": token, "waba_id": waba } });
    begin(world, "acme", order).await
}

async fn numbers(world: &World, tenant: &str, connection: &Value, query: &str) -> tests::Answer {
    let path = format!("/v1/connections/{}/numbers{query}", connection["id"].as_str().unwrap());
    call(world, tenant, "GET", &path).send().await
}

#[tokio::test]
async fn the_numbers_are_those_the_token_reaches_now() {
    let world = World::deployed().await;
    let connection = choosing(&world, TWO).await;
    let added = world.meta.post("/_sim/numbers", json!({ "waba_id": TWO, "phone_number": "15550199001" })).await;

    let listed = numbers(&world, "acme", &connection, "").await;

    assert_eq!((listed.status, &listed.body["next"]), (200, &Value::Null), "{listed:?}");
    let ids: Vec<&Value> = listed.body["data"].as_array().unwrap().iter().map(|row| &row["phone_number_id"]).collect();
    assert!([json!(SECOND), json!(THIRD), added["id"].clone()].iter().all(|id| ids.contains(&id)), "{ids:?}");
    let row = listed.body["data"].as_array().unwrap().iter().find(|row| row["phone_number_id"] == SECOND).unwrap();
    let names: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "waba",
        "phone_number_id",
        "display_phone_number",
        "verified_name",
        "quality_rating",
        "code_verification_status",
        "is_on_biz_app",
        "status",
        "connected_to",
    ];
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(row["connected_to"], Value::Null);
    // What the connection did not know yet can be chosen all the same.
    let chosen = act(&world, "acme", &connection, "accounts", json!({ "phone_number_ids": [added["id"]] })).await;
    assert_eq!((chosen.status, &chosen.body["account_ids"]), (202, &json!([added["id"]])), "{chosen:?}");
    let bravos = numbers(&world, "bravo", &connection, "").await;
    assert_eq!(bravos.outcome(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn a_long_list_of_numbers_is_paged() {
    let world = World::deployed().await;
    for place in 0..25 {
        let order = json!({ "waba_id": TWO, "phone_number": format!("155501990{place:02}") });
        world.meta.post("/_sim/numbers", order).await;
    }
    let connection = choosing(&world, TWO).await;
    let (mut seen, mut query) = (Vec::new(), "?limit=10".to_owned());
    loop {
        let page = numbers(&world, "acme", &connection, &query).await;
        assert_eq!(page.status, 200, "{page:?}");
        let data = page.body["data"].as_array().unwrap();
        assert!(data.len() <= 10);
        seen.extend(data.iter().map(|row| row["phone_number_id"].as_str().unwrap().to_owned()));
        let Some(next) = page.body["next"].as_str() else { break };
        query = format!("?limit=10&after={next}");
    }
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((seen.len(), count >= 27), (count, true));
    assert_eq!(numbers(&world, "acme", &connection, "?limit=0").await.status, 400);
    let other = choosing(&world, ONE).await;
    assert_eq!(numbers(&world, "acme", &other, &query).await.outcome(), (400, "invalid_query".to_owned()));
}

#[tokio::test]
async fn nothing_is_shown_or_chosen_before_there_is_a_permission() {
    let world = World::deployed().await;
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;
    let refused = (409, "not_authorized_yet".to_owned());

    assert_eq!(numbers(&world, "acme", &begun, "").await.outcome(), refused);
    let choice = json!({ "phone_number_ids": [SECOND] });
    assert_eq!(act(&world, "acme", &begun, "accounts", choice).await.outcome(), refused);
    let code = json!({ "code": "123456" });
    let path = format!("numbers/{SECOND}/verification");
    let verified = act(&world, "acme", &begun, &path, code).await;
    assert!([404, 409].contains(&verified.status), "{verified:?}");
}

#[tokio::test]
async fn a_choice_must_be_of_numbers_that_the_token_reaches() {
    let world = World::deployed().await;
    let connection = choosing(&world, TWO).await;
    let choose = async |body: Value| act(&world, "acme", &connection, "accounts", body).await;

    for (body, pointer) in [
        (json!({ "phone_number_ids": [SECOND, "999999999999999"] }), "/phone_number_ids/1"),
        (json!({ "phone_number_ids": [] }), "/phone_number_ids"),
        (json!({ "phone_number_ids": ["x"] }), "/phone_number_ids/0"),
        (json!({ "phone_number_ids": [SECOND], "all": true }), "/all"),
        (json!({}), ""),
    ] {
        let refused = choose(body.clone()).await;
        assert_eq!(refused.outcome(), (422, "invalid_body".to_owned()), "{body}");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{body}");
    }
    assert!(states(&shown(&world, "acme", &connection).await).iter().all(|(_, state)| *state == "available"));
    let both = choose(json!({ "phone_number_ids": [SECOND, THIRD] })).await;
    assert_eq!((both.status, both.text("status")), (202, "connected".to_owned()), "{both:?}");
}

#[tokio::test]
async fn a_connection_for_one_number_takes_no_other() {
    let world = World::deployed().await;
    let token = system_token(&world, TWO).await;
    let manual = json!({ "access_token": token, "waba_id": TWO });
    let order = json!({ "method": "manual", "expected_phone_number_id": SECOND, "manual": manual });
    let connection = begin(&world, "acme", order).await;
    assert_eq!(connection["account_ids"], json!([SECOND]));

    let other = act(&world, "acme", &connection, "accounts", json!({ "phone_number_ids": [THIRD] })).await;

    assert_eq!(other.outcome(), (422, "number_mismatch".to_owned()));
    assert_eq!(shown(&world, "acme", &connection).await["account_ids"], json!([SECOND]));
}

#[tokio::test]
async fn a_verification_is_either_asked_for_or_entered() {
    let world = World::deployed().await;
    let connection = choosing(&world, TWO).await;
    let verify = async |number: &str, body: Value| {
        act(&world, "acme", &connection, &format!("numbers/{number}/verification"), body).await
    };

    for wrong in [
        json!({}),
        json!({ "method": "email", "language": "en_US" }),
        json!({ "method": "sms", "language": "English" }),
        json!({ "method": "sms", "language": "en_US", "code": "123456" }),
        json!({ "code": "12 34" }),
        json!({ "code": "123456", "pin": "1" }),
    ] {
        assert_eq!(verify(SECOND, wrong.clone()).await.outcome(), (422, "invalid_body".to_owned()), "{wrong}");
    }
    let foreign = verify("999999999999999", json!({ "code": "123456" })).await;
    assert_eq!(foreign.outcome(), (404, "not_found".to_owned()));
    assert_eq!(crate::connect::asked(&world, "POST", "_code").await, 0);
}
