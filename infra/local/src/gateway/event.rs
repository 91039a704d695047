//! A request as payload format 2.0.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, COOKIE, HeaderName};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::route::Match;
use crate::template::ACCOUNT;

/// What the gateway knows of a request besides its bytes.
pub(super) struct Arrival<'a> {
    pub(super) request_id: &'a str,
    pub(super) at: Timestamp,
    pub(super) peer: &'a str,
    pub(super) domain: &'a str,
}

/// A path as API Gateway passes it on: decoded, and cut where a decoded `?` begins.
pub(super) fn decoded_path(path: &str) -> String {
    let decoded = decode(path, false);
    match decoded.split_once('?') {
        Some((before, _)) => before.to_owned(),
        None => decoded,
    }
}

pub(super) fn event(
    parts: &http::request::Parts,
    path: &str,
    body: &Bytes,
    found: &Match<'_>,
    arrival: &Arrival<'_>,
) -> Value {
    let route_key = found.route.path.to_string();
    let headers = headers(&parts.headers, arrival);
    let user_agent = headers.get("user-agent").cloned().unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "local",
            "domainName": arrival.domain,
            "domainPrefix": arrival.domain.split(['.', ':']).next(),
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": arrival.peer,
                "userAgent": user_agent,
            },
            "requestId": arrival.request_id,
            "routeKey": route_key,
            "stage": "$default",
            "time": arrival.at.to_zoned(TimeZone::UTC).strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": arrival.at.as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    let cookies = cookies(&parts.headers);
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    let query = query_parameters(query);
    if !query.is_empty() {
        event["queryStringParameters"] = json!(query);
    }
    if !found.parameters.is_empty() {
        event["pathParameters"] = json!(found.parameters);
    }
    if !body.is_empty() {
        let text = is_text(&parts.headers).then(|| std::str::from_utf8(body).ok()).flatten();
        event["isBase64Encoded"] = json!(text.is_none());
        event["body"] = text.map_or_else(|| json!(STANDARD.encode(body)), |text| json!(text));
    }
    event
}

fn headers(received: &HeaderMap, arrival: &Arrival<'_>) -> BTreeMap<String, String> {
    // Of these the gateway makes its own, whatever the client claims.
    const OWN: [&str; 3] = ["x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"];
    let mut headers = BTreeMap::new();
    for name in received.keys().filter(|name| **name != COOKIE && !OWN.contains(&name.as_str())) {
        headers.insert(name.as_str().to_owned(), joined(received, name));
    }
    let port = arrival.domain.rsplit_once(':').map_or("80", |(_, port)| port);
    headers.insert("host".to_owned(), arrival.domain.to_owned());
    headers.insert("x-amzn-trace-id".to_owned(), format!("Root=1-local-{}", arrival.request_id.replace('-', "")));
    headers.insert("x-forwarded-for".to_owned(), arrival.peer.to_owned());
    headers.insert("x-forwarded-port".to_owned(), port.to_owned());
    headers.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    headers
}

fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers.get_all(name).iter();
    values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect::<Vec<_>>().join(",")
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(';'))
        .map(|cookie| cookie.trim().to_owned())
        .filter(|cookie| !cookie.is_empty())
        .collect()
}

fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decode(value, true);
        parameters
            .entry(decode(name, true))
            .and_modify(|values| {
                values.push(',');
                values.push_str(&value);
            })
            .or_insert(value);
    }
    parameters
}

/// Only these arrive as text; everything else is base64, form posts and bodies of no declared type included.
/// Measured against AWS: ministackorg/ministack pull request 766.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.starts_with("text/")
        || ["application/json", "application/xml", "application/javascript"].contains(&kind.as_str())
}

fn decode(text: &str, plus_is_space: bool) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let escaped = || text.get(index + 1..index + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[index], plus_is_space) {
            (b'%', _) if escaped().is_some() => {
                decoded.extend(escaped());
                index += 2;
            }
            (b'+', true) => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        index += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
