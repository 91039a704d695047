//! Template messages. Whether they fit their template is for who knows the template to say.

use super::{
    check::{ANY, Part, each, filled, number, object, scalar, whole},
    content::location,
    media,
};

const LONGEST_NAME: usize = 512;
const LONGEST_PARAMETER: usize = 32_768;
const MOST_CARDS: usize = 10;
const MOST_BUTTONS: u64 = 10;
const WIDEST_GAP: &str = "     ";

pub(super) fn template(template: &Part<'_>) {
    template.need("name", name);
    template.need("language", |language| language.need("code", filled));
    template.may("components", components);
}

fn name(part: &Part<'_>) {
    let is_name = |name: &str| {
        let is_of_a_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_of_a_name)
    };
    if !part.text().is_some_and(is_name) {
        part.wrong(format!("must be 1 to {LONGEST_NAME} small letters, digits and underscores"));
    }
}

pub(super) fn components(list: &Part<'_>) {
    each(0, ANY, |component| match component.kind("type").as_deref() {
        Some("carousel") => {
            component.need("cards", each(1, MOST_CARDS, card));
        }
        Some(kind) => plain_component(component, kind),
        None => {}
    })(list);
}

fn card(card: &Part<'_>) {
    card.need("card_index", whole(0, MOST_CARDS as u64 - 1));
    let of_a_card = |component: &Part<'_>| match component.kind("type").as_deref() {
        Some("carousel") => component.wrong("cannot be in a card"),
        Some(kind) => plain_component(component, kind),
        None => {}
    };
    card.need("components", each(0, ANY, of_a_card));
}

/// A kind Meta has added since is Meta's to judge.
fn plain_component(component: &Part<'_>, kind: &str) {
    match kind {
        "header" | "body" | "limited_time_offer" | "order_status" => {
            component.may("parameters", each(0, ANY, parameter));
        }
        "button" => button(component),
        _ => {}
    }
}

fn button(button: &Part<'_>) {
    let kind = button.kind("sub_type");
    button.need("index", whole(0, MOST_BUTTONS - 1));
    if matches!(kind.as_deref(), Some("url" | "quick_reply" | "copy_code" | "mpm")) {
        button.need("parameters", each(1, ANY, parameter));
    } else {
        button.may("parameters", each(0, ANY, parameter));
    }
}

/// What fills a variable. A type Meta has added since is Meta's to judge.
pub(super) fn parameter(parameter: &Part<'_>) {
    let Some(kind) = parameter.kind("type") else { return };
    parameter.may("parameter_name", filled);
    let rule: &dyn Fn(&Part<'_>) = match kind.as_str() {
        "text" => &words,
        "currency" => &currency,
        "date_time" => &fallback,
        "image" | "video" => &media::file,
        "document" => &media::document,
        "location" => &location,
        "payload" | "coupon_code" | "group_id" => &scalar(ANY),
        "action" | "order_status" => &object,
        "limited_time_offer" => &offer,
        _ => return,
    };
    parameter.need(&kind, rule);
}

/// Meta refuses to fill in what would break a template's lines (132018).
pub(super) fn words(part: &Part<'_>) {
    scalar(LONGEST_PARAMETER)(part);
    if part.text().is_some_and(|text| text.contains(['\n', '\r', '\t']) || text.contains(WIDEST_GAP)) {
        part.wrong("must have no new line, no tab and at most 4 spaces in a row");
    }
}

fn currency(part: &Part<'_>) {
    fallback(part);
    part.need("code", filled);
    part.need("amount_1000", number(f64::MIN, f64::MAX));
}

fn fallback(part: &Part<'_>) {
    part.need("fallback_value", filled);
}

fn offer(part: &Part<'_>) {
    part.need("expiration_time_ms", number(0.0, f64::MAX));
}
