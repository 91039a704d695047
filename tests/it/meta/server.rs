//! Servers that are not Meta's, and do not behave like it.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What a server does with every connection.
#[derive(Debug, Clone, Copy)]
pub(super) enum Manner {
    /// It closes it, before it has read anything.
    Refuses,
    /// It reads, and never answers.
    Hangs,
    /// It reads, and closes.
    Breaks,
    /// It answers so, with what it was asked in place of `ECHO`.
    Answers(u16, &'static str),
    /// It begins an answer that never ends.
    Floods,
}

pub(super) struct Server {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let heard = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, manner, Arc::clone(&heard)));
            }
        });
        Self { url, asked }
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(mut stream: TcpStream, manner: Manner, asked: Arc<Mutex<Vec<String>>>) {
    if matches!(manner, Manner::Refuses) {
        return;
    }
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&request) {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&buffer[..read]),
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    match manner {
        Manner::Refuses | Manner::Breaks => {}
        Manner::Hangs => std::future::pending().await,
        Manner::Answers(status, body) => {
            let echo = json!(request).to_string();
            let body = body.replace("ECHO", &echo[1..echo.len() - 1]);
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nlocation: http://127.0.0.1:1/\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
        Manner::Floods => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n").await;
            while stream.write_all(&[b' '; 4096]).await.is_ok() {}
        }
    }
}

fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    request.len() >= end + 4 + length.unwrap_or(0_usize)
}
