//! `GET /v1/connections/options`: what a dashboard can offer, and why not where it cannot.

use std::sync::Arc;

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::{
    Error, Result,
    domain::{
        connection::{Method, Obstacle},
        credential::Kind,
    },
    http::caller::Caller,
};

/// Providers we know of; one is available.
const PROVIDERS: [(&str, bool); 3] = [("meta", true), ("360dialog", false), ("twilio", false)];

#[derive(Debug, Serialize, JsonSchema)]
pub struct Options {
    methods: Vec<MethodOption>,
    providers: Vec<Provider>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct MethodOption {
    method: Method,
    available: bool,
    /// Stable: programs may branch on it.
    reason: Option<&'static str>,
    remedy: Option<&'static str>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Provider {
    id: &'static str,
    available: bool,
}

pub(super) async fn show(State(context): State<Arc<Context>>, caller: Caller) -> Result<Json<Options>> {
    let unconfigured = ("meta_app_not_configured", Obstacle::MetaAppNotConfigured.remedy());
    let (login, popup) = match context.connect.apps.current().await {
        Err(Error::MetaAppNotConfigured) => (Some(unconfigured), Some(unconfigured)),
        app => match app?.config_id {
            Some(_) => (None, None),
            None => (None, Some(NO_CONFIGURATION)),
        },
    };
    let manual = if caller.credential.kind() == Kind::Session { Some(KEY_ONLY) } else { login };
    let methods = [(Method::Login, login), (Method::EmbeddedSignup, popup), (Method::Manual, manual)];
    Ok(Json(Options {
        methods: methods.map(|(method, missing)| MethodOption::new(method, missing)).into(),
        providers: PROVIDERS.map(|(id, available)| Provider { id, available }).into(),
    }))
}

const NO_CONFIGURATION: (&str, &str) = (
    "configuration_missing",
    "The operator enters the configuration id of Facebook Login for Business as MetaConfigId.",
);
const KEY_ONLY: (&str, &str) = ("key_required", "Tokens are sent from your backend, with an operator's key.");

impl MethodOption {
    fn new(method: Method, missing: Option<(&'static str, &'static str)>) -> Self {
        let (reason, remedy) = missing.unzip();
        Self { method, available: missing.is_none(), reason, remedy }
    }
}
