//! What becomes of a sent message, told as statuses.

use serde_json::{Value, json};

use super::{Event, keep_quiet, tell};
use crate::faults::Effects;
use crate::graph::title;
use crate::people;
use crate::world::{Message, World};

/// Milliseconds of the clock between one status and the next.
const APART: i64 = 150;

/// A status to be told: which, and for a failed one why.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    pub name: String,
    pub errors: Option<Value>,
}

impl Status {
    pub(crate) fn of(name: &str) -> Self {
        Self { name: name.to_owned(), errors: None }
    }
}

/// `sent`, `delivered`, and `read` where the number's customers let it be seen.
pub(crate) fn stream(world: &mut World, now_ms: i64, wamid: &str, effects: &Effects) {
    let reads = world
        .messages
        .get(wamid)
        .and_then(|message| world.numbers.get(&message.phone_number_id))
        .is_some_and(|number| number.reads);
    let names = ["sent", "delivered", "read"];
    let mut due_at = now_ms;
    for name in names.into_iter().take(if reads { 3 } else { 2 }) {
        tell_status(world, due_at, wamid, &Status::of(name), effects);
        due_at += APART;
    }
}

/// `failed`, with an error of the table.
pub(crate) fn fail(world: &mut World, now_ms: i64, wamid: &str, code: i64, details: &str, effects: &Effects) {
    let title = title(code).unwrap_or("An unknown error occurred");
    let errors = json!([{"code": code, "title": title, "message": title, "error_data": {"details": details},
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"}]);
    let status = Status { name: "failed".to_owned(), errors: Some(errors) };
    tell_status(world, now_ms, wamid, &status, effects);
}

/// Queues one status of a message that is in the world; `None` where nobody listens.
pub(crate) fn tell_status(
    world: &mut World,
    due_at: i64,
    wamid: &str,
    status: &Status,
    effects: &Effects,
) -> Option<String> {
    let message = world.messages.get(wamid)?;
    let about = (wamid.to_owned(), status.name.clone());
    if effects.drops(&status.name) {
        keep_quiet(world, due_at, about);
        return None;
    }
    let waba = world.numbers.get(&message.phone_number_id)?.waba_id.clone();
    let number = message.phone_number_id.clone();
    let value = value(world, message, status, due_at / 1000)?;
    let event = Event { about: Some(about), ..Event::of_number(&waba, &number, "messages", value) };
    if effects.duplicate {
        tell(world, due_at, Event { about: None, ..event.clone() });
    }
    let queued = tell(world, due_at, event);
    if let (Some(errors), Some(message)) = (&status.errors, world.messages.get_mut(wamid))
        && let Some(told) = message.history.last_mut()
    {
        told.errors = Some(errors.clone());
    }
    queued
}

fn value(world: &World, message: &Message, status: &Status, at: i64) -> Option<Value> {
    let number = world.numbers.get(&message.phone_number_id)?;
    let mut told = json!({
        "id": message.id,
        "status": status.name,
        "timestamp": at.to_string(),
        "recipient_user_id": message.user_id,
    });
    if let Some(phone) = &message.phone {
        told["recipient_id"] = phone.clone().into();
    }
    let person = world.people.get(&message.user_id);
    if let Some(parent) = person.and_then(|person| person.parent_user_id.as_ref()) {
        told["recipient_parent_user_id"] = parent.clone().into();
    }
    if let Some(data) = &message.biz_opaque_callback_data {
        told["biz_opaque_callback_data"] = data.clone().into();
    }
    if matches!(status.name.as_str(), "sent" | "delivered") {
        let category = &message.pricing_category;
        told["pricing"] = json!({"billable": true, "pricing_model": "PMP", "type": "regular", "category": category});
    }
    if let Some(errors) = &status.errors {
        told["errors"] = errors.clone();
    }
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": number.phone, "phone_number_id": number.id},
        "statuses": [told],
    });
    if let (Some(person), false) = (person, status.name == "failed") {
        value["contacts"] = json!([people::contact(person, message.phone.as_deref())]);
    }
    Some(value)
}
