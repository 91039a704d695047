//! Listeners: loopback only, and deaf to any other name than their own.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use http::header::HOST;
use http::{HeaderMap, Request, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::gateway::{Answer, json_answer};

/// Binds a port of loopback; 0 is any free one.
pub(crate) async fn bind(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// Answers every request until the returned future is dropped.
pub(crate) async fn serve<H, F>(listener: TcpListener, handle: H)
where
    H: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        // Out of file descriptors, say: those who are connected go on.
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        };
        let handle = handle.clone();
        let service = service_fn(move |request| {
            let answering = handle(request, peer);
            async move { Ok::<_, Infallible>(answering.await) }
        });
        let mut http = hyper::server::conn::http1::Builder::new();
        let connection = http.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
        connections.spawn(async move {
            // A client that goes away in the middle is not our failure.
            let _ = connection.await;
        });
    }
}

/// Refuses a request that names another host: a page elsewhere whose name was made to point here.
pub(crate) fn refuse_foreign_host(headers: &HeaderMap, port: u16) -> Option<Answer> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let own = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    let is_own = own.iter().any(|own| host.eq_ignore_ascii_case(own))
        || (port == 80 && ["127.0.0.1", "localhost"].contains(&host));
    (!is_own).then(|| json_answer(StatusCode::FORBIDDEN, &json!({ "message": "Forbidden" })))
}
