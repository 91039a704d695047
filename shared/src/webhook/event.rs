//! The little of an HTTP API event (payload format 2.0) that this function reads, and what it answers. API Gateway writes
//! header names in lower case.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    request_context: RequestContext,
    #[serde(default)]
    raw_query_string: String,
    #[serde(default)]
    headers: Headers,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Debug, Deserialize)]
struct RequestContext {
    http: Http,
}

#[derive(Debug, Deserialize)]
struct Http {
    method: String,
}

#[derive(Debug, Default, Deserialize)]
struct Headers {
    #[serde(default, rename = "x-hub-signature-256")]
    signature: Option<String>,
}

/// A body that API Gateway says is base64, and is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotBase64;

impl Event {
    pub fn method(&self) -> &str {
        &self.request_context.http.method
    }

    pub fn signature(&self) -> Option<&str> {
        self.headers.signature.as_deref()
    }

    /// The first of each name counts.
    pub fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut pairs = form_urlencoded::parse(self.raw_query_string.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The bytes that were sent.
    pub fn body(&self) -> Result<Cow<'_, [u8]>, NotBase64> {
        let body = self.body.as_deref().unwrap_or_default();
        if self.is_base64_encoded {
            return BASE64_STANDARD.decode(body).map(Cow::Owned).map_err(|_| NotBase64);
        }
        Ok(Cow::Borrowed(body.as_bytes()))
    }
}

/// Meta reads the status; a person sees as little as a stranger should.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub status_code: u16,
    pub headers: AnswerHeaders,
    pub body: String,
    is_base64_encoded: bool,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct AnswerHeaders {
    #[serde(rename = "content-type")]
    content_type: &'static str,
    #[serde(rename = "x-content-type-options")]
    content_type_options: &'static str,
    #[serde(rename = "cache-control")]
    cache_control: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow: Option<&'static str>,
}

impl Answer {
    pub(super) fn text(status_code: u16, body: String) -> Self {
        let headers = AnswerHeaders {
            content_type: "text/plain; charset=utf-8",
            content_type_options: "nosniff",
            cache_control: "no-store",
            allow: (status_code == 405).then_some("GET, POST"),
        };
        Self { status_code, headers, body, is_base64_encoded: false }
    }

    pub(super) fn status(status_code: u16) -> Self {
        Self::text(status_code, String::new())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(more: &serde_json::Value) -> Event {
        let mut event = json!({"version": "2.0", "requestContext": {"http": {"method": "POST", "path": "/x"}}});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(event).unwrap()
    }

    #[test]
    fn a_body_is_the_bytes_that_were_sent() {
        assert_eq!(event(&json!({"body": "{\"a\":\"\\u00e9\"}"})).body().unwrap().as_ref(), br#"{"a":"\u00e9"}"#);
        assert_eq!(event(&json!({"body": "_wA=", "isBase64Encoded": true})).body(), Err(NotBase64));
        assert_eq!(event(&json!({"body": "/wA=", "isBase64Encoded": true})).body().unwrap().as_ref(), [0xff, 0]);
        for none in [json!({}), json!({"body": null})] {
            assert_eq!(event(&none).body().unwrap().as_ref(), b"");
        }
    }

    #[test]
    fn the_query_is_read_from_its_text() {
        let event = event(&json!({"rawQueryString": "hub.mode=subscribe&hub.challenge=1%2B1&hub.challenge=2"}));

        assert_eq!(event.parameter("hub.mode").as_deref(), Some("subscribe"));
        assert_eq!(event.parameter("hub.challenge").as_deref(), Some("1+1"));
        assert_eq!(event.parameter("hub.verify_token"), None);
    }

    #[test]
    fn an_answer_is_small() {
        assert_eq!(
            serde_json::to_value(Answer::status(405)).unwrap(),
            json!({
                "statusCode": 405,
                "headers": {
                    "content-type": "text/plain; charset=utf-8",
                    "x-content-type-options": "nosniff",
                    "cache-control": "no-store",
                    "allow": "GET, POST",
                },
                "body": "",
                "isBase64Encoded": false,
            })
        );
    }
}
