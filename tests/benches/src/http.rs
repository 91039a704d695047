//! A connection that is kept, and made anew when it breaks.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::Result;

#[derive(Debug)]
pub struct Connection {
    address: String,
    sender: Option<SendRequest<Full<Bytes>>>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Result<Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

impl Connection {
    pub fn to(url: &str) -> Self {
        Self { address: url.trim_start_matches("http://").to_owned(), sender: None }
    }

    pub async fn send(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: Bytes) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(path).header("host", &self.address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sender = self.sender().await?;
        let answered = async {
            let answer = sender.send_request(request.body(Full::new(body))?).await?;
            let status = answer.status().as_u16();
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Answer {
                status,
                body: answer.into_body().collect().await?.to_bytes(),
            })
        };
        let answered = answered.await;
        if answered.is_err() {
            self.sender = None;
        }
        answered
    }

    async fn sender(&mut self) -> Result<&mut SendRequest<Full<Bytes>>> {
        if let Some(mut sender) = self.sender.take()
            && sender.ready().await.is_ok()
        {
            return Ok(self.sender.insert(sender));
        }
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(self.sender.insert(sender))
    }
}
