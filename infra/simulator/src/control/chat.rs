//! What the phone page reads: `GET /_sim/chat`, `/_sim/trace`, `/_sim/media/{id}`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Json, Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::header;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ControlError, state};
use crate::messages::conversation;
use crate::meta::Meta;
use crate::webhooks::{Told, Try};
use crate::world::{Direction, Message, Number, Person, World};

/// Of a long conversation the page shows the end.
const SHOWN: usize = 300;
const TRACED: usize = 25;
const WINDOW: i64 = 24 * 3600;

#[derive(Debug, Deserialize)]
pub(crate) struct Chat {
    phone_number_id: String,
    user_id: Option<String>,
}

/// A number, the people of its business, and what one of them and the number wrote.
pub(crate) async fn chat(State(meta): State<Arc<Meta>>, Query(chat): Query<Chat>) -> Result<Json<Value>, ControlError> {
    let now = meta.now();
    let tried = meta.webhooks.of_messages(&chat.phone_number_id);
    meta.read(|world| {
        let number = world.numbers.get(&chat.phone_number_id);
        let number = number.ok_or_else(|| ControlError::not_found("phone_number_id"))?;
        let user = chat.user_id.as_deref().unwrap_or_default();
        let typing = world.typing.get(&conversation(&number.id, user)).is_some_and(|until| *until > now);
        let messages: Vec<Value> =
            latest(world, number, user).into_iter().map(|row| message(world, number, row, &tried)).collect();
        Ok(Json(json!({
            "now": now,
            "number": state::number_by_id(world, &number.id),
            "waba": state::waba_by_id(world, &number.waba_id),
            "webhook_url": webhook_url(world, number),
            "people": people(world, number),
            "typing": typing,
            "messages": messages,
        })))
    })
}

fn latest<'a>(world: &'a World, number: &Number, user: &str) -> Vec<&'a Message> {
    let is_of_chat = |row: &&Message| row.phone_number_id == number.id && row.user_id == user;
    let mut messages: Vec<&Message> = world.messages.values().rev().filter(is_of_chat).take(SHOWN).collect();
    messages.reverse();
    messages
}

/// A message with what is needed to draw it: the template it was made from, and how its webhook fared.
fn message(world: &World, number: &Number, row: &Message, tried: &HashMap<String, Try>) -> Value {
    let mut shown = state::message(row);
    if row.direction == Direction::Inbound {
        shown["webhook"] = tried.get(&row.id).map_or(Value::Null, |tried| outcome(world, tried));
    }
    if row.kind == "template" {
        shown["template"] = template(world, number, &row.content["template"]);
    }
    shown
}

fn template(world: &World, number: &Number, sent: &Value) -> Value {
    let mut own = world.templates.values().filter(|template| template.waba_id == number.waba_id);
    let found = own.find(|template| {
        sent["name"] == template.name.as_str() && sent["language"]["code"] == template.language.as_str()
    });
    found.map_or(Value::Null, |template| json!({"category": template.category, "components": template.components}))
}

/// Where messages of this number are told, if the app listens.
fn webhook_url(world: &World, number: &Number) -> Option<String> {
    let subscription = world.wabas.get(&number.waba_id)?.subscription.as_ref()?;
    let own = number.override_callback_uri.as_ref().or(subscription.override_callback_uri.as_ref());
    Some(own.unwrap_or(&world.app.callback_url).clone()).filter(|url| !url.is_empty())
}

/// Everyone the number's business knows; who wrote or was written to last comes first.
fn people(world: &World, number: &Number) -> Vec<Value> {
    let business = world.wabas.get(&number.waba_id).map(|waba| waba.business_id.as_str());
    let mut last: HashMap<&str, (usize, &Message)> = HashMap::new();
    for (place, row) in world.messages.values().enumerate().filter(|(_, row)| row.phone_number_id == number.id) {
        last.insert(&row.user_id, (place, row));
    }
    let mut known: Vec<&Person> =
        world.people.values().filter(|person| Some(person.business_id.as_str()) == business).collect();
    known.sort_by_key(|person| std::cmp::Reverse(last.get(person.user_id.as_str()).map(|(place, _)| *place)));
    known
        .into_iter()
        .map(|row| person(world, number, row, last.get(row.user_id.as_str()).map(|(_, row)| *row)))
        .collect()
}

fn person(world: &World, number: &Number, person: &Person, last: Option<&Message>) -> Value {
    let key = conversation(&number.id, &person.user_id);
    let open = world.conversations.get(&key).map(|conversation| conversation.last_inbound_at + WINDOW);
    json!({
        "user_id": person.user_id, "phone": person.phone, "name": person.name, "username": person.username,
        "window_closes_at": open, "blocked": world.blocked.contains(&key),
        "last": last.map(|row| json!({"type": row.kind, "direction": row.direction, "timestamp": row.at})),
    })
}

/// How the last try of a webhook went, and when there will be another.
fn outcome(world: &World, tried: &Try) -> Value {
    let next = world.deliveries.get(&tried.delivery).map(|delivery| delivery.due_at);
    json!({
        "url": tried.url, "status": tried.tried.status, "ms": tried.tried.ms, "try": tried.number,
        "at": time(tried.at), "next_at": next.and_then(time),
    })
}

#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    phone_number_id: String,
}

/// What lies behind a chat: the tokens that reach the number, the last webhooks that told of it with their bodies as
/// they went out, and the last Graph calls for it. Newest first.
pub(crate) async fn trace(State(meta): State<Arc<Meta>>, Query(which): Query<Which>) -> Json<Value> {
    let now = meta.now();
    let number = which.phone_number_id;
    let waba = meta.read(|world| world.waba_of(&number).map(|waba| waba.id.clone()));
    let waba = waba.unwrap_or_default();
    let tries = meta.webhooks.about(&number, &waba);
    Json(meta.read(|world| {
        let reaching = world.tokens.values().filter(|token| token.reaches_waba(&waba));
        let calls = world.calls.values().rev().filter(|call| call.path.contains(&number));
        json!({
            "tokens": reaching.map(|row| state::token(world, row, now)).collect::<Vec<_>>(),
            "webhooks": tries.iter().rev().take(TRACED).map(|(tried, told)| webhook(world, tried, told)).collect::<Vec<_>>(),
            "calls": calls.take(TRACED).collect::<Vec<_>>(),
        })
    }))
}

fn webhook(world: &World, tried: &Try, told: &Told) -> Value {
    let mut shown = outcome(world, tried);
    shown["fields"] = told.fields.clone().into();
    shown["statuses"] = told.statuses.clone().into();
    shown["body"] = String::from_utf8_lossy(&tried.body).into();
    shown
}

/// An attachment as the customer's phone shows it. A stranger's file: nothing in it may run, no other site may show it.
pub(crate) async fn media(State(meta): State<Arc<Meta>>, Path(id): Path<String>) -> Result<Response, ControlError> {
    let kind = meta.read(|world| world.media.get(&id).map(|media| media.mime_type.clone()));
    let kind = kind.ok_or_else(|| ControlError::not_found("media"))?;
    let bytes = meta.media.get(&id).ok_or_else(|| ControlError::not_found("media"))?;
    let headers = [
        (header::CONTENT_TYPE, kind.as_str()),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    Ok((headers, bytes).into_response())
}

fn time(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis).ok()
}
