//! What was said in a conversation, in the order it was said, however large it is and however it is paged.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::domain::message::{Direction, Fact, Origin};

use super::{Seeds, all, each, get, shown, with_number};
use crate::connect::NUMBER;

fn text(seeds: &Seeds<'_>, body: &str) -> Value {
    let seconds = seeds.now().as_second().to_string();
    json!({ "id": seeds.wamid(1, body), "timestamp": seconds, "type": "text", "text": { "body": body } })
}

async fn says(seeds: &Seeds<'_>, body: &str, sequence: &str) {
    let none = BTreeMap::new();
    seeds.put(1, Direction::Inbound, Origin::Customer, &text(seeds, body), sequence, none).await;
}

fn fact(at: Timestamp) -> Fact {
    Fact { at, error: None, pricing: None, rest: None }
}

#[tokio::test]
async fn messages_stand_by_metas_second_and_then_as_they_came() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let id = seeds.head(1, |_| {}).await;
    for (body, sequence) in [("b2", "18850000000000000002.2"), ("b3", "18850000000000000002.10"), ("b1", "9.0")] {
        says(&seeds, body, sequence).await;
    }
    seeds.pass(1_000);
    says(&seeds, "c", "1.0").await;
    seeds.pass(-2_000);
    says(&seeds, "a", "18850000000000000009.0").await;

    for limit in [1, 2, 3, 5, 100] {
        let path = format!("/v1/conversations/{id}/messages?limit={limit}");
        assert_eq!(all(&world, "acme", &path, "/preview").await, ["c", "b3", "b2", "b1", "a"], "{limit}");
    }
}

#[tokio::test]
async fn a_history_is_filtered_and_bounded_in_time() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let id = seeds.head(1, |_| {}).await;
    let began = seeds.now();
    says(&seeds, "in", "1.0").await;
    seeds.pass(1_000);
    let sent: BTreeMap<_, _> = [("sent".to_owned(), fact(seeds.now())), ("read".to_owned(), fact(seeds.now()))].into();
    seeds.put(1, Direction::Outbound, Origin::App, &text(&seeds, "out"), "2.0", sent).await;
    seeds.pass(1_000);
    let poll =
        json!({ "id": "wamid.poll", "timestamp": seeds.now().as_second().to_string(), "type": "poll", "poll": {} });
    seeds.put(1, Direction::Inbound, Origin::Customer, &poll, "3.0", BTreeMap::new()).await;
    let path = format!("/v1/conversations/{id}/messages");
    let listed = async |query: &str| all(&world, "acme", &format!("{path}?limit=1&{query}"), "/wamid").await;
    let (first, second) = (seeds.wamid(1, "in"), seeds.wamid(1, "out"));

    assert_eq!(listed("").await, ["wamid.poll", &second, &first]);
    assert_eq!(listed("direction=outbound").await, [second.as_str()]);
    assert_eq!(listed("type=unsupported").await, ["wamid.poll"]);
    assert_eq!(listed("type=text&status=received").await, [first.as_str()]);
    assert_eq!(listed("status=read").await, [second.as_str()]);
    let second_on = began + SignedDuration::from_secs(1);
    assert_eq!(listed(&format!("since={second_on}")).await, ["wamid.poll", &second]);
    assert_eq!(listed(&format!("until={second_on}")).await, [first.as_str()]);
    assert_eq!(listed(&format!("since={second_on}&until={second_on}")).await, Vec::<String>::new());

    for (query, parameter) in [
        ("direction=in", "direction"),
        ("type=", "type"),
        ("since=yesterday", "since"),
        ("include=all", "include"),
        ("q=a", "q"),
    ] {
        let answer = get(&world, "acme", &format!("{path}?{query}")).await;
        let named = answer.body["errors"][0]["parameter"].clone();
        assert_eq!((answer.outcome(), named), ((400, "invalid_query".to_owned()), json!(parameter)), "{query}");
    }
}

#[tokio::test]
async fn a_page_that_finds_little_is_short_and_goes_on() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let id = seeds.head(1, |_| {}).await;
    let none = BTreeMap::new;
    seeds.put(1, Direction::Outbound, Origin::App, &text(&seeds, "the one"), "1.0", none()).await;
    for number in 0..505 {
        seeds.pass(1_000);
        says(&seeds, &number.to_string(), "1.0").await;
    }
    let path = format!("/v1/conversations/{id}/messages?direction=outbound");

    let first = shown(&world, "acme", &path).await;

    assert_eq!((each(&first, "/preview"), first["next"].is_string()), (vec![], true));
    assert_eq!(all(&world, "acme", &path, "/preview").await, ["the one"]);
}

#[tokio::test]
async fn what_is_large_is_whole_and_a_page_of_it_is_short() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let id = seeds.head(1, |_| {}).await;
    // Nothing that deflates: each is several items.
    let mut state = 1_u64;
    let mut noise = |length| -> String {
        let letter = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap()).to_ascii_lowercase()
        };
        (0..length).map(letter).filter(|letter| *letter != '"' && *letter != '\\').collect()
    };
    let mut bodies = Vec::new();
    for number in 0..3 {
        let body = noise(900_000);
        let raw = json!({ "id": format!("wamid.{number}"), "timestamp": seeds.now().as_second().to_string(),
            "type": "text", "text": { "body": body } });
        seeds.put(1, Direction::Inbound, Origin::Customer, &raw, &format!("{number}.0"), BTreeMap::new()).await;
        bodies.push(body);
    }
    bodies.reverse();
    let path = format!("/v1/conversations/{id}/messages");

    let first = shown(&world, "acme", &path).await;

    assert_eq!(first["data"].as_array().unwrap().len(), 1);
    assert!(all(&world, "acme", &path, "/content/body").await == bodies);
}

#[tokio::test]
async fn a_message_of_ours_tells_what_became_of_it() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let id = seeds.head(1, |head| head.contact.name = Some("Ada".to_owned())).await;
    let began = seeds.now();
    let error = r#"{"code":131047,"title":"Re-engagement message","error_data":{"details":"24 hours have passed"}}"#;
    let failed = Fact { error: Some(error.to_owned()), ..fact(began + SignedDuration::from_secs(3)) };
    let sent = Fact { pricing: Some(r#"{"billable": true}"#.to_owned()), ..fact(began + SignedDuration::from_secs(2)) };
    let facts = [("failed".to_owned(), failed), ("sent".to_owned(), sent)].into();
    let raw = json!({ "id": "wamid.X", "timestamp": began.as_second().to_string(), "type": "image",
        "image": { "id": "1", "caption": "Look" }, "context": { "id": "wamid.Y" } });
    let message = seeds.put(1, Direction::Outbound, Origin::App, &raw, "1.0", facts).await;

    let body = shown(&world, "acme", &format!("/v1/messages/{message}?include=raw")).await;

    let failure = json!({
        "code": "window_closed", "detail": "24 hours have passed",
        "meta": { "code": 131_047, "subcode": null, "fbtrace_id": null },
        "remedy": "The customer's last message is more than a day old: write with an approved template.",
        "retryable": false,
    });
    let at = |seconds| format!("{:.3}", began + SignedDuration::from_secs(seconds));
    let contact = id.to_string().replace("cnv_", "ctc_");
    let expected = json!({
        "id": message.to_string(), "wamid": "wamid.X", "phone_number_id": NUMBER, "conversation_id": id.to_string(),
        "contact": { "id": contact, "name": "Ada", "phone": null, "user_id": null, "username": null },
        "direction": "outbound", "origin": "app", "type": "image", "content": { "id": "1", "caption": "Look" },
        "preview": "Look", "status": "failed",
        "history": [
            { "at": at(2), "status": "sent", "source": "webhook", "detail": null },
            { "at": at(3), "status": "failed", "source": "webhook", "detail": null, "error": failure },
        ],
        "error": failure, "context": { "id": "wamid.Y" }, "pricing": { "billable": true },
        "meta_timestamp": at(0), "created_at": at(0), "raw": raw,
    });
    assert_eq!(body, expected, "{body:#}");
}
