//! Meta as a test drives it: the simulator, `/_sim`, and people who consent.

use std::{
    collections::HashMap,
    net::TcpListener,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;
use simulator::{Door, Kill, Options, Simulator};

use crate::{process::Processes, wire};

/// The simulator of one world.
#[derive(Debug)]
pub struct Meta {
    simulator: Simulator,
    doors: Mutex<HashMap<String, Door>>,
}

/// What a person says in Meta's dialog.
#[derive(Debug, Clone, Copy)]
pub enum Consent<'a> {
    /// To these WABAs.
    To(&'a [&'a str]),
    ToEverything,
    Denied,
}

impl Meta {
    pub(crate) fn start(api: &str, clock: &emulators::Clock, processes: &Processes) -> Self {
        let processes = processes.clone();
        let kill = Kill::from_fn(move |caller| {
            if let Some(door) = &caller.door {
                processes.kill(door);
            }
        });
        let kill = Some(kill);
        let options = Options { kill, ..local::meta::options(api, clock) };
        Self {
            simulator: Simulator::start(listener(), options).expect("the simulator starts"),
            doors: Mutex::default(),
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.simulator.address())
    }

    /// An address of the simulator for one caller. Product code says nowhere who it is, and one host name on loopback
    /// leads to all of them: so the port says it, as the access key id does towards AWS.
    pub fn way_of(&self, caller: &str) -> String {
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        let door = doors
            .entry(caller.to_owned())
            .or_insert_with(|| self.simulator.open(listener(), caller).expect("a door of its own"));
        format!("http://{}", door.address())
    }

    /// `GET` of something under `/_sim`.
    pub async fn get(&self, path: &str) -> Value {
        self.drive("GET", path, b"").await
    }

    /// `POST` of something under `/_sim`.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.drive("POST", path, body.to_string().as_bytes()).await
    }

    /// Waits until everything that is to be told by now has been.
    pub async fn told(&self) {
        for _ in 0..10_000 {
            if self.simulator.due_webhooks() == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        panic!("webhooks are not getting through");
    }

    pub async fn state(&self) -> Value {
        self.get("/_sim/state").await
    }

    /// The calls to Graph whose path contains `path`, oldest first.
    pub async fn calls(&self, path: &str) -> Vec<Value> {
        let calls = self.get(&format!("/_sim/calls?path={path}")).await;
        calls.as_array().cloned().unwrap_or_default()
    }

    /// Answers a login dialog, and gives where the browser is sent then.
    pub async fn consent(&self, dialog: &str, consent: Consent<'_>) -> String {
        let (_, path) = split(dialog);
        let choice = match consent {
            Consent::To(wabas) => format!("approve&_waba_ids={}", wabas.join(",")),
            Consent::ToEverything => "approve".to_owned(),
            Consent::Denied => "deny".to_owned(),
        };
        let answer = wire::send(&self.url(), &[&format!("GET {path}&_consent={choice} HTTP/1.1")], b"").await;
        assert_eq!(answer.status, 302, "{dialog}: {}", answer.text());
        answer.header("location").expect("somewhere to go").to_owned()
    }

    async fn drive(&self, method: &str, path: &str, body: &[u8]) -> Value {
        let head = [&format!("{method} {path} HTTP/1.1"), "content-type: application/json"];
        let answer = wire::send(&self.url(), &head, body).await;
        assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
        answer.json()
    }
}

/// Origin and path of a URL.
pub(crate) fn split(url: &str) -> (&str, &str) {
    let scheme = url.find("://").map_or(0, |at| at + 3);
    let path = url[scheme..].find('/').map_or(url.len(), |at| scheme + at);
    url.split_at(path)
}

fn listener() -> tokio::net::TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a listener");
    tokio::net::TcpListener::from_std(listener).expect("inside a test's runtime")
}
