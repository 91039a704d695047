//! What a function answered, as HTTP; and what the gateway itself answers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::{Map, Value, json};

pub(super) type Answer = Response<Full<Bytes>>;

/// The gateway's own answer: `{message}`.
pub(super) fn own(status: StatusCode) -> Answer {
    let message = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        status => status.canonical_reason().unwrap_or("Error"),
    };
    json_answer(status, &json!({ "message": message }))
}

pub(crate) fn json_answer(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// A function's answer. `None`: the gateway cannot make HTTP of it.
pub(super) fn from_function(answer: &Bytes) -> Option<Answer> {
    let value: Value = serde_json::from_slice(answer).ok()?;
    match value {
        Value::Object(object) if object.contains_key("statusCode") => structured(&object),
        // Without a status the whole answer is the body.
        Value::String(text) => Some(bare(Bytes::from(text))),
        _ => Some(bare(answer.clone())),
    }
}

fn bare(body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn structured(object: &Map<String, Value>) -> Option<Answer> {
    let status = match object.get("statusCode")? {
        Value::Number(number) => u16::try_from(number.as_u64()?).ok()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    let body = match object.get("body") {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) if object.get("isBase64Encoded") == Some(&Value::Bool(true)) => {
            Bytes::from(STANDARD.decode(text).ok()?)
        }
        Some(Value::String(text)) => Bytes::from(text.clone()),
        Some(_) => return None,
    };
    let mut headers = HeaderMap::new();
    if let Some(Value::Object(given)) = object.get("headers") {
        for (name, value) in given {
            append(&mut headers, name, value)?;
        }
    }
    if let Some(Value::Object(given)) = object.get("multiValueHeaders") {
        for (name, values) in given {
            for value in values.as_array()? {
                append(&mut headers, name, value)?;
            }
        }
    }
    if let Some(Value::Array(cookies)) = object.get("cookies") {
        for cookie in cookies {
            headers.append(SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
        }
    }
    // The length is the body's, whatever the function says.
    headers.remove(http::header::CONTENT_LENGTH);
    headers.remove(http::header::TRANSFER_ENCODING);
    if !headers.contains_key(CONTENT_TYPE) && !body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    }
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = StatusCode::from_u16(status).ok()?;
    *answer.headers_mut() = headers;
    Some(answer)
}

fn append(headers: &mut HeaderMap, name: &str, value: &Value) -> Option<()> {
    let value = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return None,
    };
    headers.append(HeaderName::try_from(name).ok()?, HeaderValue::from_str(&value).ok()?);
    Some(())
}
