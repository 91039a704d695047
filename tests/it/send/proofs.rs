//! Whose a status is: what Meta gives back proves it, and proves nothing for anybody else.

use super::*;
use crate::{
    connect::{ONE, OTHER, begin, system_token},
    receive::{deliver, delivery},
};

/// A message of which nothing is known but that it may have gone out; and what Meta would give back with its statuses.
async fn lost(world: &World) -> (Value, String) {
    written_by(world, CUSTOMER).await;
    fault(world, 1, json!({"reset": "after", "drop_status": true})).await;
    let message = send(world, &text(CUSTOMER, "Lost")).await;
    settle(world).await;
    let post = posts(world).await.pop().unwrap();
    (message, post["body"]["biz_opaque_callback_data"].as_str().unwrap().to_owned())
}

fn sent(world: &World, recipient: &str, data: &str) -> Value {
    let second = world.clock.now().as_second();
    json!({"statuses": [{"id": "wamid.found", "status": "sent", "timestamp": second.to_string(),
        "recipient_id": recipient, "biz_opaque_callback_data": data}]})
}

async fn tell(world: &World, body: &[u8]) {
    deliver(world, body).await;
    world.drain().await;
}

#[tokio::test]
async fn what_proves_a_status_is_worth_nothing_for_another_recipient_number_or_tenant() {
    let world = ready().await;
    let token = system_token(&world, OTHER).await;
    let state = world.meta.state().await;
    let of_other = |number: &&Value| number["waba_id"] == OTHER && number["is_on_biz_app"] != true;
    let number = state["numbers"].as_array().unwrap().iter().find(of_other).unwrap()["id"].as_str().unwrap().to_owned();
    let manual = json!({"access_token": token, "waba_id": OTHER, "phone_number_ids": [number]});
    begin(&world, "umbrella", json!({"method": "manual", "manual": manual})).await;
    let (message, data) = lost(&world).await;

    tell(&world, &delivery("messages", sent(&world, "4915112345678", &data))).await;
    let elsewhere = String::from_utf8(delivery("messages", sent(&world, CUSTOMER, &data))).unwrap();
    tell(&world, elsewhere.replace(NUMBER, &number).replace(ONE, OTHER).as_bytes()).await;
    let mut bent = data.clone().into_bytes();
    let place = bent.len() - 3;
    bent[place] = if bent[place] == b'A' { b'B' } else { b'A' };
    tell(&world, &delivery("messages", sent(&world, CUSTOMER, &String::from_utf8(bent).unwrap()))).await;
    assert_eq!(status(&world, &message).await, "sending", "nothing of that was proved");

    tell(&world, &delivery("messages", sent(&world, CUSTOMER, &data))).await;

    let found = shown(&world, &message).await;
    assert_eq!((found["status"].as_str(), found["wamid"].as_str()), (Some("sent"), Some("wamid.found")), "{found:#}");
}

#[tokio::test]
async fn a_rotated_secret_proves_what_was_sent_before_it() {
    let world = ready().await;
    let (message, data) = lost(&world).await;
    let rotated = json!({"prefix": "pb_sk_", "secret": "r".repeat(64)}).to_string();
    let put = world.secrets_manager().put_secret_value().secret_id(world.variable("inbound", "STACK_SECRET"));
    put.secret_string(rotated).send().await.unwrap();
    world.clock.advance(SignedDuration::from_mins(4));

    let body = delivery("messages", sent(&world, CUSTOMER, &data));
    deliver(&world, &body).await;
    let cold = world.cold_inbound("after-the-rotation");
    world.drain_with(&cold, "after-the-rotation").await;

    assert_eq!(status(&world, &message).await, "sent");
}

#[tokio::test]
async fn a_second_id_of_metas_for_one_message_is_said() {
    let world = ready().await;
    written_by(&world, CUSTOMER).await;
    let message = send(&world, &text(CUSTOMER, "Once")).await;
    settle(&world).await;
    let data = posts(&world).await[0]["body"]["biz_opaque_callback_data"].as_str().unwrap().to_owned();
    let first = shown(&world, &message).await["wamid"].clone();

    tell(&world, &delivery("messages", sent(&world, CUSTOMER, &data))).await;

    let shown = shown(&world, &message).await;
    assert_eq!(shown["wamid"], first, "the first one stays");
    let last = shown["history"].as_array().unwrap().last().unwrap();
    assert_eq!(last["detail"], "duplicate_detected: wamid.found", "{shown:#}");
}
