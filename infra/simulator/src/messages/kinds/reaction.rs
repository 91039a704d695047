//! Reactions: an emoji on a message of the last thirty days, or its removal.

use super::Sending;
use crate::graph::GraphError;
use crate::messages::shape::{Part, Rule, Shape, required};

const OLDEST: i64 = 30 * 24 * 3600;

pub(super) const REACTION: Shape =
    Shape(&[required("message_id", Rule::Text(512)), required("emoji", Rule::Maybe(32))]);

pub(super) fn check(sending: &Sending<'_>, part: &Part<'_>) -> Result<(), GraphError> {
    let emoji = part.need("emoji")?;
    if emoji.text().chars().any(|letter| letter.is_alphabetic() || letter.is_whitespace()) {
        return Err(emoji.bad("must be an emoji."));
    }
    let id = part.need("message_id")?;
    let known = sending.world.messages.get(&id.text()).filter(|message| message.phone_number_id == sending.number.id);
    match known {
        Some(message) if sending.now - message.at <= OLDEST => Ok(()),
        Some(_) => Err(id.bad("is older than 30 days.")),
        None => Err(id.bad("is not a message of this phone number.")),
    }
}
