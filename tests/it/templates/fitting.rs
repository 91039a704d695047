//! What is sent is held against the template that it names, as far as it is known.

use serde_json::{Value, json};
use tests::{Answer, World};

use super::{asked, created, listed, order, path};
use crate::{
    connect::{NUMBER, call},
    send::{self, ACME, CUSTOMER},
};

fn message(name: &str, parameters: &[&str], button: bool) -> Value {
    let texts = |texts: &[&str]| texts.iter().map(|text| json!({"type": "text", "text": text})).collect::<Vec<_>>();
    let mut components = vec![json!({"type": "body", "parameters": texts(parameters)})];
    if button {
        components.push(json!({"type": "button", "sub_type": "url", "index": "0", "parameters": texts(&["4711"])}));
    }
    json!({"to": format!("+{CUSTOMER}"), "type": "template",
        "template": {"name": name, "language": {"code": "en_US"}, "components": components}})
}

fn faults(answer: &Answer) -> Vec<&str> {
    let errors = answer.body["errors"].as_array().into_iter().flatten();
    errors.filter_map(|error| error["pointer"].as_str()).collect()
}

/// A world in which acme has handed in `order_shipped`, and it was approved.
async fn approved() -> World {
    let world = send::ready().await;
    created(&world, "order_shipped").await;
    world.clock.advance(jiff::SignedDuration::from_secs(5));
    super::told(&world).await;
    world
}

#[tokio::test]
async fn a_message_that_cannot_fit_its_template_is_refused_with_the_place() {
    let world = approved().await;

    let fits = send::posting(&world, &message("order_shipped", &["Ada", "Monday"], true)).send().await;
    let short = send::posting(&world, &message("order_shipped", &["Ada"], true)).send().await;
    let no_button = send::posting(&world, &message("order_shipped", &["Ada", "Monday"], false)).send().await;

    assert_eq!(fits.status, 202, "{fits:?}");
    assert_eq!(
        (short.outcome(), faults(&short)),
        ((422, "invalid_body".to_owned()), vec!["/template/components/0/parameters"])
    );
    assert_eq!(
        (no_button.outcome(), faults(&no_button)),
        ((422, "invalid_body".to_owned()), vec!["/template/components"])
    );
    send::settle(&world).await;
    assert_eq!(send::status(&world, &fits.body).await, "read");
    // In a conversation as well.
    let conversation = fits.body["conversation_id"].as_str().unwrap();
    let mut answer = message("order_shipped", &["Ada"], true);
    answer.as_object_mut().unwrap().remove("to");
    let path = format!("/v1/conversations/{conversation}/messages");
    let refused = call(&world, ACME, "POST", &path).json(&answer).send().await;
    assert_eq!((refused.status, faults(&refused)), (422, vec!["/template/components/0/parameters"]), "{refused:?}");
}

#[tokio::test]
async fn what_is_not_known_is_metas_to_decide() {
    let world = approved().await;
    let mut german = message("order_shipped", &["Ada"], false);
    german["template"]["language"]["code"] = json!("de");

    // Nobody here knows these; Meta does not either, and says so.
    for unknown in [message("never_heard_of", &["x"], false), german] {
        let accepted = send::posting(&world, &unknown).send().await;
        assert_eq!(accepted.status, 202, "{accepted:?}");
        send::settle(&world).await;
        let failed = send::shown(&world, &accepted.body).await;
        assert_eq!((&failed["status"], &failed["error"]["meta"]["code"]), (&json!("failed"), &json!(132_001)));
    }
    // One that is gone here may be there again.
    assert_eq!(call(&world, ACME, "DELETE", &format!("{}/order_shipped", path())).send().await.status, 204);
    assert_eq!(send::posting(&world, &message("order_shipped", &[], false)).send().await.status, 202);
}

#[tokio::test]
async fn each_recipient_of_a_batch_is_held_against_it_alone() {
    let world = approved().await;
    let batch = json!({
        "message": {"type": "template", "template": order("order_shipped").as_object().map(|_| json!({
            "name": "order_shipped", "language": {"code": "en_US"}, "components": [
                {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": "4711"}]}]}))},
        "recipients": [
            {"to": "+16505550001", "parameters": ["Ada", "Monday"]},
            {"to": "+16505550002", "parameters": ["Ada"]},
            {"to": "+16505550003"},
            {"to": "+16505550004", "parameters": {"components": [
                {"type": "body", "parameters": [{"type": "text", "text": "Ada"}]},
                {"type": "button", "sub_type": "url", "index": 0, "parameters": [{"type": "text", "text": "1"}]}]}},
        ],
    });

    let answer = call(&world, ACME, "POST", &format!("/v1/accounts/{NUMBER}/messages/batch")).json(&batch).send().await;

    assert_eq!(answer.status, 202, "{answer:?}");
    let told: Vec<(Value, Value)> = answer.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["status"].clone(), one["error"]["errors"][0]["pointer"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            (json!("accepted"), Value::Null),
            (Value::Null, json!("/parameters")),
            (Value::Null, json!("/message/template/components")),
            (Value::Null, json!("/parameters/components/0/parameters")),
        ]
    );
}

#[tokio::test]
async fn a_template_is_read_with_all_else_that_a_message_needs() {
    let world = approved().await;
    send::written_by(&world, CUSTOMER).await;
    send::send(&world, &message("order_shipped", &["Ada", "Monday"], true)).await;
    world.aws.clear_calls();

    send::send(&world, &message("order_shipped", &["Ada", "Tuesday"], true)).await;

    let calls = world.aws.calls().into_iter().filter(|call| call.caller == "send");
    let calls: Vec<String> = calls.map(|call| call.operation).collect();
    assert_eq!(calls, ["BatchGetItem", "SendMessageBatch", "PutItem"]);
}

#[tokio::test]
async fn sending_reads_nothing_from_metas_list() {
    let world = approved().await;
    listed(&world, ACME, NUMBER).await;
    let before = asked(&world, "GET").await;

    send::send(&world, &message("order_shipped", &["Ada", "Monday"], true)).await;
    send::posting(&world, &message("order_shipped", &[], true)).send().await;

    assert_eq!(asked(&world, "GET").await, before);
}
