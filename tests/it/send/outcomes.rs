use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use tests::Consent;
use tokio::task::JoinSet;

use super::*;
use crate::connect::{ONE, begin, start_url};

async fn one(world: &World) -> Value {
    written_by(world, CUSTOMER).await;
    send(world, &text(CUSTOMER, "One")).await
}

#[tokio::test]
async fn what_meta_refuses_has_failed_with_its_code_and_remedy() {
    let world = ready().await;
    let message = one(&world).await;
    fault(&world, 1, refusal(131_026)).await;

    settle(&world).await;

    let failed = shown(&world, &message).await;
    assert_eq!(
        (failed["status"].as_str(), failed["error"]["code"].as_str()),
        (Some("failed"), Some("undeliverable")),
        "{failed:#}"
    );
    assert_eq!((&failed["error"]["meta"]["code"], &failed["error"]["retryable"]), (&json!(131_026), &json!(false)));
    pass(&world, 600).await;
    assert_eq!(posts(&world).await.len(), 1);
}

#[tokio::test]
async fn a_throttle_is_waited_for_and_holds_up_what_is_behind_it() {
    for code in [4, 80_007, 130_429, 131_056] {
        let world = ready().await;
        let first = one(&world).await;
        let second = send(&world, &text(CUSTOMER, "Two")).await;
        fault(&world, 2, refusal(code)).await;

        settle(&world).await;
        assert_eq!(
            (status(&world, &first).await, status(&world, &second).await),
            ("accepted".into(), "accepted".into()),
            "{code}"
        );
        for seconds in [3, 10, 10] {
            pass(&world, seconds).await;
        }

        assert_eq!(
            (status(&world, &first).await, status(&world, &second).await),
            ("read".into(), "read".into()),
            "{code}"
        );
        let posts = posts(&world).await;
        let texts: Vec<&str> = posts.iter().map(|post| post["body"]["text"]["body"].as_str().unwrap()).collect();
        assert_eq!(texts, ["One", "One", "One", "Two"], "{code}");
    }
}

#[tokio::test]
async fn a_long_throttle_puts_messages_off_into_the_table_and_they_go_in_their_order() {
    let world = ready().await;
    let first = one(&world).await;
    fault(&world, 5, refusal(130_429)).await;
    pass(&world, 200).await;
    let second = send(&world, &text(CUSTOMER, "Two")).await;
    settle(&world).await;
    assert_eq!((status(&world, &first).await, status(&world, &second).await), ("accepted".into(), "accepted".into()));

    pass(&world, 1_200).await;

    assert_eq!(
        (status(&world, &first).await, status(&world, &second).await),
        ("read".into(), "read".into()),
        "{:#}",
        shown(&world, &first).await
    );
    let posts = posts(&world).await;
    let texts: Vec<&str> = posts.iter().map(|post| post["body"]["text"]["body"].as_str().unwrap()).collect();
    assert_eq!(texts, ["One", "One", "One", "One", "One", "One", "Two"]);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_told_by_its_status_and_not_posted_again() {
    let world = ready().await;
    let message = one(&world).await;
    fault(&world, 1, json!({"reset": "after"})).await;

    settle(&world).await;

    let told = shown(&world, &message).await;
    assert_eq!(told["status"], "read", "{told:#}");
    assert_eq!(history(&told), ["api accepted", "graph sending", "webhook sent", "webhook delivered", "webhook read"]);
    pass(&world, 900).await;
    assert_eq!((posts(&world).await.len(), status(&world, &message).await), (1, "read".into()));
}

#[tokio::test]
async fn without_any_word_it_ends_unconfirmed_and_a_late_status_tells_after_all() {
    let world = ready().await;
    let message = one(&world).await;
    fault(&world, 1, json!({"reset": "after", "drop_status": ["sent", "delivered", "read"]})).await;

    settle(&world).await;
    assert_eq!(status(&world, &message).await, "sending");
    pass(&world, 600).await;

    let ended = shown(&world, &message).await;
    assert_eq!(
        (ended["status"].as_str(), ended["error"]["code"].as_str()),
        (Some("unconfirmed"), Some("unconfirmed")),
        "{ended:#}"
    );
    let sent = world.meta.state().await["messages"].as_array().unwrap().last().unwrap()["id"].clone();
    world.meta.post("/_sim/status", json!({"wamid": sent, "status": "played"})).await;
    settle(&world).await;
    let told = shown(&world, &message).await;
    assert_eq!((told["status"].as_str(), &told["error"], &told["wamid"]), (Some("played"), &json!(null), &sent));
    assert_eq!(posts(&world).await.len(), 1);
}

#[tokio::test]
async fn whoever_asked_for_it_has_a_lost_message_sent_again() {
    let world = ready().await;
    written_by(&world, CUSTOMER).await;
    let mut body = text(CUSTOMER, "Whatever it takes");
    body["on_unknown"] = json!("resend");
    let message = send(&world, &body).await;
    fault(&world, 1, json!({"reset": "before"})).await;

    settle(&world).await;
    pass(&world, 600).await;

    assert_eq!(status(&world, &message).await, "read", "{:#}", shown(&world, &message).await);
    assert_eq!(posts(&world).await.len(), 2);
}

#[tokio::test]
async fn a_dead_token_stops_the_number_and_its_messages_go_on_after_it_is_connected_again() {
    let world = ready().await;
    let first = one(&world).await;
    let token = crate::connect::tokens(&world, "system").await;
    for token in &token {
        world.meta.post("/_sim/revoke", json!({"token": token})).await;
    }
    let second = send(&world, &text(CUSTOMER, "Two")).await;

    settle(&world).await;

    assert_eq!((status(&world, &first).await, status(&world, &second).await), ("held".into(), "held".into()));
    let account = call(&world, ACME, "GET", &format!("/v1/accounts/{NUMBER}")).send().await.body;
    assert_eq!(
        (account["status"].as_str(), account["status_reason"]["code"].as_str()),
        (Some("needs_reconnect"), Some("app_removed")),
        "{account:#}"
    );
    let refused = posting(&world, &text(CUSTOMER, "Three")).send().await;
    assert_eq!((refused.status, refused.body["code"].as_str()), (409, Some("account_needs_reconnect")), "{refused:?}");
    pass(&world, 300).await;
    assert_eq!(posts(&world).await.len(), 1, "nothing is tried meanwhile");

    crate::connect::reconnected(&world, ACME).await;
    let third = send(&world, &text(CUSTOMER, "Three")).await;
    pass(&world, 180).await;

    for message in [&first, &second, &third] {
        assert_eq!(status(&world, message).await, "read", "{:#}", shown(&world, message).await);
    }
    let posts = posts(&world).await;
    let texts: Vec<&str> = posts.iter().map(|post| post["body"]["text"]["body"].as_str().unwrap()).collect();
    assert_eq!(texts, ["One", "One", "Two", "Three"]);
}

#[tokio::test]
async fn what_was_accepted_before_a_disconnect_ends_with_it() {
    let world = ready().await;
    let message = one(&world).await;
    assert_eq!(call(&world, ACME, "DELETE", &format!("/v1/accounts/{NUMBER}")).send().await.status, 200);

    settle(&world).await;

    let failed = shown(&world, &message).await;
    assert_eq!(
        (failed["status"].as_str(), failed["error"]["code"].as_str()),
        (Some("failed"), Some("account_disconnected"))
    );
    assert!(posts(&world).await.is_empty());
}

/// The moment from which on nobody who looks may find the number connected.
fn disconnected_at(world: &World) -> Timestamp {
    let calls = world.aws.calls();
    let commit = calls.iter().find(|call| call.caller == "accounts" && call.operation == "TransactWriteItems").unwrap();
    commit.at.checked_add(commit.took).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnect_in_the_middle_of_a_burst_stops_every_post_whose_look_came_later() {
    let world = Arc::new(ready().await);
    let mut messages = Vec::new();
    for person in 0..100 {
        let template = json!({"name": "hello_world", "language": {"code": "en_US"}});
        let to = format!("+1650556{person:04}");
        messages.push(send(&world, &json!({"to": to, "type": "template", "template": template})).await);
    }
    world.aws.clear_calls();
    let mut bursts = JoinSet::new();
    for burst in 0..2 {
        let world = Arc::clone(&world);
        // Each batch in an environment of its own, by whose name its look and its posts are known.
        bursts.spawn(async move {
            for batch in 0.. {
                let caller = format!("outbound-{burst}-{batch}");
                if !world.one_batch(&world.cold_outbound(&caller), &caller).await {
                    break;
                }
            }
        });
    }
    while posts(&world).await.len() < 20 {
        tokio::task::yield_now().await;
    }
    let answer = call(&world, ACME, "DELETE", &format!("/v1/accounts/{NUMBER}")).send().await;
    bursts.join_all().await;

    assert_eq!(answer.status, 200, "{answer:?}");
    let end = disconnected_at(&world);
    let calls = world.aws.calls();
    let looked = |caller: &str| calls.iter().find(|call| call.caller == caller && call.operation == "BatchGetItem");
    let posts = posts(&world).await;
    for post in &posts {
        let look = looked(post["caller"].as_str().unwrap()).unwrap();
        assert!(look.at <= end, "{post} after a look at {}, and the number was gone at {end}", look.at);
    }
    let later = calls.iter().filter(|call| call.operation == "BatchGetItem" && call.at > end).count();
    println!("disconnected in the middle of a burst: {} posts of 100, {later} looks came later", posts.len());
    assert!(posts.len() < 100 && later > 0, "it was in the middle");
    pass(&world, 180).await;
    let mut gone = 0;
    for message in &messages {
        match status(&world, message).await.as_str() {
            "failed" => gone += 1,
            other => assert!(["sent", "delivered", "read"].contains(&other), "{other}"),
        }
    }
    assert_eq!(gone, 100 - posts.len());
}

/// The label of the token that each message was posted with.
async fn tokens_of_posts(world: &World) -> Vec<String> {
    posts(world).await.iter().map(|post| post["token"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_a_former_tenant_left_in_the_queue_is_nothing_to_the_next_one() {
    let world = World::deployed().await;
    connected(&world, "umbrella").await;
    let path = format!("/v1/accounts/{NUMBER}/messages");
    let by_umbrella = async |said: &str| {
        let answer = call(&world, "umbrella", "POST", &path).json(&text(CUSTOMER, said)).send().await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.body
    };
    written_by(&world, CUSTOMER).await;
    by_umbrella("Sent").await;
    settle(&world).await;
    let before = tokens_of_posts(&world).await;
    // Written to, and answered, and neither is taken out of its queue before the number is another's.
    let said = json!({"phone_number_id": NUMBER, "from": CUSTOMER, "type": "text", "text": {"body": "For umbrella"}});
    world.meta.post("/_sim/inbound", said).await;
    let mut left = Vec::new();
    for said in ["One", "Two", "Three"] {
        left.push(by_umbrella(said).await);
    }
    let gone = call(&world, "umbrella", "DELETE", &format!("/v1/accounts/{NUMBER}")).send().await;
    assert_eq!(gone.status, 200, "{gone:?}");
    let connection = begin(&world, ACME, json!({"method": "login", "expected_phone_number_id": NUMBER})).await;
    world.consent(start_url(&connection), Consent::To(&[ONE])).await;
    assert_eq!(crate::connect::shown(&world, ACME, &connection).await["status"], "connected");

    pass(&world, 180).await;

    assert_eq!(tokens_of_posts(&world).await, before, "nothing of umbrella's goes out");
    for message in &left {
        let path = format!("/v1/messages/{}", message["id"].as_str().unwrap());
        let shown = call(&world, "umbrella", "GET", &path).send().await.body;
        assert_eq!((&shown["status"], &shown["error"]["code"]), (&json!("failed"), &json!("account_disconnected")));
        assert_eq!(call(&world, ACME, "GET", &path).send().await.status, 404);
    }
    let path = format!("/v1/conversations?phone_number_id={NUMBER}");
    let listed = async |tenant: &str| call(&world, tenant, "GET", &path).send().await.body["data"].clone();
    assert_eq!(listed(ACME).await, json!([]), "nothing of umbrella's is shown");
    assert_eq!(listed("umbrella").await.as_array().unwrap().len(), 1);
    written_by(&world, CUSTOMER).await;
    let own = send(&world, &text(CUSTOMER, "Of acme")).await;
    settle(&world).await;
    assert_eq!(status(&world, &own).await, "read");
    let tokens = tokens_of_posts(&world).await;
    assert!(tokens.len() == before.len() + 1 && !before.contains(&tokens[before.len()]), "{tokens:?}");
}

#[tokio::test]
async fn a_message_that_has_waited_too_long_expires() {
    let world = ready().await;
    written_by(&world, CUSTOMER).await;
    let mut body = text(CUSTOMER, "Now or never");
    body["expires_in"] = json!(30);
    let message = send(&world, &body).await;
    fault(&world, 100, refusal(130_429)).await;

    pass(&world, 120).await;

    assert_eq!(status(&world, &message).await, "expired", "{:#}", shown(&world, &message).await);
}
