//! Bodies that Meta takes: one of every kind, each with all its parts.

use serde_json::{Value, json};

use super::{interactive, message, read, template};
use crate::domain::outgoing::Recipient;

const LINK: &str = "https://cdn.example.com/file";

pub(super) fn all() -> Vec<Value> {
    let mut all = plain();
    all.extend(interactives());
    all.extend(templates());
    all
}

fn plain() -> Vec<Value> {
    vec![
        message("text", json!({"body": "Hi", "preview_url": true})),
        json!({"to": "16505551234", "text": {"body": "no type is a text"}, "context": {"message_id": "wamid.1"}}),
        json!({"to": 16_505_551_234_u64, "recipient_type": "individual", "type": "text", "text": {"body": "Hi"}}),
        json!({"recipient": "US.13491208655302741918", "type": "image", "image": {"id": "123", "caption": ""}}),
        json!({"to": "+49 30 1234567", "recipient": "DE.ENT.abc9", "type": "video",
            "video": {"link": LINK, "caption": "Hi"}}),
        json!({"type": "text", "text": {"body": "to whom the conversation is with"}}),
        message("audio", json!({"id": 123, "voice": true})),
        message("document", json!({"link": LINK, "filename": "a.pdf", "caption": "Hi", "provider": {"name": "x"}})),
        message("sticker", json!({"id": "1"})),
        message(
            "location",
            json!({"latitude": 37.758_056_123_456_78, "longitude": "-122.425332", "name": "HQ", "address": "1 Way"}),
        ),
        message(
            "contacts",
            json!([{"name": {"formatted_name": "Ana B", "first_name": "Ana"}, "birthday": "2012-08-18",
            "phones": [{"phone": "+1 (940) 555-1234", "type": "HOME", "wa_id": "16505551234"}],
            "emails": [{"email": "a@example.com"}], "urls": [{"url": "https://example.com"}],
            "addresses": [{"city": "X"}], "org": {"company": "X"}}]),
        ),
        message("reaction", json!({"message_id": "wamid.1", "emoji": "👍🏽"})),
        message("reaction", json!({"message_id": "wamid.1", "emoji": ""})),
        json!({"to": "Y2FwaV9ncm91cDox", "recipient_type": "group", "type": "pin",
            "pin": {"type": "pin", "message_id": "wamid.1", "expiration_days": 7}}),
        json!({"to": "Y2FwaV9ncm91cDox", "recipient_type": "group", "type": "text", "text": {"body": "Hi"}}),
        json!({"to": "16505551234", "type": "text", "text": {"body": "Hi"}, "category": "utility",
            "message_send_ttl_seconds": 60, "messaging_account_id": "1", "recipient_identity_key_hash": "x"}),
        json!({"to": "16505551234", "type": "text", "text": {"body": "Hi", "new": [1]}, "of_next_year": {"a": null}}),
    ]
}

fn interactives() -> Vec<Value> {
    let reply = |id: &str| json!({"type": "reply", "reply": {"id": id, "title": id}});
    let section = |title: &str| json!({"title": title, "rows": [{"id": title, "title": "Row", "description": ""}]});
    let card = |index: u8, action: Value| {
        json!({"card_index": index, "type": "cta_url", "body": {"text": "Card"},
        "header": {"type": "image", "image": {"link": LINK}}, "action": action})
    };
    let link = json!({"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://example.com/{}"}});
    let quick = json!({"buttons": [{"type": "quick_reply", "quick_reply": {"id": "1", "title": "Yes"}}]});
    let product = |index: u8| {
        json!({"card_index": index, "type": "product",
        "action": {"catalog_id": "1", "product_retailer_id": "a"}})
    };
    let mut button = interactive("button", json!({"buttons": [reply("1"), reply("2"), reply("3")]}));
    button["interactive"]["header"] = json!({"type": "document", "document": {"id": "1", "filename": "a.pdf"}});
    button["interactive"]["footer"] = json!({"text": "Footer"});
    let mut list = interactive("LIST", json!({"button": "Choose", "sections": [section("a"), section("b")]}));
    list["interactive"]["header"] = json!({"type": "text", "text": "Header"});
    let mut products = interactive(
        "product_list",
        json!({"catalog_id": "1",
        "sections": [{"title": "a", "product_items": [{"product_retailer_id": "a"}]}]}),
    );
    products["interactive"]["header"] = json!({"type": "text", "text": "Header"});
    let amount = json!({"value": 100, "offset": 100});
    let order = json!({"status": "pending", "items": [{"retailer_id": "1", "name": "bread"}], "subtotal": amount});
    let flow = json!({"flow_message_version": "3", "flow_id": "1", "flow_cta": "Open", "flow_token": "x",
        "flow_action": "navigate", "flow_action_payload": {"screen": "A", "data": {"a": 1}}, "mode": "draft"});
    vec![
        button,
        list,
        products,
        interactive("list", json!({"button": "Choose", "sections": [{"rows": [{"id": "1", "title": "Row"}]}]})),
        interactive("cta_url", link.clone()),
        interactive("location_request_message", json!({"name": "send_location"})),
        interactive(
            "address_message",
            json!({"name": "address_message", "parameters": {"country": "IN", "values": {}}}),
        ),
        interactive("flow", json!({"name": "flow", "parameters": flow})),
        message("interactive", json!({"type": "product", "action": {"catalog_id": "1", "product_retailer_id": "a"}})),
        interactive(
            "catalog_message",
            json!({"name": "catalog_message", "parameters": {"thumbnail_product_retailer_id": "a"}}),
        ),
        interactive("carousel", json!({"cards": [card(0, link.clone()), card(1, link)]})),
        interactive("carousel", json!({"cards": [card(0, quick.clone()), card(1, quick)]})),
        interactive("carousel", json!({"cards": [product(0), product(1)]})),
        message(
            "interactive",
            json!({"type": "call_permission_request", "action": {"name": "call_permission_request"}}),
        ),
        interactive(
            "voice_call",
            json!({"name": "voice_call", "parameters": {"display_text": "Call", "ttl_minutes": 100}}),
        ),
        interactive(
            "order_details",
            json!({"name": "review_and_pay", "parameters": {"reference_id": "1",
            "type": "digital-goods", "currency": "INR", "total_amount": amount, "order": order}}),
        ),
        interactive(
            "order_status",
            json!({"name": "review_order", "parameters": {"reference_id": "1",
            "order": {"status": "processing"}}}),
        ),
        interactive(
            "order_status",
            json!({"name": "review_order", "parameters": {"reference_id": "1",
            "payment": {"status": "captured"}}}),
        ),
        interactive("request_contact_info", json!({"name": "request_contact_info"})),
        message("interactive", json!({"type": "of_next_year", "header": 1, "action": [2]})),
        interactive("button", json!({"buttons": [{"type": "of_next_year"}, reply("1")]})),
    ]
}

fn templates() -> Vec<Value> {
    let button = |kind: &str, index: Value, parameter: Value| {
        json!({"type": "button", "sub_type": kind, "index": index,
        "parameters": [parameter]})
    };
    vec![
        message("template", json!({"name": "hello_world_2", "language": {"code": "en_US", "policy": "deterministic"}})),
        template(json!([
            {"type": "HEADER", "parameters": [{"type": "image", "image": {"link": LINK}}]},
            {"type": "body", "parameters": [
                {"type": "text", "text": "Ana", "parameter_name": "name"},
                {"type": "TEXT", "text": true},
                {"type": "currency", "currency": {"fallback_value": "$1", "code": "USD", "amount_1000": 1000}},
                {"type": "date_time", "date_time": {"fallback_value": "today", "hour": 15}},
                {"type": "of_next_year"},
            ]},
            button("quick_reply", json!("0"), json!({"type": "payload", "payload": "x"})),
            button("url", json!(1), json!({"type": "text", "text": "x"})),
            button("copy_code", json!("2"), json!({"type": "coupon_code", "coupon_code": "SALE25"})),
            button("CATALOG", json!(3), json!({"type": "action", "action": {"thumbnail_product_retailer_id": "a"}})),
            button("of_next_year", json!(9), json!({"type": "ttl_minutes", "ttl_minutes": 1})),
            {"type": "button", "sub_type": "flow", "index": "5"},
            {"type": "limited_time_offer", "parameters": [
                {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_700_000_000_000_u64}}]},
            {"type": "of_next_year", "parameters": 1},
        ])),
        template(json!([
            {"type": "header", "parameters": [{"type": "location", "location": {"latitude": 1, "longitude": 2}}]},
            {"type": "order_status", "parameters": [{"type": "order_status", "order_status": {"reference_id": "1"}}]},
            {"type": "carousel", "cards": [{"card_index": 0, "components": [
                {"type": "header", "parameters": [{"type": "video", "video": {"id": "1"}}]},
                button("quick_reply", json!("0"), json!({"type": "payload", "payload": "x"})),
            ]}]},
        ])),
    ]
}

#[test]
fn a_body_of_every_kind_is_posted_as_it_was_written() {
    for body in all() {
        let (outgoing, _) = read(&body);
        let to = Recipient { to: Some("+16505551234".into()), recipient: None, is_group: false };
        let to = outgoing.recipient.clone().unwrap_or(to);

        let mut expected = body.clone();
        for (name, default) in [
            ("messaging_product", json!("whatsapp")),
            ("recipient_type", json!("individual")),
            ("type", json!("text")),
            ("biz_opaque_callback_data", json!("ours")),
        ] {
            expected.as_object_mut().unwrap().entry(name).or_insert(default);
        }
        if let Some(to) = &to.to {
            expected["to"] = json!(to);
        }
        assert_eq!(outgoing.posted(&to, "ours"), expected);
    }
}
