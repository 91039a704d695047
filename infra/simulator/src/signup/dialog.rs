//! `/{version}/dialog/oauth`: where a business says yes or no.
//!
//! With `_consent=approve|deny` (and `_waba_ids=`) it answers without a person.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

use super::{consent, embedded, grant, page};
use crate::graph::{encode, form};
use crate::meta::Meta;
use crate::world::{TokenKind, Waba, World};

/// The dialog's parameters.
#[derive(Debug)]
pub(super) struct Dialog {
    pub parameters: Map<String, Value>,
    redirect_uri: String,
}

pub(crate) async fn show(State(meta): State<Arc<Meta>>, RawQuery(query): RawQuery) -> Response {
    let parameters = form(&query.unwrap_or_default());
    if parameters.get("display").and_then(Value::as_str) == Some("popup") {
        return embedded::popup(&meta, &parameters);
    }
    let dialog = match Dialog::read(&meta, parameters) {
        Ok(dialog) => dialog,
        Err(reason) => return (StatusCode::BAD_REQUEST, Html(page::problem(reason))).into_response(),
    };
    match dialog.text("_consent") {
        Some("approve") => dialog.approve(&meta),
        Some("deny") => dialog.deny(),
        Some(_) => (StatusCode::BAD_REQUEST, Html(page::problem("_consent is approve or deny"))).into_response(),
        None => Html(meta.read(|world| page::consent(world, &dialog))).into_response(),
    }
}

impl Dialog {
    /// What is wrong here is told to the person, never to the redirect URI: it may be an attacker's.
    fn read(meta: &Meta, parameters: Map<String, Value>) -> Result<Self, &'static str> {
        let text = |name: &str| parameters.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        if text("client_id") != Some(meta.read(|world| world.app.id.clone()).as_str()) {
            return Err("Invalid App ID: the provided app ID does not look like a valid app ID.");
        }
        let redirect_uri = text("redirect_uri").ok_or("The parameter redirect_uri is required.")?.to_owned();
        if !is_allowed(&redirect_uri) {
            return Err("URL blocked: a redirect URI is https (or http on this machine) and has no fragment.");
        }
        if text("response_type").is_some_and(|kind| kind != "code") {
            return Err("Only response_type=code is given here.");
        }
        if text("config_id").is_none() && text("scope").is_none() {
            return Err("A login needs a config_id (or, for a user token, a scope).");
        }
        Ok(Self { parameters, redirect_uri })
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).and_then(Value::as_str)
    }

    fn approve(&self, meta: &Meta) -> Response {
        let now = meta.now();
        let given = meta.change(|world| {
            let kind = self.token_kind(world);
            let granted = self.wabas(world).and_then(|wabas| grant(world, kind, &wabas));
            let Some(granted) = granted else { return Ok(None) };
            if self.parameters.contains_key("extras") {
                embedded::tell_partner_added(world, &granted, meta.clock.now().as_millisecond());
            }
            Ok::<_, crate::meta::NotWritten>(Some(consent(world, granted, Some(self.redirect_uri.clone()), now)))
        });
        match given {
            Ok(Some(code)) => self.back(&[("code", &code)]),
            Ok(None) => (StatusCode::BAD_REQUEST, Html(page::problem("Choose at least one account that exists.")))
                .into_response(),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
        }
    }

    fn deny(&self) -> Response {
        self.back(&[
            ("error", "access_denied"),
            ("error_code", "200"),
            ("error_description", "Permissions error"),
            ("error_reason", "user_denied"),
        ])
    }

    /// Without a configuration a login is the old kind: a user's token, for an hour or two.
    fn token_kind(&self, world: &World) -> TokenKind {
        if self.text("config_id").is_some() { world.app.login_token } else { TokenKind::User }
    }

    /// The accounts chosen, newest first; all there are where nothing is said.
    fn wabas<'a>(&self, world: &'a World) -> Option<Vec<&'a Waba>> {
        let chosen: Vec<String> = match self.parameters.get("_waba_ids") {
            None => return Some(world.wabas.values().rev().collect()),
            Some(Value::Array(ids)) => {
                ids.iter().filter_map(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned).collect()
            }
            Some(ids) => ids.as_str()?.split(',').map(|id| id.trim().to_owned()).collect(),
        };
        let known = chosen.iter().all(|id| world.wabas.contains(id));
        known.then(|| world.wabas.values().rev().filter(|waba| chosen.contains(&waba.id)).collect())
    }

    fn back(&self, parameters: &[(&str, &str)]) -> Response {
        let state = self.text("state").map(|state| ("state", state));
        let pairs: Vec<String> =
            parameters.iter().copied().chain(state).map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let separator = if self.redirect_uri.contains('?') { '&' } else { '?' };
        // Facebook leaves this fragment on what it redirects to.
        let target = format!("{}{separator}{}#_=_", self.redirect_uri, pairs.join("&"));
        match HeaderValue::try_from(target) {
            Ok(target) => (StatusCode::FOUND, [(header::LOCATION, target)]).into_response(),
            Err(_) => {
                (StatusCode::BAD_REQUEST, Html(page::problem("The redirect URI is no header value."))).into_response()
            }
        }
    }
}

fn is_allowed(redirect_uri: &str) -> bool {
    let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|own| {
        let rest = redirect_uri.strip_prefix(own);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '?']))
    });
    (redirect_uri.starts_with("https://") || loopback) && !redirect_uri.contains('#')
}
