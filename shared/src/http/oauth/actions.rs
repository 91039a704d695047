//! What a dashboard does for a connection after Meta: confirms it, hands over what the popup gave, or goes on.

use std::{fmt, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::{Context, Id};
use crate::{
    Error, Result,
    aws::connections::Stored,
    domain::{connection_id::ConnectionId, keyring::Purpose, meta_id::PhoneNumberId, proof},
    http::{base_url::BaseUrl, body::Body, caller::Caller},
    shown::connection::ConnectionBody,
};

const LONGEST: usize = 4096;
const EVENT: usize = 16 * 1024;

/// Says that whoever came back from Meta is whoever left.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// `patchbay_verifier` of the return to your page.
    #[schemars(with = "String")]
    verifier: SecretString,
}

/// What Meta's popup gave the page: its code, its session event, or both.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PopupAnswer {
    /// The connection's own.
    nonce: String,
    /// Within thirty seconds.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    code: Option<SecretString>,
    /// Meta's `WA_EMBEDDED_SIGNUP` message, as it came.
    #[serde(default)]
    session_event: Option<Value>,
}

/// Goes on with what failed or waits.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// Absent: everything that waits.
    #[serde(default)]
    phone_number_id: Option<PhoneNumberId>,
    /// The number's two-step verification PIN.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("pattern" = "^[0-9]{6}$"))]
    pin: Option<SecretString>,
}

pub(super) async fn confirm(
    State(context): State<Arc<Context>>,
    caller: Caller,
    base: BaseUrl,
    Id(id): Id,
    body: Result<Body<Confirm>>,
) -> Result<Json<ConnectionBody>> {
    let mut stored = context.connect.own(caller.of_tenant()?, &id).await?;
    let value = body?.value;
    context.connect.confirm(&mut stored, &value.verifier, &caller.call.entry(id.as_str(), None, 200)).await?;
    caller.call.audited();
    go_on(&context, &mut stored, &base).await
}

pub(super) async fn code(
    State(context): State<Arc<Context>>,
    caller: Caller,
    base: BaseUrl,
    Id(id): Id,
    body: Result<Body<PopupAnswer>>,
) -> Result<Json<ConnectionBody>> {
    let mut stored = context.connect.own(caller.of_tenant()?, &id).await?;
    let value = body?.value;
    value.check(&context, &id).await?;
    if let Some(event) = value.session_event {
        context.connect.hear(&mut stored, event, &caller.call.entry(id.as_str(), None, 200)).await?;
        caller.call.audited();
    }
    if let Some(code) = &value.code {
        // The popup gives its code to the page that the connection's owner is signed in to: nobody else to confirm it.
        context.connect.exchange(&mut stored, code, None, None).await?;
    }
    go_on(&context, &mut stored, &base).await
}

pub(super) async fn resume(
    State(context): State<Arc<Context>>,
    caller: Caller,
    base: BaseUrl,
    Id(id): Id,
    body: Result<Body<Resume>>,
) -> Result<(StatusCode, Json<ConnectionBody>)> {
    let mut stored = context.connect.own(caller.of_tenant()?, &id).await?;
    let value = body?.value;
    value.check()?;
    let entry = caller.call.entry(id.as_str(), None, 202);
    context.connect.resume(&mut stored, value.phone_number_id.as_ref(), value.pin.as_ref(), &entry).await?;
    caller.call.audited();
    Ok((StatusCode::ACCEPTED, go_on(&context, &mut stored, &base).await?))
}

async fn go_on(context: &Context, stored: &mut Stored, base: &BaseUrl) -> Result<Json<ConnectionBody>> {
    context.connect.work_on(stored).await;
    context.shower.show(&stored.connection, base, context.edge.clock.now()).await.map(Json)
}

impl PopupAnswer {
    async fn check(&self, context: &Context, id: &ConnectionId) -> Result<()> {
        let keys = context.secret.keyring().await?;
        if !proof::is_proved(&keys, Purpose::Nonce, &[id.as_str()], &self.nonce) {
            return Err(Error::NonceMismatch);
        }
        if self.code.is_none() && self.session_event.is_none() {
            return Err(Error::breaks("/code", "expected, or a session_event"));
        }
        if self.code.as_ref().is_some_and(|code| !(1..=LONGEST).contains(&code.expose_secret().len())) {
            return Err(Error::breaks("/code", format!("expected 1 to {LONGEST} characters")));
        }
        let is_event = |event: &Value| event.is_object() && event.to_string().len() <= EVENT;
        if self.session_event.as_ref().is_some_and(|event| !is_event(event)) {
            return Err(Error::breaks("/session_event", "expected Meta's message as an object of at most 16 KiB"));
        }
        Ok(())
    }
}

impl Resume {
    fn check(&self) -> Result<()> {
        if self.pin.is_some() && self.phone_number_id.is_none() {
            return Err(Error::breaks("/phone_number_id", "expected with a PIN"));
        }
        if self.pin.as_ref().is_some_and(|pin| !is_pin(pin)) {
            return Err(Error::breaks("/pin", "expected six digits"));
        }
        Ok(())
    }
}

pub(super) fn is_pin(pin: &SecretString) -> bool {
    let pin = pin.expose_secret();
    pin.len() == 6 && pin.bytes().all(|byte| byte.is_ascii_digit())
}

/// Bodies that hold secrets say their name and no more.
macro_rules! silent {
    ($($name:ident)+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )+};
}

silent! { Confirm PopupAnswer Resume }
