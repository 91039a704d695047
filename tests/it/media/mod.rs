//! Files of messages, by HTTP: up to Meta, and back from it without harm.

mod downloading;
mod faults;
mod uploading;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tests::{Answer, Call, World};

use crate::{
    connect::{NUMBER, call},
    send::{ACME, CUSTOMER},
};

pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1A\n and some pixels";
const BOUNDARY: &str = "edge-of-a-part";

/// A form as an HTTP client writes it.
#[derive(Default)]
pub(crate) struct Form(Vec<u8>);

impl Form {
    pub(crate) fn file(self, name: &str, kind: Option<&str>, bytes: &[u8]) -> Self {
        let kind = kind.map(|kind| format!("\r\nContent-Type: {kind}")).unwrap_or_default();
        self.part(&format!("name=\"file\"; filename=\"{name}\"{kind}"), bytes)
    }

    pub(crate) fn field(self, name: &str, value: &str) -> Self {
        self.part(&format!("name=\"{name}\""), value.as_bytes())
    }

    fn part(mut self, parameters: &str, bytes: &[u8]) -> Self {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {parameters}\r\n\r\n");
        self.0.extend([head.as_bytes(), bytes, b"\r\n"].concat());
        self
    }

    pub(crate) fn on(self, call: Call) -> Call {
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        call.body(&kind, [&self.0[..], format!("--{BOUNDARY}--\r\n").as_bytes()].concat())
    }

    async fn send(self, world: &World, tenant: &str) -> Answer {
        self.on(call(world, tenant, "POST", &format!("/v1/accounts/{NUMBER}/media"))).send().await
    }
}

/// Somebody sends a file to [`NUMBER`], and it is taken in. Gives what its message says of it.
async fn sent_in(world: &World, kind: &str, mime_type: &str, bytes: &[u8]) -> Value {
    let file = json!({"mime_type": mime_type, "bytes_base64": BASE64_STANDARD.encode(bytes)});
    let message = json!({"phone_number_id": NUMBER, "from": CUSTOMER, "type": kind, kind: file});
    let written = world.meta.post("/_sim/inbound", message).await;
    world.drain().await;
    let wamid = written["wamids"][0].as_str().unwrap();
    let shown = call(world, ACME, "GET", &format!("/v1/messages/{wamid}")).send().await;
    assert_eq!(shown.status, 200, "{shown:?}");
    shown.body["content"].clone()
}

fn path(id: &Value) -> String {
    format!("/v1/accounts/{NUMBER}/media/{}", id.as_str().unwrap())
}

async fn fetched(world: &World, id: &Value) -> Answer {
    call(world, ACME, "GET", &path(id)).send().await
}

/// The calls of files at Meta since the log was last as long.
async fn asked(world: &World, path: &str) -> usize {
    world.meta.calls(path).await.len()
}
