//! How Graph writes: leniently, so it is read leniently. Ids may be numbers, and no error envelope is too strange to read.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::domain::meta_error::{MetaError, Refusal};

/// `{"success": true}`.
#[derive(Deserialize)]
pub(super) struct Done {
    success: bool,
}

impl Done {
    pub(super) fn check(self) -> Result<(), MetaError> {
        if self.success { Ok(()) } else { Err(MetaError::Unreadable) }
    }
}

/// One page of a list.
#[derive(Deserialize)]
pub(super) struct Page<T> {
    #[serde(bound(deserialize = "T: DeserializeOwned"))]
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) paging: Paging,
}

#[derive(Default, Deserialize)]
pub(super) struct Paging {
    #[serde(default)]
    cursors: Cursors,
    /// There is more. The link itself is not followed: it carries a token, and could lead anywhere.
    #[serde(default)]
    next: Option<String>,
}

#[derive(Default, Deserialize)]
struct Cursors {
    #[serde(default)]
    after: Option<String>,
}

impl Paging {
    /// Where the next page begins, if there is one.
    pub(super) fn next(self) -> Option<String> {
        self.next.and(self.cursors.after).filter(|after| !after.is_empty())
    }
}

/// A text that may be written as a number.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Option::<Value>::deserialize(deserializer)? {
        Some(Value::String(text)) => Some(text),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    })
}

/// A value, or nothing where it has another form than expected.
pub(super) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Value>::deserialize(deserializer)?.and_then(|value| serde_json::from_value(value).ok()))
}

/// An id, which must be there and be one.
pub(super) fn id<'de, D: Deserializer<'de>, T: std::str::FromStr<Err: std::fmt::Display>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = text(deserializer)?.ok_or_else(|| serde::de::Error::custom("no id"))?;
    text.parse().map_err(serde::de::Error::custom)
}

/// What an answer that is no success says. It always says something.
pub(super) fn refusal(status: u16, body: &[u8]) -> MetaError {
    let envelope: Value = serde_json::from_slice(body).unwrap_or_default();
    match read(status, &envelope["error"]) {
        Some(refusal) => MetaError::Refused(refusal),
        None => MetaError::Unreachable(no_envelope(status)),
    }
}

/// Meta's error object, if it is one: it has a code.
pub(super) fn read(status: u16, error: &Value) -> Option<Refusal> {
    let data = &error["error_data"];
    Some(Refusal {
        code: number(&error["code"])?,
        subcode: number(&error["error_subcode"]).or_else(|| number(&error["subcode"])),
        details: short(&data["details"]).or_else(|| short(data)),
        user_message: short(&error["error_user_msg"]),
        fbtrace_id: short(&error["fbtrace_id"]),
        is_transient: error["is_transient"].as_bool().unwrap_or(false),
        status,
    })
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn short(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(|text| text.chars().take(500).collect())
}

fn no_envelope(status: u16) -> &'static str {
    match status {
        300..=399 => "a redirect",
        429 => "status 429",
        400..=499 => "status 4xx",
        500 => "status 500",
        502 => "status 502",
        503 => "status 503",
        504 => "status 504",
        _ => "status 5xx",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn refused(body: &Value) -> Refusal {
        match refusal(400, body.to_string().as_bytes()) {
            MetaError::Refused(refusal) => refusal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_envelope_is_read_whole() {
        let body = json!({"error": {
            "message": "(#130429) Rate limit hit", "type": "OAuthException", "code": 130_429,
            "error_data": {"messaging_product": "whatsapp", "details": "Throughput has been reached."},
            "error_subcode": 2_494_055, "is_transient": false, "error_user_title": "Slow down",
            "error_user_msg": "Too fast", "fbtrace_id": "Az8or2yhqkZfEZ",
        }});

        assert_eq!(
            refused(&body),
            Refusal {
                code: 130_429,
                subcode: Some(2_494_055),
                details: Some("Throughput has been reached.".to_owned()),
                user_message: Some("Too fast".to_owned()),
                fbtrace_id: Some("Az8or2yhqkZfEZ".to_owned()),
                is_transient: false,
                status: 400,
            }
        );
    }

    #[test]
    fn older_forms_are_read_too() {
        let old =
            refused(&json!({"error": {"code": "190", "subcode": "463", "error_data": "a text", "is_transient": "?"}}));

        assert_eq!((old.code, old.subcode, old.details.as_deref()), (190, Some(463), Some("a text")));
    }

    #[test]
    fn an_answer_without_an_envelope_is_none_of_graphs() {
        for (status, body, said) in [
            (503, "", "status 503"),
            (502, "<html>", "status 502"),
            (418, "{}", "status 4xx"),
            (302, "null", "a redirect"),
            (500, r#"{"error": "invalid"}"#, "status 500"),
            (599, "[]", "status 5xx"),
        ] {
            assert_eq!(refusal(status, body.as_bytes()), MetaError::Unreachable(said));
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
        ];
        let names = prop::sample::select(vec![
            "error",
            "code",
            "error_subcode",
            "subcode",
            "error_data",
            "details",
            "is_transient",
            "fbtrace_id",
            "error_user_msg",
            "message",
            "x",
        ]);
        leaf.prop_recursive(4, 64, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..8)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_envelope_is_too_strange_to_read(status in 0_u16..1000, body in any_json()) {
            let error = refusal(status, json!({"error": body}).to_string().as_bytes());
            prop_assert!(!error.remedy().is_empty() && !error.to_string().is_empty());
        }

        #[test]
        fn no_bytes_are_too_strange_to_read(status in 0_u16..1000, body in prop::collection::vec(any::<u8>(), 0..200)) {
            let error = refusal(status, &body);
            prop_assert!(!error.remedy().is_empty());
        }
    }
}
