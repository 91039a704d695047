//! `POST /v1/connections`: an attempt is begun. A token brought along is sealed at once and kept nowhere else.

use std::{fmt, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::Context;
use crate::{
    Error, Result,
    aws::connections::Stored,
    domain::{
        connection::{AutoSelect, Method, Order},
        credential::Kind,
        meta_id::{PhoneNumberId, WabaId},
        return_url::ReturnUrl,
    },
    http::{
        base_url::BaseUrl,
        body::Body,
        caller::Caller,
        idempotency::{Made, Once, made_once, replayed},
    },
};

const EXTERNAL_ID: usize = 255;
const NUMBERS: usize = 100;
const TOKEN: usize = 4096;

/// What to begin.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConnection {
    method: Method,
    /// `meta`, which is the default and the only one yet.
    #[serde(default)]
    provider: Option<String>,
    /// Where the browser goes after Meta; its origin must be in `AllowedOrigins`. Absent: a page of ours.
    #[serde(default)]
    return_url: Option<String>,
    /// Yours, to find it by; the account takes it over.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    external_id: Option<String>,
    /// Accept this number only.
    #[serde(default)]
    expected_phone_number_id: Option<PhoneNumberId>,
    /// A number that stays on the WhatsApp Business App too.
    #[serde(default)]
    coexistence: bool,
    #[serde(default)]
    auto_select: AutoSelect,
    /// The dashboard confirms that whoever comes back from Meta is whoever left. Always so with a session token.
    #[serde(default)]
    confirm: Option<bool>,
    /// With `method: manual`.
    #[serde(default)]
    manual: Option<Manual>,
}

/// A token the operator has.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Manual {
    #[schemars(with = "String")]
    access_token: SecretString,
    #[serde(default)]
    waba_id: Option<WabaId>,
    /// Connect these. Absent: as `auto_select` says.
    #[serde(default)]
    phone_number_ids: Vec<PhoneNumberId>,
}

impl fmt::Debug for Manual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manual").field("waba_id", &self.waba_id).finish_non_exhaustive()
    }
}

pub(super) async fn create(
    State(context): State<Arc<Context>>,
    caller: Caller,
    base: BaseUrl,
    once: Once,
    Body { value, bytes }: Body<NewConnection>,
) -> Result<Response> {
    let tenant = caller.of_tenant()?;
    let now = context.edge.clock.now();
    let fresh = context.connect.draw_id(tenant);
    let begin = async |id: &str| {
        let (order, token) = value.order(&caller, &context).await?;
        let id = id.parse().map_err(|_| Error::Corrupt("a claimed id".to_owned()))?;
        let entry = caller.call.entry(&format!("{id}"), None, 201);
        let stored = context.connect.begin(id, tenant, order, token.as_ref(), &entry).await?;
        caller.call.audited();
        Ok(stored)
    };
    let made = match once.repetition(&caller, &bytes, &context.secret).await? {
        None => Made::Now(begin(fresh.as_str()).await?),
        Some(repetition) => {
            made_once(&context.receipts, &repetition, &context.edge.random, fresh.as_str(), now, begin).await?
        }
    };
    match made {
        Made::Now(mut stored) => {
            context.connect.work_on(&mut stored).await;
            answer(&context, &stored, &base).await
        }
        Made::Before(id) => {
            let id = id.parse().map_err(|_| Error::Corrupt("a kept id".to_owned()))?;
            let stored = context.connect.own(tenant, &id).await?;
            answer(&context, &stored, &base).await.map(replayed)
        }
    }
}

async fn answer(context: &Context, stored: &Stored, base: &BaseUrl) -> Result<Response> {
    let body = context.shower.show(&stored.connection, base, context.edge.clock.now()).await?;
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    // The ticket in it opens the way to Meta.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

impl NewConnection {
    async fn order(self, caller: &Caller, context: &Context) -> Result<(Order, Option<SecretString>)> {
        if self.provider.as_deref().is_some_and(|provider| provider != "meta") {
            return Err(Error::ProviderUnavailable);
        }
        let is_session = caller.credential.kind() == Kind::Session;
        if is_session && self.method == Method::Manual {
            return Err(Error::ManualNeedsKey);
        }
        if self.external_id.as_ref().is_some_and(|id| id.is_empty() || id.chars().count() > EXTERNAL_ID) {
            return Err(Error::breaks("/external_id", format!("expected 1 to {EXTERNAL_ID} characters")));
        }
        let must_confirm = self.method != Method::Manual && (is_session || self.confirm == Some(true));
        let return_url = match &self.return_url {
            Some(url) => {
                let allowed = &context.addresses.allowed_origins;
                Some(ReturnUrl::parse(url, allowed).ok_or(Error::ReturnUrlNotAllowed)?)
            }
            None if must_confirm && self.method == Method::Login => {
                return Err(Error::breaks("/return_url", "expected, for the dashboard confirms what comes back there"));
            }
            None => None,
        };
        let app = context.connect.apps.current().await?;
        if self.method == Method::EmbeddedSignup && app.config_id.is_none() {
            return Err(Error::MetaAppNotConfigured);
        }
        let manual = match (self.method, self.manual) {
            (Method::Manual, None) => return Err(Error::breaks("/manual", "expected with this method")),
            (Method::Manual, manual) => manual,
            (_, None) => None,
            (_, Some(_)) => return Err(Error::breaks("/manual", "expected with the method manual only")),
        };
        let (token, hinted_wabas, named) = match manual {
            None => (None, None, Vec::new()),
            Some(manual) => {
                let is_token =
                    |text: &str| (1..=TOKEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
                if !is_token(manual.access_token.expose_secret()) {
                    return Err(Error::breaks("/manual/access_token", "expected a token as Meta shows it"));
                }
                if manual.phone_number_ids.len() > NUMBERS {
                    return Err(Error::breaks("/manual/phone_number_ids", format!("expected {NUMBERS} at most")));
                }
                (Some(manual.access_token), manual.waba_id, manual.phone_number_ids)
            }
        };
        let order = Order {
            method: self.method,
            return_url,
            external_id: self.external_id,
            expected: self.expected_phone_number_id,
            coexistence: self.coexistence,
            // Whoever names the numbers has chosen.
            auto_select: if named.is_empty() { self.auto_select } else { AutoSelect::Single },
            must_confirm,
            hinted_wabas: hinted_wabas.into_iter().collect(),
            named,
        };
        Ok((order, token))
    }
}
