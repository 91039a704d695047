//! The least that verifies a webhook and queues it, by hand: what receiving is measured against. Blocking sockets, no
//! runtime, no SDK, no JSON parser, no retries, no TLS, one event at a time. Never deployed.

mod event;
mod http;
mod signature;
mod sigv4;

use std::{env, error::Error, fmt::Write, time::UNIX_EPOCH};

use event::Event;
use http::Connection;
use sigv4::Signer;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    let runtime = env::var_os("AWS_LAMBDA_RUNTIME_API").and_then(|host| host.into_string().ok());
    let mut runtime = Connection::to(runtime.ok_or("AWS_LAMBDA_RUNTIME_API is not set")?)?;
    let mut floor = Floor::from_environment()?;
    loop {
        let work = runtime.get("/2018-06-01/runtime/invocation/next")?;
        let status = floor.receive(&work.body)?;
        let answer = format!(r#"{{"statusCode":{status}}}"#);
        let path = format!("/2018-06-01/runtime/invocation/{}/response", work.request_id);
        runtime.post(&path, "", answer.as_bytes())?;
    }
}

/// The whole function: a secret, a queue, and what signs requests to it.
struct Floor {
    app_secret: String,
    queue: String,
    group: String,
    sqs: Connection,
    signer: Signer,
}

impl Floor {
    fn from_environment() -> Result<Self> {
        let variable = |name: &str| {
            let value = env::var_os(name).and_then(|value| value.into_string().ok());
            value.ok_or_else(|| format!("{name} is not set"))
        };
        let endpoint = variable("AWS_ENDPOINT_URL")?;
        let host = endpoint.strip_prefix("http://").ok_or("the floor speaks plain HTTP")?.to_owned();
        Ok(Self {
            app_secret: variable("META_APP_SECRET")?,
            queue: variable("QUEUE_URL")?,
            group: variable("QUEUE_GROUP")?,
            signer: Signer {
                access_key: variable("AWS_ACCESS_KEY_ID")?,
                secret_key: variable("AWS_SECRET_ACCESS_KEY")?,
                session_token: variable("AWS_SESSION_TOKEN")?,
                region: variable("AWS_REGION")?,
                host: host.clone(),
            },
            sqs: Connection::to(host)?,
        })
    }

    /// The status Meta is to see.
    fn receive(&mut self, event: &[u8]) -> Result<u16> {
        let event = Event::read(std::str::from_utf8(event)?).ok_or("no body, or no signature, in the event")?;
        if !signature::is_valid(event.body().as_bytes(), event.signature, &self.app_secret) {
            return Ok(401);
        }
        // What is a JSON text in the event is the same JSON text in the request.
        let mut request = String::with_capacity(event.quoted_body.len() + 512);
        write!(
            request,
            r#"{{"QueueUrl":"{}","MessageGroupId":"{}","MessageDeduplicationId":"{}","MessageBody":"{}"}}"#,
            self.queue, self.group, event.signature, event.quoted_body
        )?;
        #[expect(clippy::disallowed_methods, reason = "a program of its own, without a Context")]
        let now = std::time::SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let headers = self.signer.headers(request.as_bytes(), now)?;
        let answer = self.sqs.post("/", &headers, request.as_bytes())?;
        Ok(if answer.status == 200 { 200 } else { 500 })
    }
}
