//! The product as `cargo run` hosts it: real processes behind the gateway, everything by HTTP.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use emulators::{Fault, FaultKind, Site};
use local::{Config, Program, Stack};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::wire::{self, Answer};

/// A running stack of the product's own template, and all that its functions printed.
pub(crate) struct Running {
    stack: Stack,
    printed: Arc<Mutex<String>>,
    data: TempDir,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    async fn start_with(parameters: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let printed = Arc::<Mutex<String>>::default();
        let program = Program { executable: PathBuf::from(env!("CARGO_BIN_EXE_functions")) };
        let mut config = Config::new(tests::template(), data.path(), program);
        config.parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        config.simulator_port = Some(0);
        let lines = Arc::clone(&printed);
        config.output = Arc::new(move |line| {
            let mut printed = lines.lock().unwrap_or_else(PoisonError::into_inner);
            printed.push_str(&line.text);
            printed.push('\n');
        });
        Self { stack: Stack::start(config).await.unwrap(), printed, data }
    }

    pub(crate) fn api_url(&self) -> &str {
        self.stack.api_url()
    }

    pub(crate) fn simulator_url(&self) -> String {
        self.stack.simulator_url().unwrap()
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    pub(crate) fn key(&self) -> String {
        std::fs::read_to_string(self.data().join("operator.key")).unwrap().trim().to_owned()
    }

    fn printed(&self) -> String {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn send(&self, line: &str, headers: &[&str], body: &str) -> Answer {
        let line = format!("{line} HTTP/1.1");
        wire::send(self.api_url(), &[&[line.as_str()][..], headers].concat(), body.as_bytes()).await
    }

    async fn get(&self, path: &str, bearer: &str) -> Answer {
        self.send(&format!("GET {path}"), &[&format!("authorization: Bearer {bearer}")], "").await
    }

    pub(crate) async fn post(&self, path: &str, bearer: &str, body: &Value) -> Answer {
        let authorization = format!("authorization: Bearer {bearer}");
        self.send(&format!("POST {path}"), &[&authorization, "content-type: application/json"], &body.to_string()).await
    }
}

#[tokio::test]
async fn a_newcomer_goes_from_health_to_an_expired_session() {
    let stack = Running::start().await;
    let key = stack.key();

    let health = stack.get("/v1/health", &key).await;
    let made = stack.post("/v1/keys", &key, &json!({ "name": "backend", "tenant": "acme" })).await;
    let order = json!({ "tenant": "acme", "scopes": ["accounts:read"], "ttl_seconds": 3600 });
    let session = stack.post("/v1/sessions", text(&made, "key").as_str(), &order).await;
    let token = text(&session, "token");
    let before = stack.get("/v1/keys", &token).await;
    let moved = stack.post("/_local/clock", "", &json!({ "advance_seconds": 3600 })).await;
    let after = stack.get("/v1/keys", &token).await;

    assert_eq!((health.status, text(&health, "status")), (200, "ok".to_owned()));
    assert_eq!((made.status, session.status, moved.status), (201, 201, 200));
    // Alive, and without the scope; then not alive.
    assert_eq!((before.status, text(&before, "code")), (403, "scope_missing".to_owned()));
    assert_eq!((after.status, text(&after, "code")), (401, "unauthenticated".to_owned()));
}

#[tokio::test]
async fn what_the_gateway_hands_over_comes_back_as_the_function_said_it() {
    let stack = Running::start().await;

    let unknown = stack.send("GET /v1/nothing?code=secret", &[], "").await;
    let method = stack.send("PATCH /v1/keys", &[], "").await;

    assert_eq!((unknown.status, text(&unknown, "code")), (404, "not_found".to_owned()));
    assert_eq!(unknown.header("content-type"), Some("application/problem+json"));
    assert_eq!(unknown.header("x-request-id"), Some(text(&unknown, "request_id").as_str()));
    assert_eq!((method.status, method.header("allow")), (405, Some("POST, GET")));
}

#[tokio::test]
async fn browsers_of_allowed_origins_alone_may_read_answers() {
    let stack = Running::start_with(&[("AllowedOrigins", "https://app.example.com")]).await;
    let preflight = async |origin: &str| {
        let origin = format!("origin: {origin}");
        let asked =
            ["access-control-request-method: POST", "access-control-request-headers: authorization,idempotency-key"];
        stack.send("OPTIONS /v1/keys", &[&origin, asked[0], asked[1]], "").await
    };

    let allowed = preflight("https://app.example.com").await;
    let foreign = preflight("https://evil.example.com").await;
    let read = stack.send("GET /v1/health", &["origin: https://app.example.com"], "").await;

    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example.com"));
    assert!(allowed.header("access-control-allow-headers").unwrap().contains("idempotency-key"));
    assert_eq!(allowed.header("access-control-allow-credentials"), None);
    assert_eq!(foreign.header("access-control-allow-origin"), None);
    assert_eq!(read.header("access-control-allow-origin"), Some("https://app.example.com"));
    let exposed = read.header("access-control-expose-headers").unwrap().to_lowercase();
    for name in ["idempotency-replayed", "retry-after", "etag", "x-request-id"] {
        assert!(exposed.contains(name), "{exposed}");
    }
}

#[tokio::test]
async fn no_secret_reaches_a_log_or_a_refusal() {
    let stack = Running::start_with(&[("LogLevel", "DEBUG")]).await;
    let key = stack.key();
    credentials_fail_once(&stack);
    assert_eq!(stack.get("/v1/health", &key).await.status, 503);
    let made = stack.post("/v1/keys", &key, &json!({ "name": "canary", "tenant": "acme" })).await;
    let order = json!({ "tenant": "acme", "scopes": ["accounts:read"], "ttl_seconds": 60 });
    let session = stack.post("/v1/sessions", &key, &order).await;
    let secrets = [key.clone(), text(&made, "key"), text(&session, "token")];
    let mut refusals = String::new();
    for secret in &secrets {
        refusals += &stack.get(&format!("/v1/keys?after={secret}"), secret).await.text();
        refusals += &stack.get(&format!("/v1/{secret}"), &secret[1..]).await.text();
        refusals += &stack.post("/v1/sessions", &key, &json!({ "tenant": "acme", "scopes": [secret] })).await.text();
        refusals += &stack.post("/v1/keys", &key, &json!({ "name": [secret] })).await.text();
    }

    let printed = stack.printed();

    // There is something to search.
    assert!(printed.contains("an AWS call failed: "), "{printed}");
    for spelling in secrets.iter().flat_map(|secret| tests::spellings(secret)) {
        assert!(!printed.contains(&spelling), "{printed}");
        assert!(!refusals.contains(&spelling), "{refusals}");
    }
}

/// The first call that looks a key up fails, as often as the SDK tries.
fn credentials_fail_once(stack: &Running) {
    for ordinal in 1..=3 {
        let site = Site::named(format!("dynamodb.GetItem:patchbay-CredentialsTable#{ordinal}"));
        stack.stack.emulators().faults().arm(Fault { site, kind: FaultKind::Fail });
    }
}

#[tokio::test]
async fn a_failure_is_found_in_the_log_by_the_id_its_caller_has() {
    let stack = Running::start().await;
    credentials_fail_once(&stack);

    let failed = stack.get("/v1/health", &stack.key()).await;

    assert_eq!((failed.status, text(&failed, "code")), (503, "unavailable".to_owned()));
    let printed = stack.printed();
    let line = printed.lines().find(|line| line.contains(&text(&failed, "request_id")));
    assert!(line.is_some_and(|line| line.contains("unavailable: an AWS call failed: ")), "{printed}");
}

#[tokio::test]
async fn the_sweeper_answers_commands_and_refuses_what_it_does_not_know() {
    let stack = Running::start().await;

    let redriven = stack.post("/_local/command", "", &json!({ "command": "redrive", "queue": "inbound" })).await;
    let unknown = stack.post("/_local/command", "", &json!({ "command": "make_coffee" })).await;

    assert_eq!((redriven.status, redriven.json()), (200, json!({ "moved": 0, "more": false })));
    assert_ne!(unknown.status, 200);
    assert!(unknown.text().contains("unknown variant"), "{unknown:?}");
}

fn text(answer: &Answer, field: &str) -> String {
    answer.json()[field].as_str().unwrap_or_default().to_owned()
}
