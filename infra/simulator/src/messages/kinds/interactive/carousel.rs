//! Cards side by side: media with a link or quick replies, or products.

use super::{TYPE, buttons};
use crate::graph::GraphError;
use crate::messages::kinds::{Sending, media};
use crate::messages::shape::{Part, Rule, Shape, optional, required};

const CARDS: (usize, usize) = (2, 10);

pub(super) const CAROUSEL: Shape = Shape(&[
    TYPE,
    required("body", Rule::Object(&Shape(&[required("text", Rule::Text(1024))]))),
    required("action", Rule::Object(&Shape(&[required("cards", Rule::List(CARDS.0, CARDS.1, &Rule::Object(&CARD)))]))),
]);

const CARD: Shape = Shape(&[
    required("card_index", Rule::Number(0.0, 9.0)),
    optional("type", Rule::OneOf(&["cta_url", "button", "quick_reply"])),
    required("header", Rule::Object(&HEADER)),
    optional("body", Rule::Object(&Shape(&[required("text", Rule::Text(160))]))),
    required("action", Rule::Any),
]);

const HEADER: Shape = Shape(&[
    required("type", Rule::OneOf(&["image", "video"])),
    optional("image", media::IMAGE_RULE),
    optional("video", media::VIDEO_RULE),
]);

pub(super) const PRODUCTS: Shape = Shape(&[
    TYPE,
    required("body", Rule::Object(&Shape(&[required("text", Rule::Text(1024))]))),
    required(
        "action",
        Rule::Object(&Shape(&[required("cards", Rule::List(CARDS.0, CARDS.1, &Rule::Object(&PRODUCT_CARD)))])),
    ),
]);

const PRODUCT_CARD: Shape = Shape(&[
    required("card_index", Rule::Number(0.0, 9.0)),
    optional("type", Rule::OneOf(&["product"])),
    required(
        "action",
        Rule::Object(&Shape(&[
            required("product_retailer_id", Rule::Text(100)),
            required("catalog_id", Rule::Text(64)),
        ])),
    ),
]);

/// Cards are numbered in order, and all have the same kind of buttons.
pub(super) fn check(sending: &Sending<'_>, part: &Part<'_>) -> Result<(), GraphError> {
    let cards: Vec<Part<'_>> = part.need("action")?.need("cards")?.items().collect();
    for (index, card) in cards.iter().enumerate() {
        let number = card.need("card_index")?;
        if number.text() != index.to_string() {
            return Err(number.bad(&format!("must be {index}: cards are numbered in order.")));
        }
        let header = card.need("header")?;
        media::check(sending, &header.need(&header.need("type")?.text())?)?;
        check_action(&card.need("action")?)?;
    }
    let has_link = |card: &Part<'_>| card.get("action").is_some_and(|action| action.get("name").is_some());
    if cards.iter().any(has_link) && !cards.iter().all(has_link) {
        return Err(part.bad("must have the same kind of buttons on all cards."));
    }
    Ok(())
}

fn check_action(action: &Part<'_>) -> Result<(), GraphError> {
    let Some(replies) = action.get("buttons") else { return action.must_be(&buttons::CTA_ACTION) };
    replies.must_follow(&Rule::List(1, 3, &Rule::Any))?;
    for button in replies.items() {
        // Meta's page names the one button kind in two ways.
        if let Some(reply) = button.get("quick_reply") {
            reply.must_be(&buttons::REPLY_CONTENT)?;
        } else {
            button.must_be(&buttons::REPLY)?;
        }
    }
    Ok(())
}
