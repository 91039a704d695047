//! Webhooks: what is told, to whom, how it is written and signed, and how often it is tried.

mod delivery;
mod handshake;
mod order;
mod statuses;
mod target;
mod tries;
mod written;

use serde_json::{Value, json};

pub(crate) use delivery::{Schedule, Tried, Waiting, deliver_when_due, post, tried};
pub(crate) use handshake::verify;
pub(crate) use order::Held;
pub(crate) use statuses::{Status, fail, stream, tell_status};
pub(crate) use target::{fields, is_field, is_messaging_family};
pub(crate) use tries::{Told, Tries, Try};
pub(crate) use written::written;

use crate::world::{Delivery, StatusAt, WebhookState, World};

/// One change to be told of.
#[derive(Debug, Clone)]
pub(crate) struct Event<'a> {
    /// `entry.id`: the WABA, or for `PARTNER_*` the partner's portfolio.
    pub entry: &'a str,
    /// The number it concerns, where an override of its own may apply.
    pub number: Option<&'a str>,
    pub field: &'a str,
    pub value: Value,
    /// The message and status it tells of, if that is what it does.
    pub about: Option<(String, String)>,
}

impl<'a> Event<'a> {
    pub(crate) fn of_waba(waba: &'a str, field: &'a str, value: Value) -> Self {
        Self { entry: waba, number: None, field, value, about: None }
    }

    pub(crate) fn of_number(waba: &'a str, number: &'a str, field: &'a str, value: Value) -> Self {
        Self { entry: waba, number: Some(number), field, value, about: None }
    }
}

/// Queues the webhook for an event, due at `due_at` (milliseconds); what it is about happens then, told or not.
pub(crate) fn tell(world: &mut World, due_at: i64, event: Event<'_>) -> Option<String> {
    let url = target::url(world, &event);
    if url.is_none() && event.about.is_none() {
        return None;
    }
    let body = if url.is_some() { envelope(&event, due_at / 1000) } else { String::new() };
    let number = event.number.map(str::to_owned);
    Some(queue(world, Delivery { url, body, tries: 0, due_at, about: event.about, number, held: None }))
}

/// As [`tell`], but nobody hears of it.
pub(crate) fn keep_quiet(world: &mut World, due_at: i64, about: (String, String)) {
    let (body, about) = (String::new(), Some(about));
    queue(world, Delivery { url: None, body, tries: 0, due_at, about, number: None, held: None });
}

fn queue(world: &mut World, delivery: Delivery) -> String {
    if let Some((wamid, status)) = &delivery.about
        && let Some(message) = world.messages.get_mut(wamid)
    {
        let webhook = delivery.url.as_ref().map(|_| WebhookState::Pending);
        message.history.push(StatusAt {
            status: status.clone(),
            at: delivery.due_at / 1000,
            webhook,
            webhook_uri: delivery.url.clone(),
            errors: None,
        });
    }
    let id = format!("delivery-{}", world.next());
    world.deliveries.put(id.clone(), delivery);
    order::hold(world, &id);
    id
}

/// The POST's body: messages carry their own time, all else that of the entry.
fn envelope(event: &Event<'_>, time: i64) -> String {
    let changes = json!([{"field": event.field, "value": event.value}]);
    let entry = if is_messaging_family(event.field) {
        json!({"id": event.entry, "changes": changes})
    } else {
        json!({"id": event.entry, "time": time, "changes": changes})
    };
    written(&json!({"object": "whatsapp_business_account", "entry": [entry]}))
}
