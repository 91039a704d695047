//! HTTP by hand: a test decides every byte of a request, the Host included, and sees every header of the answer.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// Every value of a header, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// Sends one request; `head` is its request line and headers, line by line, without the length.
pub async fn send(address: &str, head: &[&str], body: &[u8]) -> Answer {
    try_send(address, head, body).await.expect("an answer")
}

/// As [`send()`]; `None` where the connection broke instead of an answer.
pub async fn try_send(address: &str, head: &[&str], body: &[u8]) -> Option<Answer> {
    let address = address.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut lines: Vec<String> = head.iter().map(|line| (*line).to_owned()).collect();
    if !head.iter().any(|line| line.to_ascii_lowercase().starts_with("host:")) {
        lines.push(format!("host: {address}"));
    }
    lines.extend([
        "connection: close".to_owned(),
        format!("content-length: {}", body.len()),
        String::new(),
        String::new(),
    ]);
    stream.write_all(lines.join("\r\n").as_bytes()).await.unwrap();
    // A refusal may come, and the connection close, before a large body is through.
    let _ = stream.write_all(body).await;
    let mut received = Vec::new();
    let _ = stream.read_to_end(&mut received).await;
    (!received.is_empty()).then(|| parse(&received))
}

fn parse(received: &[u8]) -> Answer {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok()).unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    Answer { status, headers: lines.map(header).collect(), body: received[end + 4..].to_vec() }
}
