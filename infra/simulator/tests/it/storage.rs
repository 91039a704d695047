//! What was answered survives the end of the process; what is torn was never answered.

use std::io::Write as _;

use serde_json::json;

use crate::world::{NUMBER, WABA, World};

#[tokio::test]
async fn a_simulator_with_a_directory_goes_on_where_it_ended() {
    let directory = tempfile::tempdir().unwrap();
    let mut world = World::with(|options| options.data = Some(directory.path().join("simulator"))).await;
    let token = world.subscribed(WABA[0]).await;
    let pin = json!({"messaging_product": "whatsapp", "pin": "271828"});
    world.post(&format!("{}/register", NUMBER[0]), &token, pin.clone()).await;
    let inbound = json!({"phone_number_id": NUMBER[0], "type": "text", "text": {"body": "Hi"}, "count": 3});
    world.must("inbound", inbound).await;
    let (state, calls) = (world.state().await, world.sim_get("calls").await.body);

    world.restart().await;

    assert_eq!(world.state().await, state);
    assert_eq!(world.sim_get("calls").await.body, calls);
    assert_eq!(world.post(&format!("{}/register", NUMBER[0]), &token, pin).await.status, 200);
}

#[tokio::test]
async fn a_webhook_under_way_is_delivered_after_the_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut world = World::with(|options| options.data = Some(directory.path().to_owned())).await;
    world.subscribed(WABA[0]).await;
    world.app.will_answer(&[500]);
    world.must("inbound", json!({"phone_number_id": NUMBER[0], "type": "text", "text": {"body": "Hi"}})).await;

    world.restart().await;
    world.advance(1);

    let heard = world.app.hears(2).await;
    assert_eq!(heard[0].raw, heard[1].raw);
}

#[tokio::test]
async fn a_torn_last_line_is_a_change_that_never_was() {
    let directory = tempfile::tempdir().unwrap();
    let mut world = World::with(|options| options.data = Some(directory.path().to_owned())).await;
    world.must("numbers", json!({"phone_number": "442079460000"})).await;
    let state = world.state().await;
    let mut journal = std::fs::OpenOptions::new().append(true).open(directory.path().join("journal.jsonl")).unwrap();
    journal.write_all(br#"[["numbers","#).unwrap();

    world.restart().await;
    assert_eq!(world.state().await, state);
    world.must("numbers", json!({"phone_number": "442079460001"})).await;
    world.restart().await;
    assert_eq!(world.state().await["numbers"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn a_reset_is_written_down_too() {
    let directory = tempfile::tempdir().unwrap();
    let mut world = World::with(|options| options.data = Some(directory.path().to_owned())).await;
    let seed = world.state().await;
    world.must("numbers", json!({"phone_number": "442079460000"})).await;

    world.must("reset", json!({})).await;
    world.restart().await;

    assert_eq!(world.state().await, seed);
}
