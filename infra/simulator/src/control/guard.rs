//! Keeps web pages and proxies away from `/_sim`.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, header};

use super::ControlError;
use crate::serve::{Way, own_authorities};

const FORWARDING: [&str; 6] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

pub(crate) async fn check(request: Request, next: Next) -> Result<Response, ControlError> {
    let headers = request.headers();
    if FORWARDING.iter().any(|name| headers.contains_key(*name)) {
        return Err(ControlError(StatusCode::FORBIDDEN, "/_sim is not served through a proxy".to_owned()));
    }
    let own = request.extensions().get::<Way>().map(|way| own_authorities(way.address));
    if !is_own_origin(headers, &own.unwrap_or_default()) {
        return Err(ControlError(StatusCode::FORBIDDEN, "/_sim is not for pages of another origin".to_owned()));
    }
    if request.method() == Method::POST && !is_json(headers) {
        let reason = "send application/json (an empty object where there is nothing to say)".to_owned();
        return Err(ControlError(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
    }
    Ok(next.run(request).await)
}

fn is_own_origin(headers: &HeaderMap, own: &[String]) -> bool {
    headers.get_all(header::ORIGIN).iter().all(|origin| {
        let authority = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
        authority.is_some_and(|authority| own.iter().any(|own| own == authority))
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
