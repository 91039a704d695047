//! Checklist 9: whom a message can go to.

use serde_json::json;

use crate::sender::{Sender, reason};
use crate::world::NUMBER;

#[tokio::test]
async fn a_person_with_a_username_only_is_answered_by_their_id() {
    let sender = Sender::silent().await;
    let who = json!({"phone_number_id": NUMBER[0], "user_id": "US.13491208655302741918", "username": "maria",
        "type": "text", "text": {"body": "hi"}});
    sender.world.must("inbound", who).await;

    let answer = sender.send(json!({"to": "", "recipient": "US.13491208655302741918", "text": {"body": "Hi"}})).await;

    assert_eq!(
        answer.body["contacts"],
        json!([{"input": "US.13491208655302741918", "user_id": "US.13491208655302741918"}])
    );
    let status = sender.statuses(1).await.remove(0);
    assert_eq!(status["recipient_user_id"], "US.13491208655302741918");
    assert_eq!(status.get("recipient_id"), None);
}

#[tokio::test]
async fn an_id_must_have_its_form_and_be_known_to_the_business() {
    let sender = Sender::start().await;

    let malformed = sender.send(json!({"to": "", "recipient": "maria", "text": {"body": "Hi"}})).await;
    let unknown = sender.send(json!({"to": "", "recipient": "US.1", "text": {"body": "Hi"}})).await;

    assert_eq!((malformed.error().0, unknown.error().0), (131009, 131026));
    assert_eq!(reason(&unknown), "The business-scoped user ID is not known to this business portfolio.");
}

#[tokio::test]
async fn a_number_without_plus_is_of_the_businesss_own_country() {
    let sender = Sender::silent().await;
    let template = json!({"name": "hello_world", "language": {"code": "en_US"}});

    for (to, wa_id) in [
        ("15557770001", "15557770001"),
        ("5557770001", "15557770001"),
        ("+5215512345678", "5215512345678"),
        ("+525512345678", "5215512345678"),
        ("+49 155 5010 0009", "4915550100009"),
    ] {
        let answer = sender.send(json!({"to": to, "type": "template", "template": template})).await;
        assert_eq!(
            (&answer.body["contacts"][0]["input"], &answer.body["contacts"][0]["wa_id"]),
            (&json!(to), &json!(wa_id))
        );
    }
}
