//! The connection to dynoxide: a few kept alive, taken and given back.

use crate::wire::{Answer, Request};
use bytes::Bytes;
use http::{HeaderMap, Method, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};
use tokio::net::TcpStream;

#[derive(Debug)]
pub(super) struct Upstream {
    address: SocketAddr,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Unreachable {
    #[error("no connection to DynamoDB: {0}")]
    Connect(#[from] std::io::Error),
    #[error("DynamoDB did not answer: {0}")]
    Exchange(#[from] hyper::Error),
    #[error("the request cannot be passed on: {0}")]
    Request(#[from] http::Error),
}

impl Upstream {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, idle: Mutex::default() }
    }

    pub(super) async fn forward(&self, request: &Request, body: Bytes) -> Result<Answer, Unreachable> {
        let mut connection = self.connection().await?;
        let mut forwarded = http::Request::builder().method(Method::POST).uri("/").body(Full::new(body))?;
        *forwarded.headers_mut() = passed_on(&request.headers);
        let response = connection.send_request(forwarded).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(Answer { status, body })
    }

    async fn connection(&self) -> Result<SendRequest<Full<Bytes>>, Unreachable> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match idle {
                Some(mut connection) => {
                    if connection.ready().await.is_ok() {
                        return Ok(connection);
                    }
                }
                None => return self.connect().await,
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Unreachable> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (mut connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
        // Its end shows as an error of the next request on it.
        tokio::spawn(driver);
        connection.ready().await?;
        Ok(connection)
    }
}

/// What the client signed, without what belongs to its connection: the body may have another length now.
fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in [header::CONTENT_LENGTH, header::CONNECTION, header::TRANSFER_ENCODING, header::EXPECT] {
        headers.remove(name);
    }
    headers
}
