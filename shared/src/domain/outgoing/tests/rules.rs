//! What is required, what must differ, and what cannot stand together.

use serde_json::{Value, json};

use super::{interactive, message, pointers, template};

fn refused(body: &Value, expected: &[&str]) {
    assert_eq!(pointers(body), expected, "{body}");
}

#[test]
fn the_object_of_its_type_must_be_there() {
    let kinds =
        ["text", "image", "video", "audio", "document", "sticker", "location", "reaction", "interactive", "template"];
    for kind in kinds {
        let place = format!("/{kind}");
        refused(&json!({"to": "16505551234", "type": kind}), &[&place]);
        refused(&message(kind, json!(null)), &[&place]);
        refused(&message(kind, json!("text")), &[&place]);
    }
    refused(&message("contacts", json!({})), &["/contacts"]);
    refused(&message("text", json!({"body": 5})), &["/text/body"]);
    refused(&message("text", json!({"body": "Hi", "preview_url": "yes"})), &["/text/preview_url"]);
    refused(&message("location", json!({})), &["/location/latitude", "/location/longitude"]);
}

#[test]
fn media_have_an_id_or_a_link_and_not_both() {
    for kind in ["image", "video", "audio", "document", "sticker"] {
        let link = "https://example.com/x";
        refused(&message(kind, json!({})), &[&format!("/{kind}")]);
        refused(&message(kind, json!({"id": "1", "link": link})), &[&format!("/{kind}/link")]);
        refused(&message(kind, json!({"id": "../me"})), &[&format!("/{kind}/id")]);
        refused(&message(kind, json!({"link": "http://example.com/x"})), &[&format!("/{kind}/link")]);
        refused(&message(kind, json!({"link": "https://169.254.169.254/latest"})), &[&format!("/{kind}/link")]);
    }
    refused(&message("audio", json!({"id": "1", "voice": 1})), &["/audio/voice"]);
}

#[test]
fn a_contact_has_a_name_and_a_part_of_it() {
    let card = |name: Value| message("contacts", json!([{"name": name}]));
    refused(&message("contacts", json!([{}])), &["/contacts/0/name"]);
    refused(&card(json!({"formatted_name": "Ana"})), &["/contacts/0/name"]);
    refused(&card(json!({"formatted_name": "Ana", "first_name": ""})), &["/contacts/0/name"]);
    refused(&card(json!({"first_name": "Ana"})), &["/contacts/0/name/formatted_name"]);
    refused(&card(json!("Ana")), &["/contacts/0/name"]);
    let phones = json!([{"name": {"formatted_name": "Ana", "suffix": "Jr"}, "phones": {"phone": "1"}}]);
    refused(&message("contacts", phones), &["/contacts/0/phones"]);
}

#[test]
fn a_reaction_is_one_emoji_on_a_message() {
    for emoji in ["ok", "👍👍", "👍 "] {
        refused(&message("reaction", json!({"message_id": "wamid.1", "emoji": emoji})), &["/reaction/emoji"]);
    }
    refused(&message("reaction", json!({"message_id": "", "emoji": ""})), &["/reaction/message_id"]);
    refused(&message("reaction", json!({})), &["/reaction/message_id", "/reaction/emoji"]);
}

#[test]
fn a_pin_names_its_message() {
    let pin = |pin: Value| json!({"to": "g", "recipient_type": "group", "type": "pin", "pin": pin});
    refused(&pin(json!({})), &["/pin/type", "/pin/message_id"]);
    refused(&pin(json!({"type": "pin", "message_id": "wamid.1", "expiration_days": 0})), &["/pin/expiration_days"]);
    refused(&pin(json!({"type": "unpin", "message_id": "wamid.1"})), &[]);
}

#[test]
fn headers_are_of_the_kinds_their_type_takes() {
    let with = |kind: &str, action: Value, header: Value| {
        let mut body = interactive(kind, action);
        body["interactive"]["header"] = header;
        body
    };
    let buttons = json!({"buttons": [{"type": "reply", "reply": {"id": "1", "title": "Yes"}}]});
    let list = json!({"button": "Choose", "sections": [{"rows": [{"id": "1", "title": "Row"}]}]});
    let product = json!({"catalog_id": "1", "product_retailer_id": "a"});
    let products = json!({"catalog_id": "1", "sections": [{"product_items": [{"product_retailer_id": "a"}]}]});
    let image = json!({"type": "image", "image": {"id": "1"}});
    let text = json!({"type": "text", "text": "Hi"});
    let unknown = json!({"type": "of_next_year"});

    for header in [&image, &text, &unknown] {
        refused(&with("button", buttons.clone(), header.clone()), &[]);
    }
    refused(&with("button", buttons.clone(), json!({"type": "image"})), &["/interactive/header/image"]);
    refused(&with("button", buttons.clone(), json!({"text": "Hi"})), &["/interactive/header/type"]);
    refused(&with("button", buttons.clone(), json!({"type": "video", "video": {}})), &["/interactive/header/video"]);
    refused(&with("button", buttons, json!("Hi")), &["/interactive/header"]);
    refused(&with("list", list.clone(), image.clone()), &["/interactive/header/type"]);
    refused(&with("list", list.clone(), text.clone()), &[]);
    refused(&with("list", list, unknown), &[]);
    refused(&with("product", product, text.clone()), &["/interactive/header"]);
    refused(&with("product_list", products.clone(), image), &["/interactive/header/type"]);
    refused(&with("product_list", products.clone(), text), &[]);
    refused(&interactive("product_list", products), &["/interactive/header"]);
}

#[test]
fn every_type_of_interactive_message_needs_its_parts() {
    refused(&message("interactive", json!({})), &["/interactive/type"]);
    refused(&message("interactive", json!({"type": 1})), &["/interactive/type"]);
    let bare = |kind: &str| message("interactive", json!({"type": kind, "action": {}}));
    let cases: &[(&str, &[&str])] = &[
        ("address_message", &["body", "action/name", "action/parameters"]),
        ("button", &["body", "action/buttons"]),
        ("call_permission_request", &["action/name"]),
        ("carousel", &["body", "action/cards"]),
        ("catalog_message", &["body", "action/name"]),
        ("cta_url", &["body", "action/name", "action/parameters"]),
        ("flow", &["body", "action/name", "action/parameters"]),
        ("list", &["body", "action/button", "action/sections"]),
        ("location_request_message", &["body", "action/name"]),
        ("order_details", &["body", "action/name", "action/parameters"]),
        ("order_status", &["body", "action/name", "action/parameters"]),
        ("product", &["action/catalog_id", "action/product_retailer_id"]),
        ("product_list", &["header", "body", "action/catalog_id", "action/sections"]),
        ("request_contact_info", &["body", "action/name"]),
        ("voice_call", &["body", "action/name"]),
    ];
    for (kind, parts) in cases {
        let expected: Vec<String> = parts.iter().map(|part| format!("/interactive/{part}")).collect();
        assert_eq!(pointers(&bare(kind)), expected, "{kind}");
        let mut inactive = bare(kind);
        inactive["interactive"]["action"] = Value::Null;
        assert_eq!(pointers(&inactive).last().map(String::as_str), Some("/interactive/action"), "{kind}");
    }
}

#[test]
fn parameters_of_actions_need_their_parts() {
    let acting =
        |kind: &str, name: &str, parameters: Value| interactive(kind, json!({"name": name, "parameters": parameters}));
    let place = "/interactive/action/parameters";
    let at = |names: &[&str]| names.iter().map(|name| format!("{place}/{name}")).collect::<Vec<_>>();
    let cases = [
        (acting("address_message", "address_message", json!({})), at(&["country"])),
        (acting("cta_url", "cta_url", json!({})), at(&["display_text", "url"])),
        (acting("cta_url", "cta_url", json!({"display_text": "Open", "url": "example.com"})), at(&["url"])),
        (acting("cta_url", "cta_url", json!({"display_text": "Open", "url": "https://a b"})), at(&["url"])),
        (acting("order_status", "review_order", json!({})), at(&["reference_id", "order"])),
        (
            acting("order_details", "review_and_pay", json!({"total_amount": {}, "order": {}})),
            at(&[
                "reference_id",
                "type",
                "currency",
                "total_amount/value",
                "total_amount/offset",
                "order/status",
                "order/items",
            ]),
        ),
        (
            acting("catalog_message", "catalog_message", json!({"thumbnail_product_retailer_id": ""})),
            at(&["thumbnail_product_retailer_id"]),
        ),
        (acting("voice_call", "voice_call", json!([])), vec![place.to_owned()]),
        (
            acting("cta_url", "flow", json!({"display_text": "Open", "url": "https://a"})),
            vec!["/interactive/action/name".to_owned()],
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(pointers(&body), expected, "{body}");
    }
}

#[test]
fn a_flow_is_named_by_its_id_or_its_name() {
    let flow = |mut parameters: Value| {
        parameters["flow_message_version"] = "3".into();
        parameters["flow_cta"] = "Open".into();
        interactive("flow", json!({"name": "flow", "parameters": parameters}))
    };
    let place = "/interactive/action/parameters";
    refused(&flow(json!({"flow_id": "1"})), &[]);
    refused(&flow(json!({"flow_name": "a"})), &[]);
    refused(&flow(json!({})), &[place]);
    refused(&flow(json!({"flow_id": "1", "flow_name": "a"})), &[&format!("{place}/flow_name")]);
    let payload = json!({"flow_id": "1", "flow_action_payload": {"screen": 1, "data": []}});
    refused(
        &flow(payload),
        &[&format!("{place}/flow_action_payload/screen"), &format!("{place}/flow_action_payload/data")],
    );
    refused(
        &interactive("flow", json!({"name": "flow", "parameters": {"flow_id": "1"}})),
        &[&format!("{place}/flow_message_version"), &format!("{place}/flow_cta")],
    );
}

#[test]
fn buttons_and_rows_differ() {
    let reply = |id: &str, title: &str| json!({"type": "reply", "reply": {"id": id, "title": title}});
    let buttons = |other: Value| interactive("button", json!({"buttons": [reply("1", "Yes"), other]}));
    refused(&buttons(reply("1", "No")), &["/interactive/action/buttons/1/reply/id"]);
    refused(&buttons(reply("2", "Yes")), &["/interactive/action/buttons/1/reply/title"]);
    refused(&buttons(json!({"type": "reply"})), &["/interactive/action/buttons/1/reply"]);
    refused(&buttons(json!({"reply": {"id": "2", "title": "No"}})), &["/interactive/action/buttons/1/type"]);

    let section = |title: &str, id: &str| json!({"title": title, "rows": [{"id": id, "title": "Row"}]});
    let list = |sections: Value| interactive("list", json!({"button": "Choose", "sections": sections}));
    refused(&list(json!([section("A", "1"), section("A", "1")])), &["/interactive/action/sections/1/rows/0/id"]);
    refused(
        &list(json!([section("A", "1"), {"rows": [{"id": "2", "title": "Row"}]}])),
        &["/interactive/action/sections/1/title"],
    );
    refused(
        &list(json!([{"rows": [{}]}])),
        &["/interactive/action/sections/0/rows/0/id", "/interactive/action/sections/0/rows/0/title"],
    );
}

#[test]
fn cards_have_media_and_one_thing_to_do() {
    let link = json!({"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://example.com"}});
    let header = json!({"type": "image", "image": {"id": "1"}});
    let card = |index: u8| json!({"card_index": index, "header": header, "action": link});
    let cards = |second: Value| interactive("carousel", json!({"cards": [card(0), second]}));
    let at = |part: &str| format!("/interactive/action/cards/1{part}");

    refused(&cards(card(1)), &[]);
    refused(&cards(card(0)), &[&at("/card_index")]);
    refused(&cards(json!({"card_index": 1, "type": "of_next_year"})), &[]);
    refused(&cards(json!({"card_index": 1})), &[&at("/header"), &at("/action")]);
    let text = json!({"type": "text", "text": "Hi"});
    refused(&cards(json!({"card_index": 1, "header": text, "action": link})), &[&at("/header/type")]);
    let quick = json!({"buttons": [{"type": "quick_reply", "quick_reply": {"id": "1", "title": ""}}]});
    refused(
        &cards(json!({"card_index": 1, "header": header, "action": quick})),
        &[&at("/action/buttons/0/quick_reply/title")],
    );
    refused(
        &cards(json!({"card_index": 1, "type": "product", "action": {}})),
        &[&at("/action/catalog_id"), &at("/action/product_retailer_id")],
    );
}

#[test]
fn a_template_is_named_and_has_a_language() {
    refused(&message("template", json!({})), &["/template/name", "/template/language"]);
    for name in ["", "Hello", "hello-world", "hello world", "héllo"] {
        refused(&message("template", json!({"name": name, "language": {"code": "en"}})), &["/template/name"]);
    }
    refused(&message("template", json!({"name": "a", "language": "en"})), &["/template/language"]);
    refused(&message("template", json!({"name": "a", "language": {}})), &["/template/language/code"]);
    refused(&template(json!({})), &["/template/components"]);
}

#[test]
fn components_and_parameters_need_their_parts() {
    let component = |component: Value| template(json!([component]));
    let parameter = |parameter: Value| component(json!({"type": "body", "parameters": [parameter]}));
    let at = |part: &str| format!("/template/components/0{part}");
    let of_a_parameter = |part: &str| at(&format!("/parameters/0{part}"));

    refused(&component(json!({})), &[&at("/type")]);
    refused(&component(json!({"type": "body", "parameters": {}})), &[&at("/parameters")]);
    refused(&component(json!({"type": "button"})), &[&at("/sub_type"), &at("/index")]);
    refused(
        &component(json!({"type": "button", "sub_type": "url", "index": "first"})),
        &[&at("/index"), &at("/parameters")],
    );
    for kind in ["HEADER", "body", "limited_time_offer", "order_status"] {
        refused(&component(json!({"type": kind, "parameters": [{}]})), &[&of_a_parameter("/type")]);
    }
    for kind in ["url", "quick_reply", "copy_code", "mpm"] {
        refused(&component(json!({"type": "button", "sub_type": kind, "index": 0})), &[&at("/parameters")]);
    }
    refused(
        &component(json!({"type": "button", "sub_type": "URL", "index": 0, "parameters": []})),
        &[&at("/parameters")],
    );
    refused(&component(json!({"type": "carousel"})), &[&at("/cards")]);
    let nested = json!({"type": "carousel", "cards": [{"card_index": 0, "components": [{"type": "carousel"}]}]});
    refused(&component(nested), &[&at("/cards/0/components/0")]);

    refused(&parameter(json!("Ana")), &[&of_a_parameter("")]);
    refused(&parameter(json!({})), &[&of_a_parameter("/type")]);
    for kind in [
        "text",
        "currency",
        "date_time",
        "image",
        "video",
        "document",
        "location",
        "payload",
        "coupon_code",
        "action",
        "limited_time_offer",
        "group_id",
        "order_status",
    ] {
        refused(&parameter(json!({"type": kind})), &[&of_a_parameter(&format!("/{kind}"))]);
    }
    for text in ["a\nb", "a\tb", "a\rb", "a     b"] {
        refused(&parameter(json!({"type": "text", "text": text})), &[&of_a_parameter("/text")]);
    }
    refused(
        &parameter(json!({"type": "text", "text": "a    b", "parameter_name": ""})),
        &[&of_a_parameter("/parameter_name")],
    );
    let currency = ["fallback_value", "code", "amount_1000"].map(|part| of_a_parameter(&format!("/currency/{part}")));
    refused(&parameter(json!({"type": "currency", "currency": {}})), &currency.each_ref().map(String::as_str));
    refused(&parameter(json!({"type": "date_time", "date_time": {}})), &[&of_a_parameter("/date_time/fallback_value")]);
    refused(&parameter(json!({"type": "image", "image": {}})), &[&of_a_parameter("/image")]);
    refused(
        &parameter(json!({"type": "location", "location": {"latitude": 91, "longitude": 0}})),
        &[&of_a_parameter("/location/latitude")],
    );
    refused(
        &parameter(json!({"type": "limited_time_offer", "limited_time_offer": {}})),
        &[&of_a_parameter("/limited_time_offer/expiration_time_ms")],
    );
}
