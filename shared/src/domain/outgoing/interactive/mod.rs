//! Interactive messages: what may stand above, in and below them, and the action of each type. A type that is not in
//! the table is Meta's to judge.

mod buttons;
mod carousel;
mod commerce;
mod list;
mod requests;

use super::{
    check::{Part, maybe_text, text},
    media,
};

pub(super) fn interactive(message: &Part<'_>) {
    let Some(name) = message.kind("type") else { return };
    let Some(known) = TYPES.iter().find(|known| known.name == name) else { return };
    header(message, known);
    match known.body {
        Needed(longest) => message.need("body", |body| body.need("text", text(longest))),
        Optional => message.may("body", |body| body.need("text", text(LONGEST_BODY))),
    };
    message.may("footer", |footer| footer.need("text", text(LONGEST_LINE)));
    message.need("action", known.action);
}

/// A type, and what belongs to a message of it.
struct Interactive {
    name: &'static str,
    header: Header,
    body: Body,
    action: fn(&Part<'_>),
}

/// Any may have one of a kind Meta has added since.
enum Header {
    Any,
    Text,
    /// A text, and it must be there.
    NeededText,
    None,
}

enum Body {
    /// Of at most so many characters.
    Needed(usize),
    Optional,
}

const LONGEST_BODY: usize = 1024;
const LONGEST_LIST_BODY: usize = 4096;
/// Of headers and footers.
const LONGEST_LINE: usize = 60;

use Body::{Needed, Optional};

const TYPES: [Interactive; 15] = [
    Interactive { name: "address_message", header: Header::Any, body: Needed(LONGEST_BODY), action: requests::address },
    Interactive { name: "button", header: Header::Any, body: Needed(LONGEST_BODY), action: buttons::replies },
    Interactive { name: "call_permission_request", header: Header::Any, body: Optional, action: requests::call },
    Interactive { name: "carousel", header: Header::Any, body: Needed(LONGEST_BODY), action: carousel::cards },
    Interactive { name: "catalog_message", header: Header::Any, body: Needed(LONGEST_BODY), action: commerce::catalog },
    Interactive { name: "cta_url", header: Header::Any, body: Needed(LONGEST_BODY), action: buttons::link },
    Interactive { name: "flow", header: Header::Any, body: Needed(LONGEST_BODY), action: requests::flow },
    Interactive { name: "list", header: Header::Text, body: Needed(LONGEST_LIST_BODY), action: list::list },
    Interactive {
        name: "location_request_message",
        header: Header::Any,
        body: Needed(LONGEST_BODY),
        action: requests::location,
    },
    Interactive { name: "order_details", header: Header::Any, body: Needed(LONGEST_BODY), action: commerce::order },
    Interactive { name: "order_status", header: Header::Any, body: Needed(LONGEST_BODY), action: commerce::status },
    Interactive { name: "product", header: Header::None, body: Optional, action: commerce::product },
    Interactive {
        name: "product_list",
        header: Header::NeededText,
        body: Needed(LONGEST_BODY),
        action: commerce::products,
    },
    Interactive {
        name: "request_contact_info",
        header: Header::Any,
        body: Needed(LONGEST_BODY),
        action: requests::contact,
    },
    Interactive { name: "voice_call", header: Header::Any, body: Needed(LONGEST_BODY), action: requests::voice },
];

fn header(message: &Part<'_>, known: &Interactive) {
    let any = |header: &Part<'_>| content_of_header(header, &["text", "image", "video", "document"]);
    let text_only = |header: &Part<'_>| content_of_header(header, &["text"]);
    match known.header {
        Header::Any => message.may("header", any),
        Header::Text => message.may("header", text_only),
        Header::NeededText => message.need("header", text_only),
        Header::None => message.may("header", |header| header.wrong("is not for messages about one product")),
    };
}

/// What a header of its kind says. Of the known kinds it must be one of `kinds`.
fn content_of_header(header: &Part<'_>, kinds: &[&str]) {
    let Some(kind) = header.kind("type") else { return };
    let rule: &dyn Fn(&Part<'_>) = match kind.as_str() {
        "text" => &text(LONGEST_LINE),
        "image" | "video" => &media::file,
        "document" => &media::document,
        _ => return,
    };
    if !kinds.contains(&kind.as_str()) {
        return header.wrong_at("type", format!("must be {} here", kinds.join(" or ")));
    }
    header.need(&kind, rule);
    header.may("sub_text", maybe_text(LONGEST_LINE));
}
