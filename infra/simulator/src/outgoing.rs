//! The simulator as a client: webhooks, handshakes, callbacks. Plain http, no redirects, never waits for ever.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// Nobody's answer to a webhook is longer.
const ANSWER_LIMIT: usize = 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Outgoing {
    client: Client<HttpConnector, Full<Bytes>>,
    timeout: Duration,
}

/// What came back. No status: no connection, a broken one, or too slow.
#[derive(Debug)]
pub(crate) struct Reply {
    pub status: Option<StatusCode>,
    pub body: Bytes,
    pub took: Duration,
}

impl Reply {
    pub(crate) fn is_ok(&self) -> bool {
        self.status == Some(StatusCode::OK)
    }

    /// 0 where there was no answer.
    pub(crate) fn code(&self) -> u16 {
        self.status.map_or(0, |status| status.as_u16())
    }

    pub(crate) fn millis(&self) -> u64 {
        u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX)
    }
}

impl Outgoing {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), timeout }
    }

    pub(crate) async fn get(&self, url: &str) -> Reply {
        self.send(Request::get(url).header("user-agent", "facebookplatform/1.0").body(Full::default())).await
    }

    pub(crate) async fn post(&self, url: &str, headers: &[(&str, &str)], body: Bytes) -> Reply {
        let mut request = Request::post(url).header("user-agent", "facebookexternalua").header("accept", "*/*");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Full::new(body))).await
    }

    async fn send(&self, request: http::Result<Request<Full<Bytes>>>) -> Reply {
        let began = Instant::now();
        let exchange = async {
            let answer = self.client.request(request.ok()?).await.ok()?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), ANSWER_LIMIT).collect().await.ok()?;
            Some((status, body.to_bytes()))
        };
        let (status, body) = match tokio::time::timeout(self.timeout, exchange).await {
            Ok(Some((status, body))) => (Some(status), body),
            Ok(None) | Err(_) => (None, Bytes::new()),
        };
        Reply { status, body, took: began.elapsed() }
    }
}
