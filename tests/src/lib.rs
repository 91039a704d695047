//! The harness, in the product's words: a `World` is the emulators, what the template describes, Meta, and the real
//! functions' routers in this process.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod browser;
mod call;
mod deliveries;
pub mod faults;
mod feed;
mod front;
mod functions;
mod log;
mod meta;
mod process;
mod queue;
pub mod wire;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, OnceLock},
};

use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use emulators::{Emulators, Options};
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use shared::{
    clock::{Clock, Random},
    env::Env,
    upkeep,
};
use tempfile::TempDir;

pub use browser::Browser;
pub use call::{Answer, Call};
pub use deliveries::{signature, signed_by};
pub use feed::{Fed, Feeder};
pub use log::Log;
pub use meta::{Consent, Meta};
pub use queue::{Consumer, Drained};

use front::{Bound, Front};
use functions::{Functions, serving};
use process::Processes;

/// Where the operator's dashboard is: the one origin that `ALLOWED_ORIGINS` has.
pub const DASHBOARD: &str = "https://app.example.com";

/// Read once for all worlds: YAML takes longer than making what it describes.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let text = fs::read_to_string(template()).expect("the template");
    local::template::document(&text).expect("the template is YAML")
});

/// Everything one test needs, its own.
#[derive(Debug)]
pub struct World {
    pub aws: Emulators,
    pub clock: emulators::Clock,
    pub meta: Arc<Meta>,
    pub first_key: String,
    functions: Arc<Functions>,
    front: Front,
    inbound: OnceLock<Consumer>,
    outbound: OnceLock<Consumer>,
    streams: feed::Streams,
    _data: TempDir,
}

impl World {
    pub async fn start() -> Self {
        let data = tempfile::tempdir().expect("a directory for this test");
        let processes = Processes::default();
        let killed = processes.clone();
        let kill: emulators::Kill = Arc::new(move |caller| killed.kill(caller));
        let options = Options { kill, ..Options::new(data.path()) };
        let aws = Emulators::start(options).await.expect("the emulators start");
        let clock = aws.clock().clone();
        let front = Bound::new().await;
        let meta = Arc::new(Meta::start(&front.url(), &clock, &processes));
        let mut parameters = local::meta::parameters();
        parameters.extend([("PublicUrl".to_owned(), front.url()), ("AllowedOrigins".to_owned(), DASHBOARD.to_owned())]);
        let template = local::provisioned(&DOCUMENT, &parameters, &aws.url()).await.expect("the template provisions");
        let environments = template
            .functions
            .values()
            .map(|function| {
                (function.name.clone(), with_credentials(&function.name, function.environment.clone(), &aws.url()))
            })
            .collect::<BTreeMap<_, _>>();
        let first_key = first_key(&environments["access"]).await;
        let functions = Arc::new(Functions {
            environments,
            clock: clock.clone(),
            meta: Arc::clone(&meta),
            processes,
            warm: Mutex::default(),
            idle: Mutex::default(),
            patience_ms: OnceLock::new(),
        });
        Self {
            aws,
            clock,
            meta,
            first_key,
            front: front.answer(&functions),
            functions,
            inbound: OnceLock::new(),
            outbound: OnceLock::new(),
            streams: feed::Streams::default(),
            _data: data,
        }
    }

    /// A deployment whose sweeper has run once: the first key is in its table.
    pub async fn deployed() -> Self {
        let world = Self::start().await;
        world.sweep().await;
        world
    }

    /// What the schedule does once a minute.
    pub async fn sweep(&self) -> upkeep::Report {
        self.sweeper().handle(schedule_event()).await.expect("the sweeper sweeps")
    }

    /// A request to the function whose route it is, in the environment that stays warm through the test. The path may
    /// be a whole URL of this API, as an answer gave it.
    pub fn call(&self, method: &str, path: &str) -> Call {
        let path = path.strip_prefix(&self.front.url).unwrap_or(path);
        Call::new(self.functions.warm(serving(method, path)), method, path)
    }

    /// The API's public address, which Meta and browsers know.
    pub fn url(&self) -> &str {
        &self.front.url
    }

    /// A request with the deployment's first key.
    pub fn as_operator(&self, method: &str, path: &str) -> Call {
        self.call(method, path).bearer(&self.first_key)
    }

    /// A cold environment of a function: it remembers nothing. AWS and Meta know its calls as those of `caller`.
    pub fn cold(&self, function: &str, caller: &str) -> Router {
        self.functions.cold(function, caller)
    }

    /// A request to a cold environment, as [`World::call`] to a warm one.
    pub fn cold_call(&self, caller: &str, method: &str, path: &str) -> Call {
        let path = path.strip_prefix(&self.front.url).unwrap_or(path);
        Call::new(self.cold(serving(method, path), caller), method, path)
    }

    /// Runs `work` as the process `caller`. None: a fault has killed it.
    pub async fn as_process<T: Send + 'static>(
        &self,
        caller: &str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        self.functions.processes.run(caller, work).await
    }

    /// A cold environment of `sweeper`.
    pub fn sweeper(&self) -> Arc<upkeep::Context> {
        self.cold_sweeper("sweeper")
    }

    pub fn cold_sweeper(&self, caller: &str) -> Arc<upkeep::Context> {
        let env = self.functions.env("sweeper", caller);
        Arc::new(
            upkeep::Context::from_env(&env, product_clock(&self.clock), Random::system()).expect("the sweeper starts"),
        )
    }

    /// Functions that start from now on wait so long for Graph.
    pub(crate) fn set_patience_with_graph(&self, milliseconds: u64) {
        self.functions.patience_ms.get_or_init(|| milliseconds);
    }

    /// Lets time pass for everything: emulators, Meta, functions. What has expired by then is gone.
    pub async fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
        self.aws.sweep_ttl().await;
    }

    /// A person opens a `start_url`, answers Meta's dialog and comes back: what they are shown then, or where they are
    /// sent.
    pub async fn consent(&self, start_url: &str, consent: Consent<'_>) -> Answer {
        let mut browser = Browser::default();
        let sent = browser.open(self.call("GET", start_url)).await;
        let dialog = sent.header("location").unwrap_or_else(|| panic!("not sent to Meta: {sent:?}"));
        let callback = self.meta.consent(dialog, consent).await;
        browser.open(self.call("GET", &callback)).await
    }

    /// The clients a test looks behind the scenes with.
    pub fn aws_clients(&self) -> shared::aws::clients::Aws {
        shared::aws::clients::Aws::from_env(&self.functions.env("access", "test")).expect("clients")
    }

    /// Secrets Manager as an operator uses it: the product itself reads values, by hand.
    pub fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new("test", "local", None, None, "tests"))
            .endpoint_url(self.aws.url())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::from_static("us-east-1"))
            .build();
        aws_sdk_secretsmanager::Client::from_conf(config)
    }

    /// The environment variable of a function, as the template sets it.
    pub fn variable(&self, function: &str, name: &str) -> String {
        self.environment(function)[name].clone()
    }

    /// All variables of a function, the endpoint and credentials of this world included.
    pub fn environment(&self, function: &str) -> &BTreeMap<String, String> {
        &self.functions.environments[function]
    }

    pub fn product_clock(&self) -> Clock {
        product_clock(&self.clock)
    }

    /// Every item of a table, as JSON: what an attacker with a copy of it would see.
    pub async fn table(&self, variable: &str) -> Vec<Value> {
        let table = self.functions.environments.values().find_map(|environment| environment.get(variable));
        let table = table.expect("a table that a function knows");
        let pages = self.aws_clients().dynamodb().scan().table_name(table).into_paginator().items().send();
        let items = pages.collect::<Result<Vec<_>, _>>().await;
        items
            .expect("a scan")
            .into_iter()
            .map(|item| Value::Object(item.iter().map(|(name, value)| (name.clone(), plain(value))).collect()))
            .collect()
    }

    /// Makes a key and gives its answer's body.
    pub async fn make_key(&self, order: Value) -> Value {
        let made = self.as_operator("POST", "/v1/keys").json(&order).send().await;
        assert_eq!(made.status, 201, "{made:?}");
        made.body
    }

    /// Makes a session and gives its answer's body.
    pub async fn make_session(&self, tenant: &str, scopes: &[&str]) -> Value {
        let order = json!({ "tenant": tenant, "scopes": scopes, "ttl_seconds": 600 });
        let made = self.as_operator("POST", "/v1/sessions").json(&order).send().await;
        assert_eq!(made.status, 201, "{made:?}");
        made.body
    }
}

/// Whether all is to be tried of which a run usually tries a part: what `just whole` asks for.
pub fn whole() -> bool {
    Env::process().optional("PATCHBAY_WHOLE").is_some()
}

/// `template.yaml` of this project.
pub fn template() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../template.yaml")
}

fn with_credentials(function: &str, mut environment: BTreeMap<String, String>, url: &str) -> BTreeMap<String, String> {
    let standard = [
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", function),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL", url),
    ];
    environment.extend(standard.map(|(name, value)| (name.to_owned(), value.to_owned())));
    environment
}

pub(crate) fn product_clock(clock: &emulators::Clock) -> Clock {
    let clock = clock.clone();
    Clock::from_fn(move || clock.now())
}

async fn first_key(environment: &BTreeMap<String, String>) -> String {
    let known = environment.clone();
    let env = Env::from_fn(move |name| known.get(name).cloned());
    let aws = shared::aws::clients::Aws::from_env(&env).expect("clients");
    let secret = aws.secrets(Clock::system()).value(&environment["STACK_SECRET"], "AWSCURRENT").await;
    let secret = secret.expect("the stack secret").expect("its value");
    let value: Value = serde_json::from_str(secret.expose_secret()).expect("JSON");
    format!("{}{}", value["prefix"].as_str().expect("prefix"), value["secret"].as_str().expect("secret"))
}

/// An attribute as plain JSON; bytes in base64.
fn plain(value: &AttributeValue) -> Value {
    use base64::{Engine, prelude::BASE64_STANDARD};
    match value {
        AttributeValue::S(text) => json!(text),
        AttributeValue::N(number) => serde_json::from_str(number).unwrap_or_else(|_| json!(number)),
        AttributeValue::B(bytes) => json!(BASE64_STANDARD.encode(bytes)),
        AttributeValue::Bool(is) => json!(is),
        AttributeValue::L(list) => list.iter().map(plain).collect(),
        AttributeValue::M(map) => Value::Object(map.iter().map(|(name, value)| (name.clone(), plain(value))).collect()),
        AttributeValue::Ss(set) => json!(set),
        _ => Value::Null,
    }
}

/// A secret as it might be written somewhere: as it is, in base64, hex and URL-escaped.
pub fn spellings(secret: &str) -> Vec<String> {
    use base64::{Engine, prelude::*};
    let hex = shared::domain::hex::encode(secret.as_bytes());
    let pairs = hex.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_uppercase());
    let escaped = pairs.fold(String::new(), |text, pair| text + "%" + &pair);
    vec![
        secret.to_owned(),
        BASE64_STANDARD.encode(secret),
        BASE64_URL_SAFE_NO_PAD.encode(secret),
        hex.to_uppercase(),
        hex,
        escaped,
    ]
}

/// What the scheduler sends.
pub fn schedule_event() -> lambda_runtime::LambdaEvent<Value> {
    lambda_runtime::LambdaEvent::new(json!({ "command": "upkeep" }), lambda_runtime::Context::default())
}
