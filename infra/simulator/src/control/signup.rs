//! `/_sim/embedded_signup`, `/_sim/revoke`, `/_sim/data_deletion`: a business comes and goes.

use std::sync::Arc;

use axum::extract::{Json, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, ControlError};
use crate::meta::Meta;
use crate::signup::{self, Finish, Notice, Removal};

pub(crate) async fn embedded(
    State(meta): State<Arc<Meta>>,
    Body(finish): Body<Finish>,
) -> Result<Json<Value>, ControlError> {
    signup::finish(&meta, &finish)?.map(Json).map_err(ControlError::bad)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revoke {
    token: Option<String>,
    waba_id: Option<String>,
    subcode: Option<i64>,
    notify: Option<Notify>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Notify {
    Naturally(bool),
    By(String),
}

pub(crate) async fn revoke(
    State(meta): State<Arc<Meta>>,
    Body(revoke): Body<Revoke>,
) -> Result<Json<Value>, ControlError> {
    let removal = match (revoke.token, revoke.waba_id) {
        (Some(token), None) => Removal::Token(token),
        (None, Some(waba)) => Removal::WabaId(waba),
        (None, None) | (Some(_), Some(_)) => return Err(ControlError::bad("give token or waba_id")),
    };
    let notice = match revoke.notify {
        None | Some(Notify::Naturally(false)) => Notice::Nothing,
        Some(Notify::Naturally(true)) => Notice::natural(&removal),
        Some(Notify::By(name)) => match name.to_ascii_lowercase().as_str() {
            "deauthorize" => Notice::Deauthorize,
            "partner_removed" => Notice::PartnerRemoved,
            _ => return Err(ControlError::bad("notify is true, \"deauthorize\" or \"PARTNER_REMOVED\"")),
        },
    };
    let told = signup::remove(&meta, &removal, revoke.subcode, notice).await?;
    let told = told.ok_or_else(|| ControlError::not_found("token or waba_id"))?;
    Ok(Json(json!({"notified": told})))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deletion {
    user_id: String,
}

/// A person asks Meta to have their data deleted; the app is asked, and its answer shown.
pub(crate) async fn data_deletion(
    State(meta): State<Arc<Meta>>,
    Body(deletion): Body<Deletion>,
) -> Result<Json<Value>, ControlError> {
    let url = meta.read(|world| world.app.data_deletion_url.clone());
    let url = url.ok_or_else(|| ControlError::bad("the app has no data_deletion_url (POST /_sim/app sets it)"))?;
    Ok(Json(signup::ask_deletion(&meta, &url, &deletion.user_id).await))
}
