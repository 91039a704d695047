//! The world's real address: what Meta calls. Each request goes to the function whose route it is.

use std::{io, net::SocketAddr, sync::Arc};

use axum::body::Body;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::functions::Functions;

/// An address before anybody answers there: what is told to others must be known before they start.
#[derive(Debug)]
pub(crate) struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

/// Answers until it is dropped.
#[derive(Debug)]
pub(crate) struct Front {
    pub(crate) url: String,
    _task: JoinSet<()>,
}

impl Bound {
    pub(crate) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its number");
        Self { listener, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn answer(self, functions: &Arc<Functions>) -> Front {
        let mut task = JoinSet::new();
        let url = self.url();
        task.spawn(serve(self.listener, Arc::clone(functions)));
        Front { url, _task: task }
    }
}

async fn serve(listener: TcpListener, functions: Arc<Functions>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.expect("a connection");
                connections.spawn(connection(stream, Arc::clone(&functions)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, functions: Arc<Functions>) {
    let service = service_fn(move |request: axum::http::Request<Incoming>| {
        let functions = Arc::clone(&functions);
        async move {
            // Whoever called a process that was killed hears nothing more of it.
            functions.serve(request.map(Body::new)).await.ok_or_else(|| io::Error::other("killed"))
        }
    });
    // A connection that ends badly has nobody left to tell.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
