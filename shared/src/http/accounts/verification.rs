//! `POST /v1/connections/{id}/numbers/{phone_number_id}/verification`: a code is sent, or entered.

use std::{collections::HashMap, fmt, sync::Arc};

use axum::{
    Json,
    extract::{Path, State},
};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::Context;
use crate::{
    Error, Result,
    domain::meta_id::PhoneNumberId,
    http::{base_url::BaseUrl, body::Body, caller::Caller, connections::Id},
    shown::connection::ConnectionBody,
};

/// Either `method` and `language`: a code is sent. Or `code`: it is entered.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    #[serde(default)]
    method: Option<By>,
    /// Such as `en_US`.
    #[serde(default)]
    #[schemars(extend("pattern" = "^[a-z]{2,3}(_[A-Z]{2})?$"))]
    language: Option<String>,
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("pattern" = "^[0-9-]{4,10}$"))]
    code: Option<SecretString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum By {
    Sms,
    Voice,
}

impl fmt::Debug for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verification").field("method", &self.method).finish_non_exhaustive()
    }
}

pub(super) async fn verify(
    State(context): State<Arc<Context>>,
    caller: Caller,
    base: BaseUrl,
    Id(id): Id,
    Path(path): Path<HashMap<String, String>>,
    body: Result<Body<Verification>>,
) -> Result<Json<ConnectionBody>> {
    let mut stored = context.connect.own(caller.of_tenant()?, &id).await?;
    let number = path.get("phone_number_id").and_then(|id| id.parse::<PhoneNumberId>().ok());
    let number = number.filter(|number| stored.connection.number(number).is_some());
    let number = number.ok_or(Error::NotFound { thing: "number" })?;
    let order = body?.value;
    let entry = caller.call.entry(&format!("{id}/{number}"), None, 200);
    match (order.method, order.code) {
        (Some(by), None) => {
            let language = order.language.unwrap_or_else(|| "en_US".to_owned());
            if !is_language(&language) {
                return Err(Error::breaks("/language", "expected a language such as en_US"));
            }
            let by_voice = by == By::Voice;
            context.connect.send_verification(&mut stored, &number, by_voice, &language, &entry).await?;
        }
        (None, Some(code)) if is_code(&code) => context.connect.verify(&mut stored, &number, &code, &entry).await?,
        (None, Some(_)) => return Err(Error::breaks("/code", "expected the code's digits")),
        _ => return Err(Error::breaks("/method", "expected, or a code")),
    }
    caller.call.audited();
    context.connect.work_on(&mut stored).await;
    context.shower.show(&stored.connection, &base, context.edge.clock.now()).await.map(Json)
}

fn is_language(text: &str) -> bool {
    let (language, country) =
        text.split_once('_').map_or((text, None), |(language, country)| (language, Some(country)));
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && country.is_none_or(|country| country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()))
}

fn is_code(code: &SecretString) -> bool {
    let code = code.expose_secret();
    (4..=10).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}
