//! `GET /_sim/state`, `POST /_sim/reset`: the world as a test may see it.

use std::sync::Arc;

use axum::extract::{Json, State};
use serde_json::{Value, json};

use super::ControlError;
use crate::calls;
use crate::meta::Meta;
use crate::numbers;
use crate::world::{Message, Number, Token, World};

pub(crate) async fn show(State(meta): State<Arc<Meta>>) -> Json<Value> {
    let now = meta.now();
    Json(meta.read(|world| state(world, now)))
}

pub(crate) async fn reset(State(meta): State<Arc<Meta>>) -> Result<Json<Value>, ControlError> {
    meta.reset()?;
    let now = meta.now();
    Ok(Json(meta.read(|world| state(world, now))))
}

fn state(world: &World, now: i64) -> Value {
    let numbers: Vec<Value> = world.numbers.values().map(|row| number(world, row)).collect();
    let wabas: Vec<Value> = world.wabas.values().map(|row| waba(world, row)).collect();
    let app_token = crate::graph::app_token(world);
    let tokens: Vec<Value> =
        std::iter::once(&app_token).chain(world.tokens.values()).map(|row| token(world, row, now)).collect();
    json!({
        "app": app(world),
        "businesses": world.businesses.values().collect::<Vec<_>>(),
        "wabas": wabas,
        "numbers": numbers,
        "tokens": tokens,
        "messages": world.messages.values().map(message).collect::<Vec<_>>(),
    })
}

pub(super) fn app(world: &World) -> Value {
    let app = &world.app;
    json!({
        "id": app.id, "secret": app.secret, "verify_token": app.verify_token, "callback_url": app.callback_url,
        "deauthorize_url": app.deauthorize_url, "data_deletion_url": app.data_deletion_url,
        "business_id": app.business_id, "require_proof": app.require_proof, "enforce_usage": app.enforce_usage,
        "login_token": app.login_token, "business_token_days": app.business_token_days, "scopes": app.scopes,
        "fields": app.fields, "reorder": app.reorder,
    })
}

pub(super) fn waba_by_id(world: &World, id: &str) -> Value {
    world.wabas.get(id).map_or(Value::Null, |row| waba(world, row))
}

pub(super) fn number_by_id(world: &World, id: &str) -> Value {
    world.numbers.get(id).map_or(Value::Null, |row| number(world, row))
}

fn waba(world: &World, waba: &crate::world::Waba) -> Value {
    let numbers: Vec<&str> = world.numbers_of(&waba.id).map(|number| number.id.as_str()).collect();
    json!({
        "id": waba.id, "business_id": waba.business_id, "name": waba.name, "currency": waba.currency,
        "timezone_id": waba.timezone_id, "status": waba.status, "primary_funding_id": waba.primary_funding_id,
        "subscribed": waba.subscription.is_some(),
        "override_callback_uri": waba.subscription.as_ref().and_then(|row| row.override_callback_uri.as_ref()),
        "phone_number_ids": numbers,
    })
}

fn number(world: &World, number: &Number) -> Value {
    json!({
        "id": number.id, "waba_id": number.waba_id,
        "business_id": world.wabas.get(&number.waba_id).map(|waba| &waba.business_id),
        "phone_number": format!("+{}", number.phone),
        "display_phone_number": number.display_phone_number, "verified_name": number.verified_name,
        "status": numbers::status(number), "registered": number.registered,
        "code_verification_status": number.code_verification_status, "quality_rating": number.quality_rating,
        "name_status": number.name_status, "messaging_limit": number.messaging_limit,
        "pin": number.pin, "reads": number.reads, "is_on_biz_app": number.is_on_biz_app, "rate": number.rate,
        "override_callback_uri": number.override_callback_uri,
    })
}

pub(super) fn token(world: &World, token: &Token, now: i64) -> Value {
    let wabas = world.wabas.values().filter(|waba| token.reaches_waba(&waba.id));
    let reaches: Vec<&str> = wabas
        .flat_map(|waba| {
            std::iter::once(waba.id.as_str()).chain(world.numbers_of(&waba.id).map(|number| number.id.as_str()))
        })
        .collect();
    json!({
        "token": token.secret, "kind": token.grant.kind.name(), "reaches": reaches, "valid": token.is_valid(now),
        "label": calls::label(world, &token.secret), "user_id": token.grant.user_id, "expires_at": token.expires_at,
    })
}

pub(super) fn message(message: &Message) -> Value {
    json!({
        "id": message.id, "phone_number_id": message.phone_number_id, "direction": message.direction,
        "phone": message.phone, "user_id": message.user_id, "type": message.kind, "content": message.content,
        "status": message.status, "history": message.history,
        "biz_opaque_callback_data": message.biz_opaque_callback_data, "timestamp": message.at,
    })
}
