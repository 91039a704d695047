//! From a change in a table to a reader who hears of it: `feed` tells, `GET /v1/events` is read.

mod consumer;
mod dying;
mod faults;
mod flood;
mod logs;
mod poison;
mod reading;
mod shown;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tests::{Answer, World};

use crate::connect::call;

const ACME: &str = "acme";

async fn get(world: &World, tenant: &str, query: &str) -> Answer {
    call(world, tenant, "GET", &format!("/v1/events?{query}")).send().await
}

/// One page, which must be there.
async fn page(world: &World, tenant: &str, query: &str) -> Value {
    let answer = get(world, tenant, query).await;
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    answer.body
}

/// A reader: it keeps its cursor, and all that it has heard.
struct Reader {
    /// None: of all tenants.
    tenant: Option<String>,
    filter: String,
    after: Option<String>,
    heard: Vec<Value>,
}

impl Reader {
    fn of(tenant: &str) -> Self {
        Self { tenant: Some(tenant.to_owned()), filter: String::new(), after: None, heard: Vec::new() }
    }

    fn of_all() -> Self {
        Self { tenant: None, filter: String::new(), after: None, heard: Vec::new() }
    }

    fn since_now(self) -> Self {
        Self { after: Some("now".to_owned()), ..self }
    }

    fn asking(self, filter: &str) -> Self {
        Self { filter: format!("&{filter}"), ..self }
    }

    /// One request. Says how much it brought.
    async fn read(&mut self, world: &World, limit: usize) -> usize {
        let after = self.after.as_ref().map(|after| format!("&after={after}")).unwrap_or_default();
        let path = format!("/v1/events?limit={limit}{}{after}", self.filter);
        let asked = world.as_operator("GET", &path);
        let asked = match &self.tenant {
            Some(tenant) => asked.tenant(tenant),
            None => asked,
        };
        let answer = asked.send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let data = answer.body["data"].as_array().unwrap();
        self.after = Some(answer.body["next"].as_str().unwrap().to_owned());
        self.heard.extend(data.iter().cloned());
        data.len()
    }

    /// Until nothing more comes.
    async fn read_all(&mut self, world: &World) {
        // A page may be empty and go on behind what nobody wants: its cursor moves on, which its end does not tell.
        for _ in 0..2 {
            while self.read(world, 100).await > 0 {}
        }
    }
}

/// What has been told so far, as this tenant reads it.
async fn told(world: &World, tenant: &str) -> Vec<Value> {
    let fed = world.feed().await;
    assert_eq!(fed.again, 0, "{fed:?}");
    let mut reader = Reader::of(tenant);
    reader.read_all(world).await;
    reader.heard
}

/// Text that does not become shorter by packing.
pub(crate) fn incompressible(bytes: usize) -> String {
    let digests = (0_u32..).flat_map(|number| Sha256::digest(number.to_be_bytes()));
    BASE64_STANDARD.encode(digests.take(bytes).collect::<Vec<u8>>())
}

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

/// The names of what changed.
fn changed(event: &Value) -> Vec<&str> {
    event["changed"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}
