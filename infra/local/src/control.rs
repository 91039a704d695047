//! `/_local/*`: what this machine can do that a deployment cannot. Never reached through a tunnel or from another page.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::core::Core;
use crate::gateway::{Answer, REQUEST_LIMIT, json_answer};
use crate::runtime::Outcome;

/// The function operator commands go to.
const COMMANDS: &str = "SweeperFunction";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u32,
}

pub(crate) async fn answer(core: &Arc<Core>, call: &str, request: Request<Incoming>) -> Answer {
    if let Some(refusal) = refuse(request.headers(), request.method(), core.port) {
        return refusal;
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, REQUEST_LIMIT).collect().await else {
        return wrong(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");
    };
    match (&parts.method, call) {
        (&Method::GET, "state") => json_answer(StatusCode::OK, &core.state().await),
        (&Method::GET, "clock") => json_answer(StatusCode::OK, &core.time()),
        (&Method::POST, "clock") => advance(core, &body.to_bytes()).await,
        (&Method::POST, "command") => command(core, body.to_bytes()).await,
        _ => wrong(StatusCode::NOT_FOUND, "there is GET state, GET and POST clock, POST command"),
    }
}

async fn advance(core: &Arc<Core>, body: &Bytes) -> Answer {
    match serde_json::from_slice::<Advance>(body) {
        Ok(Advance { advance_seconds }) => match core.advance(advance_seconds).await {
            Ok(()) => json_answer(StatusCode::OK, &core.time()),
            Err(error) => wrong(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        },
        Err(error) => wrong(StatusCode::BAD_REQUEST, &format!("{{\"advance_seconds\": 60}} is wanted: {error}")),
    }
}

async fn command(core: &Arc<Core>, body: Bytes) -> Answer {
    let is_command = serde_json::from_slice::<Value>(&body).is_ok_and(|body| body.get("command").is_some());
    if !is_command {
        return wrong(StatusCode::BAD_REQUEST, "{\"command\": …} is wanted");
    }
    match core.functions.get(COMMANDS) {
        None => wrong(StatusCode::NOT_FOUND, &format!("the template has no {COMMANDS}")),
        Some(function) => match function.invoke(body).await {
            Outcome::Answered(answer) => {
                let mut response = json_answer(StatusCode::OK, &Value::Null);
                *response.body_mut() = Full::new(answer);
                response
            }
            Outcome::Failed(failure) => json_answer(StatusCode::INTERNAL_SERVER_ERROR, &failure.body()),
            Outcome::Throttled => wrong(StatusCode::TOO_MANY_REQUESTS, "every process of the function is busy"),
        },
    }
}

fn refuse(headers: &HeaderMap, method: &Method, port: u16) -> Option<Answer> {
    let own = [format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}")];
    let origin_is_own = |origin: &http::HeaderValue| own.iter().any(|own| origin == own.as_str());
    if !headers.get_all(ORIGIN).iter().all(origin_is_own) {
        return Some(wrong(StatusCode::FORBIDDEN, "not from another page"));
    }
    let forwarded = |name: &str| name.starts_with("x-forwarded-") || ["forwarded", "via", "x-real-ip"].contains(&name);
    if headers.keys().any(|name| forwarded(name.as_str())) {
        return Some(wrong(StatusCode::FORBIDDEN, "not through a proxy"));
    }
    // A form cannot send JSON, and a page cannot without asking first.
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_json = kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    (method != Method::GET && !is_json)
        .then(|| wrong(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type must be application/json"))
}

fn wrong(status: StatusCode, message: &str) -> Answer {
    json_answer(status, &json!({ "message": message }))
}
