//! `PUT /v1/accounts/{id}/pin`: the owner's own two-step PIN. It is sealed, and never shown.

use std::{fmt, sync::Arc};

use axum::{extract::State, response::Response};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Context, Id};
use crate::{
    Error, Result,
    http::{body::Body, caller::Caller},
};

/// The PIN that the number has at Meta, or shall have.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PinBody {
    #[schemars(with = "String", extend("pattern" = "^[0-9]{6}$"))]
    pin: SecretString,
}

impl fmt::Debug for PinBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinBody")
    }
}

pub(super) async fn set(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    body: Result<Body<PinBody>>,
) -> Result<Response> {
    let account = context.own(&caller, &id).await?;
    let pin = body?.value.pin;
    if pin.expose_secret().len() != 6 || !pin.expose_secret().bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::breaks("/pin", "expected six digits"));
    }
    let kept = context.own.set_pin(&account, &pin, &caller.call.entry(id.as_str(), None, 200)).await?;
    context.changed(&caller, kept).await
}
