use serde_json::json;

use super::*;

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
