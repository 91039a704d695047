//! The calls to Meta, over HTTP: against the simulator, which demands a proof with every token, and against servers
//! that misbehave.

mod assets;
mod base;
mod login;
mod number;
mod secrets;
mod server;
mod signed_request;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::{
    domain::{meta_app::MetaApp, meta_error::MetaError},
    env::{Env, EnvError},
    meta::{Graph, Session},
};
use simulator::{Clock, Options, Simulator};
use tests::wire;

pub(crate) const BUSINESS: [&str; 2] = ["100200300400501", "100200300400502"];
pub(crate) const WABA: [&str; 3] = ["200300400500601", "200300400500602", "200300400500603"];
pub(crate) const NUMBER: [&str; 5] =
    ["300400500600701", "300400500600702", "300400500600703", "300400500600704", "300400500600705"];

/// Saturday, 21 November 2026, noon.
const START: i64 = 1_795_262_400;

/// A simulator, our app at it, and a clock to move.
pub(crate) struct Meta {
    simulator: Simulator,
    pub(crate) graph: Graph,
    pub(crate) app: MetaApp,
    offset: Arc<AtomicI64>,
}

impl Meta {
    async fn start() -> Self {
        let offset = Arc::<AtomicI64>::default();
        let moved = Arc::clone(&offset);
        let now = move || start() + SignedDuration::from_secs(moved.load(Ordering::SeqCst));
        let options = Options { clock: Clock::from_fn(now), ..Options::default() };
        let app = app(&options.app_id, &options.app_secret);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let simulator = Simulator::start(listener, options).unwrap();
        let graph = graph(&url(&simulator), "v25.0").unwrap();
        Self { simulator, graph, app, offset }
    }

    fn advance(&self, seconds: i64) {
        self.offset.fetch_add(seconds, Ordering::SeqCst);
    }

    /// `POST /_sim/{path}`.
    async fn sim(&self, path: &str, body: Value) -> Value {
        let line = format!("POST /_sim/{path} HTTP/1.1");
        let head = [line.as_str(), "content-type: application/json"];
        let answer = wire::send(&url(&self.simulator), &head, body.to_string().as_bytes()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// What was asked of Graph on paths that contain `path`.
    async fn calls(&self, path: &str) -> Vec<Value> {
        let line = format!("GET /_sim/calls?path={path} HTTP/1.1");
        wire::send(&url(&self.simulator), &[&line], b"").await.json().as_array().unwrap().clone()
    }

    /// A code, as Embedded Signup would give it for one WABA.
    async fn code(&self, waba: &str) -> SecretString {
        let given = self.sim("embedded_signup", json!({ "waba_id": waba })).await;
        given["code"].as_str().unwrap().into()
    }

    /// A business's token for one WABA.
    async fn token(&self, waba: &str) -> SecretString {
        let code = self.code(waba).await;
        self.graph.of_app(&self.app).exchange_code(&code, None).await.unwrap().token
    }

    fn with<'a>(&'a self, token: &'a SecretString) -> Session<'a> {
        self.graph.with(&self.app, token)
    }

    /// The next call whose path contains `path` is refused so.
    async fn refuse(&self, path: &str, error: Value) {
        self.sim("faults", json!({"match": {"path": path}, "times": 1, "fault": {"error": error}})).await;
    }
}

fn start() -> Timestamp {
    Timestamp::from_second(START).unwrap()
}

fn url(simulator: &Simulator) -> String {
    format!("http://{}", simulator.address())
}

fn app(id: &str, secret: &str) -> MetaApp {
    MetaApp { id: id.to_owned(), secret: secret.into(), previous: None, verify_token: None, config_id: None }
}

fn graph(url: &str, version: &str) -> Result<Graph, EnvError> {
    graph_within(url, version, "10000")
}

/// With little patience: for servers that never answer, or where the way to fail does not matter.
fn quick(url: &str) -> Graph {
    graph_within(url, "v25.0", "300").unwrap()
}

fn graph_within(url: &str, version: &str, milliseconds: &'static str) -> Result<Graph, EnvError> {
    let (url, version) = (url.to_owned(), version.to_owned());
    Graph::from_env(&Env::from_fn(move |name| match name {
        "GRAPH_URL" => Some(url.clone()),
        "GRAPH_VERSION" => Some(version.clone()),
        "GRAPH_TIMEOUT_MS" => Some(milliseconds.to_owned()),
        _ => None,
    }))
}

/// What is said of a refusal.
fn refused<T: std::fmt::Debug>(result: Result<T, MetaError>) -> String {
    result.unwrap_err().to_string()
}
