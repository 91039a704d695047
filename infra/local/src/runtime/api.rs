//! The Lambda Runtime API as one process sees it: `next`, `response`, `error`, `init/error`.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

use crate::listen;

/// Lambda's limit on an answer, synchronous invocation.
const ANSWER_LIMIT: usize = 6 * 1024 * 1024 + 100;
const VERSION: &str = "/2018-06-01/runtime/";

/// One invocation on its way to a process.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) id: String,
    pub(super) payload: Bytes,
    pub(super) deadline: Timestamp,
    pub(super) function_arn: String,
    /// Told when the process has it.
    pub(super) taken: oneshot::Sender<()>,
    pub(super) reply: oneshot::Sender<Reply>,
}

/// What a process says about the invocation it has.
#[derive(Debug)]
pub(super) enum Reply {
    Answer(Bytes),
    Error(Report),
    TooLarge,
}

/// An error as a runtime reports it.
#[derive(Debug, Clone, Default)]
pub(super) struct Report {
    pub(super) error_type: String,
    pub(super) message: String,
}

/// The state of a process, as far as its calls tell.
#[derive(Debug, Clone)]
pub(super) enum State {
    Starting,
    /// It has asked for work at least once.
    Ready,
    InitFailed(Report),
}

/// One process's side of the conversation.
pub(super) struct Exchange {
    work: tokio::sync::Mutex<mpsc::Receiver<Work>>,
    current: Mutex<Option<(String, oneshot::Sender<Reply>)>>,
    state: watch::Sender<State>,
}

impl Exchange {
    pub(super) fn new(work: mpsc::Receiver<Work>) -> (Arc<Self>, watch::Receiver<State>) {
        let (state, observed) = watch::channel(State::Starting);
        (Arc::new(Self { work: tokio::sync::Mutex::new(work), current: Mutex::new(None), state }), observed)
    }

    /// Serves the process until the returned future is dropped.
    pub(super) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let port = listener.local_addr().map_or(0, |address| address.port());
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let exchange = self.clone();
            let service = service_fn(move |request| {
                let exchange = exchange.clone();
                async move {
                    let refusal = listen::refuse_foreign_host(request.headers(), port);
                    Ok::<_, Infallible>(match refusal {
                        Some(refusal) => refusal,
                        None => exchange.answer(request).await,
                    })
                }
            });
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            connections.spawn(async move {
                // A process that dies in the middle of a call is noticed by its exit.
                let _ = connection.await;
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        let Some(call) = path.strip_prefix(VERSION) else { return error(StatusCode::NOT_FOUND, "UnknownPath") };
        let parts: Vec<&str> = call.split('/').collect();
        match (request.method(), parts.as_slice()) {
            (&Method::GET, ["invocation", "next"]) => self.next().await,
            (&Method::POST, ["invocation", id, "response"]) => self.response(id, request).await,
            (&Method::POST, ["invocation", id, "error"]) => self.failure(id, request).await,
            (&Method::POST, ["init", "error"]) => {
                let report = report(request).await;
                self.state.send_replace(State::InitFailed(report));
                accepted()
            }
            _ => error(StatusCode::NOT_FOUND, "UnknownPath"),
        }
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        if self.current().is_some() {
            return error(StatusCode::FORBIDDEN, "InvalidStateTransition");
        }
        self.state.send_replace(State::Ready);
        let Some(work) = self.work.lock().await.recv().await else {
            return error(StatusCode::INTERNAL_SERVER_ERROR, "Container error");
        };
        *self.current() = Some((work.id.clone(), work.reply));
        // The sender of work may have given up on it; the process handles it all the same.
        let _ = work.taken.send(());
        let response = Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", &work.id)
            .header("lambda-runtime-deadline-ms", work.deadline.as_millisecond())
            .header("lambda-runtime-invoked-function-arn", work.function_arn)
            .header("lambda-runtime-trace-id", format!("Root=1-local-{}", work.id.replace('-', "")))
            .body(Full::new(work.payload));
        response.unwrap_or_else(|_| error(StatusCode::INTERNAL_SERVER_ERROR, "Container error"))
    }

    async fn response(&self, id: &str, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let body = Limited::new(request.into_body(), ANSWER_LIMIT).collect().await;
        match body {
            Ok(body) => self.reply(id, Reply::Answer(body.to_bytes()), accepted()),
            Err(_) => self.reply(id, Reply::TooLarge, error(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge")),
        }
    }

    async fn failure(&self, id: &str, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let report = report(request).await;
        self.reply(id, Reply::Error(report), accepted())
    }

    fn reply(&self, id: &str, reply: Reply, answer: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
        match self.current().take_if(|(current, _)| current == id) {
            Some((_, waiting)) => {
                // Whoever waited may be gone: an invocation outlives its caller.
                let _ = waiting.send(reply);
                answer
            }
            None => error(StatusCode::BAD_REQUEST, "InvalidRequestID"),
        }
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Option<(String, oneshot::Sender<Reply>)>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn report(request: Request<Incoming>) -> Report {
    let header = request.headers().get("lambda-runtime-function-error-type");
    let header = header.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = Limited::new(request.into_body(), ANSWER_LIMIT).collect().await;
    let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    Report {
        error_type: text("errorType").or(header).unwrap_or_else(|| "Unhandled".to_owned()),
        message: text("errorMessage").unwrap_or_default(),
    }
}

fn accepted() -> Response<Full<Bytes>> {
    json(StatusCode::ACCEPTED, &serde_json::json!({ "status": "OK" }))
}

fn error(status: StatusCode, kind: &str) -> Response<Full<Bytes>> {
    json(status, &serde_json::json!({ "errorType": kind, "errorMessage": kind }))
}

fn json(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}
