//! Exchanges with the real Graph, recorded by somebody else in 2024 and 2026: the same request gets the same status and
//! an answer of the same shape.

use std::fs;

use http::Method;
use serde_json::{Value, json};

use super::examples::Stage;
use super::shape::differences;
use super::{exceptions, say, shared};
use crate::sender::{CUSTOMER, wamid};
use crate::world::{Answer, NUMBER, WABA, proof};

const FOLDER: &str = "fixtures/ruby-sdk-recorded-graph";

/// What is theirs there and ours here.
const THEIR_NUMBERS: [&str; 2] = ["107878721936019", "562412910296094"];
const THEIR_WABA: &str = "114503234599312";
const THEIR_CUSTOMER: &str = "13437772910";

struct Exchange {
    name: String,
    method: String,
    /// With its query, without host and version.
    path: String,
    content_type: String,
    body: Value,
    status: u64,
    answer: Value,
}

#[tokio::test]
async fn recorded_requests_get_the_same_status_and_shape() {
    let Some(folder) = shared(FOLDER) else { return };
    let excused = exceptions("recorded.json");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();

    let mut differences = Vec::new();
    let mut names = Vec::new();
    for file in &files {
        let exchange = Exchange::read(&file.file_stem().unwrap().to_string_lossy(), &fs::read(file).unwrap());
        let stage = Stage::set().await;
        let found = exchange.play(&stage).await;
        names.extend(found.iter().map(|difference| format!("{}: {difference}", exchange.name)));
        let is_excused = |difference: &String| excused.iter().any(|row| excuses(row, &exchange.name, difference));
        differences.extend(
            found.into_iter().filter(|found| !is_excused(found)).map(|found| format!("{}: {found}", exchange.name)),
        );
    }

    for name in &names {
        say(&format!("differs: {name}"));
    }
    say(&format!("{} recorded exchanges, {} differences", files.len(), names.len()));
    assert!(differences.is_empty(), "{} surprises:\n{}", differences.len(), differences.join("\n"));
    let is_needed = |row: &&Value| {
        names.iter().any(|name| name.split_once(": ").is_some_and(|(name, found)| excuses(row, name, found)))
    };
    let stale: Vec<&Value> = excused.iter().filter(|row| !is_needed(row)).collect();
    assert!(stale.is_empty(), "exceptions that excuse nothing any more: {stale:?}");
}

fn excuses(row: &Value, name: &str, difference: &str) -> bool {
    let says = |field: &str, text: &str| row[field].as_str().is_some_and(|wanted| text.contains(wanted));
    says("exchange", name) && says("difference", difference)
}

impl Exchange {
    fn read(name: &str, bytes: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(bytes).unwrap();
        let (request, response) = (&value["request"], &value["response"]);
        let uri = request["uri"].as_str().unwrap();
        let rest = uri.split_once("://").unwrap().1.split_once('/').unwrap();
        let path = rest.1.strip_prefix("v19.0/").unwrap_or(rest.1);
        Self {
            name: name.to_owned(),
            method: request["method"].as_str().unwrap().to_owned(),
            path: format!("{}/{path}", rest.0).replace("graph.facebook.com/", ""),
            content_type: request["headers"]["Content-Type"][0].as_str().unwrap_or_default().to_owned(),
            body: request["body"].clone(),
            status: response["status"].as_u64().unwrap(),
            answer: response["body"].clone(),
        }
    }

    /// Makes true what the recording presupposes, sends it, and says what is different.
    async fn play(&self, stage: &Stage) -> Vec<String> {
        let (path, body) = self.prepared(stage).await;
        let Some(answer) = self.send(stage, &path, body).await else { return vec!["no call of Graph's".to_owned()] };
        if u64::from(answer.status) != self.status {
            return vec![format!("status {} for {}: {}", answer.status, self.status, answer.body)];
        }
        let mut found = Vec::new();
        // A file is no JSON on either side.
        if !(self.answer.is_string() && answer.body.is_null() && !answer.bytes.is_empty()) {
            differences("", &self.answer, &answer.body, &mut found);
        }
        found
    }

    async fn prepared(&self, stage: &Stage) -> (String, Value) {
        let mut path = THEIR_NUMBERS
            .iter()
            .fold(self.path.replace(THEIR_WABA, WABA[0]), |path, theirs| path.replace(theirs, NUMBER[0]));
        let mut body = self.body.clone();
        let succeeds = self.status == 200;
        if succeeds && self.name.starts_with("medias-") && !path.contains('/') {
            path = stage.upload("image/png", b"\x89PNG").await;
        }
        let is_a_template = ["get_a_template_by_id", "update_a_template"].iter().any(|name| self.name.contains(name));
        if succeeds && is_a_template {
            path = stage.template().await;
        }
        if self.name.contains("queries_all_fields") {
            let profile = json!({"messaging_product": "whatsapp", "about": "A", "address": "B", "description": "C",
                "email": "d@example.com", "websites": ["https://example.com"]});
            stage.sender.post("whatsapp_business_profile", profile).await;
        }
        if succeeds && self.name.contains("delete_template") {
            let id = stage.template().await;
            path = path.replace("seasonal_promotion", "2023_april_promo").replace("1075472707447727", &id);
        }
        if body.is_object() {
            if body["to"].as_i64().is_some_and(|to| to.to_string() == THEIR_CUSTOMER) {
                body["to"] = CUSTOMER.parse::<i64>().unwrap().into();
            }
            self.real_message(stage, &mut body).await;
        }
        (path, body)
    }

    async fn real_message(&self, stage: &Stage, body: &mut Value) {
        stage.use_own_media(body).await;
        let customers = stage.sender.inbound(json!({"type": "text", "text": {"body": "Hi"}})).await;
        if body.get("reaction").is_some() {
            body["reaction"]["message_id"] = customers.clone().into();
        }
        if body["type"] == "template" {
            stage.approve_for(&body["template"]).await;
        }
        if body["status"] == "read" && body["message_id"] != "12345" {
            let is_ours = self.status == 400;
            body["message_id"] = if is_ours { wamid(&stage.sender.text("Hi").await).into() } else { customers.into() };
        }
    }

    async fn send(&self, stage: &Stage, path: &str, body: Value) -> Option<Answer> {
        if path.starts_with("www.") {
            return None;
        }
        let method = Method::from_bytes(self.method.as_bytes()).unwrap();
        if self.content_type.starts_with("multipart/") {
            let number = path.split('/').next().unwrap();
            return Some(stage.try_upload(number, "image/png", b"\x89PNG").await);
        }
        if let Some(link) = path.strip_prefix("lookaside.fbsbx.com/") {
            return Some(stage.follow_a_link(link).await);
        }
        if let Value::String(form) = &body {
            let separator = if path.contains('?') { '&' } else { '?' };
            let path = format!("/v25.0/{path}{separator}appsecret_proof={}", proof(&stage.token));
            let bearer = format!("Bearer {}", stage.token);
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-www-form-urlencoded")];
            return Some(stage.sender.world.request(method, &path, &headers, form.clone()).await.unwrap());
        }
        Some(stage.sender.world.graph(method, path, &stage.token, Some(body)).await)
    }
}
