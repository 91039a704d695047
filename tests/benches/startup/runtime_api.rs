//! The Lambda Runtime API for one process and one event. The second request for work is never answered.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::mpsc, task::JoinSet};

/// What a process asked or told, in the order it did.
#[derive(Debug)]
pub(crate) enum Step {
    Ready,
    Answered(Bytes),
    /// It has asked for work again: its start is over.
    Done,
    Failed(Bytes),
}

pub(crate) struct RuntimeApi {
    event: Bytes,
    asked: AtomicUsize,
    steps: mpsc::UnboundedSender<(Instant, Step)>,
}

impl RuntimeApi {
    pub(crate) fn new(event: Bytes) -> (Self, mpsc::UnboundedReceiver<(Instant, Step)>) {
        let (steps, seen) = mpsc::unbounded_channel();
        (Self { event, asked: AtomicUsize::new(0), steps }, seen)
    }

    /// Serves until it is dropped.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let api = Arc::new(self);
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let api = Arc::clone(&api);
            connections.spawn(async move {
                let answer = service_fn(|request| async { Ok::<_, Infallible>(api.answer(request).await) });
                // It ends when the process is killed.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if request.method() == Method::GET {
            return self.next().await;
        }
        let is_answer = request.uri().path().ends_with("/response");
        let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        self.tell(if is_answer { Step::Answered(body) } else { Step::Failed(body) });
        let mut accepted = Response::new(Full::new(Bytes::from_static(br#"{"status":"OK"}"#)));
        *accepted.status_mut() = StatusCode::ACCEPTED;
        accepted
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        if self.asked.fetch_add(1, Ordering::Relaxed) > 0 {
            self.tell(Step::Done);
            return std::future::pending().await;
        }
        self.tell(Step::Ready);
        let mut next = Response::new(Full::new(self.event.clone()));
        for (name, value) in [
            ("content-type", "application/json"),
            ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
            // A time that no measurement reaches: 2100.
            ("lambda-runtime-deadline-ms", "4102444800000"),
            ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:000000000000:function:measured"),
            ("lambda-runtime-trace-id", "Root=1-67891233-abcdef012345678912345678"),
        ] {
            next.headers_mut().insert(name, http::HeaderValue::from_static(value));
        }
        next
    }

    fn tell(&self, step: Step) {
        // Nobody listens any more once the process is judged.
        let _ = self.steps.send((Instant::now(), step));
    }
}
