use serde_json::json;

use super::*;

/// The messages of the conversation with [`CUSTOMER`] that a filter takes, newest first.
async fn listed(world: &World, filter: &str) -> Vec<String> {
    let found = call(world, ACME, "GET", &format!("/v1/conversations?phone={CUSTOMER}")).send().await.body;
    let path = format!("/v1/conversations/{}/messages?{filter}", found["data"][0]["id"].as_str().unwrap());
    let answer = call(world, ACME, "GET", &path).send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let id = |message: &Value| message["id"].as_str().unwrap().to_owned();
    answer.body["data"].as_array().unwrap().iter().map(id).collect()
}

fn id(message: &Value) -> String {
    message["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_history_tells_apart_how_far_messages_came() {
    let world = ready().await;
    written_by(&world, CUSTOMER).await;
    let arrived = send(&world, &text(CUSTOMER, "One")).await;
    settle(&world).await;
    let refused = send(&world, &text(CUSTOMER, "Two")).await;
    fault(&world, 1, refusal(131_026)).await;
    settle(&world).await;
    let withdrawn = send(&world, &text(CUSTOMER, "Three")).await;
    let path = format!("/v1/messages/{}", id(&withdrawn));
    assert_eq!(call(&world, ACME, "DELETE", &path).send().await.status, 200);
    let mut template = json!({"to": CUSTOMER, "type": "template"});
    template["template"] = json!({"name": "hello_world", "language": {"code": "en_US"}});
    let held = send(&world, &template).await;
    fault(&world, 1, refusal(190)).await;
    settle(&world).await;

    let outbound = [id(&held), id(&withdrawn), id(&refused), id(&arrived)];
    assert_eq!(listed(&world, "direction=outbound").await, outbound);
    for (status, message) in [("read", &arrived), ("failed", &refused), ("cancelled", &withdrawn), ("held", &held)] {
        assert_eq!(listed(&world, &format!("status={status}")).await, [id(message)], "{status}");
    }
    assert_eq!(listed(&world, "status=received").await.len(), 1);
    assert_eq!(listed(&world, "type=template").await, [id(&held)]);
    assert_eq!(listed(&world, "status=accepted").await, Vec::<String>::new());
    let wamid = shown(&world, &arrived).await["wamid"].as_str().unwrap().replace('=', "%3D");
    let by_wamid = call(&world, ACME, "GET", &format!("/v1/messages/{wamid}")).send().await;
    assert_eq!((by_wamid.status, &by_wamid.body["id"]), (200, &arrived["id"]), "{by_wamid:?}");
}

#[tokio::test]
async fn a_message_of_a_batch_is_shown_before_it_is_made_as_it_will_be() {
    let world = ready().await;
    written_by(&world, CUSTOMER).await;
    let recipients = json!([{"to": CUSTOMER}, {"to": "+16505550002"}]);
    let batch = json!({"message": {"text": {"body": "We close at noon."}}, "recipients": recipients});
    let path = format!("/v1/accounts/{NUMBER}/messages/batch");
    let answer = call(&world, ACME, "POST", &path).json(&batch).send().await;
    assert_eq!((answer.status, answer.body["data"][1]["error"]["code"].as_str()), (202, Some("window_closed")));
    let path = format!("/v1/messages/{}?include=raw", answer.body["data"][0]["id"].as_str().unwrap());
    let show = |tenant: &str| call(&world, tenant, "GET", &path).send();

    let (before, of_others) = (show(ACME).await, show("umbrella").await);
    let listed_before = listed(&world, "direction=outbound").await;
    // The batch is made into messages, and none of them has gone yet.
    let order = world.receive(&world.cold_outbound("maker")).await;
    assert!(world.invoke(&world.cold_outbound("maker"), "maker", &order).await.is_some_and(|again| again.is_empty()));
    let after = show(ACME).await;

    assert_eq!((before.status, of_others.status, before.text("status").as_str()), (200, 404, "accepted"), "{before:?}");
    assert_eq!(before.body["content"], json!({"body": "We close at noon."}));
    assert_eq!((&before.body, listed_before), (&after.body, Vec::new()));
    assert_eq!(listed(&world, "direction=outbound").await, [id(&after.body)]);
}
