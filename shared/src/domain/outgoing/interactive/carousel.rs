//! Cards side by side: media with a link or quick replies, or products.

use super::{buttons, commerce, content_of_header};
use crate::domain::check::{ANY, Part, differ, each, text, whole};

const LEAST: usize = 2;
const MOST: usize = 10;
const LONGEST_BODY: usize = 160;

pub(super) fn cards(action: &Part<'_>) {
    if let Some(cards) = action.need("cards", each(LEAST, MOST, card)) {
        differ(cards.items(), "card_index");
    }
}

/// Without a type it is one of media. A type Meta has added since is Meta's to judge.
fn card(card: &Part<'_>) {
    card.need("card_index", whole(0, MOST as u64 - 1));
    match card.get("type").and_then(|_| card.kind("type")).as_deref() {
        None | Some("cta_url" | "button" | "quick_reply") => media_card(card),
        Some("product") => {
            card.need("action", commerce::product);
        }
        Some(_) => {}
    }
}

fn media_card(card: &Part<'_>) {
    card.need("header", |header| content_of_header(header, &["image", "video"]));
    card.may("body", |body| body.need("text", text(LONGEST_BODY)));
    card.need("action", |action| match action.get("buttons") {
        Some(replies) => buttons::replies_of(&replies, ANY),
        None => buttons::link(action),
    });
}
