//! The local stack as a process of its own.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use benches::{Result, build::root, http::Connection};

/// As long as a message is hidden after its consumer died, and a little more.
const HIDDEN_SECONDS: u64 = 200;
/// Of the stack's log, where something went wrong.
const LAST_LINES: usize = 30;
const PATIENCE: Duration = Duration::from_mins(10);
/// As many units are left as before: longer than a batch takes on a busy machine.
const STILL: Duration = Duration::from_secs(10);

pub(crate) struct Stack {
    program: PathBuf,
    data: TempDir,
    ports: [u16; 2],
    child: Child,
    pub(crate) key: String,
    pub(crate) app_secret: String,
}

/// A number, and whose it is.
#[derive(Debug, Clone)]
pub(crate) struct Number {
    pub(crate) id: String,
    pub(crate) waba: String,
    pub(crate) tenant: &'static str,
}

impl Stack {
    pub(crate) async fn start(program: &Path) -> Result<Self> {
        let data = TempDir::new()?;
        let ports = [free_port()?, free_port()?];
        let child = spawn(program, data.path(), ports)?;
        let (program, secret) = (program.to_owned(), String::new());
        let mut stack = Self { program, data, ports, child, key: String::new(), app_secret: secret };
        stack.answers().await?;
        let key = std::fs::read_to_string(stack.data.path().join("stack/operator.key"))?;
        key.trim().clone_into(&mut stack.key);
        let state = stack.meta(Method::GET, "/_sim/state", Value::Null).await?;
        let secret = state["app"]["secret"].as_str().ok_or("the simulator's app has no secret")?;
        secret.clone_into(&mut stack.app_secret);
        Ok(stack)
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    /// Kills it with all its processes, and starts it where it was.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.child.kill().await?;
        self.child = spawn(&self.program, self.data.path(), self.ports)?;
        self.answers().await
    }

    pub(crate) async fn stop(mut self) {
        // It is killed all the same when this ends.
        let _ = self.child.kill().await;
    }

    /// Connects every number of the simulator that is not on a phone, each WABA's to a tenant of its own.
    pub(crate) async fn connect_numbers(&self) -> Result<Vec<Number>> {
        const TENANTS: [&str; 3] = ["acme", "bravo", "charlie"];
        let state = self.meta(Method::GET, "/_sim/state", Value::Null).await?;
        let all = |name: &str| state[name].as_array().cloned().unwrap_or_default();
        let mut numbers = Vec::new();
        for (waba, tenant) in all("wabas").iter().zip(TENANTS) {
            let reaches = |token: &&Value| {
                token["kind"] == "system" && token["reaches"].as_array().is_some_and(|ids| ids.contains(&waba["id"]))
            };
            let tokens = all("tokens");
            let token = tokens.iter().find(reaches).ok_or("no system token reaches a WABA of the seed")?;
            let is_its = |number: &&Value| number["waba_id"] == waba["id"] && number["is_on_biz_app"] != true;
            let ids: Vec<Value> = all("numbers").iter().filter(is_its).map(|number| number["id"].clone()).collect();
            let manual = json!({ "access_token": token["token"], "waba_id": waba["id"], "phone_number_ids": ids });
            let order = json!({ "method": "manual", "auto_select": "all", "manual": manual });
            let connection = self.call(Method::POST, "/v1/connections", tenant, &order).await?;
            if connection["status"] != "connected" {
                return Err(format!("numbers did not connect: {connection:#}").into());
            }
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            numbers.extend(ids.iter().map(|id| Number { id: text(id), waba: text(&waba["id"]), tenant }));
        }
        Ok(numbers)
    }

    /// Waits until nothing is in the queue. Time is moved past what a dead consumer hides.
    pub(crate) async fn drain(&self) -> Result<Duration> {
        let (begun, mut seen) = (Instant::now(), Value::Null);
        let (mut left, mut since) = (None, begun);
        while begun.elapsed() < PATIENCE {
            let health = self.call(Method::GET, "/v1/health", "", &Value::Null).await?;
            let queues = health["queues"].as_array().cloned().unwrap_or_default();
            let depth = |name: &str| {
                let queue = queues.iter().find(|queue| queue["name"] == name);
                queue.and_then(|queue| Some(queue["waiting"].as_u64()? + queue["in_flight"].as_u64()?))
            };
            if depth("inbound_dead_letters") != Some(0) {
                return Err(format!("units became dead letters: {health}").into());
            }
            let found = depth("inbound");
            if found == Some(0) {
                return Ok(begun.elapsed());
            }
            seen = health;
            if found != left {
                (left, since) = (found, Instant::now());
            } else if since.elapsed() > STILL {
                // Nobody is at it: what the dead had in hand is hidden. The living would run out of their time.
                self.call(Method::POST, "/_local/clock", "", &json!({ "advance_seconds": HIDDEN_SECONDS })).await?;
                since = Instant::now();
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let log = std::fs::read_to_string(self.data.path().join("storm.log")).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(LAST_LINES).collect();
        Err(format!("the queue was not empty in time: {seen}, {last:#?}").into())
    }

    /// A call of the API as the operator, for a tenant where one is named.
    pub(crate) async fn call(&self, method: Method, path: &str, tenant: &str, body: &Value) -> Result<Value> {
        let authorization = format!("Bearer {}", self.key);
        let mut headers = vec![("authorization", authorization.as_str()), ("content-type", "application/json")];
        if !tenant.is_empty() {
            headers.push(("patchbay-tenant", tenant));
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = Connection::to(&self.url()).send(method, path, &headers, body.into()).await?;
        if answer.status >= 300 {
            return Err(format!("{path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body)).into());
        }
        answer.json()
    }

    async fn meta(&self, method: Method, path: &str, body: Value) -> Result<Value> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut meta = Connection::to(&format!("http://127.0.0.1:{}", self.ports[1]));
        meta.send(method, path, &[("content-type", "application/json")], body.into()).await?.json()
    }

    async fn answers(&mut self) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let asked = Connection::to(&self.url()).send(Method::GET, "/v1/health", &[], "".into()).await;
            // The key is written last.
            let is_there = self.data.path().join("stack/operator.key").exists();
            if is_there && asked.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                let log = std::fs::read_to_string(self.data.path().join("storm.log")).unwrap_or_default();
                return Err(format!("the stack ended with {status}: {log}").into());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("the stack did not answer in time".into())
    }
}

fn spawn(program: &Path, data: &Path, ports: [u16; 2]) -> Result<Child> {
    let log = File::options().create(true).append(true).open(data.join("storm.log"))?;
    let [port, simulator] = ports.map(|port| port.to_string());
    Ok(Command::new(program)
        .current_dir(root())
        .args(["--port", &port, "--simulator-port", &simulator, "--concurrency", "8", "--data"])
        .arg(data.join("stack"))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()?)
}

/// The stack is to come back where it was, so the port is chosen here.
fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
