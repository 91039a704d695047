//! The function `webhook` has no router: it reads events. Here a request becomes one, as API Gateway makes it.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Response, header::CONTENT_TYPE},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use lambda_runtime::LambdaEvent;
use serde_json::{Map, Value, json};
use sha2::Sha256;
use shared::{domain::hex, webhook::Context};

/// The header with which Meta signs a body for the app that this deployment is.
pub fn signature(body: &[u8]) -> String {
    let parameters = local::meta::parameters();
    signed_by(&parameters["MetaAppSecret"], body)
}

/// The same for an app with another secret.
pub fn signed_by(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length").chain_update(body);
    format!("sha256={}", hex::encode(&mac.finalize().into_bytes()))
}

pub(crate) fn router(context: Context) -> Router {
    Router::new().fallback(answer).with_state(Arc::new(context))
}

async fn answer(State(context): State<Arc<Context>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let event = json!({
        "version": "2.0",
        "rawPath": head.uri.path(),
        "rawQueryString": head.uri.query().unwrap_or_default(),
        "headers": headers(&head.headers),
        "requestContext": { "http": { "method": head.method.as_str(), "path": head.uri.path() } },
    });
    let event = with_body(event, &head.headers, &body).to_string();
    let event = serde_json::from_str(&event).expect("the function reads API Gateway's events");
    let answer = context.handle(LambdaEvent::new(event, lambda_runtime::Context::default())).await;
    as_response(&serde_json::to_value(answer).expect("an answer is JSON"))
}

/// Several of one name are one, with commas.
fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let joined = |name| {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        Value::from(values.collect::<Vec<_>>().join(","))
    };
    headers.keys().map(|name| (name.to_string(), joined(name))).collect()
}

/// JSON arrives as text, if it is any; everything else as base64.
fn with_body(mut event: Value, headers: &HeaderMap, body: &Bytes) -> Value {
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let text = str::from_utf8(body).ok().filter(|_| is_json);
    event["isBase64Encoded"] = json!(text.is_none());
    event["body"] = text.map_or_else(|| BASE64_STANDARD.encode(body).into(), Value::from);
    event
}

fn as_response(answer: &Value) -> Response<Body> {
    let status = u16::try_from(answer["statusCode"].as_u64().expect("a status")).expect("a status");
    let mut response = Response::builder().status(status);
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        response = response.header(name, value.as_str().expect("a text"));
    }
    response.body(Body::from(answer["body"].as_str().unwrap_or_default().to_owned())).expect("a response")
}
