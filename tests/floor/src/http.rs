//! HTTP/1.1 over one blocking connection that is kept.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, Read, Write as _},
    net::TcpStream,
};

use crate::Result;

pub(crate) struct Connection {
    host: String,
    reader: BufReader<TcpStream>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Lambda's name for an event; empty where somebody else answers.
    pub(crate) request_id: String,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn to(host: String) -> Result<Self> {
        let stream = TcpStream::connect(&host)?;
        stream.set_nodelay(true)?;
        Ok(Self { host, reader: BufReader::with_capacity(64 * 1024, stream) })
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Answer> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.host);
        self.reader.get_mut().write_all(request.as_bytes())?;
        self.answer()
    }

    /// `headers` end in a line break each. One write: two would wait for each other's acknowledgement.
    pub(crate) fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> Result<Answer> {
        let mut request = String::with_capacity(512 + headers.len());
        write!(request, "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n", self.host, body.len())?;
        request.push_str(headers);
        request.push_str("\r\n");
        let mut request = request.into_bytes();
        request.extend_from_slice(body);
        self.reader.get_mut().write_all(&request)?;
        self.answer()
    }

    fn answer(&mut self) -> Result<Answer> {
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("no HTTP answer")?;
        let mut answer = Answer { status, request_id: String::new(), body: Vec::new() };
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                answer.body = vec![0; value.trim().parse()?];
            } else if name.eq_ignore_ascii_case("lambda-runtime-aws-request-id") {
                value.trim().clone_into(&mut answer.request_id);
            }
        }
        self.reader.read_exact(&mut answer.body)?;
        Ok(answer)
    }
}
