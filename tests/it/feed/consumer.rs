//! The consumers of docs/events.md and README.md, as they stand there, against the stack as `cargo run` hosts it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::wire;

use crate::{
    connect::{NUMBER, ONE},
    stack::Running,
};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// The blocks of a language in a document.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(document)).unwrap();
    let begin = format!("```{language}\n");
    let blocks = text.split(&begin).skip(1).map(|rest| rest.split("\n```").next().unwrap().to_owned());
    blocks.collect()
}

/// The block that begins with the name of its file.
fn named(language: &str, file: &str) -> String {
    let comment = if language == "python" { "#" } else { "//" };
    let first = format!("{comment} {file}\n");
    let found = blocks("docs/events.md", language).into_iter().find(|block| block.starts_with(&first));
    found.unwrap_or_else(|| panic!("docs/events.md has no {file}"))
}

fn is_there(program: &str) -> bool {
    let there = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_there = there.is_ok_and(|status| status.success());
    if !is_there {
        println!("skipped: there is no {program}");
    }
    is_there
}

/// What Node does by itself from 22.18 on: it takes away what is TypeScript's alone. Only what that file has.
fn without_types(typescript: &str) -> String {
    let (before, rest) = typescript.split_once("interface Event {").unwrap();
    let (_, after) = rest.split_once("\n}\n").unwrap();
    let mut text = format!("{before}{after}");
    for of_type in [": Event", ": string", ": any", ": number"] {
        for end in [",", ")"] {
            text = text.replace(&format!("{of_type}{end}"), end);
        }
    }
    text
}

/// A stack in which acme has connected [`NUMBER`], and a folder for scripts.
struct Shop {
    stack: Running,
    folder: TempDir,
}

/// Ends with the test.
struct Script(Child);

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Shop {
    async fn open() -> Self {
        let shop = Self { stack: Running::start().await, folder: tempfile::tempdir().unwrap() };
        let state = shop.simulator("GET /_sim/state", &json!({})).await;
        let reaches = |token: &&Value| token["reaches"].as_array().into_iter().flatten().any(|id| *id == ONE);
        let mut tokens = state["tokens"].as_array().unwrap().iter().filter(|token| token["kind"] == "system");
        let token = tokens.find(reaches).unwrap()["token"].clone();
        let manual = json!({"access_token": token, "waba_id": ONE, "phone_number_ids": [NUMBER]});
        let key = shop.stack.post("/v1/keys", &shop.stack.key(), &json!({"name": "shop", "tenant": "acme"})).await;
        let key = key.json()["key"].as_str().unwrap().to_owned();
        let connected = shop.stack.post("/v1/connections", &key, &json!({"method": "manual", "manual": manual})).await;
        assert_eq!(connected.json()["status"], "connected", "{connected:?}");
        shop
    }

    async fn simulator(&self, line: &str, body: &Value) -> Value {
        let line = format!("{line} HTTP/1.1");
        let lines = [line.as_str(), "content-type: application/json"];
        wire::send(&self.stack.simulator_url(), &lines, body.to_string().as_bytes()).await.json()
    }

    async fn customer_writes(&self, kind: &str, content: Value) {
        let said =
            json!({"phone_number_id": NUMBER, "from": "15550001234", "name": "Ada", "type": kind, kind: content});
        self.simulator("POST /_sim/inbound", &said).await;
    }

    async fn says(&self, text: &str) {
        self.customer_writes("text", json!({ "body": text })).await;
    }

    /// What the customer has been answered.
    async fn answers(&self) -> Vec<String> {
        let state = self.simulator("GET /_sim/state", &json!({})).await;
        let messages = state["messages"].as_array().unwrap().iter();
        let sent = messages.filter(|message| message["direction"] == "outbound");
        sent.map(|message| find_body(message).unwrap_or_default()).collect()
    }

    async fn until_answered(&self, wanted: &[&str]) {
        let began = Instant::now();
        loop {
            let answers = self.answers().await;
            if answers.len() >= wanted.len() {
                assert_eq!(answers, wanted);
                println!("answered {} times within {:?}", wanted.len(), began.elapsed());
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{answers:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).unwrap();
    }

    fn run(&self, program: &str, script: &str) -> Script {
        let mut command = Command::new(program);
        command.arg(script).current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        command.env("PATCHBAY_URL", self.stack.api_url()).env("PATCHBAY_KEY", self.stack.key());
        Script(command.spawn().unwrap())
    }
}

/// The text of a message, wherever the simulator keeps it.
fn find_body(message: &Value) -> Option<String> {
    match message {
        Value::Object(map) => match map.get("body").and_then(Value::as_str) {
            Some(body) => Some(body.to_owned()),
            None => map.values().find_map(find_body),
        },
        Value::Array(list) => list.iter().find_map(find_body),
        _ => None,
    }
}

#[tokio::test]
async fn the_consumer_in_python_answers_once_and_goes_on_where_it_stopped() {
    if !is_there("python3") {
        return;
    }
    let shop = Shop::open().await;
    shop.write("feed.py", &named("python", "feed.py"));
    shop.write("reply.py", &named("python", "reply.py"));
    let start = "Hello! Write *order*, *hours*, or *human*.";
    let hours = "We are open from 9 to 20. Anything else? *order* or *human*.";
    let running = shop.run("python3", "reply.py");
    shop.says("Hi").await;
    shop.until_answered(&[start]).await;
    shop.says("hours").await;
    shop.until_answered(&[start, hours]).await;

    drop(running);
    shop.says("order").await;
    // It has forgotten how far it had come, and handles everything once more: nothing is sent twice.
    fs::remove_file(shop.path("cursor.txt")).unwrap();
    fs::remove_file(shop.path("states.json")).unwrap();
    let _running = shop.run("python3", "reply.py");

    shop.until_answered(&[start, hours, "What is your order number?"]).await;
}

#[tokio::test]
async fn the_consumer_in_typescript_answers() {
    if !is_there("node") {
        return;
    }
    let shop = Shop::open().await;
    shop.write("feed.mjs", &without_types(&named("ts", "feed.ts")));
    let _running = shop.run("node", "feed.mjs");
    shop.says("Hi").await;

    shop.until_answered(&["Thank you, we will answer soon."]).await;
}

#[tokio::test]
async fn an_order_is_placed_and_a_payment_is_checked_by_a_person() {
    if !is_there("python3") {
        return;
    }
    let shop = Shop::open().await;
    for file in ["feed.py", "orders.py", "payment.py"] {
        shop.write(file, &named("python", file));
    }
    let orders = shop.run("python3", "orders.py");
    let items = json!([
        {"product_retailer_id": "tea", "quantity": 2, "item_price": 3.5, "currency": "EUR"},
        {"product_retailer_id": "cup", "quantity": 1, "item_price": 8, "currency": "EUR"},
    ]);
    shop.customer_writes("order", json!({"catalog_id": "1", "product_items": items})).await;
    let bought = "We have your order:\n2 × tea\n1 × cup\nTogether 15.00 EUR.";
    shop.until_answered(&[bought]).await;
    drop(orders);
    let placed: Vec<_> = fs::read_dir(shop.path("orders")).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(placed.len(), 1);
    let placed: Value = serde_json::from_str(&fs::read_to_string(&placed[0]).unwrap()).unwrap();
    assert_eq!((&placed["tenant"], &placed["person"]["phone"]), (&json!("acme"), &json!("15550001234")));

    let _payment = shop.run("python3", "payment.py");
    let picture = json!({"id": "1", "mime_type": "image/jpeg", "sha256": "x", "caption": "paid!"});
    shop.customer_writes("image", picture).await;
    shop.until_answered(&[bought, "Thank you! Somebody is looking at it."]).await;
    let person = &placed["person"]["id"].as_str().unwrap();
    let key = shop.stack.post("/v1/keys", &shop.stack.key(), &json!({"name": "person", "tenant": "acme"})).await;
    let authorization = format!("authorization: Bearer {}", key.json()["key"].as_str().unwrap());
    let line = format!("PATCH /v1/contacts/{person} HTTP/1.1");
    let lines = [line.as_str(), &authorization, "content-type: application/json"];
    let decided = wire::send(shop.stack.api_url(), &lines, br#"{"tags": ["paid"]}"#).await;
    assert_eq!(decided.status, 200, "{decided:?}");

    let arrived = "Thank you, your payment has arrived.";
    shop.until_answered(&[bought, "Thank you! Somebody is looking at it.", arrived]).await;
}

#[tokio::test]
async fn the_five_lines_of_the_readme_are_a_backend() {
    if !is_there("python3") {
        return;
    }
    let shop = Shop::open().await;
    let begin = "import json, os, time\nfrom urllib.request import Request, urlopen\nurl = os.environ['PATCHBAY_URL']\n\
                 headers = {'Authorization': 'Bearer ' + os.environ['PATCHBAY_KEY'], 'Patchbay-Tenant': 'acme', \
                 'Content-Type': 'application/json'}\n";
    let lines = blocks("README.md", "python").remove(0);
    assert_eq!(lines.lines().count(), 5);
    shop.write("backend.py", &format!("{begin}{lines}\n"));
    let _running = shop.run("python3", "backend.py");
    shop.says("Hi").await;
    shop.until_answered(&["Thank you!"]).await;
    shop.says("Still there?").await;

    shop.until_answered(&["Thank you!", "Thank you!"]).await;
}

#[test]
fn every_script_in_the_guide_is_python() {
    if !is_there("python3") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let scripts = blocks("docs/events.md", "python");
    assert_eq!(scripts.len(), 5);
    for script in scripts {
        let path = folder.path().join("script.py");
        fs::write(&path, &script).unwrap();
        let compiled = Command::new("python3").args(["-m", "py_compile"]).arg(&path).status().unwrap();
        assert!(compiled.success(), "{script}");
    }
}
