//! The Lambda Runtime API for one process. Who asks for work waits until there is some.

use std::{convert::Infallible, sync::Arc, time::Instant};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
    task::JoinSet,
};

/// What a process asked or told, in the order it did.
#[derive(Debug)]
pub(crate) enum Step {
    /// It asks for work.
    Ready,
    Answered(Bytes),
    Failed(Bytes),
}

pub(crate) struct RuntimeApi {
    events: Mutex<mpsc::UnboundedReceiver<Bytes>>,
    steps: mpsc::UnboundedSender<(Instant, Step)>,
}

/// The other end: events go in, steps come out.
#[derive(Debug)]
pub(crate) struct Invoker {
    pub(crate) events: mpsc::UnboundedSender<Bytes>,
    pub(crate) steps: mpsc::UnboundedReceiver<(Instant, Step)>,
}

impl RuntimeApi {
    pub(crate) fn new() -> (Self, Invoker) {
        let (events, given) = mpsc::unbounded_channel();
        let (steps, seen) = mpsc::unbounded_channel();
        (Self { events: Mutex::new(given), steps }, Invoker { events, steps: seen })
    }

    /// Serves until it is dropped.
    pub(crate) async fn serve(self, listener: TcpListener) {
        let api = Arc::new(self);
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            // An answer that waits for an acknowledgement would be measured as the function's time.
            let _ = stream.set_nodelay(true);
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
        self.tell(Step::Ready);
        let Some(event) = self.events.lock().await.recv().await else { return std::future::pending().await };
        let mut next = Response::new(Full::new(event));
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
