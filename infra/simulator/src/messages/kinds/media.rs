//! Images, videos, audio, documents, stickers: by the id of an upload or by a link.

use super::Sending;
use crate::graph::GraphError;
use crate::media::Family;
use crate::messages::shape::{Field, Part, Rule, Shape, optional};

const ID: Field = optional("id", Rule::Text(256));
const LINK: Field = optional("link", Rule::Link(4096));
const PROVIDER: Field = optional("provider", Rule::Any);
const CAPTION: Field = optional("caption", Rule::Maybe(1024));

pub(super) const AUDIO: Shape = Shape(&[ID, LINK, PROVIDER, optional("voice", Rule::Flag)]);
pub(super) const DOCUMENT: Shape = Shape(&[ID, LINK, PROVIDER, CAPTION, optional("filename", Rule::Maybe(240))]);
pub(super) const IMAGE: Shape = Shape(&[ID, LINK, PROVIDER, CAPTION]);
pub(super) const STICKER: Shape = Shape(&[ID, LINK, PROVIDER]);
pub(super) const VIDEO: Shape = Shape(&[ID, LINK, PROVIDER, CAPTION]);

/// As a part of other messages: a header, a card.
pub(super) const IMAGE_RULE: Rule = Rule::Object(&IMAGE);
pub(super) const VIDEO_RULE: Rule = Rule::Object(&VIDEO);
pub(super) const DOCUMENT_RULE: Rule = Rule::Object(&DOCUMENT);

/// Exactly one of id and link; an id is one of this number's uploads, and of this kind.
pub(super) fn check(sending: &Sending<'_>, part: &Part<'_>) -> Result<(), GraphError> {
    let family = Family::named(part.name.rsplit("['").next().unwrap_or_default().trim_end_matches("']"));
    match (part.get("id"), part.get("link")) {
        (Some(id), None) => {
            let media = sending.world.media.get(&id.text());
            let media =
                media.filter(|media| media.phone_number_id == sending.number.id && sending.now < media.expires_at);
            let media = media.ok_or_else(|| {
                let name = &id.name;
                let what = "is not a valid whatsapp business account media attachment ID";
                GraphError::new(100, format!("(#100) Param {name} {what}"))
            })?;
            match family {
                Some(family) if !family.takes(&media.mime_type) => {
                    Err(part.bad(&format!("cannot be media of type {}.", media.mime_type)))
                }
                _ => Ok(()),
            }
        }
        (None, Some(_)) => Ok(()),
        (Some(_), Some(_)) => Err(part.bad("must have either an id or a link, it has both.")),
        (None, None) => Err(GraphError::of(131008).details(format!("{} needs an id or a link", part.name))),
    }
}
