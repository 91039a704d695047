use super::*;

fn batch(world: &World, body: &Value) -> Call {
    call(world, ACME, "POST", &format!("/v1/accounts/{NUMBER}/messages/batch")).json(body)
}

fn template() -> Value {
    json!({"type": "template", "template": {"name": "hello_world", "language": {"code": "en_US"}}})
}

#[tokio::test]
async fn a_batch_is_answered_for_each_recipient_and_a_bad_one_stops_nobody() {
    let world = ready().await;
    let recipients =
        json!([{"to": "+16505550001"}, {"to": "nobody"}, {"to": "+1 (650) 555-0002"}, {"to": "+16505550001"}]);
    let body = json!({"message": template(), "recipients": recipients});

    let answer = batch(&world, &body).header("idempotency-key", "b").send().await;
    let again = batch(&world, &body).header("idempotency-key", "b").send().await;

    assert_eq!((answer.status, again.status, &again.body), (202, 202, &answer.body), "{answer:?}");
    let data = answer.body["data"].as_array().unwrap();
    let statuses: Vec<&Value> = data.iter().map(|place| &place["status"]).collect();
    assert_eq!(statuses, [&json!("accepted"), &Value::Null, &json!("accepted"), &json!("accepted")]);
    assert_eq!(
        (&data[1]["error"]["code"], &data[1]["error"]["errors"][0]["pointer"]),
        (&json!("invalid_body"), &json!("/to"))
    );
    let message = shown(&world, &data[2]).await;
    assert_eq!(
        (&message["status"], &message["contact"]["phone"]),
        (&json!("accepted"), &json!("16505550002")),
        "{message:#}"
    );

    settle(&world).await;
    let mut to: Vec<String> =
        posts(&world).await.iter().map(|post| post["body"]["to"].as_str().unwrap().to_owned()).collect();
    to.sort_unstable();
    assert_eq!(to, ["+1 (650) 555-0002", "+16505550001", "+16505550001"]);
    for place in [0, 2, 3] {
        assert_eq!(status(&world, &data[place]).await, "read");
    }
}

#[tokio::test]
async fn a_thousand_recipients_are_one_job_and_each_gets_its_own_words() {
    let world = ready().await;
    let recipients: Vec<Value> = (0..1_000)
        .map(|number| json!({"to": format!("+1650556{number:04}"), "parameters": [format!("Person {number}")]}))
        .collect();
    let template = json!({"type": "template", "template": {"name": "order_shipped", "language": {"code": "en_US"}}});

    let answer = batch(&world, &json!({"message": template, "recipients": recipients})).send().await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let ids = answer.body["data"].as_array().unwrap().clone();
    let cancelled =
        call(&world, ACME, "DELETE", &format!("/v1/messages/{}", ids[999]["id"].as_str().unwrap())).send().await;
    assert_eq!((cancelled.status, cancelled.body["status"].as_str()), (200, Some("cancelled")), "{cancelled:?}");
    let mut seconds = 0;
    while posts(&world).await.len() < 999 && seconds < 120 {
        world.send_out().await;
        world.clock.advance(SignedDuration::from_secs(1));
        seconds += 1;
    }

    println!("999 messages of one batch: {seconds} seconds of the clock");
    let posts = posts(&world).await;
    assert_eq!(posts.len(), 999);
    let words = |post: &Value| post["body"]["template"]["components"][0]["parameters"][0].clone();
    assert!(posts.iter().all(|post| {
        let number: usize = post["body"]["to"].as_str().unwrap()[8..].parse().unwrap();
        words(post) == json!({"type": "text", "text": format!("Person {number}")})
    }));
}

#[tokio::test]
async fn the_window_is_each_recipients_own() {
    let world = ready().await;
    written_by(&world, CUSTOMER).await;
    let recipients = json!([{"to": CUSTOMER}, {"to": "+16505550003"}]);
    let body = json!({"message": {"type": "text", "text": {"body": "We close early."}}, "recipients": recipients});

    let answer = batch(&world, &body).send().await;
    let foreign = call(&world, "umbrella", "POST", &format!("/v1/accounts/{NUMBER}/messages/batch"))
        .json(&json!({}))
        .send()
        .await;
    let none = batch(&world, &json!({"message": {"type": "text"}, "recipients": []})).send().await;

    assert_eq!(
        (&answer.body["data"][0]["status"], &answer.body["data"][1]["error"]["code"]),
        (&json!("accepted"), &json!("window_closed"))
    );
    assert_eq!(foreign.status, 404);
    assert_eq!(none.status, 422, "{none:?}");
}
