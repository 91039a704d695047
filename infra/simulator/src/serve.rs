//! The listener: answers only its own Host on loopback, and can break a connection instead of answering.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Request, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

/// In an answer's extensions: do not give it, break the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BrokenConnection;

/// In a request's extensions: who asks, and by which address.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    pub(crate) caller: Caller,
}

/// Who makes a call, as far as it can be known: nothing in a call to Graph says it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Its end of the connection.
    pub peer: SocketAddr,
    /// Our end of it.
    pub local: SocketAddr,
    /// The name of the [`Door`](crate::Door) it came by.
    pub door: Option<Arc<str>>,
}

/// Serves until dropped; with it end all its connections.
pub(crate) async fn serve(listener: TcpListener, address: SocketAddr, door: Option<Arc<str>>, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let way = Way { address, caller: Caller { peer, local: address, door: door.clone() } };
                    connections.spawn(connection(stream, way, router.clone()));
                }
                // Out of file descriptors: the next connection may find some.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, way: Way, router: Router) {
    // An answer is one small packet; it must not wait for the peer's acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(way.clone());
        answer(request, way.address, router.clone())
    });
    // A connection that ends badly has nobody left to tell.
    let _ = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, address: SocketAddr, router: Router) -> io::Result<Response> {
    if !is_own_host(request.headers(), address) {
        let refusal = format!("this is http://{address}; it answers no other Host");
        return Ok((StatusCode::MISDIRECTED_REQUEST, refusal).into_response());
    }
    let response = router.oneshot(request.map(Body::new)).await.unwrap_or_else(|never: Infallible| match never {});
    match response.extensions().get::<BrokenConnection>() {
        Some(BrokenConnection) => Err(io::ErrorKind::ConnectionReset.into()),
        None => Ok(response),
    }
}

fn is_own_host(headers: &HeaderMap, address: SocketAddr) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    host.to_str().is_ok_and(|host| own_authorities(address).iter().any(|own| own == &host.to_ascii_lowercase()))
}

/// The names this listener goes by.
pub(crate) fn own_authorities(address: SocketAddr) -> [String; 3] {
    let port = address.port();
    [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")]
}
