//! One message, by whichever of its names.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use shared::domain::message::{Direction, Origin};
use tests::wire;

use super::{Seeds, get, shown, with_number};
use crate::connect::NUMBER;

#[tokio::test]
async fn a_message_is_found_by_our_id_and_by_metas_in_any_letters() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let wamid = "wamid.HBgLMTY1/MDU1+NTEyMzQVAgASGBQz==";
    let raw = json!({ "id": wamid, "timestamp": "1763719200", "type": "text", "text": { "body": "hi" } });
    let id = seeds.put(1, Direction::Inbound, Origin::Customer, &raw, "1.0", BTreeMap::new()).await;
    let escaped = wamid.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D");
    let encoded = BASE64_URL_SAFE_NO_PAD.encode(wamid);

    let by_id = shown(&world, "acme", &format!("/v1/messages/{id}")).await;

    assert_eq!((&by_id["wamid"], &by_id["meta_timestamp"]), (&json!(wamid), &json!("2025-11-21T10:00:00.000Z")));
    for other in [escaped, format!("wamid_{encoded}")] {
        assert_eq!(shown(&world, "acme", &format!("/v1/messages/{other}")).await, by_id, "{other}");
    }
    assert_eq!(by_id.get("raw"), None);
    assert_eq!(shown(&world, "acme", &format!("/v1/messages/{id}?include=raw")).await["raw"], raw);
}

#[tokio::test]
async fn a_wamid_without_a_slash_is_found_as_the_gateway_hands_it_over() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let wamid = "wamid.HBgLMTY1+DU1NTEyMzQVAgASGBQz==";
    let raw = json!({ "id": wamid, "timestamp": "1763719200", "type": "text", "text": { "body": "hi" } });
    seeds.put(1, Direction::Inbound, Origin::Customer, &raw, "1.0", BTreeMap::new()).await;
    let key = format!("authorization: Bearer {}", world.first_key);

    for path in [wamid.to_owned(), wamid.replace('+', "%2B").replace('=', "%3D")] {
        let line = format!("GET /v1/messages/{path} HTTP/1.1");
        let answer = wire::send(world.url(), &[&line, &key, "patchbay-tenant: acme"], b"").await;
        assert_eq!((answer.status, &answer.json()["wamid"]), (200, &json!(wamid)), "{path}");
    }
}

#[tokio::test]
async fn what_nobody_ever_wrote_is_not_found() {
    let world = with_number("acme").await;
    let long = "x".repeat(2_000);

    for id in ["msg_", "msg_AAAA", "wamid.", "wamid_", "wamid_%25", "%20", "..%2F", "wamid_//", long.as_str()] {
        let answer = get(&world, "acme", &format!("/v1/messages/{id}")).await;
        assert_eq!(answer.outcome(), (404, "not_found".to_owned()), "{id}");
    }
}

#[tokio::test]
async fn a_type_nobody_knows_is_shown_as_unsupported_with_what_meta_said() {
    let world = with_number("acme").await;
    let seeds = Seeds::new(&world, "acme", NUMBER);
    let raw = json!({ "id": "wamid.A", "timestamp": "1763719200", "type": "hologram", "hologram": { "depth": 3 } });
    let id = seeds.put(1, Direction::Inbound, Origin::Customer, &raw, "1.0", BTreeMap::new()).await;

    let body = shown(&world, "acme", &format!("/v1/messages/{id}")).await;

    assert_eq!((&body["type"], &body["content"]), (&json!("unsupported"), &json!({ "depth": 3 })));
    assert_eq!((&body["preview"], &body["error"], &body["status"]), (&Value::Null, &Value::Null, &json!("received")));
}
