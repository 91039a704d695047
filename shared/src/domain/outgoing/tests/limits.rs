//! Each limit met exactly passes, and exceeded by one it is refused where it is.

use serde_json::{Value, json};

use super::{TO, interactive, message, pointers, template, with};

/// A body with so many of something, from and to how many there may be, and where too many are told.
struct Limit {
    what: &'static str,
    body: fn(usize) -> Value,
    least: usize,
    most: usize,
    pointer: &'static str,
}

const NONE: usize = usize::MAX;

/// Two bytes each.
fn letters(count: usize) -> Value {
    "ü".repeat(count).into()
}

fn digits(count: usize) -> String {
    "1".repeat(count)
}

fn link(length: usize) -> Value {
    format!("https://example.com/{}", "a".repeat(length.saturating_sub(20))).into()
}

fn many(count: usize, item: impl Fn(usize) -> Value) -> Value {
    (0..count).map(item).collect()
}

fn button_body() -> Value {
    interactive("button", json!({"buttons": [reply("Yes".into())]}))
}

fn reply(title: Value) -> Value {
    json!({"type": "reply", "reply": {"id": title, "title": title}})
}

fn list_body() -> Value {
    interactive("list", json!({"button": "Choose", "sections": [{"rows": [row(0)]}]}))
}

fn row(index: usize) -> Value {
    json!({"id": index.to_string(), "title": "Row"})
}

/// As many sections as it takes, of six rows or less.
fn sections_of_rows(count: usize) -> Value {
    let ids: Vec<usize> = (0..count).collect();
    let sections =
        ids.chunks(6).map(|ids| json!({"title": "A", "rows": ids.iter().map(|id| row(*id)).collect::<Value>()}));
    interactive("list", json!({"button": "Choose", "sections": sections.collect::<Value>()}))
}

fn product(index: usize) -> Value {
    json!({"product_retailer_id": index.to_string()})
}

fn products_body(sections: Value) -> Value {
    let body = interactive("product_list", json!({"catalog_id": "1", "sections": sections}));
    with(body, "/interactive/header", json!({"type": "text", "text": "Header"}))
}

fn sections_of_products(count: usize) -> Value {
    let ids: Vec<usize> = (0..count).collect();
    let sections = ids.chunks(20);
    products_body(
        sections
            .map(|ids| json!({"title": "A", "product_items": ids.iter().map(|id| product(*id)).collect::<Value>()}))
            .collect(),
    )
}

fn card(index: usize) -> Value {
    json!({"card_index": index, "header": {"type": "image", "image": {"id": "1"}}, "body": {"text": "Card"},
        "action": {"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://example.com"}}})
}

fn carousel(count: usize) -> Value {
    interactive("carousel", json!({"cards": many(count, card)}))
}

fn cta(display_text: Value) -> Value {
    let parameters = json!({"display_text": display_text, "url": "https://example.com"});
    interactive("cta_url", json!({"name": "cta_url", "parameters": parameters}))
}

fn text_to(to: Value) -> Value {
    json!({"to": to, "type": "text", "text": {"body": "Hi"}})
}

fn text_with(name: &str, value: Value) -> Value {
    with(text_to(TO.into()), &format!("/{name}"), value)
}

fn direct(seconds: usize) -> Value {
    with(text_with("category", "utility".into()), "/message_send_ttl_seconds", seconds.into())
}

fn parameter(length: usize) -> Value {
    template(json!([{"type": "body", "parameters": [{"type": "text", "text": letters(length)}]}]))
}

fn template_name(length: usize) -> Value {
    message("template", json!({"name": "a".repeat(length), "language": {"code": "en"}}))
}

fn template_button(index: usize) -> Value {
    template(json!([{"type": "button", "sub_type": "flow", "index": index.to_string()}]))
}

fn template_carousel(count: usize) -> Value {
    template(
        json!([{"type": "carousel", "cards": many(count, |index| json!({"card_index": index, "components": []}))}]),
    )
}

fn longer_cards(length: usize) -> Value {
    with(carousel(2), "/interactive/action/cards/1/body/text", letters(length))
}

const LIMITS: &[Limit] = &[
    Limit { what: "digits of a phone", body: |n| text_to(digits(n).into()), least: 7, most: 15, pointer: "/to" },
    Limit {
        what: "letters of a user id",
        body: |n| json!({"recipient": format!("US.{}", digits(n)), "text": {"body": "Hi"}}),
        least: 1,
        most: 128,
        pointer: "/recipient",
    },
    Limit {
        what: "letters of a linked user id",
        body: |n| json!({"recipient": format!("US.ENT.{}", digits(n)), "text": {"body": "Hi"}}),
        least: 1,
        most: 128,
        pointer: "/recipient",
    },
    Limit {
        what: "callback data",
        body: |n| text_with("biz_opaque_callback_data", letters(n)),
        least: 0,
        most: 512,
        pointer: "/biz_opaque_callback_data",
    },
    Limit {
        what: "seconds of a direct send",
        body: direct,
        least: 30,
        most: 43_200,
        pointer: "/message_send_ttl_seconds",
    },
    Limit {
        what: "seconds until expiry",
        body: |n| text_with("expires_in", n.into()),
        least: 1,
        most: 604_800,
        pointer: "/expires_in",
    },
    Limit {
        what: "text",
        body: |n| message("text", json!({"body": letters(n)})),
        least: 1,
        most: 4096,
        pointer: "/text/body",
    },
    Limit {
        what: "caption of an image",
        body: |n| message("image", json!({"id": "1", "caption": letters(n)})),
        least: 0,
        most: 1024,
        pointer: "/image/caption",
    },
    Limit {
        what: "caption of a video",
        body: |n| message("video", json!({"id": "1", "caption": letters(n)})),
        least: 0,
        most: 1024,
        pointer: "/video/caption",
    },
    Limit {
        what: "caption of a document",
        body: |n| message("document", json!({"id": "1", "caption": letters(n)})),
        least: 0,
        most: 1024,
        pointer: "/document/caption",
    },
    Limit {
        what: "digits of a media id",
        body: |n| message("sticker", json!({"id": digits(n)})),
        least: 1,
        most: 32,
        pointer: "/sticker/id",
    },
    Limit {
        what: "media link",
        body: |n| message("audio", json!({"link": link(n)})),
        least: 0,
        most: 2048,
        pointer: "/audio/link",
    },
    Limit {
        what: "contacts",
        body: |n| message("contacts", many(n, |_| json!({"name": {"formatted_name": "A", "first_name": "A"}}))),
        least: 1,
        most: NONE,
        pointer: "/contacts",
    },
    Limit {
        what: "body above buttons",
        body: |n| with(button_body(), "/interactive/body/text", letters(n)),
        least: 1,
        most: 1024,
        pointer: "/interactive/body/text",
    },
    Limit {
        what: "footer",
        body: |n| with(button_body(), "/interactive/footer", json!({"text": letters(n)})),
        least: 1,
        most: 60,
        pointer: "/interactive/footer/text",
    },
    Limit {
        what: "header",
        body: |n| with(button_body(), "/interactive/header", json!({"type": "text", "text": letters(n)})),
        least: 1,
        most: 60,
        pointer: "/interactive/header/text",
    },
    Limit {
        what: "second line of a header",
        body: |n| {
            let header = json!({"type": "text", "text": "Header", "sub_text": letters(n)});
            with(button_body(), "/interactive/header", header)
        },
        least: 0,
        most: 60,
        pointer: "/interactive/header/sub_text",
    },
    Limit {
        what: "buttons",
        body: |n| interactive("button", json!({"buttons": many(n, |index| reply(index.to_string().into()))})),
        least: 1,
        most: 3,
        pointer: "/interactive/action/buttons",
    },
    Limit {
        what: "title of a button",
        body: |n| with(button_body(), "/interactive/action/buttons/0/reply/title", letters(n)),
        least: 1,
        most: 20,
        pointer: "/interactive/action/buttons/0/reply/title",
    },
    Limit {
        what: "id of a button",
        body: |n| with(button_body(), "/interactive/action/buttons/0/reply/id", letters(n)),
        least: 1,
        most: 256,
        pointer: "/interactive/action/buttons/0/reply/id",
    },
    Limit {
        what: "body above a list",
        body: |n| with(list_body(), "/interactive/body/text", letters(n)),
        least: 1,
        most: 4096,
        pointer: "/interactive/body/text",
    },
    Limit {
        what: "button of a list",
        body: |n| with(list_body(), "/interactive/action/button", letters(n)),
        least: 1,
        most: 20,
        pointer: "/interactive/action/button",
    },
    Limit {
        what: "sections of a list",
        body: |n| {
            let section = |index| json!({"title": "A", "rows": [row(index)]});
            interactive("list", json!({"button": "Choose", "sections": many(n, section)}))
        },
        least: 1,
        most: 10,
        pointer: "/interactive/action/sections",
    },
    Limit {
        what: "title of one section",
        body: |n| with(list_body(), "/interactive/action/sections/0/title", letters(n)),
        least: 0,
        most: 24,
        pointer: "/interactive/action/sections/0/title",
    },
    Limit {
        what: "title of one of several sections",
        body: |n| with(sections_of_rows(10), "/interactive/action/sections/1/title", letters(n)),
        least: 1,
        most: 24,
        pointer: "/interactive/action/sections/1/title",
    },
    Limit {
        what: "rows of a section",
        body: |n| interactive("list", json!({"button": "Choose", "sections": [{"rows": many(n, row)}]})),
        least: 1,
        most: 10,
        pointer: "/interactive/action/sections/0/rows",
    },
    Limit { what: "rows in all", body: sections_of_rows, least: 1, most: 10, pointer: "/interactive/action/sections" },
    Limit {
        what: "id of a row",
        body: |n| with(list_body(), "/interactive/action/sections/0/rows/0/id", letters(n)),
        least: 1,
        most: 200,
        pointer: "/interactive/action/sections/0/rows/0/id",
    },
    Limit {
        what: "title of a row",
        body: |n| with(list_body(), "/interactive/action/sections/0/rows/0/title", letters(n)),
        least: 1,
        most: 24,
        pointer: "/interactive/action/sections/0/rows/0/title",
    },
    Limit {
        what: "description of a row",
        body: |n| with(list_body(), "/interactive/action/sections/0/rows/0/description", letters(n)),
        least: 0,
        most: 72,
        pointer: "/interactive/action/sections/0/rows/0/description",
    },
    Limit {
        what: "words on a link",
        body: |n| cta(letters(n)),
        least: 1,
        most: 20,
        pointer: "/interactive/action/parameters/display_text",
    },
    Limit {
        what: "products of a section",
        body: |n| products_body(json!([{"product_items": many(n, product)}])),
        least: 1,
        most: 30,
        pointer: "/interactive/action/sections/0/product_items",
    },
    Limit {
        what: "products in all",
        body: sections_of_products,
        least: 1,
        most: 30,
        pointer: "/interactive/action/sections",
    },
    Limit {
        what: "sections of products",
        body: |n| products_body(many(n, |index| json!({"title": "A", "product_items": [product(index)]}))),
        least: 1,
        most: 10,
        pointer: "/interactive/action/sections",
    },
    Limit { what: "cards", body: carousel, least: 2, most: 10, pointer: "/interactive/action/cards" },
    Limit {
        what: "body of a card",
        body: longer_cards,
        least: 1,
        most: 160,
        pointer: "/interactive/action/cards/1/body/text",
    },
    Limit { what: "name of a template", body: template_name, least: 1, most: 512, pointer: "/template/name" },
    Limit {
        what: "text of a parameter",
        body: parameter,
        least: 1,
        most: 32_768,
        pointer: "/template/components/0/parameters/0/text",
    },
    Limit {
        what: "index of a template's button",
        body: template_button,
        least: 0,
        most: 9,
        pointer: "/template/components/0/index",
    },
    Limit {
        what: "cards of a template",
        body: template_carousel,
        least: 1,
        most: 10,
        pointer: "/template/components/0/cards",
    },
];

#[test]
fn a_limit_may_be_met_and_not_passed() {
    for Limit { what, body, least, most, pointer } in LIMITS {
        assert_eq!(pointers(&body(*least)), Vec::<String>::new(), "{what}: {least}");
        if *least > 0 {
            assert_eq!(
                pointers(&body(least - 1)).first().map(String::as_str),
                Some(*pointer),
                "{what}: {least} less one"
            );
        }
        if *most != NONE {
            assert_eq!(pointers(&body(*most)), Vec::<String>::new(), "{what}: {most}");
            assert_eq!(pointers(&body(most + 1)).first().map(String::as_str), Some(*pointer), "{what}: {most} and one");
        }
    }
}

#[test]
fn a_place_is_on_the_globe() {
    for (name, most) in [("latitude", 90), ("longitude", 180)] {
        let at = |degrees: Value| {
            pointers(&with(
                message("location", json!({"latitude": 0, "longitude": 0})),
                &format!("/location/{name}"),
                degrees,
            ))
        };
        for good in [json!(most), json!(-most), json!(format!("-{most}.0")), json!(0.5)] {
            assert_eq!(at(good), Vec::<String>::new());
        }
        for bad in
            [json!(most + 1), json!(-most - 1), json!(f64::from(most) + 0.001), json!("north"), json!("NaN"), json!([])]
        {
            assert_eq!(at(bad), [format!("/location/{name}")]);
        }
    }
}
