//! A JSON body of our own: read whole, parsed into its type, refused with the place where it is wrong.

use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, Request},
    http::{HeaderMap, header},
};
use serde::de::DeserializeOwned;

use crate::{Error, Result};

/// Our own bodies are small; what carries more says so in its own module.
const SMALL: usize = 64 * 1024;

/// A parsed body, and the bytes it was: repetitions are told apart by those.
#[derive(Debug)]
pub struct Body<T, const LIMIT: usize = SMALL> {
    pub value: T,
    pub bytes: Bytes,
}

impl<T: DeserializeOwned, S: Send + Sync, const LIMIT: usize> FromRequest<S> for Body<T, LIMIT> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        if !is_json(request.headers()) {
            return Err(Error::UnsupportedMediaType { wanted: "application/json" });
        }
        let bytes = to_bytes(request.into_body(), LIMIT).await.map_err(|_| Error::BodyTooLarge { limit: LIMIT })?;
        Ok(Self { value: parse(&bytes)?, bytes })
    }
}

/// Valid JSON that breaks a rule is told where; anything else is not JSON.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let pointer = pointer(error.path());
        let inner = error.into_inner();
        if inner.is_data() { Error::breaks(&pointer, reason(&inner)) } else { malformed(&inner) }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> Error {
    Error::MalformedJson { detail: format!("line {}, column {}", error.line(), error.column()) }
}

/// What serde found, without the place (the pointer says it) and without the value it found: that may be a secret.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    let names_no_value = ["missing field", "unknown field", "duplicate field", "a tenant id has"];
    match text.rsplit_once(", expected ") {
        _ if names_no_value.iter().any(|start| text.starts_with(start)) => text.to_owned(),
        Some((_, expected)) => format!("expected {expected}"),
        None => "this is not of the form it must have".to_owned(),
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::error::Violation;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Order {
        #[serde(default)]
        names: Vec<String>,
    }

    fn violation(json: &str) -> Violation {
        match parse::<Order>(json.as_bytes()) {
            Err(Error::Unprocessable(mut violations)) => violations.remove(0),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_wrong_value_is_pointed_at_and_not_repeated() {
        let found = violation(r#"{"names":["a", 424242]}"#);

        assert_eq!(found, Violation { pointer: "/names/1".to_owned(), detail: "expected a string".to_owned() });
    }

    #[test]
    fn an_unknown_and_a_repeated_field_are_named() {
        assert_eq!(violation(r#"{"nam/es":[]}"#).detail, "unknown field `nam/es`, expected `names`");
        assert_eq!(violation(r#"{"nam/es":[]}"#).pointer, "/nam~1es");
        assert_eq!(violation(r#"{"names":[],"names":[]}"#).detail, "duplicate field `names`");
    }

    #[test]
    fn what_is_not_json_is_told_apart() {
        for text in ["", "{", "{} {}", "\u{feff}{}", "{\"names\": [\"\\ud800\"]}"] {
            assert!(matches!(parse::<Order>(text.as_bytes()), Err(Error::MalformedJson { .. })), "{text}");
        }
        assert!(matches!(parse::<Order>(b"\xff"), Err(Error::MalformedJson { .. })));
        assert!(matches!(
            parse::<Order>("[".repeat(10_000).as_bytes()),
            Err(Error::Unprocessable(_) | Error::MalformedJson { .. })
        ));
    }
}
