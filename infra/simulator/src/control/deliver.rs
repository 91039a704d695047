//! `POST /_sim/deliver`: any body to the app's callback, byte for byte; `POST /_sim/event`: any field, properly wrapped.

use std::sync::Arc;

use axum::extract::{Json, State};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Body, ControlError};
use crate::meta::Meta;
use crate::webhooks::{self, Event, Tried, post, written};

const MAX_TIMES: usize = 100_000;
const MAX_CONCURRENCY: usize = 256;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deliver {
    /// Text as it is; anything else is written as Meta writes JSON.
    body: Option<Value>,
    body_base64: Option<String>,
    #[serde(default)]
    sign: Sign,
    #[serde(default = "one")]
    times: usize,
    #[serde(default = "one")]
    concurrency: usize,
    /// Instead of the app's callback.
    url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Sign {
    Plainly(bool),
    Otherwise(String),
}

impl Default for Sign {
    fn default() -> Self {
        Self::Plainly(true)
    }
}

fn one() -> usize {
    1
}

pub(crate) async fn deliver(
    State(meta): State<Arc<Meta>>,
    Body(deliver): Body<Deliver>,
) -> Result<Json<Vec<Tried>>, ControlError> {
    let body = deliver.bytes()?;
    let (callback, secret) = meta.read(|world| (world.app.callback_url.clone(), world.app.secret.clone()));
    let secret = match deliver.sign {
        Sign::Plainly(true) => Some(secret),
        Sign::Plainly(false) => None,
        Sign::Otherwise(how) if how == "wrong" => Some(format!("not {secret}")),
        Sign::Otherwise(_) => return Err(ControlError::bad(r#"sign is true, false or "wrong""#)),
    };
    if !(1..=MAX_TIMES).contains(&deliver.times) || !(1..=MAX_CONCURRENCY).contains(&deliver.concurrency) {
        return Err(ControlError::bad(format!("times is 1 to {MAX_TIMES}, concurrency 1 to {MAX_CONCURRENCY}")));
    }
    let url = deliver.url.unwrap_or(callback);
    Ok(Json(repeat(&meta, url, body, secret, deliver.times, deliver.concurrency).await))
}

impl Deliver {
    fn bytes(&self) -> Result<Bytes, ControlError> {
        match (&self.body, &self.body_base64) {
            (Some(Value::String(text)), None) => Ok(text.clone().into()),
            (Some(value), None) => Ok(written(value).into()),
            (None, Some(text)) => {
                let bytes = BASE64_STANDARD.decode(text);
                bytes.map(Bytes::from).map_err(|error| ControlError::bad(format!("body_base64: {error}")))
            }
            (None, None) | (Some(_), Some(_)) => Err(ControlError::bad("give body or body_base64")),
        }
    }
}

/// `times` tries, `concurrency` of them at any moment.
async fn repeat(
    meta: &Arc<Meta>,
    url: String,
    body: Bytes,
    secret: Option<String>,
    times: usize,
    concurrency: usize,
) -> Vec<Tried> {
    let mut tries = JoinSet::new();
    let mut results = Vec::with_capacity(times);
    for _ in 0..times {
        if tries.len() == concurrency {
            results.extend(tries.join_next().await.and_then(Result::ok));
        }
        let (meta, url, body, secret) = (Arc::clone(meta), url.clone(), body.clone(), secret.clone());
        tries.spawn(async move { Tried::from(&post(&meta, &url, body, secret.as_deref()).await) });
    }
    results.extend(tries.join_all().await);
    results
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Any {
    phone_number_id: Option<String>,
    waba_id: Option<String>,
    business_id: Option<String>,
    field: String,
    value: Value,
}

/// Tells of anything Meta can tell of, to whoever it concerns, with retries.
pub(crate) async fn event(State(meta): State<Arc<Meta>>, Body(any): Body<Any>) -> Result<Json<Value>, ControlError> {
    if !webhooks::is_field(&any.field) {
        return Err(ControlError::bad(format!("{} is no webhook field", any.field)));
    }
    let now = meta.clock.now().as_millisecond();
    let deliveries = webhooks::tried(&meta, |world| {
        let waba = any.phone_number_id.as_ref().and_then(|number| Some(world.waba_of(number)?.id.clone()));
        let entry = waba.or_else(|| any.waba_id.clone()).or_else(|| any.business_id.clone());
        let entry = entry.filter(|id| world.wabas.contains(id) || world.businesses.contains(id));
        let entry = entry.ok_or_else(|| ControlError::not_found("phone_number_id, waba_id or business_id"))?;
        let number = any.phone_number_id.as_deref();
        let event = Event { entry: &entry, number, field: &any.field, value: any.value.clone(), about: None };
        Ok::<_, ControlError>(webhooks::tell(world, now, event).into_iter().collect())
    })
    .await?;
    Ok(Json(json!({"deliveries": deliveries})))
}
