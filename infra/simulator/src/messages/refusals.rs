//! Why a well-formed message is not delivered, told by the answer or by a status as `/_sim/behaviour` says.

use super::{Envelope, Recipient, conversation};
use crate::graph::GraphError;
use crate::world::{Number, Waba, World};

const WINDOW: i64 = 24 * 3600;

/// A number `+1 555 0` and one of these six digits is refused with that code, always.
pub(crate) const MAGIC: [i64; 9] = [130472, 130497, 131026, 131030, 131042, 131048, 131049, 131050, 131053];
const MAGIC_PREFIX: &str = "15550";

#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: i64,
    pub(super) details: String,
}

impl Refusal {
    /// An error now, or itself for a status later.
    pub(super) fn now_or_later(self, world: &World) -> Result<Self, GraphError> {
        if world.behaviour.late_refusals.contains(&self.code) {
            return Ok(self);
        }
        Err(GraphError::of(self.code).details(self.details))
    }
}

pub(super) fn find(
    world: &mut World,
    number: &Number,
    waba: &Waba,
    recipient: &Recipient,
    envelope: &Envelope,
    now: i64,
) -> Option<Refusal> {
    let code = if waba.primary_funding_id.is_none() {
        Some(131042)
    } else if is_blocked(world, number, recipient) {
        Some(130403)
    } else if envelope.needs_a_window() && !is_open(world, number, recipient, now) {
        Some(131047)
    } else if links_nowhere(envelope) {
        Some(131053)
    } else {
        magic(recipient).or_else(|| unreachable(world, recipient))
    };
    code.map(|code| Refusal { code, details: details(code).to_owned() })
}

fn is_open(world: &World, number: &Number, recipient: &Recipient, now: i64) -> bool {
    let key = recipient.user_id.as_ref().map(|user| conversation(&number.id, user));
    let last = key.and_then(|key| world.conversations.get(&key)).map(|conversation| conversation.last_inbound_at);
    last.is_some_and(|last| now - last < WINDOW)
}

fn is_blocked(world: &World, number: &Number, recipient: &Recipient) -> bool {
    recipient.user_id.as_ref().is_some_and(|user| world.blocked.contains(&conversation(&number.id, user)))
}

/// Hosts under `.invalid` never exist (RFC 2606): Meta's fetch of such a link fails.
fn links_nowhere(envelope: &Envelope) -> bool {
    let link = envelope.content.as_ref().and_then(|content| content["link"].as_str()).unwrap_or_default();
    let host = link.split("://").nth(1).and_then(|rest| rest.split(['/', '?', ':']).next()).unwrap_or_default();
    host.ends_with(".invalid")
}

fn magic(recipient: &Recipient) -> Option<i64> {
    let code = recipient.phone.as_ref()?.strip_prefix(MAGIC_PREFIX)?.parse().ok()?;
    MAGIC.contains(&code).then_some(code)
}

/// Somebody was made unreachable by `/_sim/recipients`; counts one message.
fn unreachable(world: &mut World, recipient: &Recipient) -> Option<i64> {
    let keys = [recipient.phone.clone(), recipient.user_id.clone()];
    let key = keys.into_iter().flatten().find(|key| world.unreachable.contains(key))?;
    let row = world.unreachable.get_mut(&key)?;
    let code = row.code;
    if let Some(times) = &mut row.times {
        *times -= 1;
        if *times == 0 {
            world.unreachable.remove(&key);
        }
    }
    Some(code)
}

fn details(code: i64) -> &'static str {
    match code {
        130403 => "The business has blocked this user.",
        130472 => "Failed to send message because this user's phone number is part of an experiment.",
        130497 => "This WhatsApp Business Account is restricted from messaging users in this country.",
        131026 => "Message Undeliverable.",
        131030 => "Recipient phone number not in allowed list: add it to the recipient list and try again.",
        131042 => "Message failed to send because of one or more errors related to your payment method.",
        131047 => {
            "Message failed to send because more than 24 hours have passed since the customer last replied to this number."
        }
        131048 => {
            "Message failed to send because there are restrictions on how many messages can be sent from this number."
        }
        131049 => "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
        131050 => "Unable to deliver the message. This recipient has chosen to stop receiving marketing messages.",
        131053 => "Media upload error: the link could not be fetched.",
        _ => "Message failed to send.",
    }
}
