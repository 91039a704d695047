use emulators::{Fault, FaultKind, Site};
use serde_json::json;

use super::*;

#[tokio::test]
async fn an_answer_reaches_the_customer_and_what_meta_tells_of_it_is_shown() {
    let world = ready().await;
    written_by(&world, CUSTOMER).await;

    let mut body = text(CUSTOMER, "Until eight.");
    body["biz_opaque_callback_data"] = json!("order-42");
    let accepted = send(&world, &body).await;
    assert_eq!(
        (&accepted["status"], &accepted["wamid"], &accepted["origin"]),
        (&json!("accepted"), &json!(null), &json!("api"))
    );
    settle(&world).await;

    let message = shown(&world, &accepted).await;
    assert_eq!((&message["status"], &message["preview"]), (&json!("read"), &json!("Until eight.")), "{message:#}");
    assert_eq!(history(&message), ["api accepted", "graph sent", "webhook sent", "webhook delivered", "webhook read"]);
    assert_eq!(
        (&message["content"], &message["pricing"]["category"]),
        (&json!({"body": "Until eight."}), &json!("service"))
    );
    let posts = posts(&world).await;
    assert_eq!(posts.len(), 1, "{posts:#?}");
    let mut posted = posts[0]["body"].clone();
    let ours = posted.as_object_mut().unwrap().remove("biz_opaque_callback_data").unwrap();
    assert!(ours.as_str().is_some_and(|ours| ours.starts_with("pb1.") && ours.len() <= 512), "{ours}");
    let wanted = json!({"messaging_product": "whatsapp", "recipient_type": "individual", "to": "+16505551234",
        "type": "text", "text": {"body": "Until eight."}});
    assert_eq!(posted, wanted);
    let path = format!("/v1/conversations/{}", message["conversation_id"].as_str().unwrap());
    let conversation = call(&world, ACME, "GET", &path).send().await.body;
    assert_eq!(conversation["last_message"]["id"], message["id"]);
}

#[tokio::test]
async fn who_has_not_written_for_a_day_gets_templates_reactions_and_what_is_forced() {
    let world = ready().await;
    let refused = posting(&world, &text(CUSTOMER, "Hello")).send().await;
    assert_eq!((refused.status, refused.body["code"].as_str()), (422, Some("window_closed")), "{refused:?}");
    written_by(&world, CUSTOMER).await;
    send(&world, &text(CUSTOMER, "Hello")).await;
    world.clock.advance(SignedDuration::from_hours(24));

    let refused = posting(&world, &text(CUSTOMER, "Hello")).send().await;
    let mut forced = text(CUSTOMER, "Hello");
    forced["force"] = json!(true);
    let template = json!({"to": CUSTOMER, "type": "template",
        "template": {"name": "hello_world", "language": {"code": "en_US"}}});
    let mut direct = text(CUSTOMER, "Your code is 1");
    direct["category"] = json!("utility");

    assert_eq!(refused.body["code"], "window_closed");
    for body in [forced, template, direct] {
        send(&world, &body).await;
    }
}

#[tokio::test]
async fn a_conversation_knows_to_whom_and_the_default_account_from_whom() {
    let world = ready().await;
    written_by(&world, CUSTOMER).await;
    let conversations = call(&world, ACME, "GET", "/v1/conversations").send().await.body;
    let id = conversations["data"][0]["id"].as_str().unwrap();
    let path = format!("/v1/conversations/{id}/messages");
    let body = json!({"text": {"body": "Yes."}});

    let answered = call(&world, ACME, "POST", &path).json(&body).send().await;
    let to_whom = call(&world, ACME, "POST", &path).json(&text(CUSTOMER, "Yes.")).send().await;
    let by_default = call(&world, ACME, "POST", "/v1/messages").json(&text(CUSTOMER, "And no.")).send().await;
    let foreign = call(&world, "umbrella", "POST", &path).json(&json!({})).send().await;
    let none = call(&world, "umbrella", "POST", "/v1/messages").json(&text(CUSTOMER, "Hi")).send().await;

    assert_eq!((answered.status, &answered.body["conversation_id"]), (202, &json!(id)), "{answered:?}");
    assert_eq!((to_whom.status, &to_whom.body["errors"][0]["pointer"]), (422, &json!("/to")));
    assert_eq!((by_default.status, &by_default.body["conversation_id"]), (202, &json!(id)), "{by_default:?}");
    assert_eq!((foreign.status, none.status, none.body["code"].as_str()), (404, 409, Some("no_default_account")));
    settle(&world).await;
    let posts = posts(&world).await;
    let texts: Vec<&str> = posts.iter().map(|post| post["body"]["text"]["body"].as_str().unwrap()).collect();
    assert_eq!(texts, ["Yes.", "And no."], "in the order of acceptance");
}

#[tokio::test]
async fn one_key_makes_one_message_and_the_first_answer_is_given_again() {
    let world = ready().await;
    written_by(&world, CUSTOMER).await;
    let body = text(CUSTOMER, "Once");
    let keyed = |body: &Value| posting(&world, body).header("idempotency-key", "one");

    let first = keyed(&body).send().await;
    settle(&world).await;
    let again = keyed(&body).send().await;
    let other = keyed(&text(CUSTOMER, "Twice")).send().await;
    world.clock.advance(SignedDuration::from_hours(25));
    let late = keyed(&body).send().await;

    assert_eq!((first.status, again.status, late.status), (202, 202, 202), "{again:?}");
    assert_eq!((&again.body, &late.body), (&first.body, &first.body));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((other.status, other.body["code"].as_str()), (422, Some("idempotency_mismatch")));
    settle(&world).await;
    assert_eq!(posts(&world).await.len(), 1);
}

#[tokio::test]
async fn a_hundred_at_once_under_one_key_make_one_message() {
    let world = ready().await;
    written_by(&world, CUSTOMER).await;
    let body = text(CUSTOMER, "Once");

    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..100 {
        asking.spawn(posting(&world, &body).header("idempotency-key", "one").send());
    }
    let answers = asking.join_all().await;

    let accepted: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 202).collect();
    let in_flight = answers.iter().filter(|answer| answer.body["code"] == "idempotency_in_flight").count();
    println!("{} answered, {in_flight} told to wait", accepted.len());
    assert!(!accepted.is_empty() && accepted.len() + in_flight == 100, "{answers:?}");
    assert!(accepted.iter().all(|answer| answer.body["id"] == accepted[0].body["id"]));
    settle(&world).await;
    assert_eq!(posts(&world).await.len(), 1);
}

#[tokio::test]
async fn what_has_not_gone_can_be_cancelled_and_what_has_cannot() {
    let world = ready().await;
    written_by(&world, CUSTOMER).await;
    let (kept, gone) = (send(&world, &text(CUSTOMER, "No")).await, send(&world, &text(CUSTOMER, "Yes")).await);
    let cancel =
        |message: &Value| call(&world, ACME, "DELETE", &format!("/v1/messages/{}", message["id"].as_str().unwrap()));

    let (first, second) = (cancel(&kept).send().await, cancel(&kept).send().await);
    settle(&world).await;
    let late = cancel(&gone).send().await;

    assert_eq!(
        (first.status, first.body["status"].as_str(), second.status),
        (200, Some("cancelled"), 200),
        "{first:?}"
    );
    let wamid = shown(&world, &gone).await["wamid"].as_str().unwrap().replace('=', "%3D");
    let by_wamid = call(&world, ACME, "DELETE", &format!("/v1/messages/{wamid}")).send().await;
    let of_others = call(&world, "umbrella", "DELETE", &format!("/v1/messages/{wamid}")).send().await;
    for (answer, expected) in
        [(&late, (409, "already_claimed")), (&by_wamid, (409, "already_claimed")), (&of_others, (404, "not_found"))]
    {
        assert_eq!(answer.outcome(), (expected.0, expected.1.to_owned()));
    }
    assert_eq!((status(&world, &kept).await, status(&world, &gone).await), ("cancelled".into(), "read".into()));
    assert_eq!(posts(&world).await.len(), 1);
}

#[tokio::test]
async fn a_conversation_that_is_read_is_read_here_and_at_meta() {
    let world = ready().await;
    written_by(&world, CUSTOMER).await;
    let conversation = call(&world, ACME, "GET", "/v1/conversations").send().await.body["data"][0].clone();
    assert_eq!(conversation["unread"], 1);
    let path = format!("/v1/conversations/{}/read", conversation["id"].as_str().unwrap());

    let read = call(&world, ACME, "POST", &path).json(&json!({"typing": true})).send().await;
    let again = call(&world, ACME, "POST", &path).send().await;

    assert_eq!((read.status, &read.body["unread"], again.status), (200, &json!(0), 200), "{read:?}");
    let told = world.meta.calls("/messages").await;
    let bodies: Vec<&Value> = told.iter().map(|call| &call["body"]).collect();
    let wamid = &conversation["last_message"]["wamid"];
    let seen = |more: Value| {
        let mut body = json!({"messaging_product": "whatsapp", "status": "read", "message_id": wamid});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(bodies, [&seen(json!({"typing_indicator": {"type": "text"}})), &seen(json!({}))]);
}

#[tokio::test]
async fn an_account_that_does_not_send_says_why() {
    let world = ready().await;
    written_by(&world, CUSTOMER).await;
    let change = |body: Value| call(&world, ACME, "PATCH", &format!("/v1/accounts/{NUMBER}")).json(&body);
    assert_eq!(change(json!({"enabled": false})).send().await.status, 200);

    let paused = posting(&world, &text(CUSTOMER, "Hi")).send().await;
    let unread =
        call(&world, "umbrella", "POST", &format!("/v1/accounts/{NUMBER}/messages")).json(&json!([])).send().await;
    let wrong = posting(&world, &json!({"to": CUSTOMER, "text": {"body": ""}, "on_unknown": "maybe"})).send().await;

    assert_eq!((paused.status, paused.body["code"].as_str()), (409, Some("account_paused")), "{paused:?}");
    assert_eq!((unread.status, unread.body["code"].as_str()), (404, Some("not_found")), "{unread:?}");
    let pointers: Vec<&str> =
        wrong.body["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!((wrong.status, pointers), (422, vec!["/on_unknown", "/text/body"]), "{wrong:?}");
}

#[tokio::test]
async fn a_message_that_is_put_late_goes_out_although_its_order_was_let_go() {
    let world = ready().await;
    written_by(&world, CUSTOMER).await;
    let kind = FaultKind::Delay(SignedDuration::from_secs(8));
    world.aws.faults().arm(Fault { site: Site::named("dynamodb.PutItem:patchbay-MessagesTable#1"), kind });

    let asking = tokio::spawn(posting(&world, &text(CUSTOMER, "At last")).send());
    while world.aws.faults().fired().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let mut orders = 0;
    while !asking.is_finished() {
        orders += world.send_out().await.done;
        world.clock.advance(SignedDuration::from_secs(1));
    }
    let accepted = asking.await.unwrap();

    assert!(accepted.status == 202 && orders > 0, "{orders} {accepted:?}");
    settle(&world).await;
    assert_eq!((status(&world, &accepted.body).await, posts(&world).await.len()), ("read".into(), 1));
}

#[tokio::test]
async fn a_key_whose_first_request_died_makes_one_message_however_often_it_is_repeated() {
    let world = ready().await;
    written_by(&world, CUSTOMER).await;
    let under = |key: &'static str, caller: &str| {
        let path = format!("/v1/accounts/{NUMBER}/messages");
        let asked = world.cold_call(caller, "POST", &path).bearer(&world.first_key).tenant(ACME);
        asked.header("idempotency-key", key).json(&text(CUSTOMER, key))
    };
    world.aws.faults().record();
    assert_eq!(under("before", "send-before").send().await.status, 202);
    let seen = world.aws.faults().recorded();
    let sent = seen.iter().find(|seen| seen.caller == "send-before" && seen.operation == "SendMessageBatch").unwrap();
    let (site, _) = sent.site.as_str().rsplit_once('#').unwrap();

    // Its id is fixed, and nothing else has happened.
    world.aws.faults().arm(Fault { site: Site::named(format!("{site}#1")), kind: FaultKind::KillBefore });
    assert!(world.as_process("send-dead", under("one", "send-dead").send()).await.is_none(), "it died");
    world.clock.advance(SignedDuration::from_secs(61));
    let mut ids = Vec::new();
    for caller in ["send-second", "send-third", "send-fourth"] {
        let answer = under("one", caller).send().await;
        assert_eq!(answer.status, 202, "{answer:?}");
        ids.push(answer.text("id"));
    }

    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    settle(&world).await;
    assert_eq!(posts(&world).await.iter().filter(|post| post["body"]["text"]["body"] == "one").count(), 1);
}
