//! `/_sim`: how a test or a person drives the world. JSON, this machine only, never from a foreign page.

mod assets;
mod behaviour;
mod calls;
mod changes;
mod chat;
mod deliver;
mod faults;
mod guard;
mod inbound;
mod media;
mod phone;
mod signup;
mod state;
mod status;

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Json, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::meta::{Meta, NotWritten};

/// Room for a 3 MB webhook in base64, and then some.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

pub(crate) fn router() -> Router<Arc<Meta>> {
    Router::new()
        .route("/state", get(state::show))
        .route("/reset", post(state::reset))
        .route("/app", post(assets::app))
        .route("/behaviour", post(behaviour::behave))
        .route("/recipients", post(behaviour::recipient))
        .route("/templates", post(behaviour::template))
        .route("/businesses", post(assets::business))
        .route("/wabas", post(assets::waba))
        .route("/wabas/{id}", post(assets::change_waba))
        .route("/numbers", post(assets::number))
        .route("/numbers/{id}", post(assets::change_number))
        .route("/embedded_signup", post(signup::embedded))
        .route("/revoke", post(signup::revoke))
        .route("/data_deletion", post(signup::data_deletion))
        .route("/echo", post(phone::echo))
        .route("/offboard", post(phone::off_board))
        .route("/inbound", post(inbound::write))
        .route("/deliver", post(deliver::deliver))
        .route("/event", post(deliver::event))
        .route("/status", post(status::tell))
        .route("/faults", get(faults::list).post(faults::ask).delete(faults::forget))
        .route("/calls", get(calls::list))
        .route("/deliveries", get(calls::deliveries))
        .route("/chat", get(chat::chat))
        .route("/trace", get(chat::trace))
        .route("/media/{id}", get(chat::media).post(media::change))
        .fallback(|| async { ControlError::not_found("call under /_sim") })
        .method_not_allowed_fallback(|| async {
            ControlError(StatusCode::METHOD_NOT_ALLOWED, "this call takes another method".to_owned())
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(guard::check))
}

/// A JSON body, or one line that says what is wrong with it.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ControlError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ControlError> {
        let Json(body) = Json::from_request(request, state).await?;
        Ok(Self(body))
    }
}

/// Why a control call cannot be done.
#[derive(Debug)]
pub(crate) struct ControlError(StatusCode, String);

impl ControlError {
    pub(crate) fn bad(reason: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, reason.into())
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self(StatusCode::NOT_FOUND, format!("no such {what}"))
    }
}

impl IntoResponse for ControlError {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

impl From<NotWritten> for ControlError {
    fn from(error: NotWritten) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl From<JsonRejection> for ControlError {
    fn from(rejection: JsonRejection) -> Self {
        Self(rejection.status(), rejection.body_text())
    }
}
