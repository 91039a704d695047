//! The HTTP API: what API Gateway does between a client and a function.

mod answer;
mod cors;
mod event;
mod route;
mod throttle;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use emulators::Clock;
use http::header::HOST;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::random::uuid;
use crate::runtime::{Outcome, Pool};
use crate::template::Api;

pub(crate) use answer::json_answer;
use answer::own;
use event::Arrival;
use throttle::Throttles;

pub(crate) type Answer = answer::Answer;

/// API Gateway's limit on a request.
pub(crate) const REQUEST_LIMIT: usize = 10 * 1024 * 1024;
/// How long it waits for a function.
pub(crate) const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(30);
/// Lambda's limit on the event of a synchronous invocation.
const EVENT_LIMIT: usize = 6 * 1024 * 1024;

pub(crate) struct Gateway {
    pub(crate) api: Api,
    pub(crate) functions: BTreeMap<String, Arc<Pool>>,
    pub(crate) clock: Clock,
    pub(crate) integration_timeout: Duration,
    throttles: Throttles,
}

impl Gateway {
    pub(crate) fn new(
        api: Api,
        functions: BTreeMap<String, Arc<Pool>>,
        clock: Clock,
        integration_timeout: Duration,
    ) -> Self {
        let throttles = Throttles::new(&api);
        Self { api, functions, clock, integration_timeout, throttles }
    }

    /// Answers whoever comes through a tunnel: only what Meta and a person's browser need.
    pub(crate) async fn answer_stranger(&self, request: Request<Incoming>, peer: SocketAddr) -> Answer {
        // Decoded, as it will be routed: %2e%2e and the like are no way around.
        let path = event::decoded_path(request.uri().path());
        let is_meant = path.starts_with("/webhooks/") || path.starts_with("/oauth/");
        if is_meant { self.answer(request, peer).await } else { own(StatusCode::NOT_FOUND) }
    }

    pub(crate) async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Answer {
        let request_id = uuid();
        let (parts, body) = request.into_parts();
        if let Some(cors) = &self.api.cors
            && let Some(answer) = cors::preflight(cors, &parts.method, &parts.headers)
        {
            return answer;
        }
        let mut answer = self.route(&parts, body, peer, &request_id).await;
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            answer.headers_mut().insert("apigw-requestid", value);
        }
        if let Some(cors) = &self.api.cors {
            cors::apply(cors, &parts.headers, answer.headers_mut());
        }
        answer
    }

    async fn route(&self, parts: &http::request::Parts, body: Incoming, peer: SocketAddr, request_id: &str) -> Answer {
        let path = event::decoded_path(parts.uri.path());
        let Some(found) = route::find(&self.api.routes, &parts.method, &path) else {
            return own(StatusCode::NOT_FOUND);
        };
        let Some(function) = self.functions.get(&found.route.function) else {
            return own(StatusCode::INTERNAL_SERVER_ERROR);
        };
        if !self.throttles.admit(&found.route.path.to_string()) {
            return own(StatusCode::TOO_MANY_REQUESTS);
        }
        let body = match read(body).await {
            Ok(body) => body,
            Err(status) => return own(status),
        };
        let domain = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let peer = peer.ip().to_string();
        let arrival = Arrival { request_id, at: self.clock.now(), peer: &peer, domain };
        let event = event::event(parts, &path, &body, &found, &arrival);
        self.invoke(function, Bytes::from(event.to_string())).await
    }

    async fn invoke(&self, function: &Arc<Pool>, event: Bytes) -> Answer {
        if event.len() > EVENT_LIMIT {
            return own(StatusCode::PAYLOAD_TOO_LARGE);
        }
        match tokio::time::timeout(self.integration_timeout, function.invoke(event)).await {
            Ok(Outcome::Answered(answer)) => {
                answer::from_function(&answer).unwrap_or_else(|| own(StatusCode::INTERNAL_SERVER_ERROR))
            }
            Ok(Outcome::Failed(_)) => own(StatusCode::INTERNAL_SERVER_ERROR),
            Ok(Outcome::Throttled) | Err(_) => own(StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

/// The whole body. One that is too large is read to its end all the same, or its sender would never see the answer.
async fn read(mut body: Incoming) -> Result<Bytes, StatusCode> {
    let (mut kept, mut length) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| StatusCode::BAD_REQUEST)?.into_data() else { continue };
        length += data.len();
        if length <= REQUEST_LIMIT {
            kept.extend_from_slice(&data);
        } else if length > 8 * REQUEST_LIMIT {
            break;
        }
    }
    if length > REQUEST_LIMIT { Err(StatusCode::PAYLOAD_TOO_LARGE) } else { Ok(kept.freeze()) }
}
