//! Reply buttons, and the one button that opens a link.

use super::{FOOTER_FIELD, HEADER_FIELD, TYPE, all_differ};
use crate::graph::GraphError;
use crate::messages::kinds::Sending;
use crate::messages::shape::{Part, Rule, Shape, required};

pub(super) const BUTTON: Shape = Shape(&[
    TYPE,
    HEADER_FIELD,
    required("body", Rule::Object(&Shape(&[required("text", Rule::Text(1024))]))),
    FOOTER_FIELD,
    required("action", Rule::Object(&Shape(&[required("buttons", Rule::Any)]))),
]);

pub(super) const REPLY: Shape =
    Shape(&[required("type", Rule::OneOf(&["reply"])), required("reply", Rule::Object(&REPLY_CONTENT))]);

pub(super) const REPLY_CONTENT: Shape = Shape(&[required("id", Rule::Text(256)), required("title", Rule::Text(20))]);

pub(super) const CTA_URL: Shape = Shape(&[
    TYPE,
    HEADER_FIELD,
    required("body", Rule::Object(&Shape(&[required("text", Rule::Text(1024))]))),
    FOOTER_FIELD,
    required("action", Rule::Object(&CTA_ACTION)),
]);

pub(super) const CTA_ACTION: Shape = Shape(&[
    required("name", Rule::OneOf(&["cta_url"])),
    required(
        "parameters",
        Rule::Object(&Shape(&[required("display_text", Rule::Text(20)), required("url", Rule::Link(2000))])),
    ),
]);

const MOST: usize = 3;

pub(super) fn check(_: &Sending<'_>, part: &Part<'_>) -> Result<(), GraphError> {
    let buttons = part.need("action")?.need("buttons")?;
    let count = buttons.items().count();
    if !buttons.value.is_array() || !(1..=MOST).contains(&count) {
        let details = format!("Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: {MOST}");
        return Err(GraphError::of(131009).details(details));
    }
    check_replies(&buttons)
}

/// Each is a reply, and neither ids nor titles are given twice.
pub(super) fn check_replies(buttons: &Part<'_>) -> Result<(), GraphError> {
    buttons.items().try_for_each(|button| button.must_be(&REPLY))?;
    let replies = buttons.items().map(|button| button.need("reply")).collect::<Result<Vec<_>, _>>()?;
    all_differ(&replies, "id")?;
    all_differ(&replies, "title")
}
