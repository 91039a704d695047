//! What a test stands in: a simulator, the app that listens to its webhooks, and a clock to move.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::routing::get;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::Sha256;
use simulator::{Clock, Door, Options, Simulator};
use tokio::net::TcpListener;

pub(crate) const APP: &str = "670000000000001";
pub(crate) const SECRET: &str = "simulated-app-secret";
pub(crate) const BUSINESS: [&str; 2] = ["100200300400501", "100200300400502"];
pub(crate) const WABA: [&str; 3] = ["200300400500601", "200300400500602", "200300400500603"];
pub(crate) const NUMBER: [&str; 5] =
    ["300400500600701", "300400500600702", "300400500600703", "300400500600704", "300400500600705"];

/// Saturday, 21 November 2026, noon.
const START: i64 = 1_795_262_400;

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) base: String,
    pub(crate) app: App,
    options: Options,
    clock: Arc<AtomicI64>,
    client: Client<HttpConnector, Full<Bytes>>,
    simulator: Option<Arc<Simulator>>,
}

/// What a call was answered with.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
    /// The body where it is JSON.
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Code and subcode of Graph's error.
    pub(crate) fn error(&self) -> (i64, Option<i64>) {
        (self.body["error"]["code"].as_i64().unwrap_or(-1), self.body["error"]["error_subcode"].as_i64())
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let app = App::listen().await;
        let clock = Arc::new(AtomicI64::new(0));
        let moved = Arc::clone(&clock);
        let mut options = Options {
            callback_url: format!("{}/webhooks", app.base),
            clock: Clock::from_fn(move || {
                let start = Timestamp::from_second(START).unwrap();
                start + SignedDuration::from_millis(moved.load(Ordering::SeqCst))
            }),
            retry_delays: [1, 10, 60].map(Duration::from_secs).to_vec(),
            delivery_timeout: Duration::from_secs(2),
            ..Options::default()
        };
        change(&mut options);
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut world = Self { base: String::new(), app, options, clock, client, simulator: None };
        world.restart().await;
        world
    }

    /// Ends the simulator without any goodbye and starts it again on what it wrote down.
    pub(crate) async fn restart(&mut self) {
        self.simulator = None;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let simulator = Simulator::start(listener, self.options.clone()).unwrap();
        self.base = format!("http://{}", simulator.address());
        self.simulator = Some(Arc::new(simulator));
    }

    /// An address of this simulator for one caller.
    pub(crate) async fn door(&self, caller: &str) -> Door {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.simulator.as_ref().unwrap().open(listener, caller).unwrap()
    }

    /// The same, but calling another simulator.
    pub(crate) fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> i64 {
        START + self.clock.load(Ordering::SeqCst) / 1000
    }

    /// Any request; `Err` where the connection broke.
    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, String> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let response = self.client.request(request).await.map_err(|error| error.to_string())?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status, headers, bytes, body })
    }

    pub(crate) async fn sim(&self, path: &str, body: Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.request(Method::POST, &format!("/_sim/{path}"), &headers, body.to_string()).await.unwrap()
    }

    pub(crate) async fn sim_get(&self, path: &str) -> Answer {
        self.request(Method::GET, &format!("/_sim/{path}"), &[], "").await.unwrap()
    }

    /// A control call that must work.
    pub(crate) async fn must(&self, path: &str, body: Value) -> Value {
        let answer = self.sim(path, body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    pub(crate) async fn state(&self) -> Value {
        self.sim_get("state").await.body
    }

    pub(crate) async fn number_state(&self, id: &str) -> Value {
        let state = self.state().await;
        state["numbers"].as_array().unwrap().iter().find(|number| number["id"] == id).unwrap().clone()
    }

    /// The system token of a business.
    pub(crate) async fn system_token(&self, business: usize) -> String {
        let state = self.state().await;
        let system = state["tokens"].as_array().unwrap().iter().filter(|token| token["kind"] == "system");
        system.map(|token| token["token"].as_str().unwrap().to_owned()).nth(business).unwrap()
    }

    /// A Graph call with a token and its proof.
    pub(crate) async fn graph(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
        self.graph_raw(method, path, token, body).await.unwrap()
    }

    pub(crate) async fn graph_raw(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<Value>,
    ) -> Result<Answer, String> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let path = format!("/v25.0/{path}{separator}appsecret_proof={}", proof(token));
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.request(method, &path, &headers, body.map_or_else(String::new, |body| body.to_string())).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.graph(Method::GET, path, token, None).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.graph(Method::POST, path, token, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str, token: &str) -> Answer {
        self.graph(Method::DELETE, path, token, None).await
    }

    /// `/oauth/access_token` with the app's own id and secret.
    pub(crate) async fn exchange(&self, parameters: &str) -> Answer {
        let path = format!("/v25.0/oauth/access_token?client_id={APP}&client_secret={SECRET}&{parameters}");
        self.request(Method::GET, &path, &[], "").await.unwrap()
    }

    /// A business token over a WABA, as Embedded Signup gives it.
    pub(crate) async fn business_token(&self, waba: &str) -> String {
        let given = self.must("embedded_signup", json!({"waba_id": waba})).await;
        let code = given["code"].as_str().unwrap();
        self.exchange(&format!("code={code}")).await.body["access_token"].as_str().unwrap().to_owned()
    }

    /// A token of the WABA with the app subscribed to it.
    pub(crate) async fn subscribed(&self, waba: &str) -> String {
        let token = self.business_token(waba).await;
        let answer = self.post(&format!("{waba}/subscribed_apps"), &token, json!({})).await;
        assert_eq!(answer.body, json!({"success": true}));
        self.app.forget();
        token
    }
}

pub(crate) fn app_token() -> String {
    format!("{APP}|{SECRET}")
}

pub(crate) fn proof(token: &str) -> String {
    hmac_hex(SECRET, token.as_bytes())
}

pub(crate) fn hmac_hex(key: &str, message: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// Waits, at most five seconds, for something to become so.
pub(crate) async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "it never became so");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The app at the other end: keeps what it is told, answers as it is set to.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) base: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
    handshake: Arc<AtomicU16>,
    parrot: Arc<AtomicBool>,
}

#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) raw: Bytes,
}

impl Heard {
    pub(crate) fn body(&self) -> Value {
        serde_json::from_slice(&self.raw).unwrap()
    }

    pub(crate) fn entry(&self) -> Value {
        self.body()["entry"][0].clone()
    }

    pub(crate) fn field(&self) -> String {
        self.entry()["changes"][0]["field"].as_str().unwrap().to_owned()
    }

    pub(crate) fn value(&self) -> Value {
        self.entry()["changes"][0]["value"].clone()
    }

    pub(crate) fn is_signed(&self) -> bool {
        let signature = self.headers.get("x-hub-signature-256").map(|value| value.to_str().unwrap().to_owned());
        signature == Some(format!("sha256={}", hmac_hex(SECRET, &self.raw)))
    }
}

impl App {
    async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let app = Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            heard: Arc::default(),
            answers: Arc::default(),
            handshake: Arc::new(AtomicU16::new(200)),
            parrot: Arc::new(AtomicBool::new(true)),
        };
        let router = Router::new()
            .route("/{*path}", get(handshake).post(hear))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(app.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        app
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    pub(crate) fn forget(&self) {
        self.heard.lock().unwrap().clear();
    }

    /// The next webhooks are answered with these; after them 200 again.
    pub(crate) fn will_answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    /// What the handshake is answered with.
    pub(crate) fn refuses_the_handshake(&self) {
        self.handshake.store(403, Ordering::SeqCst);
    }

    /// The handshake gets a 200, but not its challenge.
    pub(crate) fn does_not_understand_the_handshake(&self) {
        self.parrot.store(false, Ordering::SeqCst);
    }

    pub(crate) async fn hears(&self, count: usize) -> Vec<Heard> {
        until(|| Some(self.heard()).filter(|heard| heard.len() >= count)).await
    }
}

async fn handshake(State(app): State<App>, RawQuery(query): RawQuery) -> (StatusCode, String) {
    let query = query.unwrap_or_default();
    let challenge = query.split('&').find_map(|pair| pair.strip_prefix("hub.challenge=")).unwrap_or_default();
    let status = StatusCode::from_u16(app.handshake.load(Ordering::SeqCst)).unwrap();
    let echo = if app.parrot.load(Ordering::SeqCst) { challenge } else { "Welcome!" };
    (status, echo.to_owned())
}

async fn hear(State(app): State<App>, uri: http::Uri, headers: HeaderMap, raw: Bytes) -> StatusCode {
    app.heard.lock().unwrap().push(Heard { path: uri.path().to_owned(), headers, raw });
    StatusCode::from_u16(app.answers.lock().unwrap().pop_front().unwrap_or(200)).unwrap()
}
