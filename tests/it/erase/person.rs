//! Forgetting somebody, as its caller sees it.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::World;

use super::{contact, erase, erasures, known, swept, swept_out};
use crate::{
    connect::{NUMBER, call},
    send::{self, ACME, CUSTOMER},
};

const NEIGHBOUR: &str = "16505551111";

async fn status(world: &World, tenant: &str, method: &str, path: &str) -> u16 {
    call(world, tenant, method, path).send().await.status
}

/// What the feed tells a tenant from the beginning.
async fn events(world: &World) -> Vec<Value> {
    world.feed().await;
    let answer = call(world, ACME, "GET", "/v1/events?limit=100").send().await;
    answer.body["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn whoever_is_erased_is_known_nowhere_at_once() {
    let world = send::ready().await;
    send::written_by(&world, CUSTOMER).await;
    send::written_by(&world, NEIGHBOUR).await;
    let answer = send::send(&world, &send::text(CUSTOMER, "Until eight.")).await;
    let (id, neighbour) = (known(&world, CUSTOMER).await, known(&world, NEIGHBOUR).await);
    let conversation = id.replace("ctc_", "cnv_");
    let message = answer["id"].as_str().unwrap();

    let erased = erase(&world, &id).await;

    assert_eq!((erased.status, erased.body), (204, Value::Null));
    for path in [
        format!("/v1/contacts/{id}"),
        format!("/v1/conversations/{conversation}"),
        format!("/v1/conversations/{conversation}/messages"),
        format!("/v1/messages/{message}"),
    ] {
        assert_eq!(status(&world, ACME, "GET", &path).await, 404, "{path}");
    }
    for (method, path) in [
        ("POST", format!("/v1/conversations/{conversation}/read")),
        ("POST", format!("/v1/contacts/{id}/block")),
        ("DELETE", format!("/v1/messages/{message}")),
    ] {
        assert_eq!(status(&world, ACME, method, &path).await, 404, "{method} {path}");
    }
    let answering = call(&world, ACME, "POST", &format!("/v1/conversations/{conversation}/messages"));
    let answering = answering.json(&json!({"type": "text", "text": {"body": "Still there?"}})).send().await;
    assert_eq!(answering.status, 404, "{answering:?}");
    for path in ["/v1/conversations", "/v1/conversations?unread=true", &format!("/v1/conversations?phone={CUSTOMER}")] {
        let listed = call(&world, ACME, "GET", path).send().await.body.to_string();
        assert!(!listed.contains(&conversation) && !listed.contains(CUSTOMER), "{path}: {listed}");
    }
    assert_eq!(contact(&world, ACME, NUMBER, CUSTOMER).await, None);
    assert_eq!(known(&world, NEIGHBOUR).await, neighbour);
}

#[tokio::test]
async fn asking_again_is_answered_as_before_and_nobody_is_not_there() {
    let world = send::ready().await;
    send::written_by(&world, CUSTOMER).await;
    let id = known(&world, CUSTOMER).await;
    assert_eq!(status(&world, "bravo", "DELETE", &format!("/v1/contacts/{id}")).await, 404);
    assert_eq!(known(&world, CUSTOMER).await, id);

    let statuses = [erase(&world, &id).await.status, erase(&world, &id).await.status];
    swept_out(&world).await;

    assert_eq!((statuses, erase(&world, &id).await.status), ([204, 204], 204));
    for nobody in ["ctc_AAAAAAAAAAAAAAAAAAAAAA", "ctc_x", "x", &id.replace("ctc_", "cnv_")] {
        assert_eq!(erase(&world, nobody).await.outcome(), (404, "not_found".to_owned()), "{nobody}");
    }
    let audited = world.table("AUDIT_TABLE").await.into_iter();
    let audited = audited.filter(|entry| entry["what"] == "DELETE /v1/contacts/{id}");
    let mut audited: Vec<(String, u64)> = audited
        .map(|entry| (entry["on"].as_str().unwrap_or("-").to_owned(), entry["status"].as_u64().unwrap()))
        .filter(|(on, _)| *on == id)
        .collect();
    audited.sort();
    assert_eq!(audited, vec![(id.clone(), 204); 3]);
}

#[tokio::test]
async fn what_arrives_afterwards_begins_a_conversation_of_its_own() {
    let world = send::ready().await;
    send::written_by(&world, CUSTOMER).await;
    let before = known(&world, CUSTOMER).await;
    assert_eq!(erase(&world, &before).await.status, 204);

    send::written_by(&world, CUSTOMER).await;
    let after = known(&world, CUSTOMER).await;
    swept_out(&world).await;

    assert_ne!(before, after);
    assert_eq!(known(&world, CUSTOMER).await, after);
    let path = format!("/v1/conversations/{}/messages", after.replace("ctc_", "cnv_"));
    let said = call(&world, ACME, "GET", &path).send().await;
    assert_eq!(said.body["data"].as_array().map(Vec::len), Some(1), "{said:?}");
    // And they can be answered.
    let answer = send::send(&world, &send::text(CUSTOMER, "Hello again")).await;
    send::settle(&world).await;
    assert_eq!(answer["contact"]["id"], json!(after));
    assert!(["sent", "delivered", "read"].contains(&send::status(&world, &answer).await.as_str()));
}

#[tokio::test]
async fn somebody_who_was_erased_can_be_written_to_anew() {
    let world = send::ready().await;
    send::written_by(&world, CUSTOMER).await;
    let before = known(&world, CUSTOMER).await;
    assert_eq!(erase(&world, &before).await.status, 204);

    let forced = json!({"to": format!("+{CUSTOMER}"), "type": "text", "text": {"body": "Hello"}, "force": true});
    let answer = send::send(&world, &forced).await;
    swept_out(&world).await;

    assert_ne!(answer["contact"]["id"], json!(before));
    assert_eq!(known(&world, CUSTOMER).await, answer["contact"]["id"].as_str().unwrap());
    send::settle(&world).await;
    assert_eq!(send::posts(&world).await.len(), 1);
}

#[tokio::test]
async fn what_was_to_go_out_does_not_and_is_not_made_again() {
    let world = send::ready().await;
    send::written_by(&world, CUSTOMER).await;
    let once =
        async || send::posting(&world, &send::text(CUSTOMER, "Hello")).header("idempotency-key", "once").send().await;
    assert_eq!(once().await.status, 202);
    let id = known(&world, CUSTOMER).await;

    assert_eq!(erase(&world, &id).await.status, 204);
    send::pass(&world, 120).await;
    let again = once().await;
    send::pass(&world, 120).await;

    assert_eq!(send::posts(&world).await, Vec::<Value>::new());
    assert_eq!(again.outcome(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn the_feed_tells_that_they_are_gone_and_shows_nothing_of_them() {
    let world = send::ready().await;
    send::written_by(&world, CUSTOMER).await;
    send::written_by(&world, NEIGHBOUR).await;
    let before = events(&world).await;
    let id = known(&world, CUSTOMER).await;
    let conversation = json!(id.replace("ctc_", "cnv_"));

    assert_eq!(erase(&world, &id).await.status, 204);
    let told = events(&world).await;
    swept_out(&world).await;
    let after = events(&world).await;

    let gone: Vec<(&Value, &Value)> = told[before.len()..]
        .iter()
        .filter(|event| event["conversation_id"] == conversation)
        .map(|event| (&event["type"], &event["data"]))
        .collect();
    assert_eq!(gone, [(&json!("conversation.updated"), &Value::Null), (&json!("contact.updated"), &Value::Null)]);
    // Each stands where it stood, under its id.
    let ids = |events: &[Value]| events.iter().map(|event| event["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&after)[..before.len()], ids(&before));
    for (was, is) in before.iter().zip(&after) {
        let expected = if was["conversation_id"] == conversation { &Value::Null } else { &was["data"] };
        assert_eq!(&is["data"], expected, "{is:#}");
    }
    assert!(before.iter().any(|event| event["conversation_id"] == conversation && event["data"].is_object()));
}

#[tokio::test]
async fn what_is_left_to_do_is_due_without_a_name_and_done_twice() {
    let world = send::ready().await;
    send::written_by(&world, CUSTOMER).await;
    let id = known(&world, CUSTOMER).await;
    assert_eq!(erase(&world, &id).await.status, 204);

    let left = erasures(&world).await;
    let first = swept(&world).await;
    world.clock.advance(SignedDuration::from_mins(2));
    let early = swept(&world).await;
    world.clock.advance(SignedDuration::from_mins(2));
    let then = swept(&world).await;

    assert_eq!((left.len(), left[0].to_string().contains(CUSTOMER)), (1, false), "{left:#?}");
    assert_eq!(([first, early, then], erasures(&world).await), ([0, 0, 1], Vec::new()));
}
