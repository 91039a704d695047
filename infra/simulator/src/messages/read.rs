//! Read receipts and the typing indicator.

use super::conversation;
use crate::graph::{Answer, Call, GraphError, Outcome};
use crate::meta::Meta;
use crate::world::{Direction, Message};

const OLDEST: i64 = 30 * 24 * 3600;
/// How long customers see that somebody types, unless a message ends it.
const TYPING: i64 = 25;

/// Marks a customer's message and those before it as read.
pub(super) fn mark(meta: &Meta, call: &Call, number: &str) -> Outcome {
    if call.params.text("status").as_deref() != Some("read") {
        return Err(GraphError::new(100, "(#100) Param status must be one of {read}."));
    }
    let id = call.params.required("message_id")?;
    let is_typing = match call.params.json("typing_indicator") {
        None => false,
        Some(indicator) if indicator["type"] == "text" => true,
        Some(_) => return Err(GraphError::new(100, "(#100) Param typing_indicator['type'] must be one of {text}.")),
    };
    meta.change(|world| {
        let message = world.messages.get(&id).filter(|message| message.phone_number_id == number).cloned();
        let message = message.ok_or_else(|| GraphError::invalid("Please check the message ID you have provided."))?;
        check(&message, call.now)?;
        for wamid in earlier(world.messages.values(), &message) {
            if let Some(message) = world.messages.get_mut(&wamid) {
                "read".clone_into(&mut message.status);
            }
        }
        if is_typing {
            world.typing.put(conversation(number, &message.user_id), call.now + TYPING);
        }
        Ok::<_, GraphError>(Answer::success())
    })
}

fn check(message: &Message, now: i64) -> Result<(), GraphError> {
    if message.direction == Direction::Outbound {
        return Err(GraphError::invalid(format!(
            "Message supplied to mark message as read API with message ID: {} is outgoing. Please use an incoming message \
             ID.",
            message.id
        )));
    }
    if now - message.at > OLDEST {
        return Err(GraphError::invalid("The message is older than 30 days and cannot be marked as read."));
    }
    Ok(())
}

/// The message itself and what the same person sent the same number before it.
fn earlier<'a>(messages: impl Iterator<Item = &'a Message>, last: &Message) -> Vec<String> {
    let is_same = |message: &&Message| {
        message.direction == Direction::Inbound
            && message.phone_number_id == last.phone_number_id
            && message.user_id == last.user_id
            && message.at <= last.at
            && message.status != "read"
    };
    messages.filter(is_same).map(|message| message.id.clone()).collect()
}
