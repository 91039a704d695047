//! `/_sim/echo`, `/_sim/offboard`: what the owner of a number on the Business App does there.

use std::sync::Arc;

use axum::extract::{Json, State};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Body, ControlError};
use crate::chance;
use crate::meta::Meta;
use crate::numbers;
use crate::webhooks::{self, Event};

/// The owner writes to a customer from the phone; `<type>` and the like go into the echo as they are.
#[derive(Debug, Deserialize)]
pub(crate) struct Echo {
    phone_number_id: String,
    to: Option<String>,
    to_user_id: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

pub(crate) async fn echo(State(meta): State<Arc<Meta>>, Body(echo): Body<Echo>) -> Result<Json<Value>, ControlError> {
    let now = meta.clock.now();
    let to = echo.to.as_deref().or(echo.to_user_id.as_deref());
    let wamid = chance::wamid(to.ok_or_else(|| ControlError::bad("give to or to_user_id"))?, true);
    let deliveries = webhooks::tried(&meta, |world| {
        let number = world.numbers.get(&echo.phone_number_id).filter(|number| number.is_on_biz_app).cloned();
        let number = number.ok_or_else(|| ControlError::not_found("phone_number_id on the Business App"))?;
        let mut message = echo.rest.clone();
        message.insert("from".to_owned(), number.phone.clone().into());
        message.insert("id".to_owned(), wamid.clone().into());
        message.insert("timestamp".to_owned(), now.as_second().to_string().into());
        message.insert("type".to_owned(), echo.kind.clone().into());
        for (name, value) in [("to", &echo.to), ("to_user_id", &echo.to_user_id)] {
            message.extend(value.clone().map(|value| (name.to_owned(), value.into())));
        }
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": number.phone, "phone_number_id": number.id},
            "message_echoes": [message],
        });
        let event = Event::of_number(&number.waba_id, &number.id, "smb_message_echoes", value);
        Ok::<_, ControlError>(webhooks::tell(world, now.as_millisecond(), event).into_iter().collect())
    })
    .await?;
    Ok(Json(json!({"wamid": wamid, "deliveries": deliveries})))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OffBoard {
    phone_number_id: String,
    reason: Option<String>,
}

pub(crate) async fn off_board(
    State(meta): State<Arc<Meta>>,
    Body(off): Body<OffBoard>,
) -> Result<Json<Value>, ControlError> {
    let now = meta.clock.now().as_millisecond();
    let reason = off.reason.as_deref().unwrap_or("USER_RE_REGISTERED");
    meta.change(|world| {
        if !world.numbers.get(&off.phone_number_id).is_some_and(|number| number.is_on_biz_app) {
            return Err(ControlError::not_found("phone_number_id on the Business App"));
        }
        numbers::off_board(world, &off.phone_number_id, reason, now);
        Ok(Json(json!({"status": "off-boarded"})))
    })
}
