//! The functions in this process: how each starts, and which one API Gateway hands a request to.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use axum::{
    Router,
    http::{Request, Response},
};
use shared::{
    clock::{Clock, Random},
    env::Env,
    http::{access, accounts, connections, inbox, oauth, routes::ROUTES, send},
    webhook,
};
use tower::ServiceExt;

use crate::{deliveries, meta::Meta, process::Processes, product_clock};

/// One line for each function that has routes.
fn started(function: &str, env: &Env, clock: Clock) -> Router {
    let random = Random::system();
    let router = match function {
        "access" => access::Context::from_env(env, clock, random).map(access::router),
        "accounts" => accounts::Context::from_env(env, clock, random).map(accounts::router),
        "inbox" => inbox::Context::from_env(env, clock, random).map(inbox::router),
        "oauth-callback" => oauth::Context::from_env(env, clock, random).map(oauth::router),
        "send" => send::Context::from_env(env, clock, random).map(send::router),
        "webhook" => webhook::Context::from_env(env, clock).map(deliveries::router),
        "oauth-init" => connections::Context::from_env(env, clock, random).map(connections::router),
        other => panic!("tests/src/functions.rs does not say how {other} starts"),
    };
    router.expect("a function starts")
}

/// The function a request goes to: what serves no route of its own is answered by `access`.
pub(crate) fn serving(method: &str, path: &str) -> &'static str {
    let path = path.split('?').next().unwrap_or_default();
    let matching = ROUTES.iter().filter(|route| route.method == method && route.matches(path));
    // Of two that match, the one that says more: /v1/connections/options is not a connection.
    let most_specific = matching.min_by_key(|route| route.path.matches('{').count());
    most_specific.map_or("access", |route| route.function)
}

/// Everything that starts a function's environment, and those that are warm.
#[derive(Debug)]
pub(crate) struct Functions {
    /// As `template.yaml` gives it, by function.
    pub(crate) environments: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) clock: emulators::Clock,
    pub(crate) meta: Arc<Meta>,
    pub(crate) processes: Processes,
    pub(crate) warm: Mutex<HashMap<&'static str, Router>>,
    pub(crate) idle: Mutex<Idle>,
    /// How long they wait for Graph, where that is not what they would by themselves.
    pub(crate) patience_ms: OnceLock<u64>,
}

/// Environments that wait for the front's next request, by function, and how many there have been.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    waiting: HashMap<&'static str, Vec<(String, Router)>>,
    started: usize,
}

impl Functions {
    /// The variables of an environment: its own access key id and way to Graph say who calls.
    pub(crate) fn env(&self, function: &str, caller: &str) -> Env {
        let mut environment = self.environments[function].clone();
        environment.insert("AWS_ACCESS_KEY_ID".to_owned(), caller.to_owned());
        environment.insert("GRAPH_URL".to_owned(), self.meta.way_of(caller));
        environment
            .extend(self.patience_ms.get().map(|patience| ("GRAPH_TIMEOUT_MS".to_owned(), patience.to_string())));
        Env::from_fn(move |name| environment.get(name).cloned())
    }

    pub(crate) fn cold(&self, function: &str, caller: &str) -> Router {
        started(function, &self.env(function, caller), product_clock(&self.clock))
    }

    pub(crate) fn warm(&self, function: &'static str) -> Router {
        let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        warm.entry(function).or_insert_with(|| self.cold(function, function)).clone()
    }

    /// As Lambda does: an environment that waits, or else a new one, has one request at a time. `None`: a fault has
    /// killed it.
    pub(crate) async fn serve(&self, request: Request<axum::body::Body>) -> Option<Response<axum::body::Body>> {
        let function = serving(request.method().as_str(), request.uri().path());
        let waiting = self.idle().waiting.entry(function).or_default().pop();
        let (caller, router) = waiting.unwrap_or_else(|| {
            let caller = self.idle().next(function);
            let router = self.cold(function, &caller);
            (caller, router)
        });
        let answer = self.processes.run(&caller, router.clone().oneshot(request)).await?;
        self.idle().waiting.entry(function).or_default().push((caller, router));
        Some(answer.expect("routers cannot fail"))
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    fn next(&mut self, function: &str) -> String {
        self.started += 1;
        format!("front-{function}-{}", self.started)
    }
}
