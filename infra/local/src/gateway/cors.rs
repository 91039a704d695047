//! CORS as API Gateway does it: it answers preflights itself, and its headers replace the function's.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderName, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::answer::Answer;
use crate::template::Cors;

/// The answer to a preflight, if the request is one.
pub(super) fn preflight(cors: &Cors, method: &Method, request: &HeaderMap) -> Option<Answer> {
    if method != Method::OPTIONS
        || !request.contains_key(ORIGIN)
        || !request.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    {
        return None;
    }
    let mut answer = Response::new(http_body_util::Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    if allow_origin(cors, request, headers) {
        set_list(headers, ACCESS_CONTROL_ALLOW_METHODS, &cors.methods);
        set_list(headers, ACCESS_CONTROL_ALLOW_HEADERS, &cors.headers);
        if let Some(seconds) = cors.max_age {
            headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
        }
    }
    Some(answer)
}

/// Replaces whatever CORS headers a function set by the configured ones.
pub(super) fn apply(cors: &Cors, request: &HeaderMap, answer: &mut HeaderMap) {
    for name in [
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE,
    ] {
        answer.remove(name);
    }
    if allow_origin(cors, request, answer) {
        set_list(answer, ACCESS_CONTROL_EXPOSE_HEADERS, &cors.exposed);
    }
}

fn allow_origin(cors: &Cors, request: &HeaderMap, answer: &mut HeaderMap) -> bool {
    let Some(origin) = request.get(ORIGIN) else { return false };
    let any = cors.origins.iter().any(|allowed| allowed == "*");
    if !any && !origin.to_str().is_ok_and(|origin| cors.origins.iter().any(|allowed| matches(allowed, origin))) {
        return false;
    }
    answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, if any { HeaderValue::from_static("*") } else { origin.clone() });
    if !any {
        answer.append(VARY, HeaderValue::from_static("Origin"));
    }
    if cors.credentials {
        answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    true
}

/// Besides an origin, API Gateway knows `https://*` and `http://*`.
fn matches(allowed: &str, origin: &str) -> bool {
    match allowed.strip_suffix('*') {
        Some(scheme) => origin.starts_with(scheme),
        None => allowed.eq_ignore_ascii_case(origin),
    }
}

fn set_list(headers: &mut HeaderMap, name: HeaderName, values: &[String]) {
    if values.is_empty() {
        return;
    }
    // Every value came from the template; one that is no header value is left out, as the cloud refuses it earlier.
    if let Ok(value) = HeaderValue::from_str(&values.join(",")) {
        headers.insert(name, value);
    }
}
