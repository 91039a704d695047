//! How attempts end: by their time, by their tokens, and with nothing left behind.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::World;

use super::{NUMBER, ONE, TWO, act, begin, connected, next, shown, start_url, system_token};

async fn row(world: &World, connection: &Value) -> Value {
    let rows = world.table("CONNECTIONS_TABLE").await;
    rows.into_iter().find(|row| row["id"] == connection["id"]).unwrap()
}

#[tokio::test]
async fn an_attempt_whose_time_is_over_is_looked_at_once_more_and_never_again() {
    let world = World::deployed().await;
    let opened = begin(&world, "acme", json!({ "method": "login" })).await;
    let done = connected(&world, "acme").await;
    assert!(row(&world, &done).await["state"]["token"].is_object());

    world.clock.advance(SignedDuration::from_hours(24 * 7));
    world.sweep().await;

    for (connection, status) in [(&opened, "expired"), (&done, "connected")] {
        let row = row(&world, connection).await;
        assert_eq!((&row["due"], &row["state"]["token"]), (&Value::Null, &Value::Null), "{row:#}");
        assert_eq!(shown(&world, "acme", connection).await["status"], status);
    }
}

#[tokio::test]
async fn a_ciphertext_of_another_attempt_does_not_open_and_nothing_is_asked_of_meta() {
    let world = World::deployed().await;
    let manual = async |waba: &str| {
        let token = system_token(&world, waba).await;
        let order = json!({ "method": "manual", "auto_select": "none", "manual": { "access_token": token } });
        begin(&world, "acme", order).await
    };
    let (own, other) = (manual(TWO).await, manual("200300400500603").await);
    let swapped = row(&world, &other).await["state"]["token"]["sealed"].as_str().unwrap().to_owned();
    let table = world.variable("oauth-init", "CONNECTIONS_TABLE");
    let update = world.aws_clients().dynamodb().update_item().table_name(table);
    let update = update.key("id", AttributeValue::S(own["id"].as_str().unwrap().to_owned()));
    let update = update.update_expression("SET #state.#token.sealed = :sealed");
    let update = update.expression_attribute_names("#state", "state").expression_attribute_names("#token", "token");
    update.expression_attribute_values(":sealed", AttributeValue::S(swapped)).send().await.unwrap();
    let before = world.meta.calls("/").await.len();

    let chosen = act(&world, "acme", &own, "accounts", json!({ "phone_number_ids": ["300400500600701"] })).await;

    assert_eq!((chosen.status, chosen.text("status")), (202, "failed".to_owned()), "{chosen:?}");
    let mut numbers = chosen.body["numbers"].as_array().unwrap().iter();
    let number = numbers.find(|number| number["phone_number_id"] == "300400500600701").unwrap();
    assert_eq!(number["error"]["code"], "token_invalid");
    assert_eq!(world.meta.calls("/").await.len(), before);
}

#[tokio::test]
async fn what_was_begun_with_a_permission_that_is_withdrawn_ends_and_says_so() {
    let world = World::deployed().await;
    world
        .meta
        .post("/_sim/faults", json!({ "match": { "path": "/register" }, "times": 9, "fault": { "status": 503 } }))
        .await;
    let begun = begin(&world, "acme", json!({ "method": "login" })).await;
    world.consent(start_url(&begun), tests::Consent::To(&[ONE])).await;
    assert_eq!(shown(&world, "acme", &begun).await["status"], "connecting");
    let subject = row(&world, &begun).await["subject"].clone();
    world.clock.advance(SignedDuration::from_secs(61));

    world.meta.post("/_sim/data_deletion", json!({ "user_id": subject })).await;
    world.sweep().await;

    let ended = shown(&world, "acme", &begun).await;
    assert_eq!((ended["status"].as_str(), next(&ended)), (Some("failed"), "open_start_url"), "{ended:#}");
    let detail = ended["numbers"][0]["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("Meta may still send"), "{detail}");
    let rows = world.table("ACCOUNTS_TABLE").await;
    assert!(rows.iter().all(|row| row["phone_number_id"] != NUMBER), "{rows:#?}");
}
