//! `POST /{number}/messages`: what may be sent, to whom, how fast, and what becomes of it.

mod envelope;
mod history;
mod kinds;
mod pace;
mod read;
mod recipient;
mod refusals;
mod shape;

use serde_json::{Value, json};

use crate::chance;
use crate::graph::{Answer, Call, GraphError, Outcome};
use crate::meta::Meta;
use crate::people::{self, Known};
use crate::templates;
use crate::webhooks;
use crate::world::{Direction, Message, Number, Person, Template, Waba, World};
use envelope::Envelope;
use kinds::Sending;
use recipient::Recipient;

pub(crate) use history::{events, find, history};
pub(crate) use recipient::digits;

pub(crate) fn post(meta: &Meta, call: &Call, number: &str) -> Outcome {
    call.params.require_whatsapp()?;
    if call.params.get("status").is_some() {
        return read::mark(meta, call, number);
    }
    send(meta, call, number, Route::Messages)
}

/// `POST /{number}/marketing_messages`: marketing templates only.
pub(crate) fn post_marketing(meta: &Meta, call: &Call, number: &str) -> Outcome {
    call.params.require_whatsapp()?;
    send(meta, call, number, Route::Marketing)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Messages,
    Marketing,
}

fn send(meta: &Meta, call: &Call, number: &str, route: Route) -> Outcome {
    let envelope = Envelope::read(&call.params)?;
    let now_ms = call.at.as_millisecond();
    let answer = meta.change(|world| {
        let number = world.numbers.get(number).cloned();
        let number = number.ok_or_else(|| GraphError::no_such_object(&call.method, "messages"))?;
        let waba = world.waba_of(&number.id).cloned();
        let waba = waba.ok_or_else(|| GraphError::no_such_object(&call.method, &number.id))?;
        may_send(&number, &waba)?;
        let recipient = Recipient::find(world, &number, &waba, &envelope)?;
        let category = check(world, &number, &waba, &recipient, &envelope, route, call)?;
        let refusal = refusals::find(world, &number, &waba, &recipient, &envelope, call.now);
        let refusal = refusal.map(|refusal| refusal.now_or_later(world)).transpose()?;
        pace::count(world, &number, &recipient, now_ms)?;

        let person = people::meet(world, &waba.business_id, recipient.known());
        let wamid = keep(world, &number, &person, &recipient, &envelope, &category, call.now);
        world.typing.remove(&conversation(&number.id, &person.user_id));
        if envelope.category.is_some() {
            templates::generated(world, &waba.id, &category, &envelope.text(), call.now);
        }
        match refusal {
            None => webhooks::stream(world, now_ms, &wamid, &call.effects),
            Some(refusal) => {
                webhooks::fail(world, now_ms, &wamid, refusal.code, &refusal.details, &call.effects);
            }
        }
        Ok::<_, GraphError>(accepted(&recipient, &person, &envelope, &wamid))
    })?;
    Ok(Answer::json(answer))
}

/// A number sends once it is registered, and while nobody has locked it.
fn may_send(number: &Number, waba: &Waba) -> Result<(), GraphError> {
    if !number.registered {
        return Err(
            GraphError::of(133010).details("The phone number is not registered on the WhatsApp Business Platform.")
        );
    }
    if waba.status != "ACTIVE" || matches!(number.status.as_str(), "BANNED" | "RESTRICTED" | "LOCKED") {
        let details = "The WhatsApp Business Account associated with the app has been restricted or disabled.";
        return Err(GraphError::of(131031).details(details));
    }
    if number.status == "MAINTENANCE" {
        return Err(GraphError::of(131057).details("Business Account is in maintenance mode.").transient(true));
    }
    Ok(())
}

/// Checks the content; gives the category it is charged under.
fn check(
    world: &World,
    number: &Number,
    waba: &Waba,
    recipient: &Recipient,
    envelope: &Envelope,
    route: Route,
    call: &Call,
) -> Result<String, GraphError> {
    if route == Route::Marketing && envelope.kind != "template" {
        return Err(GraphError::invalid("Message must be a template message."));
    }
    let sending = Sending {
        world,
        number,
        waba,
        now: call.now,
        now_ms: call.at.as_millisecond(),
        is_by_user_id: recipient.is_by_user_id(),
    };
    kinds::check(&sending, &envelope.kind, envelope.content.as_ref())?;
    let category = match &envelope.category {
        Some(category) => envelope.direct_send(world, category)?,
        None => template_category(world, waba, envelope).unwrap_or_else(|| "service".to_owned()),
    };
    match route {
        Route::Marketing if category != "marketing" => {
            Err(GraphError::of(134100).details("Only marketing templates can be sent with this endpoint."))
        }
        Route::Marketing => Ok("marketing_lite".to_owned()),
        Route::Messages => Ok(category),
    }
}

fn template_category(world: &World, waba: &Waba, envelope: &Envelope) -> Option<String> {
    let template = envelope.content.as_ref().filter(|_| envelope.kind == "template")?;
    let mut own = world.templates.values().filter(|row| row.waba_id == waba.id);
    let is_it = |row: &&Template| {
        template["name"] == row.name.as_str() && template["language"]["code"] == row.language.as_str()
    };
    own.find(is_it).map(|row| row.category.to_ascii_lowercase())
}

/// Puts the message among all others, where statuses and the phone page find it.
fn keep(
    world: &mut World,
    number: &Number,
    person: &Person,
    recipient: &Recipient,
    envelope: &Envelope,
    category: &str,
    now: i64,
) -> String {
    let wamid = chance::wamid(recipient.phone.as_ref().unwrap_or(&person.user_id), true);
    let message = Message {
        id: wamid.clone(),
        phone_number_id: number.id.clone(),
        direction: Direction::Outbound,
        phone: recipient.phone.clone(),
        user_id: person.user_id.clone(),
        kind: envelope.kind.clone(),
        content: envelope.stored(),
        status: "accepted".to_owned(),
        history: Vec::new(),
        pricing_category: category.to_owned(),
        biz_opaque_callback_data: envelope.biz_opaque_callback_data.clone(),
        at: now,
    };
    world.messages.put(wamid.clone(), message);
    wamid
}

fn accepted(recipient: &Recipient, person: &Person, envelope: &Envelope, wamid: &str) -> Value {
    let mut contact = json!({"input": recipient.input, "user_id": person.user_id});
    if let Some(phone) = &recipient.phone {
        contact["wa_id"] = phone.clone().into();
    }
    let mut message = json!({"id": wamid});
    if envelope.kind == "template" {
        message["message_status"] = "accepted".into();
    }
    json!({"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]})
}

/// The key of a conversation.
pub(crate) fn conversation(number: &str, user: &str) -> String {
    format!("{number}/{user}")
}

impl Recipient {
    fn known(&self) -> Known {
        Known { phone: self.phone.clone(), user_id: self.user_id.clone(), ..Known::default() }
    }
}
