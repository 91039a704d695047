//! One call to Graph, read from the wire.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRequest as _, Multipart, Request};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use serde_json::{Map, Value};

use super::GraphError;
use super::params::{self, Params};
use super::version::Version;
use crate::faults::Effects;
use crate::meta::Meta;
use crate::serve::{Caller, Way};

/// The largest media Meta takes is 100 MB.
const BODY_LIMIT: usize = 110 * 1024 * 1024;

#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    pub now: i64,
    pub at: jiff::Timestamp,
    pub method: Method,
    /// As it was asked, version included.
    pub path: String,
    pub version: Version,
    /// `POST /{number}/register`: the same for every version and number.
    pub route: String,
    /// The path without its version.
    pub segments: Vec<String>,
    pub params: Params,
    /// Files of a multipart body.
    pub files: Vec<File>,
    /// The body as it came (resumable uploads send bare bytes).
    pub raw: Bytes,
    pub headers: HeaderMap,
    pub caller: Option<Caller>,
    /// The address it was made to: links in the answer lead back there.
    pub base: String,
    /// What a fault makes of the call's consequences.
    pub effects: Effects,
}

#[derive(Debug, Clone)]
pub(crate) struct File {
    pub field: String,
    pub name: String,
    pub content_type: Option<String>,
    pub bytes: Bytes,
}

impl Call {
    /// The call as far as it can be read, and why not further: it is logged either way.
    pub(crate) async fn read(meta: &Arc<Meta>, request: Request) -> (Self, Result<(), GraphError>) {
        let at = meta.clock.now();
        let (parts, body) = request.into_parts();
        let way = parts.extensions.get::<Way>();
        let mut call = Self {
            at,
            now: at.as_second(),
            method: parts.method,
            path: parts.uri.path().to_owned(),
            headers: parts.headers,
            caller: way.map(|way| way.caller.clone()),
            base: way.map_or_else(|| meta.base.clone(), |way| format!("http://{}", way.address)),
            params: Params { query: params::form(parts.uri.query().unwrap_or_default()), body: Map::new() },
            ..Self::default()
        };
        let version = call.read_path();
        let body = match Limited::new(body, BODY_LIMIT).collect().await {
            Ok(body) => call.read_body(body.to_bytes()).await,
            Err(_) => {
                Err(GraphError::invalid("The body is too large or incomplete").status(StatusCode::PAYLOAD_TOO_LARGE))
            }
        };
        (call, version.and(body))
    }

    /// The node, edge and what follows, as texts to match on.
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The token it is made with: the header's, else the parameter's.
    pub(crate) fn token(&self) -> Option<String> {
        let bearer = self.header("authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth"))
                .then(|| token.trim().to_owned())
        });
        bearer.or_else(|| self.params.text("access_token")).filter(|token| !token.is_empty())
    }

    fn read_path(&mut self) -> Result<(), GraphError> {
        let mut segments: Vec<String> =
            self.path.split('/').filter(|segment| !segment.is_empty()).map(params::decode).collect();
        let version = segments.first().and_then(|first| Version::parse(first, &self.path, self.now));
        if version.is_some() {
            segments.remove(0);
        }
        self.segments = segments;
        self.version = version.unwrap_or_else(|| Ok(Version::oldest(self.now)))?;
        Ok(())
    }

    async fn read_body(&mut self, body: Bytes) -> Result<(), GraphError> {
        let kind = self.header("content-type").unwrap_or_default().to_ascii_lowercase();
        if body.is_empty() {
            return Ok(());
        }
        if kind.starts_with("multipart/form-data") {
            return self.read_multipart(body).await;
        }
        self.raw = body;
        if kind.starts_with("application/json") {
            let value = serde_json::from_slice(&self.raw);
            let Ok(Value::Object(map)) = value else {
                return Err(GraphError::invalid("The request body is not a JSON object"));
            };
            self.params.body = map;
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            self.params.body = params::form(&String::from_utf8_lossy(&self.raw));
        }
        Ok(())
    }

    async fn read_multipart(&mut self, body: Bytes) -> Result<(), GraphError> {
        let broken = |_| GraphError::invalid("The multipart body cannot be read");
        let mut request = Request::new(axum::body::Body::from(body));
        if let Some(kind) = self.headers.get(header::CONTENT_TYPE) {
            request.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
        }
        // What the whole body may be is known already.
        DefaultBodyLimit::disable().apply(&mut request);
        let mut multipart = Multipart::from_request(request, &())
            .await
            .map_err(|_| GraphError::invalid("The multipart body has no boundary"))?;
        while let Some(field) = multipart.next_field().await.map_err(broken)? {
            let name = field.name().unwrap_or_default().to_owned();
            let file_name = field.file_name().map(str::to_owned);
            let content_type = field.content_type().map(str::to_owned);
            let bytes = field.bytes().await.map_err(broken)?;
            match file_name {
                Some(file) => self.files.push(File { field: name, name: file, content_type, bytes }),
                None => params::add(&mut self.params.body, &name, String::from_utf8_lossy(&bytes).into_owned()),
            }
        }
        Ok(())
    }
}
