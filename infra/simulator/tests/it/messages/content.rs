//! What a message may contain, to its documented limits.

use serde_json::{Value, json};

use crate::sender::{Sender, reason};

fn text(length: usize) -> String {
    "é".repeat(length)
}

fn interactive(kind: &str, action: impl Into<Value>) -> Value {
    let action: Value = action.into();
    json!({"type": "interactive", "interactive": {"type": kind, "body": {"text": "Body"}, "action": action}})
}

fn reply(id: &str, title: &str) -> Value {
    json!({"type": "reply", "reply": {"id": id, "title": title}})
}

fn rows(count: usize) -> Value {
    (0..count).map(|index| json!({"id": format!("row {index}"), "title": format!("Row {index}")})).collect()
}

fn list(sections: impl Into<Value>) -> Value {
    let sections: Value = sections.into();
    interactive("list", json!({"button": "Choose", "sections": sections}))
}

fn cards(count: usize) -> Value {
    (0..count)
        .map(|index| {
            json!({"card_index": index, "type": "cta_url",
                "header": {"type": "image", "image": {"link": "https://example.com/a.jpg"}},
                "action": {"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://example.com"}}})
        })
        .collect()
}

fn contact(name: impl Into<Value>) -> Value {
    let name: Value = name.into();
    json!({"type": "contacts", "contacts": [{"name": name, "phones": [{"phone": "+351 21 000 0000", "type": "WORK"}]}]})
}

/// Every type at its limits.
fn accepted() -> Vec<Value> {
    let flow = json!({"flow_message_version": "3", "flow_id": "1", "flow_token": "t", "flow_cta": "Open",
        "flow_action": "navigate", "flow_action_payload": {"screen": "FIRST"}});
    let products = json!([{"title": "Bread", "product_items": [{"product_retailer_id": "1"}]}]);
    let mut product_list = interactive("product_list", json!({"catalog_id": "1", "sections": products}));
    product_list["interactive"]["header"] = json!({"type": "text", "text": "Header"});
    let mut with_header =
        interactive("button", json!({"buttons": [reply("1", "Yes"), reply("2", "No"), reply("3", &text(20))]}));
    with_header["interactive"]["header"] =
        json!({"type": "document", "document": {"link": "https://example.com/a.pdf"}});
    with_header["interactive"]["footer"] = json!({"text": text(60)});
    vec![
        json!({"type": "text", "text": {"body": text(4096), "preview_url": true}}),
        json!({"text": {"body": "without a type it is a text"}}),
        json!({"type": "text", "text": {"body": "in answer"}, "context": {"message_id": "wamid.any"}}),
        json!({"type": "image", "image": {"link": "https://example.com/a.jpg", "caption": text(1024)}}),
        json!({"type": "audio", "audio": {"link": "https://example.com/a.ogg", "voice": true}}),
        json!({"type": "document", "document": {"link": "https://example.com/a.pdf", "filename": "a.pdf", "caption": "c"}}),
        json!({"type": "sticker", "sticker": {"link": "https://example.com/a.webp"}}),
        json!({"type": "video", "video": {"link": "https://example.com/a.mp4", "caption": "c"}}),
        json!({"type": "location", "location": {"latitude": -90, "longitude": "180", "name": "N", "address": "A"}}),
        contact(json!({"formatted_name": "Ana Melo", "first_name": "Ana"})),
        with_header,
        list(json!([{"title": "One", "rows": rows(10)}])),
        list(json!([{"rows": [{"id": text(200), "title": text(24), "description": text(72)}]}])),
        interactive(
            "cta_url",
            json!({"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://e.com"}}),
        ),
        interactive("location_request_message", json!({"name": "send_location"})),
        interactive("request_contact_info", json!({"name": "request_contact_info"})),
        interactive("address_message", json!({"name": "address_message", "parameters": {"country": "IN"}})),
        interactive("call_permission_request", json!({"name": "call_permission_request"})),
        interactive("voice_call", json!({"name": "voice_call", "parameters": {"display_text": "Call us"}})),
        interactive("flow", json!({"name": "flow", "parameters": flow})),
        interactive("product", json!({"catalog_id": "1", "product_retailer_id": "2"})),
        interactive("catalog_message", json!({"name": "catalog_message"})),
        product_list,
        interactive("carousel", json!({"cards": cards(10)})),
    ]
}

#[tokio::test]
async fn every_type_is_taken_at_its_limits() {
    let sender = Sender::start().await;

    for message in accepted() {
        let answer = sender.send(message.clone()).await;
        assert_eq!(answer.status, 200, "{message}: {}", answer.body);
    }
}

/// The message, the code, what is said.
type Refused = (Value, i64, &'static str);

/// One step beyond each limit.
fn refused() -> Vec<Refused> {
    [refused_contents(), refused_interactive(), refused_envelopes()].concat()
}

fn refused_contents() -> Vec<Refused> {
    vec![
        (json!({"type": "text"}), 131008, "The parameter text is required where type is text."),
        (json!({"type": "text", "text": {}}), 131008, "The parameter text['body'] is required."),
        (json!({"type": "text", "text": {"body": ""}}), 131009, "Param text['body'] cannot be empty."),
        (
            json!({"type": "text", "text": {"body": text(4097)}}),
            131009,
            "Param text['body'] must be at most 4096 characters long.",
        ),
        (
            json!({"type": "text", "text": {"body": "a", "previewUrl": true}}),
            100,
            "(#100) Unexpected key \"previewUrl\" on param \"text\".",
        ),
        (json!({"type": "image", "image": {}}), 131008, "image needs an id or a link"),
        (
            json!({"type": "image", "image": {"id": "1", "link": "https://e.com/a.jpg"}}),
            131009,
            "Param image must have either an id or a link, it has both.",
        ),
        (
            json!({"type": "image", "image": {"id": "1"}}),
            100,
            "(#100) Param image['id'] is not a valid whatsapp business account media attachment ID",
        ),
        (
            json!({"type": "image", "image": {"link": "https://e.com/a.jpg", "caption": text(1025)}}),
            131009,
            "Param image['caption'] must be at most 1024 characters long.",
        ),
        (json!({"type": "image", "image": {"link": "a.jpg"}}), 131009, "Param image['link'] must be a valid URI."),
        (
            json!({"type": "audio", "audio": {"link": "https://e.com/a.mp3", "caption": "none"}}),
            100,
            "(#100) Unexpected key \"caption\" on param \"audio\".",
        ),
        (
            json!({"type": "location", "location": {"latitude": 91, "longitude": 0}}),
            131009,
            "Param location['latitude'] must be between -90 and 90.",
        ),
        (
            json!({"type": "location", "location": {"latitude": 1}}),
            131008,
            "The parameter location['longitude'] is required.",
        ),
        (
            contact(json!({"formatted_name": "Ana"})),
            131008,
            "contacts[0]['name'] needs formatted_name and at least one of first_name, last_name, middle_name, prefix, suffix",
        ),
        (json!({"type": "contacts", "contacts": []}), 131009, "Param contacts must have 1 to 257 elements, it has 0."),
        (
            json!({"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": "👍"}}),
            131009,
            "Param reaction['message_id'] is not a message of this phone number.",
        ),
        (
            json!({"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": "ok"}}),
            131009,
            "Param reaction['emoji'] must be an emoji.",
        ),
    ]
}

fn refused_interactive() -> Vec<Refused> {
    let two = json!({"buttons": [reply("1", "Yes"), reply("2", "Yes")]});
    let four: Vec<Value> = (0..4).map(|index| reply(&index.to_string(), &index.to_string())).collect();
    let mut numbered = cards(2);
    numbered[1]["card_index"] = 5.into();
    let mut header = interactive("list", json!({"button": "Choose", "sections": [{"rows": rows(1)}]}));
    header["interactive"]["header"] = json!({"type": "image", "image": {"link": "https://example.com/a.jpg"}});
    vec![
        (
            interactive("button", json!({"buttons": four})),
            131009,
            "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3",
        ),
        (
            interactive("button", two),
            131009,
            "Param interactive['action']['buttons'][1]['reply']['title'] must be unique - \"Yes\" is given twice.",
        ),
        (
            interactive("button", json!({"buttons": [reply("1", &text(21))]})),
            131009,
            "Param interactive['action']['buttons'][0]['reply']['title'] must be at most 20 characters long.",
        ),
        (
            interactive("button", json!({"buttons": [reply(&text(257), "Yes")]})),
            131009,
            "Param interactive['action']['buttons'][0]['reply']['id'] must be at most 256 characters long.",
        ),
        (
            list(json!([{"title": "A", "rows": rows(6)}, {"title": "B", "rows": rows(5)}])),
            131009,
            "Total row count exceed max allowed count: 10",
        ),
        (
            list(json!([{"title": "A", "rows": rows(1)}, {"rows": rows(1)}])),
            131008,
            "The parameter interactive['action']['sections'][1]['title'] is required.",
        ),
        (header, 131009, "Param interactive['header']['type'] \"image\" is not a header an interactive list may have."),
        (
            json!({"type": "interactive", "interactive": {"type": "poll", "action": {}}}),
            131009,
            "Param interactive['type'] must be one of {address_message, button, call_permission_request, carousel, \
             catalog_message, cta_url, flow, list, location_request_message, order_details, order_status, product, \
             product_carousel, product_list, request_contact_info, voice_call} - got \"poll\".",
        ),
        (
            interactive("carousel", json!({"cards": cards(1)})),
            131009,
            "Param interactive['action']['cards'] must have 2 to 10 elements, it has 1.",
        ),
        (
            interactive("carousel", json!({"cards": numbered})),
            131009,
            "Param interactive['action']['cards'][1]['card_index'] must be 1: cards are numbered in order.",
        ),
        (
            interactive(
                "flow",
                json!({"name": "flow", "parameters": {"flow_message_version": "3", "flow_cta": "Open"}}),
            ),
            131008,
            "interactive['action']['parameters'] needs flow_id or flow_name",
        ),
    ]
}

fn refused_envelopes() -> Vec<Refused> {
    vec![
        (json!({"type": "system", "system": {}}), 131051, "Message type \"system\" cannot be sent."),
        (
            json!({"type": "poem", "poem": {}}),
            100,
            "(#100) Param type must be one of {audio, contacts, document, image, interactive, location, reaction, sticker, \
             template, text, video} - got \"poem\".",
        ),
        (json!({"to": "", "text": {"body": "a"}}), 100, "(#100) The parameter to is required."),
        (
            json!({"to": "+1 (555) CALL", "text": {"body": "a"}}),
            131009,
            "The phone number is malformed: Please use the format: +1234567890.",
        ),
        (json!({"to": "+15550100001", "text": {"body": "a"}}), 131021, "Recipient cannot be the sender."),
        (
            json!({"text": {"body": "a"}, "biz_opaque_callback_data": text(513)}),
            131009,
            "Param biz_opaque_callback_data must be at most 512 characters long.",
        ),
        (
            json!({"text": {"body": "a"}, "recipient_type": "all"}),
            100,
            "(#100) Param recipient_type must be one of {individual, group} - got \"all\".",
        ),
        (
            json!({"messaging_product": null, "text": {"body": "a"}}),
            100,
            "(#100) The parameter messaging_product is required.",
        ),
        (
            json!({"text": {"body": "a"}, "context": {"id": "wamid.x"}}),
            100,
            "(#100) Unexpected key \"id\" on param \"context\".",
        ),
    ]
}

#[tokio::test]
async fn one_step_beyond_a_limit_is_refused_with_its_code_and_its_place() {
    let sender = Sender::start().await;

    for (message, code, details) in refused() {
        let answer = sender.send(message.clone()).await;
        assert_eq!((answer.error().0, reason(&answer).as_str()), (code, details), "{message}");
    }
    assert_eq!(sender.world.app.heard().len(), 0, "a refused message has no status");
}

#[tokio::test]
async fn a_reaction_may_answer_any_message_of_thirty_days() {
    let sender = Sender::start().await;
    let wamid = sender.sent("Hello").await;
    let reaction = json!({"type": "reaction", "reaction": {"message_id": wamid, "emoji": "👍🏽"}});

    assert_eq!(sender.send(reaction.clone()).await.status, 200);
    assert_eq!(
        sender.send(json!({"type": "reaction", "reaction": {"message_id": wamid, "emoji": ""}})).await.status,
        200
    );
    sender.world.advance(31 * 24 * 3600);
    let late = sender.send(reaction).await;

    assert_eq!(
        (late.error().0, reason(&late)),
        (131009, "Param reaction['message_id'] is older than 30 days.".to_owned())
    );
}
