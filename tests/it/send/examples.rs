//! Requests that nobody here wrote, where the folder beside the project is present: what Meta would take is taken, and
//! reaches Meta as it was written. And what exceeds a limit of Meta's, which it never sees.

use std::{fs, path::Path};

use serde_json::json;

use super::*;

/// What is no message of its own, or what Meta refuses, and why.
const EXCLUDED: [(&str, &str); 3] = [
    ("expected-message-expectedMessage18", "a PIN, not a message"),
    ("Send_Reply_to_List_Message", "it has no type, so it is a text, and has no text"),
    ("send_text_handles_error_response", "recorded to be refused"),
];

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures");

#[tokio::test]
async fn what_others_send_reaches_meta_as_they_wrote_it() {
    let Ok(manifest) = fs::read_to_string(Path::new(FOLDER).join("MANIFEST.json")) else {
        println!("requests of others: SKIPPED, {FOLDER} is not there");
        return;
    };
    let world = ready().await;
    let (mut taken, mut elsewhere, mut excluded) = (0, 0, 0);
    for entry in serde_json::from_str::<Vec<Value>>(&manifest).unwrap() {
        let name = entry["file"].as_str().unwrap();
        let content = serde_json::from_str(&fs::read_to_string(Path::new(FOLDER).join(name)).unwrap()).unwrap();
        let Some(body) = request(&entry, content).map(real) else { continue };
        let mut forced = body.clone();
        forced["force"] = json!(true);
        let answer = posting(&world, &forced).send().await;
        if body["status"] == "read" {
            assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!("/status")), "{name}");
            elsewhere += 1;
        } else if let Some((_, why)) = EXCLUDED.iter().find(|(part, _)| name.contains(part)) {
            assert_eq!(answer.status, 422, "{name} is excluded: {why}");
            excluded += 1;
        } else {
            assert_eq!(answer.status, 202, "{name}: {body} {answer:?}");
            // One person is not written to more often.
            world.clock.advance(SignedDuration::from_secs(6));
            settle(&world).await;
            let new = without_ours(posts(&world).await.split_off(taken));
            assert_eq!(new, [posted(body)], "{name}: {:#}", shown(&world, &answer.body).await);
            taken += 1;
        }
    }
    println!("requests of others: {taken} taken, {elsewhere} are calls of …/read, {excluded} excluded: {EXCLUDED:?}");
    assert!(taken > 80, "only {taken}");
    assert_eq!(excluded, EXCLUDED.len());
}

/// The bodies of calls, but for what proves their statuses.
fn without_ours(posts: Vec<Value>) -> Vec<Value> {
    let body = |mut post: Value| {
        let mut body = post["body"].take();
        let ours = body.as_object_mut().and_then(|body| body.remove("biz_opaque_callback_data"));
        assert!(ours.is_some_and(|ours| ours.as_str().is_some_and(|ours| ours.starts_with("pb1."))), "{body}");
        body
    };
    posts.into_iter().map(body).collect()
}

/// The request for `/messages` that is in a file, if there is one.
fn request(entry: &Value, content: Value) -> Option<Value> {
    let name = entry["file"].as_str().unwrap();
    let is_recorded = entry["kind"] == "graph-exchange-recorded"
        && content["request"]["uri"].as_str().is_some_and(|uri| uri.ends_with("/messages"));
    if is_recorded {
        return Some(content["request"]["body"].clone());
    }
    let is_request = name.contains("Phone-Number-ID_messages-request-") || name.contains("expected-message-");
    (entry["kind"] == "graph-request" && is_request).then_some(content)
}

/// Placeholders become what they stand for.
fn real(mut body: Value) -> Value {
    if body["to"].as_str().is_some_and(|to| to.starts_with("{{")) {
        body["to"] = "+16505551234".into();
    }
    for kind in ["audio", "document", "image", "sticker", "video"] {
        if body[kind]["id"].as_str().is_some_and(|id| id.starts_with('<')) {
            body[kind]["id"] = "1".into();
        }
    }
    replace(&mut body);
    body
}

fn replace(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("http(s)://") => "https://example.com/file".clone_into(text),
        Value::String(text) if text == "<HEADER_TYPE>" => "text".clone_into(text),
        Value::String(text) if text == "<TEMPLATE_NAME>" || text == "template-name" => {
            "template_name".clone_into(text);
        }
        Value::Array(items) => items.iter_mut().for_each(replace),
        Value::Object(members) => members.values_mut().for_each(replace),
        _ => {}
    }
}

/// Where too much is told, how much may be there, and a body with so much of it.
type Limit<'a> = (&'a str, usize, &'a dyn Fn(usize) -> Value);

/// As it must be posted: with what every post has, a number written as a text, and without the sender's own data.
fn posted(mut body: Value) -> Value {
    for (name, value) in [("recipient_type", json!("individual")), ("type", json!("text"))] {
        body.as_object_mut().unwrap().entry(name).or_insert(value);
    }
    if body["to"].is_number() {
        body["to"] = body["to"].to_string().into();
    }
    body.as_object_mut().unwrap().remove("biz_opaque_callback_data");
    body
}

#[tokio::test]
async fn what_exceeds_a_limit_by_one_is_refused_where_it_is_and_never_reaches_meta() {
    let world = ready().await;
    written_by(&world, CUSTOMER).await;
    let letters = |count: usize| "ü".repeat(count);
    let to = format!("+{CUSTOMER}");
    let of = |kind: &str, content: Value| json!({"to": to, "type": kind, kind: content});
    let interactive =
        |kind: &str, action: Value| of("interactive", json!({"type": kind, "body": {"text": "Hi"}, "action": action}));
    let buttons = |count: usize| {
        let button = |index| json!({"type": "reply", "reply": {"id": format!("{index}"), "title": format!("{index}")}});
        interactive("button", json!({"buttons": (0..count).map(button).collect::<Value>()}))
    };
    let rows = |count: usize| {
        let rows: Value = (0..count).map(|index| json!({"id": format!("{index}"), "title": "Row"})).collect();
        interactive("list", json!({"button": "Choose", "sections": [{"rows": rows}]}))
    };
    let captioned = |count| of("image", json!({"link": "https://example.com/a.png", "caption": letters(count)}));
    let expiring = |seconds: usize| json!({"to": to, "text": {"body": "Hi"}, "expires_in": seconds});
    let marked = |count| json!({"to": to, "text": {"body": "Hi"}, "biz_opaque_callback_data": "x".repeat(count)});
    let dialled = |digits: usize| json!({"to": "1".repeat(digits), "text": {"body": "Hi"}, "force": true});
    let limits: [Limit<'_>; 8] = [
        ("/text/body", 4_096, &|count| of("text", json!({"body": letters(count)}))),
        ("/image/caption", 1_024, &captioned),
        ("/interactive/action/buttons", 3, &buttons),
        ("/interactive/action/sections/0/rows", 10, &rows),
        ("/expires_in", 604_800, &expiring),
        ("/biz_opaque_callback_data", 512, &marked),
        ("/to", 15, &dialled),
        ("/interactive/body/text", 1_024, &|count| {
            let mut body = buttons(1);
            body["interactive"]["body"]["text"] = letters(count).into();
            body
        }),
    ];

    for (pointer, most, body) in limits {
        let (met, exceeded) =
            (posting(&world, &body(most)).send().await, posting(&world, &body(most + 1)).send().await);
        assert_eq!(met.status, 202, "{pointer}: {met:?}");
        assert_eq!(exceeded.outcome(), (422, "invalid_body".to_owned()), "{pointer}");
        let pointers: Vec<&Value> =
            exceeded.body["errors"].as_array().unwrap().iter().map(|error| &error["pointer"]).collect();
        assert_eq!(pointers, [pointer]);
    }
    let recipients = |count: usize| {
        let recipients: Value = (0..count).map(|_| json!({"to": to})).collect();
        let path = format!("/v1/accounts/{NUMBER}/messages/batch");
        call(&world, ACME, "POST", &path).json(&json!({"message": {"text": {"body": "Hi"}}, "recipients": recipients}))
    };
    let crowded = recipients(1_001).send().await;
    assert_eq!((crowded.status, &crowded.body["errors"][0]["pointer"]), (422, &json!("/recipients")), "{crowded:?}");

    settle(&world).await;
    assert_eq!(posts(&world).await.len(), 8, "those that met their limit");
}
