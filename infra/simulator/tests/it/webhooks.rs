//! Checklist 4, 7 and 9: what is delivered, where, how it is written, and what happens when nobody says 200.

use http::Method;
use serde_json::{Value, json};

use crate::world::{APP, BUSINESS, NUMBER, WABA, World, app_token, until};

fn text(number: &str) -> Value {
    json!({"phone_number_id": number, "type": "text", "text": {"body": "Grüße/hello 👋"}})
}

#[tokio::test]
async fn a_customers_message_arrives_signed_and_written_as_meta_writes() {
    let world = World::start().await;
    world.subscribed(WABA[0]).await;

    let answer = world.must("inbound", text(NUMBER[0])).await;

    let heard = world.app.heard();
    let wamid = answer["wamids"][0].clone();
    assert_eq!((heard.len(), answer["deliveries"][0]["status"].clone()), (1, json!(200)));
    assert!(heard[0].is_signed());
    assert_eq!(heard[0].headers["user-agent"], "facebookexternalua");
    assert!(String::from_utf8(heard[0].raw.to_vec()).unwrap().contains(r#""Gr\u00fc\u00dfe\/hello \ud83d\udc4b""#));
    let user = heard[0].value()["messages"][0]["from_user_id"].clone();
    assert!(user.as_str().unwrap().starts_with("US."));
    assert_eq!(
        heard[0].body(),
        json!({"object": "whatsapp_business_account", "entry": [{"id": WABA[0], "changes": [{"field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550100001", "phone_number_id": NUMBER[0]},
            "contacts": [{"profile": {"name": "Maria Silva"}, "wa_id": "15557770001", "user_id": user}],
            "messages": [{"from": "15557770001", "from_user_id": user, "id": wamid, "timestamp": world.now().to_string(),
                "type": "text", "text": {"body": "Grüße/hello 👋"}}],
        }}]}]})
    );
    let message = world.state().await["messages"][0].clone();
    assert_eq!(
        (&message["id"], &message["direction"], &message["status"]),
        (&wamid, &json!("inbound"), &json!("received"))
    );
}

#[tokio::test]
async fn nobody_hears_of_a_waba_they_are_not_subscribed_to() {
    let world = World::start().await;
    world.subscribed(WABA[0]).await;

    let answer = world.must("inbound", text(NUMBER[4])).await;

    assert_eq!((answer["wamids"].as_array().unwrap().len(), &answer["deliveries"]), (1, &json!([])));
    assert_eq!(world.sim("inbound", text("1")).await.status, 404);
    for wrong in [
        json!({"phone_number_id": NUMBER[0], "type": "text"}),
        json!({"phone_number_id": NUMBER[0], "type": "text", "text": "Hi"}),
    ] {
        assert_eq!(world.sim("inbound", wrong).await.status, 400);
    }
}

#[tokio::test]
async fn a_person_may_show_no_number_and_keeps_their_id() {
    let world = World::start().await;
    world.subscribed(WABA[0]).await;

    let mut unnumbered = text(NUMBER[0]);
    unnumbered["user_id"] = json!("US.13491208655302741918");
    unnumbered["parent_user_id"] = json!("US.ENT.1");
    unnumbered["username"] = json!("realsheenanelson");
    world.must("inbound", unnumbered).await;
    let value = world.app.heard()[0].value();
    assert_eq!(
        value["contacts"],
        json!([{"profile": {"name": "Customer", "username": "realsheenanelson"}, "user_id": "US.13491208655302741918",
        "parent_user_id": "US.ENT.1"}])
    );
    assert_eq!(value["messages"][0]["from"], Value::Null);
    assert_eq!(value["messages"][0]["from_user_id"], "US.13491208655302741918");
    assert_eq!(value["messages"][0]["from_parent_user_id"], "US.ENT.1");

    world.app.forget();
    let mut numbered = text(NUMBER[1]);
    numbered["from"] = json!("4915557770002");
    for _ in 0..2 {
        world.must("inbound", numbered.clone()).await;
    }
    let ids: Vec<Value> =
        world.app.heard().iter().map(|heard| heard.value()["contacts"][0]["user_id"].clone()).collect();
    assert!(ids[0] == ids[1] && ids[0].as_str().unwrap().starts_with("DE."));
}

#[tokio::test]
async fn a_changed_user_id_is_told_by_the_system_and_is_theirs_from_then_on() {
    let world = World::start().await;
    world.subscribed(WABA[0]).await;
    world.must("inbound", text(NUMBER[0])).await;
    let old = world.app.heard()[0].value()["messages"][0]["from_user_id"].clone();
    world.app.forget();

    let system =
        json!({"type": "user_changed_user_id", "user_id": "US.2", "previous_user_id": old, "body": "User changed"});
    let change = json!({"phone_number_id": NUMBER[0], "from": "15557770001", "type": "system", "system": system});
    world.must("inbound", change).await;
    world.must("inbound", text(NUMBER[0])).await;

    let heard = world.app.heard();
    assert_eq!((&heard[0].value()["contacts"], &heard[0].value()["messages"][0]["system"]), (&Value::Null, &system));
    assert_eq!(heard[1].value()["messages"][0]["from_user_id"], "US.2");
}

#[tokio::test]
async fn a_changed_number_is_told_by_the_system_and_is_theirs_from_then_on() {
    let world = World::start().await;
    world.subscribed(WABA[0]).await;
    world.must("inbound", text(NUMBER[0])).await;
    let before = world.app.heard()[0].value()["contacts"][0]["user_id"].clone();

    let system =
        json!({"type": "user_changed_number", "wa_id": "15557770009", "user_id": "US.9", "body": "User changed"});
    let change = json!({"phone_number_id": NUMBER[0], "from": "15557770001", "type": "system", "system": system});
    world.must("inbound", change).await;
    world.app.forget();
    let mut later = text(NUMBER[0]);
    later["from"] = json!("15557770009");
    world.must("inbound", later).await;

    let value = world.app.heard()[0].value();
    assert_eq!(
        value["contacts"],
        json!([{"profile": {"name": "Maria Silva"}, "wa_id": "15557770009", "user_id": "US.9"}])
    );
    world.must("inbound", text(NUMBER[0])).await;
    let stranger = world.app.heard()[1].value()["contacts"][0]["user_id"].clone();
    assert!(stranger != "US.9" && stranger != before, "whoever has the old number now is somebody else");
}

#[tokio::test]
async fn many_messages_come_one_by_one_or_in_batches() {
    let world = World::start().await;
    world.subscribed(WABA[0]).await;
    let with = |count: usize, batch: usize| {
        let mut inbound = text(NUMBER[0]);
        (inbound["count"], inbound["batch"]) = (json!(count), json!(batch));
        inbound
    };

    let single = world.must("inbound", with(3, 1)).await;
    assert_eq!((single["wamids"].as_array().unwrap().len(), single["deliveries"].as_array().unwrap().len()), (3, 3));
    world.app.forget();
    let batched = world.must("inbound", with(1001, 1000)).await;
    assert_eq!(
        (batched["wamids"].as_array().unwrap().len(), batched["deliveries"].as_array().unwrap().len()),
        (1001, 2)
    );
    let mut sizes: Vec<usize> =
        world.app.heard().iter().map(|heard| heard.value()["messages"].as_array().unwrap().len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 1000]);
    assert_eq!(world.sim("inbound", with(0, 1)).await.status, 400);
}

#[tokio::test]
async fn anything_but_200_is_tried_again_later_and_later_and_then_dropped() {
    let world = World::start().await;
    world.subscribed(WABA[0]).await;
    world.app.will_answer(&[500, 404, 204]);

    let answer = world.must("inbound", text(NUMBER[0])).await;
    assert_eq!(answer["deliveries"][0]["status"], 500);
    for (tries, seconds) in [(1, 1), (2, 10), (3, 60)] {
        assert_eq!(pending(&world, tries).await, [(json!(tries), json!(rfc3339(world.now() + seconds)))]);
        world.advance(seconds);
        world.app.hears(tries + 1).await;
    }
    assert_eq!(pending(&world, 0).await, []);
    let heard = world.app.heard();
    assert!(heard.iter().all(|again| again.raw == heard[0].raw && again.is_signed()));

    world.app.forget();
    world.app.will_answer(&[500; 4]);
    world.must("inbound", text(NUMBER[0])).await;
    for (tries, seconds) in [(1, 1), (2, 10), (3, 60)] {
        pending(&world, tries).await;
        world.advance(seconds);
    }
    assert_eq!(pending(&world, 0).await, [], "it is dropped after the last try");
    assert_eq!(world.app.heard().len(), 4);
}

/// The webhooks still to be delivered, once the first of them (if there should be one) has been tried so often.
async fn pending(world: &World, tries: usize) -> Vec<(Value, Value)> {
    for _ in 0..1000 {
        let listed = world.sim_get("deliveries").await.body;
        let first = listed[0]["tries"].as_u64().unwrap_or(0);
        if first == tries as u64 && (tries > 0 || listed == json!([])) {
            let rows = listed.as_array().unwrap().iter();
            return rows.map(|row| (row["tries"].clone(), row["due_at"].clone())).collect();
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    panic!("never tried {tries} times");
}

fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap().to_string()
}

#[tokio::test]
async fn a_dead_endpoint_counts_as_no_answer() {
    let world = World::start().await;
    world.subscribed(WABA[0]).await;
    world.must("app", json!({"callback_url": "http://127.0.0.1:9/"})).await;

    let answer = world.must("inbound", text(NUMBER[0])).await;
    assert_eq!(answer["deliveries"][0]["status"], 0);

    let directly = world.must("deliver", json!({"body": "x"})).await;
    assert_eq!(directly[0]["status"], 0);
}

#[tokio::test]
async fn a_numbers_address_goes_before_its_wabas_before_the_apps() {
    let world = World::start().await;
    let token = world.subscribed(WABA[0]).await;
    let uri = |path: &str| format!("{}/{path}", world.app.base);
    let paths = async || {
        world.app.forget();
        world.must("inbound", text(NUMBER[0])).await;
        world.must("inbound", text(NUMBER[1])).await;
        let alert = json!({"phone_number_id": NUMBER[0], "field": "account_alerts", "value": {"entity_type": "WABA"}});
        world.must("event", alert).await;
        world.app.heard().into_iter().map(|heard| heard.path).collect::<Vec<_>>()
    };

    assert_eq!(paths().await, ["/webhooks", "/webhooks", "/webhooks"]);
    let body = json!({"override_callback_uri": uri("waba"), "verify_token": "v"});
    world.post(&format!("{}/subscribed_apps", WABA[0]), &token, body).await;
    assert_eq!(paths().await, ["/waba", "/waba", "/webhooks"]);
    let own = json!({"webhook_configuration": {"override_callback_uri": uri("number"), "verify_token": "v"}});
    world.post(NUMBER[0], &token, own).await;
    assert_eq!(paths().await, ["/number", "/waba", "/webhooks"]);
}

#[tokio::test]
async fn any_body_is_delivered_byte_for_byte() {
    let world = World::start().await;
    let body = "{\"x\": \"ü \u{0001}\"} trailing";

    let answer = world.must("deliver", json!({"body": body, "sign": true, "times": 3, "concurrency": 2})).await;
    let statuses: Vec<Value> = answer.as_array().unwrap().iter().map(|tried| tried["status"].clone()).collect();
    assert_eq!(statuses, [200, 200, 200]);
    assert!(world.app.heard().iter().all(|heard| heard.raw == body && heard.is_signed()));

    world.app.forget();
    world.must("deliver", json!({"body": body, "sign": false})).await;
    world.must("deliver", json!({"body": body, "sign": "wrong"})).await;
    world.must("deliver", json!({"body_base64": "AP+A"})).await;
    let heard = world.app.heard();
    assert!(!heard[0].headers.contains_key("x-hub-signature-256"));
    assert!(heard[1].headers.contains_key("x-hub-signature-256") && !heard[1].is_signed());
    assert_eq!((heard[2].raw.as_ref(), heard[2].is_signed()), ([0, 255, 128].as_slice(), true));

    world.app.forget();
    world.app.will_answer(&[500]);
    let big = "x".repeat(3 * 1024 * 1024);
    assert_eq!(world.must("deliver", json!({"body": big})).await[0]["status"], 500);
    world.advance(3600);
    assert_eq!(world.app.heard().len(), 1, "no retries");
    for wrong in [
        json!({}),
        json!({"body": "x", "body_base64": "eA=="}),
        json!({"body": "x", "sign": "maybe"}),
        json!({"body": "x", "times": 0}),
    ] {
        assert_eq!(world.sim("deliver", wrong).await.status, 400);
    }
}

#[tokio::test]
async fn every_field_can_be_told_by_name() {
    let world = World::start().await;
    world.subscribed(WABA[0]).await;
    let value =
        json!({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE", "waba_ban_date": "1 May 2027"}});

    world.must("event", json!({"waba_id": WABA[0], "field": "account_update", "value": value})).await;
    let history = json!({"history": []});
    world.must("event", json!({"phone_number_id": NUMBER[0], "field": "history", "value": history})).await;

    let heard = world.app.heard();
    let now = world.now();
    assert_eq!(
        heard[0].entry(),
        json!({"id": WABA[0], "time": now, "changes": [{"field": "account_update", "value": value}]})
    );
    assert_eq!(heard[1].entry(), json!({"id": WABA[0], "changes": [{"field": "history", "value": history}]}));
    assert_eq!(world.sim("event", json!({"waba_id": WABA[0], "field": "weather", "value": {}})).await.status, 400);
    assert_eq!(world.sim("event", json!({"waba_id": "1", "field": "messages", "value": {}})).await.status, 404);
}

#[tokio::test]
async fn the_app_subscribes_to_fields_under_a_callback_that_proves_itself() {
    let world = World::start().await;
    world.subscribed(WABA[0]).await;
    let path = format!("{APP}/subscriptions");
    let uri = format!("{}/new", world.app.base);
    let body = json!({"object": "whatsapp_business_account", "callback_url": uri, "verify_token": "fresh", "fields": "messages,account_update"});

    assert_eq!(world.post(&path, &world.system_token(0).await, body.clone()).await.error().0, 15);
    assert_eq!(world.post(&path, &app_token(), body.clone()).await.body, json!({"success": true}));
    let fields = json!([{"name": "messages", "version": "v25.0"}, {"name": "account_update", "version": "v25.0"}]);
    assert_eq!(
        world.get(&path, &app_token()).await.body,
        json!({"data": [{"object": "whatsapp_business_account", "callback_url": uri, "active": true, "fields": fields}]})
    );
    world.must("inbound", text(NUMBER[0])).await;
    let silent = json!({"waba_id": WABA[0], "field": "account_alerts", "value": {}});
    assert_eq!(world.must("event", silent).await["deliveries"], json!([]));
    assert_eq!(world.app.heard().iter().map(|heard| heard.path.as_str()).collect::<Vec<_>>(), ["/new"]);

    world.app.refuses_the_handshake();
    assert_eq!(world.post(&path, &app_token(), body).await.error().0, 2200);
    assert_eq!(world.delete(&path, &app_token()).await.body, json!({"success": true}));
    assert_eq!(world.must("inbound", text(NUMBER[0])).await["deliveries"], json!([]));
}

#[tokio::test]
async fn changing_the_pin_is_told_as_a_matter_of_security() {
    let world = World::start().await;
    let token = world.subscribed(WABA[0]).await;

    world.graph(Method::POST, NUMBER[0], &token, Some(json!({"pin": "111111"}))).await;

    let heard = world.app.hears(1).await;
    assert_eq!(
        (heard[0].field(), heard[0].value()),
        ("security".to_owned(), json!({"display_phone_number": "15550100001", "event": "PIN_CHANGED"}))
    );
    assert_eq!(heard[0].entry()["id"], WABA[0]);
    assert_ne!(heard[0].entry()["id"], BUSINESS[0]);
    until(|| (world.app.heard().len() == 1).then_some(())).await;
}

#[tokio::test]
async fn a_status_can_be_told_by_hand() {
    let world = World::start().await;
    world.subscribed(WABA[0]).await;
    let wamid = world.must("inbound", text(NUMBER[0])).await["wamids"][0].clone();
    world.app.forget();

    let errors = json!([{"code": 131026, "title": "Message undeliverable"}]);
    let answer = world.must("status", json!({"wamid": wamid, "status": "failed", "errors": errors})).await;

    assert_eq!(answer["deliveries"][0]["status"], 200);
    let value = world.app.heard()[0].value();
    let user = value["statuses"][0]["recipient_user_id"].clone();
    assert_eq!(
        value["statuses"],
        json!([{"id": wamid, "status": "failed", "timestamp": world.now().to_string(), "recipient_id": "15557770001",
            "recipient_user_id": user, "errors": errors}])
    );
    assert_eq!(value["contacts"], Value::Null);
    let message = world.state().await["messages"][0].clone();
    assert_eq!((&message["status"], &message["history"][0]["webhook"]), (&json!("failed"), &json!("DELIVERED")));
    assert_eq!(world.sim("status", json!({"wamid": "wamid.x", "status": "read"})).await.status, 404);
}

/// What a number's customer wrote, in the order it was told.
fn bodies(world: &World) -> Vec<String> {
    let texts = world.app.heard().into_iter().filter_map(|heard| heard.value()["messages"].as_array().cloned());
    texts.flatten().map(|message| message["text"]["body"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn webhooks_of_a_number_are_told_in_another_order_where_that_is_asked_for() {
    let world = World::start().await;
    world.subscribed(WABA[0]).await;
    assert_eq!(world.must("app", json!({"reorder": true})).await["reorder"], true);
    let write = async |number: &str, body: &str| {
        let message = json!({"phone_number_id": number, "type": "text", "text": {"body": body}});
        world.must("inbound", message).await["deliveries"].as_array().unwrap().len()
    };

    let waited_for = [
        write(NUMBER[0], "first").await,
        write(NUMBER[1], "another number's").await,
        write(NUMBER[0], "second").await,
        write(NUMBER[0], "third").await,
        write(NUMBER[0], "fourth").await,
        write(NUMBER[0], "fifth").await,
    ];
    world.app.hears(4).await;

    assert_eq!(waited_for, [0, 0, 1, 0, 1, 0], "what is held back alone is not waited for");
    assert_eq!(bodies(&world), ["second", "first", "fourth", "third"]);
    // Nobody comes after them: they do not wait for ever.
    world.advance(2);
    world.app.hears(6).await;
    let mut last = bodies(&world).split_off(4);
    last.sort_unstable();
    assert_eq!(last, ["another number's", "fifth"]);

    world.must("app", json!({"reorder": false})).await;
    world.app.forget();
    for body in ["sixth", "seventh"] {
        assert_eq!(write(NUMBER[0], body).await, 1);
    }
    assert_eq!(bodies(&world), ["sixth", "seventh"]);
}

#[tokio::test]
async fn what_waits_behind_another_goes_when_that_was_tried_whatever_came_of_it() {
    let world = World::start().await;
    world.subscribed(WABA[0]).await;
    world.must("app", json!({"reorder": true})).await;
    world.app.will_answer(&[500]);

    for body in ["first", "second"] {
        world.must("inbound", json!({"phone_number_id": NUMBER[0], "type": "text", "text": {"body": body}})).await;
    }
    world.app.hears(2).await;
    world.advance(1);
    world.app.hears(3).await;

    assert_eq!(bodies(&world), ["second", "first", "second"]);
    world.advance(100);
    let state = world.sim_get("deliveries").await.body;
    assert_eq!((state, world.app.heard().len()), (json!([]), 3));
}
