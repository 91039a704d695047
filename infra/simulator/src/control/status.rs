//! `POST /_sim/status`: a status of a message, by hand.

use std::sync::Arc;

use axum::extract::{Json, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, ControlError};
use crate::faults::Effects;
use crate::meta::Meta;
use crate::webhooks::{self, Status};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ByHand {
    wamid: String,
    status: String,
    errors: Option<Value>,
}

pub(crate) async fn tell(
    State(meta): State<Arc<Meta>>,
    Body(by_hand): Body<ByHand>,
) -> Result<Json<Value>, ControlError> {
    let now = meta.clock.now().as_millisecond();
    let status = Status { name: by_hand.status, errors: by_hand.errors };
    let deliveries = webhooks::tried(&meta, |world| {
        if !world.messages.contains(&by_hand.wamid) {
            return Err(ControlError::not_found("wamid"));
        }
        let queued = webhooks::tell_status(world, now, &by_hand.wamid, &status, &Effects::default());
        Ok(queued.into_iter().collect())
    })
    .await?;
    Ok(Json(json!({"deliveries": deliveries})))
}
