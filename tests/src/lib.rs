//! The harness, in the product's words: a `World` is the emulators, what the template describes, and the real
//! functions' routers in this process.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod call;
pub mod faults;
pub mod wire;

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use emulators::{Emulators, Options};
use serde_json::{Value, json};
use shared::{
    clock::{Clock, Random},
    env::Env,
    http::access,
    upkeep,
};
use tempfile::TempDir;
use tokio::task::AbortHandle;

pub use call::{Answer, Call};

/// Everything one test needs, its own.
#[derive(Debug)]
pub struct World {
    pub aws: Emulators,
    pub clock: emulators::Clock,
    /// As `template.yaml` gives it, by function.
    environments: BTreeMap<String, BTreeMap<String, String>>,
    pub first_key: String,
    access: Router,
    processes: Processes,
    _data: TempDir,
}

/// What runs as a process of its own, by access key id: a fault may kill it.
type Processes = Arc<Mutex<HashMap<String, AbortHandle>>>;

impl World {
    pub async fn start() -> Self {
        let data = tempfile::tempdir().expect("a directory for this test");
        let processes = Processes::default();
        let options = Options { kill: killing(&processes), ..Options::new(data.path()) };
        let aws = Emulators::start(options).await.expect("the emulators start");
        let template =
            local::provisioned(&template(), &BTreeMap::new(), &aws.url()).await.expect("the template provisions");
        let environments = template
            .functions
            .values()
            .map(|function| {
                (function.name.clone(), with_credentials(&function.name, function.environment.clone(), &aws.url()))
            })
            .collect::<BTreeMap<_, _>>();
        let clock = aws.clock().clone();
        let access = access_router(&environments["access"], &clock);
        let first_key = first_key(&environments["access"]).await;
        Self { aws, clock, environments, first_key, access, processes, _data: data }
    }

    /// A request to the environment that stays warm through the test.
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(self.access.clone(), method, path)
    }

    /// A request with the deployment's first key.
    pub fn as_operator(&self, method: &str, path: &str) -> Call {
        self.call(method, path).bearer(&self.first_key)
    }

    /// A cold environment of `access`: it remembers nothing. Its access key id is `caller`.
    pub fn cold_access(&self, caller: &str) -> Router {
        let mut environment = self.environments["access"].clone();
        environment.insert("AWS_ACCESS_KEY_ID".to_owned(), caller.to_owned());
        access_router(&environment, &self.clock)
    }

    /// Runs `work` as the process with that access key id. None: a fault has killed it.
    pub async fn as_process<T: Send + 'static>(
        &self,
        caller: &str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let process = tokio::spawn(work);
        self.processes().insert(caller.to_owned(), process.abort_handle());
        match process.await {
            Ok(result) => Some(result),
            Err(error) if error.is_cancelled() => None,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    fn processes(&self) -> std::sync::MutexGuard<'_, HashMap<String, AbortHandle>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A cold environment of `sweeper`.
    pub fn sweeper(&self) -> Arc<upkeep::Context> {
        let env = env(self.environments["sweeper"].clone());
        Arc::new(upkeep::Context::from_env(&env, product_clock(&self.clock)).expect("the sweeper starts"))
    }

    /// The clients a test looks behind the scenes with.
    pub fn aws_clients(&self) -> shared::aws::clients::Aws {
        let mut environment = self.environments["access"].clone();
        environment.insert("AWS_ACCESS_KEY_ID".to_owned(), "test".to_owned());
        shared::aws::clients::Aws::from_env(&env(environment)).expect("clients")
    }

    /// The environment variable of a function, as the template sets it.
    pub fn variable(&self, function: &str, name: &str) -> String {
        self.environments[function][name].clone()
    }

    /// All variables of a function, the endpoint and credentials of this world included.
    pub fn environment(&self, function: &str) -> &BTreeMap<String, String> {
        &self.environments[function]
    }

    pub fn product_clock(&self) -> Clock {
        product_clock(&self.clock)
    }

    /// Every item of a table, as JSON: what an attacker with a copy of it would see.
    pub async fn table(&self, variable: &str) -> Vec<Value> {
        let table = self.variable("access", variable);
        let scan = self.aws_clients().dynamodb().scan().table_name(table).send().await.expect("a scan");
        let items = scan.items.unwrap_or_default();
        items
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

fn killing(processes: &Processes) -> emulators::Kill {
    let processes = Arc::clone(processes);
    Arc::new(move |caller| {
        if let Some(process) = processes.lock().unwrap_or_else(PoisonError::into_inner).remove(caller) {
            process.abort();
        }
    })
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

fn env(environment: BTreeMap<String, String>) -> Env {
    Env::from_fn(move |name| environment.get(name).cloned())
}

fn product_clock(clock: &emulators::Clock) -> Clock {
    let clock = clock.clone();
    Clock::from_fn(move || clock.now())
}

fn access_router(environment: &BTreeMap<String, String>, clock: &emulators::Clock) -> Router {
    let context = access::Context::from_env(&env(environment.clone()), product_clock(clock), Random::system());
    access::router(context.expect("access starts"))
}

async fn first_key(environment: &BTreeMap<String, String>) -> String {
    let aws = shared::aws::clients::Aws::from_env(&env(environment.clone())).expect("clients");
    let secret = aws.secrets_manager().get_secret_value().secret_id(&environment["STACK_SECRET"]).send().await;
    let value: Value =
        serde_json::from_str(secret.expect("the stack secret").secret_string().expect("text")).expect("JSON");
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
