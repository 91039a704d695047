//! Interactive messages: a table per type, and what a table cannot say.

mod buttons;
mod carousel;
mod commerce;
mod flow;
mod list;
mod requests;

use super::{Sending, media};
use crate::graph::GraphError;
use crate::messages::shape::{Field, Part, Rule, Shape, optional, required};

/// Any interactive message, before its type is known.
pub(super) const ANY: Shape = Shape(&[
    required("type", Rule::Text(64)),
    optional("header", Rule::Any),
    optional("body", Rule::Any),
    optional("footer", Rule::Any),
    required("action", Rule::Any),
]);

/// What a type of interactive message must look like, whole.
pub(super) struct Interactive {
    name: &'static str,
    shape: &'static Shape,
    headers: &'static [&'static str],
    check: fn(&Sending<'_>, &Part<'_>) -> Result<(), GraphError>,
}

const TYPES: [Interactive; 16] = [
    Interactive { name: "address_message", shape: &requests::ADDRESS, headers: &ALL_HEADERS, check: nothing_else },
    Interactive { name: "button", shape: &buttons::BUTTON, headers: &ALL_HEADERS, check: buttons::check },
    Interactive {
        name: "call_permission_request",
        shape: &requests::CALL_PERMISSION,
        headers: &[],
        check: nothing_else,
    },
    Interactive { name: "carousel", shape: &carousel::CAROUSEL, headers: &[], check: carousel::check },
    Interactive { name: "catalog_message", shape: &commerce::CATALOG, headers: &[], check: nothing_else },
    Interactive { name: "cta_url", shape: &buttons::CTA_URL, headers: &ALL_HEADERS, check: nothing_else },
    Interactive { name: "flow", shape: &flow::FLOW, headers: &ALL_HEADERS, check: flow::check },
    Interactive { name: "list", shape: &list::LIST, headers: &["text"], check: list::check },
    Interactive { name: "location_request_message", shape: &requests::LOCATION, headers: &[], check: nothing_else },
    Interactive { name: "order_details", shape: &commerce::ORDER_DETAILS, headers: &ALL_HEADERS, check: nothing_else },
    Interactive { name: "order_status", shape: &commerce::ORDER_STATUS, headers: &ALL_HEADERS, check: nothing_else },
    Interactive { name: "product", shape: &commerce::PRODUCT, headers: &[], check: nothing_else },
    Interactive { name: "product_carousel", shape: &carousel::PRODUCTS, headers: &[], check: nothing_else },
    Interactive {
        name: "product_list",
        shape: &commerce::PRODUCT_LIST,
        headers: &["text"],
        check: commerce::check_list,
    },
    Interactive { name: "request_contact_info", shape: &requests::CONTACT_INFO, headers: &[], check: nothing_else },
    Interactive { name: "voice_call", shape: &requests::VOICE_CALL, headers: &ALL_HEADERS, check: nothing_else },
];

const ALL_HEADERS: [&str; 4] = ["text", "image", "video", "document"];

const HEADER: Shape = Shape(&[
    required("type", Rule::Text(16)),
    optional("text", Rule::Text(60)),
    optional("sub_text", Rule::Maybe(60)),
    optional("image", media::IMAGE_RULE),
    optional("video", media::VIDEO_RULE),
    optional("document", media::DOCUMENT_RULE),
]);
const FOOTER: Shape = Shape(&[required("text", Rule::Text(60))]);

/// The parts all types share.
const TYPE: Field = required("type", Rule::Text(64));
const HEADER_FIELD: Field = optional("header", Rule::Object(&HEADER));
const FOOTER_FIELD: Field = optional("footer", Rule::Object(&FOOTER));

pub(super) fn check(sending: &Sending<'_>, part: &Part<'_>) -> Result<(), GraphError> {
    let kind = part.need("type")?;
    let name = kind.text();
    let Some(known) = TYPES.iter().find(|known| known.name == name) else {
        let names: Vec<&str> = TYPES.iter().map(|known| known.name).collect();
        return Err(kind.bad(&format!("must be one of {{{}}} - got \"{name}\".", names.join(", "))));
    };
    part.must_be(known.shape)?;
    if let Some(header) = part.get("header") {
        check_header(sending, &header, known)?;
    }
    (known.check)(sending, part)
}

fn check_header(sending: &Sending<'_>, header: &Part<'_>, known: &Interactive) -> Result<(), GraphError> {
    let kind = header.need("type")?;
    let name = kind.text();
    if !known.headers.contains(&name.as_str()) {
        return Err(kind.bad(&format!("\"{name}\" is not a header an interactive {} may have.", known.name)));
    }
    let content = header.need(&name)?;
    if name == "text" { Ok(()) } else { media::check(sending, &content) }
}

#[expect(clippy::unnecessary_wraps, reason = "stands in a table of checks")]
fn nothing_else(_: &Sending<'_>, _: &Part<'_>) -> Result<(), GraphError> {
    Ok(())
}

/// No two parts may say the same under `field`.
fn all_differ(parts: &[Part<'_>], field: &str) -> Result<(), GraphError> {
    for (index, part) in parts.iter().enumerate() {
        let same = |other: &Part<'_>| other.text_of(field) == part.text_of(field);
        if let (true, Some(given)) = (parts[..index].iter().any(same), part.get(field)) {
            return Err(given.bad(&format!("must be unique - \"{}\" is given twice.", given.text())));
        }
    }
    Ok(())
}
