//! What `send` and `outbound` call, and the sweeper where it feeds the one on behalf of the other.

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::World;

use crate::{
    connect::{NUMBER, ONE, begin, call, system_token},
    media, send,
};

/// Whom acme knows, since they have written, and whom nobody does.
const KNOWN: &str = "16505551234";
const STRANGER: &str = "16505554321";

/// acme answers, cancels, reads, and writes to people that it does not know.
pub(super) async fn of_send(world: &World) {
    let text = |to: &str, body: &str| send::text(to, body);
    send::written_by(world, KNOWN).await;
    let answered = keyed(world, "messages", "once", &text(KNOWN, "Until eight.")).await;
    assert_eq!(answered, 202);
    assert_eq!(keyed(world, "messages", "once", &text(KNOWN, "Until eight.")).await, 202);
    // Refused now, it may have been taken before: that is looked up.
    assert_eq!(keyed(world, "messages", "late", &text(STRANGER, "Hello")).await, 422);

    let by_default = call(world, "acme", "POST", "/v1/messages").json(&text(KNOWN, "No, until nine.")).send().await;
    assert_eq!(by_default.status, 202, "{by_default:?}");
    let message = format!("/v1/messages/{}", by_default.body["id"].as_str().unwrap());
    assert_eq!(call(world, "acme", "DELETE", &message).send().await.status, 200);
    assert_eq!(call(world, "acme", "DELETE", "/v1/messages/wamid.nobodys").send().await.status, 404);
    let conversation = format!("/v1/conversations/{}/read", by_default.body["conversation_id"].as_str().unwrap());
    assert_eq!(call(world, "acme", "POST", &conversation).send().await.status, 200);

    let batch =
        json!({"message": hello(), "recipients": [{"to": format!("+{STRANGER}")}, {"to": format!("+{KNOWN}")}]});
    assert_eq!(keyed(world, "messages/batch", "all", &batch).await, 202);
    let contact = by_default.body["contact"]["id"].as_str().unwrap();
    for (method, status) in [("POST", 200), ("DELETE", 204)] {
        let answer = call(world, "acme", method, &format!("/v1/contacts/{contact}/block")).send().await;
        assert_eq!(answer.status, status, "{answer:?}");
    }

    let media = format!("/v1/accounts/{NUMBER}/media");
    let uploaded = media::Form::default().file("a.png", None, media::PNG).on(call(world, "acme", "POST", &media));
    let uploaded = uploaded.send().await;
    assert_eq!(uploaded.status, 201, "{uploaded:?}");
    // `inbox` gives it back.
    let file = format!("{media}/{}", uploaded.text("id"));
    assert_eq!(call(world, "acme", "GET", &file).send().await.status, 200);

    // Refused: the key is given back.
    let gone = format!("/v1/accounts/{}/messages/batch", "300400500600799");
    let refused = call(world, "acme", "POST", &gone).header("idempotency-key", "nobody").json(&batch).send().await;
    assert_eq!(refused.status, 404, "{refused:?}");
}

/// What was ordered goes out: at once, after a throttle, without an answer, and after its number has another token.
pub(super) async fn of_outbound(world: &World) {
    go_on(world, 1).await;
    // The messages that the batch was made into.
    go_on(world, 5).await;
    for trouble in [send::refusal(130_429), json!({"reset": "after"}), send::refusal(190)] {
        assert_eq!(keyed(world, "messages", &trouble.to_string(), &send::text(KNOWN, "Still there?")).await, 202);
        send::fault(world, 1, trouble).await;
        go_on(world, 5).await;
        go_on(world, 5).await;
    }
    let path = format!("/v1/accounts/{NUMBER}");
    assert_eq!(call(world, "acme", "GET", &path).send().await.text("status"), "needs_reconnect");

    let token = system_token(world, ONE).await;
    let manual = json!({"access_token": token, "phone_number_ids": [NUMBER]});
    let again = begin(world, "acme", json!({"method": "manual", "manual": manual})).await;
    assert_eq!(again["status"], "connected", "{again:#}");
    // Behind what is held.
    assert_eq!(keyed(world, "messages", "behind", &send::text(KNOWN, "Hello?")).await, 202);
    go_on(world, 1).await;
    for _ in 0..2 {
        world.clock.advance(SignedDuration::from_secs(61));
        world.sweep().await;
        go_on(world, 1).await;
    }
    let posts = send::posts(world).await;
    let last = posts.last().unwrap();
    assert_eq!(last["body"]["text"]["body"], "Hello?", "{last:#}");
}

/// What is in the queue goes out, and what Meta tells of it is taken in.
async fn go_on(world: &World, seconds: i64) {
    world.clock.advance(SignedDuration::from_secs(seconds));
    send::settle(world).await;
}

async fn keyed(world: &World, what: &str, key: &str, body: &Value) -> u16 {
    let path = format!("/v1/accounts/{NUMBER}/{what}");
    call(world, "acme", "POST", &path).header("idempotency-key", key).json(body).send().await.status
}

fn hello() -> Value {
    json!({"type": "template", "template": {"name": "hello_world", "language": {"code": "en_US"}}})
}
