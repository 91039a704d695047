//! Texts, places, contact cards, reactions and pins.

use super::{
    check::{ANY, Part, each, filled, flag, maybe_text, number, object, text, whole},
    emoji::is_one_emoji,
};

const LONGEST_TEXT: usize = 4096;

pub(super) fn text_message(message: &Part<'_>) {
    message.need("body", text(LONGEST_TEXT));
    message.may("preview_url", flag);
}

pub(super) fn location(place: &Part<'_>) {
    place.need("latitude", number(-90.0, 90.0));
    place.need("longitude", number(-180.0, 180.0));
    place.may("name", maybe_text(ANY));
    place.may("address", maybe_text(ANY));
}

pub(super) fn contacts(cards: &Part<'_>) {
    each(1, ANY, card)(cards);
}

fn card(card: &Part<'_>) {
    card.need("name", name);
    for list in ["addresses", "emails", "phones", "urls"] {
        card.may(list, each(0, ANY, object));
    }
    card.may("org", object);
    card.may("birthday", maybe_text(ANY));
}

/// A name needs more than its formatted form.
fn name(name: &Part<'_>) {
    name.need("formatted_name", filled);
    let others = ["first_name", "last_name", "middle_name", "prefix", "suffix"];
    let given = others.map(|other| name.may(other, maybe_text(ANY)).and_then(|part| part.scalar()));
    if name.value.is_object() && !given.iter().flatten().any(|text| !text.is_empty()) {
        name.wrong(format!("needs one more of {}", others.join(", ")));
    }
}

/// An empty emoji takes the reaction back.
pub(super) fn reaction(reaction: &Part<'_>) {
    reaction.need("message_id", filled);
    let emoji = reaction.need("emoji", maybe_text(ANY));
    if let Some(emoji) = emoji
        && emoji.text().is_some_and(|text| !text.is_empty() && !is_one_emoji(text))
    {
        emoji.wrong("must be one emoji, or empty to take the reaction back");
    }
}

pub(super) fn pin(pin: &Part<'_>) {
    pin.need("type", filled);
    pin.need("message_id", filled);
    pin.may("expiration_days", whole(1, u64::MAX));
}
