//! Reply buttons, and the one button that opens a link.

use crate::domain::check::{Part, differ, each, filled, text, word};

const MOST: usize = 3;
const LONGEST_TITLE: usize = 20;
const LONGEST_ID: usize = 256;

pub(super) fn replies(action: &Part<'_>) {
    action.need("buttons", |buttons| replies_of(buttons, MOST));
}

/// Buttons that differ. A kind Meta has added since is Meta's to judge.
pub(super) fn replies_of(buttons: &Part<'_>, most: usize) {
    each(1, most, |button| {
        let Some(kind) = button.kind("type") else { return };
        if matches!(kind.as_str(), "reply" | "quick_reply") {
            button.need(&kind, reply);
        }
    })(buttons);
    let replies = || buttons.items().filter_map(|button| button.get("reply").or_else(|| button.get("quick_reply")));
    differ(replies(), "id");
    differ(replies(), "title");
}

fn reply(reply: &Part<'_>) {
    reply.need("id", text(LONGEST_ID));
    reply.need("title", text(LONGEST_TITLE));
}

pub(super) fn link(action: &Part<'_>) {
    action.need("name", word("cta_url"));
    action.need("parameters", |parameters| {
        parameters.need("display_text", text(LONGEST_TITLE));
        parameters.need("url", url);
    });
}

/// Opened by the person's own device: any address of the web will do.
fn url(part: &Part<'_>) {
    filled(part);
    let is_web = |url: &str| {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
    };
    if !part.text().is_some_and(is_web) {
        part.wrong("must be a link that begins with https:// or http://");
    }
}
