//! Answers, and Graph's one error envelope.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::codes;
use crate::chance;
use crate::meta::NotWritten;

pub(crate) type Outcome = Result<Answer, GraphError>;

/// What a call is answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: AnswerBody,
}

#[derive(Debug)]
pub(crate) enum AnswerBody {
    Json(Value),
    /// A file; the log says only how long it was.
    Bytes(bytes::Bytes),
}

impl Answer {
    pub(crate) fn json(body: Value) -> Self {
        Self { status: StatusCode::OK, headers: Vec::new(), body: AnswerBody::Json(body) }
    }

    /// What Graph says to most writes.
    pub(crate) fn success() -> Self {
        Self::json(json!({"success": true}))
    }

    /// Stands where a fault answers instead.
    pub(crate) fn nothing() -> Self {
        Self::json(Value::Null)
    }

    pub(crate) fn into_response(self) -> Response {
        let (kind, bytes) = match self.body {
            AnswerBody::Json(body) => ("application/json; charset=UTF-8", body.to_string().into()),
            AnswerBody::Bytes(bytes) => ("application/octet-stream", bytes),
        };
        let mut response = Response::new(Body::from(bytes));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache, no-store, must-revalidate"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        for (name, length) in [("x-fb-request-id", 23), ("x-fb-trace-id", 11), ("x-fb-rev", 10)] {
            if let Ok(value) = HeaderValue::try_from(chance::letters(length)) {
                headers.insert(name, value);
            }
        }
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}

/// Why Graph refuses. Built here only, so that the envelope is the same everywhere.
#[derive(Debug, Clone)]
pub(crate) struct GraphError(Box<Refusal>);

#[derive(Debug, Clone)]
struct Refusal {
    status: StatusCode,
    kind: &'static str,
    code: i64,
    subcode: Option<i64>,
    message: String,
    details: Option<String>,
    is_transient: Option<bool>,
    user: Option<(String, String)>,
}

impl GraphError {
    /// An error of the table, with the message Meta gives with it: `(#131030) …`.
    pub(crate) fn of(code: i64) -> Self {
        let title = codes::title(code).unwrap_or("An unknown error occurred");
        Self::new(code, format!("(#{code}) {title}"))
    }

    /// An error with a message of its own.
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Self {
        Self(Box::new(Refusal {
            status: codes::http_status(code),
            kind: "OAuthException",
            code,
            subcode: None,
            message: message.into(),
            details: None,
            is_transient: None,
            user: None,
        }))
    }

    /// 100, with what is wrong in `error_data.details`.
    pub(crate) fn invalid(details: impl Into<String>) -> Self {
        Self::of(100).details(details)
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new(100, format!("(#100) The parameter {parameter} is required."))
    }

    /// What a caller sees of an object that is not there or not theirs: Graph does not tell which.
    pub(crate) fn no_such_object(method: &http::Method, id: &str) -> Self {
        let verb = method.as_str().to_ascii_lowercase();
        let message = format!(
            "Unsupported {verb} request. Object with ID '{id}' does not exist, cannot be loaded due to missing \
             permissions, or does not support this operation. Please read the Graph API documentation at \
             https://developers.facebook.com/docs/graph-api"
        );
        Self::new(100, message).subcode(33).of_method()
    }

    pub(crate) fn unknown_path(path: &str) -> Self {
        Self::new(2500, format!("Unknown path components: {path}"))
    }

    pub(crate) fn no_such_field(field: &str, node: &str) -> Self {
        Self::new(100, format!("(#100) Tried accessing nonexisting field ({field}) on node type ({node})"))
    }

    /// A token that is not, or no longer, good.
    pub(crate) fn token(subcode: Option<i64>, message: impl Into<String>) -> Self {
        let error = Self::new(190, message);
        match subcode {
            Some(subcode) => error.subcode(subcode),
            None => error,
        }
    }

    pub(crate) fn of_method(mut self) -> Self {
        self.0.kind = "GraphMethodException";
        self
    }

    pub(crate) fn subcode(mut self, subcode: i64) -> Self {
        self.0.subcode = Some(subcode);
        self
    }

    pub(crate) fn details(mut self, details: impl Into<String>) -> Self {
        self.0.details = Some(details.into());
        self
    }

    pub(crate) fn transient(mut self, is_transient: bool) -> Self {
        self.0.is_transient = Some(is_transient);
        self
    }

    pub(crate) fn for_people(mut self, title: impl Into<String>, text: impl Into<String>) -> Self {
        self.0.user = Some((title.into(), text.into()));
        self
    }

    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    pub(crate) fn into_answer(self) -> Answer {
        let challenge = format!("OAuth \"Facebook Platform\" \"invalid_request\" \"{}\"", self.0.message);
        let headers = HeaderValue::try_from(challenge).map(|value| (header::WWW_AUTHENTICATE, value));
        let status = self.0.status;
        Answer { status, headers: headers.into_iter().collect(), body: AnswerBody::Json(json!({"error": self.body()})) }
    }

    /// What stands under `error`; some answers hold it elsewhere.
    pub(crate) fn body(self) -> Value {
        let Refusal { status: _, kind, code, subcode, message, details, is_transient, user } = *self.0;
        let mut error = json!({"message": message, "type": kind, "code": code});
        if let Some(details) = details {
            error["error_data"] = json!({"messaging_product": "whatsapp", "details": details});
        }
        if let Some(subcode) = subcode {
            error["error_subcode"] = subcode.into();
        }
        if let Some(is_transient) = is_transient {
            error["is_transient"] = is_transient.into();
        }
        if let Some((title, text)) = user {
            error["error_user_title"] = title.into();
            error["error_user_msg"] = text.into();
        }
        error["fbtrace_id"] = format!("A{}", chance::letters(22)).into();
        error
    }
}

impl From<NotWritten> for GraphError {
    fn from(error: NotWritten) -> Self {
        Self::new(2, format!("Service temporarily unavailable: {error}")).transient(true)
    }
}
