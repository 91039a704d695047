//! The types of message, one table each: what the object under the type must look like, and what else must hold.

mod contacts;
mod interactive;
mod media;
mod reaction;
mod simple;
mod template;

use serde_json::Value;

use super::shape::{Part, Shape};
use crate::graph::GraphError;
use crate::world::{Number, Waba, World};

/// A type of message.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) shape: &'static Shape,
    pub(super) check: fn(&Sending<'_>, &Part<'_>) -> Result<(), GraphError>,
}

const KINDS: [Kind; 11] = [
    Kind { name: "audio", shape: &media::AUDIO, check: media::check },
    Kind { name: "contacts", shape: &contacts::CONTACT, check: contacts::check },
    Kind { name: "document", shape: &media::DOCUMENT, check: media::check },
    Kind { name: "image", shape: &media::IMAGE, check: media::check },
    Kind { name: "interactive", shape: &interactive::ANY, check: interactive::check },
    Kind { name: "location", shape: &simple::LOCATION, check: simple::nothing_else },
    Kind { name: "reaction", shape: &reaction::REACTION, check: reaction::check },
    Kind { name: "sticker", shape: &media::STICKER, check: media::check },
    Kind { name: "template", shape: &template::TEMPLATE, check: template::check },
    Kind { name: "text", shape: &simple::TEXT, check: simple::nothing_else },
    Kind { name: "video", shape: &media::VIDEO, check: media::check },
];

/// Types that exist in webhooks, and that a business cannot send.
const ONLY_RECEIVED: [&str; 8] =
    ["button", "ephemeral", "list", "order", "request_welcome", "system", "unknown", "unsupported"];

/// What a message is checked against.
pub(super) struct Sending<'a> {
    pub(super) world: &'a World,
    pub(super) number: &'a Number,
    pub(super) waba: &'a Waba,
    /// Seconds.
    pub(super) now: i64,
    /// Milliseconds.
    pub(super) now_ms: i64,
    /// To a business-scoped user id alone.
    pub(super) is_by_user_id: bool,
}

/// Checks the object under `kind`.
pub(super) fn check(sending: &Sending<'_>, kind: &str, content: Option<&Value>) -> Result<(), GraphError> {
    let Some(known) = KINDS.iter().find(|known| known.name == kind) else { return Err(unknown(kind)) };
    let Some(content) = content else {
        let details = format!("The parameter {kind} is required where type is {kind}.");
        return Err(GraphError::of(131008).details(details));
    };
    let part = Part::new(kind, content);
    // A list of contacts is the one content that is no object.
    if kind != "contacts" {
        part.must_be(known.shape)?;
    }
    (known.check)(sending, &part)
}

fn unknown(kind: &str) -> GraphError {
    if ONLY_RECEIVED.contains(&kind) {
        return GraphError::of(131051).details(format!("Message type \"{kind}\" cannot be sent."));
    }
    let names: Vec<&str> = KINDS.iter().map(|known| known.name).collect();
    GraphError::new(100, format!("(#100) Param type must be one of {{{}}} - got \"{kind}\".", names.join(", ")))
}
