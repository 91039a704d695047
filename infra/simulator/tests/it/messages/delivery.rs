//! What becomes of a message: windows, rates, refusals now and later, statuses, read receipts, history.

use serde_json::{Value, json};

use crate::sender::{CUSTOMER, Sender, reason, wamid};
use crate::world::{NUMBER, WABA};

#[tokio::test]
async fn a_message_is_answered_with_its_id_and_followed_by_its_statuses() {
    let sender = Sender::start().await;

    let answer = sender.send(json!({"text": {"body": "Hi"}, "biz_opaque_callback_data": "ours-1"})).await;

    let id = wamid(&answer);
    let user_id = answer.body["contacts"][0]["user_id"].clone();
    assert_eq!(
        answer.body,
        json!({"messaging_product": "whatsapp", "messages": [{"id": id}],
            "contacts": [{"input": "+15557770001", "wa_id": "15557770001", "user_id": user_id}]})
    );
    sender.world.advance(1);
    let statuses = sender.statuses(3).await;
    let told: Vec<&Value> = statuses.iter().map(|status| &status["status"]).collect();
    assert_eq!(told, ["sent", "delivered", "read"]);
    let sent = statuses[0].clone();
    assert_eq!(
        sent,
        json!({"id": id, "status": "sent", "timestamp": sent["timestamp"], "recipient_id": CUSTOMER,
            "recipient_user_id": user_id, "biz_opaque_callback_data": "ours-1",
            "pricing": {"billable": true, "pricing_model": "PMP", "type": "regular", "category": "service"}})
    );
}

#[tokio::test]
async fn the_window_opens_with_the_customer_and_closes_after_a_day() {
    let sender = Sender::silent().await;

    let before = sender.text("too early").await;
    sender.inbound(json!({"type": "text", "text": {"body": "hello"}})).await;
    let inside = sender.text("welcome").await;
    sender.world.advance(24 * 3600 - 1);
    let last = sender.text("still open").await;
    sender.world.advance(1);
    let after = sender.text("too late").await;

    assert_eq!(before.error().0, 131047);
    assert_eq!((inside.status, last.status), (200, 200));
    let details = "Message failed to send because more than 24 hours have passed since the customer last replied to this \
                   number.";
    assert_eq!((after.status, after.error().0, reason(&after)), (400, 131047, details.to_owned()));
}

#[tokio::test]
async fn templates_and_reactions_need_no_window() {
    let sender = Sender::start().await;
    let wamid = sender.sent("Hi").await;
    sender.world.advance(25 * 3600);

    let template = json!({"type": "template", "template": {"name": "hello_world", "language": {"code": "en_US"}}});
    let template = sender.send(template).await;
    let reaction = sender.send(json!({"type": "reaction", "reaction": {"message_id": wamid, "emoji": "❤"}})).await;

    assert_eq!((template.status, reaction.status), (200, 200));
    assert_eq!(template.body["messages"][0]["message_status"], "accepted");
}

#[tokio::test]
async fn a_person_gets_45_messages_at_once_and_then_one_in_six_seconds() {
    let sender = Sender::start().await;

    for index in 0..45 {
        assert_eq!(sender.text("burst").await.status, 200, "message {index}");
    }
    let over = sender.text("one more").await;
    sender.world.advance(6);
    let next = sender.text("after six seconds").await;
    let again = sender.text("at once").await;

    assert_eq!((over.status, over.error().0), (400, 131056));
    assert_eq!((next.status, again.error().0), (200, 131056));
}

#[tokio::test]
async fn a_number_sends_as_fast_as_it_may_and_no_faster() {
    let sender = Sender::silent().await;
    sender.world.must(&format!("numbers/{}", NUMBER[0]), json!({"rate": 1})).await;
    let template = json!({"name": "hello_world", "language": {"code": "en_US"}});

    let mut answers = Vec::new();
    for person in 0..2 {
        let message = json!({"to": format!("+155577710{person:02}"), "type": "template", "template": template});
        answers.push(sender.send(message).await.error().0);
    }
    sender.world.advance(1);
    let message = json!({"to": "+15557771099", "type": "template", "template": template});

    assert_eq!(answers, [-1, 130429]);
    assert_eq!(sender.send(message).await.status, 200);
}

#[tokio::test]
async fn an_unregistered_number_cannot_send() {
    let sender = Sender::start().await;
    sender.post("deregister", json!({})).await;

    let answer = sender.text("Hi").await;

    assert_eq!(answer.error().0, 133010);
}

#[tokio::test]
async fn magic_numbers_fail_later_with_the_code_they_end_in() {
    let sender = Sender::silent().await;
    let template = json!({"name": "hello_world", "language": {"code": "en_US"}});

    for code in [130472, 130497, 131026, 131042, 131048, 131049, 131050, 131053] {
        sender.world.app.forget();
        let message = json!({"to": format!("+15550{code}"), "type": "template", "template": template});
        let id = wamid(&sender.send(message).await);
        let failed = sender.statuses(1).await.remove(0);
        assert_eq!((&failed["id"], &failed["status"]), (&json!(id), &json!("failed")));
        assert_eq!(failed["errors"][0]["code"], code);
        assert!(failed["errors"][0]["error_data"]["details"].is_string());
    }
}

#[tokio::test]
async fn refusals_come_now_or_later_as_it_is_set() {
    let sender = Sender::silent().await;
    let template = json!({"name": "hello_world", "language": {"code": "en_US"}});
    sender.world.must("behaviour", json!({"late_refusals": [131047]})).await;

    let now = sender.send(json!({"to": "+15550131026", "type": "template", "template": template})).await;
    let later = wamid(&sender.text("the window is closed").await);

    assert_eq!((now.status, now.error().0), (400, 131026));
    let failed = sender.statuses(1).await.remove(0);
    assert_eq!((&failed["id"], &failed["errors"][0]["code"]), (&json!(later), &json!(131047)));
}

#[tokio::test]
async fn a_customer_is_unreachable_for_as_long_as_it_was_said() {
    let sender = Sender::start().await;
    let template = json!({"type": "template", "template": {"name": "hello_world", "language": {"code": "en_US"}}});
    sender.world.must("recipients", json!({"recipient": CUSTOMER, "code": 131049, "times": 1})).await;

    wamid(&sender.send(template.clone()).await);
    let first = sender.statuses(1).await.remove(0);
    sender.world.app.forget();
    wamid(&sender.send(template).await);
    let second = sender.statuses(1).await.remove(0);

    assert_eq!((&first["status"], &first["errors"][0]["code"]), (&json!("failed"), &json!(131049)));
    assert_eq!(second["status"], "sent");
}

#[tokio::test]
async fn a_link_to_nowhere_fails_when_it_is_fetched() {
    let sender = Sender::start().await;

    wamid(&sender.send(json!({"type": "image", "image": {"link": "https://cdn.invalid/a.png"}})).await);

    assert_eq!(sender.statuses(1).await[0]["errors"][0]["code"], 131053);
}

#[tokio::test]
async fn a_locked_account_and_a_number_in_maintenance_cannot_send() {
    let sender = Sender::start().await;
    let number = format!("numbers/{}", NUMBER[0]);

    sender.world.must(&number, json!({"status": "MAINTENANCE"})).await;
    let maintained = sender.text("Hi").await;
    sender.world.must(&number, json!({"status": "BANNED"})).await;
    let banned = sender.text("Hi").await;
    sender.world.must(&number, json!({"status": "CONNECTED"})).await;
    sender.world.must(&format!("wabas/{}", WABA[0]), json!({"status": "DISABLED"})).await;
    let disabled = sender.text("Hi").await;

    assert_eq!((maintained.status, maintained.error().0), (500, 131057));
    assert_eq!(maintained.body["error"]["is_transient"], true);
    assert_eq!((banned.status, banned.error().0, disabled.error().0), (403, 131031, 131031));
}

#[tokio::test]
async fn no_payment_method_fails_every_message() {
    let sender = Sender::start().await;
    sender.world.must(&format!("wabas/{}", WABA[0]), json!({"primary_funding_id": null})).await;

    sender.sent("Hi").await;

    assert_eq!(sender.statuses(1).await[0]["errors"][0]["code"], 131042);
}

#[tokio::test]
async fn reading_marks_what_came_before_too_and_typing_ends_with_the_answer() {
    let sender = Sender::start().await;
    let first = sender.inbound(json!({"type": "text", "text": {"body": "1"}})).await;
    let second = sender.inbound(json!({"type": "text", "text": {"body": "2"}})).await;
    let mark = json!({"messaging_product": "whatsapp", "status": "read", "message_id": second,
        "typing_indicator": {"type": "text"}});

    let answer = sender.post("messages", mark).await;

    assert_eq!(answer.body, json!({"success": true}));
    let state = sender.world.state().await;
    let status = |wamid: &str| {
        let messages = state["messages"].as_array().unwrap();
        messages.iter().find(|message| message["id"] == wamid).unwrap()["status"].clone()
    };
    assert_eq!((status(&first), status(&second)), (json!("read"), json!("read")));
}

#[tokio::test]
async fn only_a_customers_own_message_can_be_marked_read() {
    let sender = Sender::start().await;
    let ours = sender.sent("Hi").await;
    let old = sender.inbound(json!({"type": "text", "text": {"body": "old"}})).await;
    let mark = |id: &str| json!({"messaging_product": "whatsapp", "status": "read", "message_id": id});

    let unknown = sender.post("messages", mark("12345")).await;
    let outgoing = sender.post("messages", mark(&ours)).await;
    sender.world.advance(31 * 24 * 3600);
    let late = sender.post("messages", mark(&old)).await;

    assert_eq!(reason(&unknown), "Please check the message ID you have provided.");
    assert!(reason(&outgoing).ends_with("is outgoing. Please use an incoming message ID."));
    assert_eq!(
        (late.error().0, reason(&late).as_str()),
        (100, "The message is older than 30 days and cannot be marked as read.")
    );
}

#[tokio::test]
async fn a_message_has_a_history_of_statuses_and_their_webhooks() {
    let sender = Sender::start().await;
    let id = sender.sent("Hi").await;
    sender.world.advance(1);
    sender.statuses(3).await;
    let path =
        format!("message_history?message_id={id}&fields=id,message_id,events{{delivery_status,webhook_update_state}}");

    let told = || async { sender.get(&path).await.body["data"][0].clone() };
    let mut history = told().await;
    for _ in 0..100 {
        if history["events"]["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|event| event["webhook_update_state"] == "DELIVERED")
        {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        history = told().await;
    }

    assert_eq!(history["message_id"], id);
    let statuses: Vec<&Value> =
        history["events"]["data"].as_array().unwrap().iter().map(|event| &event["delivery_status"]).collect();
    assert_eq!(statuses, ["SENT", "DELIVERED", "READ"]);
    let node = history["id"].as_str().unwrap();
    let events = sender.world.get(&format!("{node}/events?status_filter=READ"), &sender.token).await;
    assert_eq!(events.body["data"][0]["node"]["delivery_status"], "READ");
    assert_eq!(events.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_ambiguous_answer_tells_nothing_of_whether_the_message_was_taken() {
    let sender = Sender::start().await;

    for (code, accepted) in [(1, true), (2, false), (131000, true), (131000, false), (131016, false), (131016, true)] {
        let data = format!("{code} {accepted}");
        let fault = json!({"error": {"code": code}, "accepted": accepted});
        sender.world.must("faults", json!({"match": {"path": "/messages"}, "times": 1, "fault": fault})).await;

        let answer = sender.send(json!({"text": {"body": "?"}, "biz_opaque_callback_data": data})).await;

        let state = sender.world.state().await;
        let taken =
            state["messages"].as_array().unwrap().iter().any(|message| message["biz_opaque_callback_data"] == data);
        assert_eq!((answer.error().0, taken), (code, accepted));
    }
    sender.world.advance(1);
    let told = sender.statuses(9).await;
    assert!(told.iter().all(|status| status["biz_opaque_callback_data"].as_str().unwrap().ends_with("true")));
}
