//! One request to a router, and its whole answer.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderName, HeaderValue, Request, header},
};
use serde::Serialize;
use serde_json::Value;
use tower::ServiceExt;

/// A request being put together.
#[derive(Debug)]
pub struct Call {
    router: Router,
    request: Request<Body>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    pub status: u16,
    #[serde(skip)]
    pub headers: Vec<(String, String)>,
    /// Null where it is neither JSON nor text, or empty: an answer to HEAD.
    pub body: Value,
    #[serde(skip)]
    pub bytes: Vec<u8>,
}

impl Call {
    pub fn new(router: Router, method: &str, path: &str) -> Self {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
        Self { router, request }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        self.request.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header's value"));
        self
    }

    #[must_use]
    pub fn bearer(self, secret: &str) -> Self {
        self.header("authorization", &format!("Bearer {secret}"))
    }

    #[must_use]
    pub fn tenant(self, tenant: &str) -> Self {
        self.header("patchbay-tenant", tenant)
    }

    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    #[must_use]
    pub fn body(mut self, kind: &str, body: impl Into<Body>) -> Self {
        *self.request.body_mut() = body.into();
        self.header(header::CONTENT_TYPE.as_str(), kind)
    }

    pub async fn send(self) -> Answer {
        let response = self.router.oneshot(self.request).await.expect("routers cannot fail");
        let headers = response.headers().iter();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        let mut answer = Answer { status, headers, body: Value::Null, bytes: bytes.to_vec() };
        let kind = answer.header("content-type").unwrap_or_default();
        if kind.starts_with("text/") && !bytes.is_empty() {
            answer.body = Value::String(String::from_utf8_lossy(&bytes).into_owned());
        } else if kind.ends_with("json") && !bytes.is_empty() {
            answer.body = serde_json::from_slice(&bytes).expect("JSON");
        }
        answer
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Status and problem code: what a program branches on.
    pub fn outcome(&self) -> (u16, String) {
        (self.status, self.text("code"))
    }

    /// A field of the body, empty where there is none.
    pub fn text(&self, field: &str) -> String {
        self.body[field].as_str().unwrap_or_default().to_owned()
    }
}
