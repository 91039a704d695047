//! Makes the document's examples speak of things that exist here: placeholders become ids, texts and links.

use http::Method;
use serde_json::{Value, json};

use crate::sender::{CUSTOMER, Sender, wamid};
use crate::world::{APP, Answer, BUSINESS, NUMBER, WABA, proof};

/// A world for one example, and the ids paths are made of.
pub(super) struct Stage {
    pub(super) sender: Sender,
    pub(super) token: String,
}

impl Stage {
    pub(super) async fn set() -> Self {
        let sender = Sender::start().await;
        let token = sender.world.system_token(0).await;
        Self { sender, token }
    }

    /// The path with real ids in it, and the body with real things.
    pub(super) async fn real(&self, method: &str, path: &str, body: Option<Value>) -> (String, Option<Value>) {
        let path = path.trim_start_matches("/{Version}/");
        let (node, edge) = path.split_once('/').unwrap_or((path, ""));
        let node = match node {
            "{Application-ID}" => APP.to_owned(),
            "{Business-ID}" => BUSINESS[0].to_owned(),
            "{WABA-ID}" | "{WhatsApp-Business-Account-ID}" => WABA[0].to_owned(),
            "{Phone-Number-ID}" | "{WhatsApp-Account-Number-ID}" => NUMBER[0].to_owned(),
            "{Media-ID}" => self.upload("image/png", b"\x89PNG").await,
            "{TEMPLATE_ID}" => self.template().await,
            "{Message-History-ID}" => self.history().await,
            "{User-ID}" => "me".to_owned(),
            other => panic!("what is {other}?"),
        };
        let edge = match edge {
            "message_qrdls/{QR-Code-ID}" => format!("message_qrdls/{}", self.qr_code().await),
            edge => edge.to_owned(),
        };
        if edge == "verify_code" || edge == "request_code" {
            self.sender
                .world
                .must(&format!("numbers/{}", NUMBER[0]), json!({"code_verification_status": "NOT_VERIFIED"}))
                .await;
        }
        let body = match body {
            Some(body) => Some(self.real_body(&edge, body).await),
            None => None,
        };
        if let ("delete", "block_users", Some(body)) = (method, edge.as_str(), &body) {
            self.sender.post("block_users", body.clone()).await;
        }
        if let ("delete", "assigned_users", Some(body)) = (method, edge.as_str(), &body) {
            let assign = json!({"user": body["user"], "tasks": ["MANAGE"]});
            self.sender.world.post(&format!("{node}/assigned_users"), &self.token, assign).await;
        }
        ([node.as_str(), &edge].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"), body)
    }

    async fn real_body(&self, edge: &str, mut body: Value) -> Value {
        match edge {
            "messages" | "marketing_messages" => self.message(&mut body).await,
            "verify_code" => {
                let request = json!({"code_method": "SMS", "language": "en_US"});
                let asked = self.sender.post("request_code", request).await;
                assert_eq!(asked.status, 200, "{}", asked.body);
                let number = self.sender.world.number_state(NUMBER[0]).await;
                if let Some(code) = number["verification_code"].as_str() {
                    body["code"] = code.into();
                }
            }
            "block_users" => body["block_users"][0]["user"] = format!("+{CUSTOMER}").into(),
            "message_qrdls" if body.get("code").is_some() => body["code"] = self.qr_code().await.into(),
            "message_templates" => {
                replace(&mut body, &|text| text.replace("<TEMPLATE_NAME>", "template_name"));
            }
            _ => {}
        }
        replace(&mut body, &|text| match text {
            // Callbacks are asked for a handshake: they must be there.
            text if text.starts_with("https://your-") => self.sender.world.app.base.clone() + "/override",
            text => text.to_owned(),
        });
        body
    }

    /// A message to the customer, of media, messages and templates that exist.
    async fn message(&self, body: &mut Value) {
        if body.get("to").is_some() {
            body["to"] = format!("+{CUSTOMER}").into();
        }
        let customers = self.sender.inbound(json!({"type": "text", "text": {"body": "Hi"}})).await;
        if body.get("status").is_some() {
            body["message_id"] = customers.into();
        } else if body.get("reaction").is_some() {
            body["reaction"]["message_id"] = customers.into();
        }
        self.use_own_media(body).await;
        replace(body, &|text| match text {
            text if text.trim_start_matches('<').starts_with("http(s)://") => "https://example.com/file".to_owned(),
            "<HEADER_TYPE>" => "text".to_owned(),
            "<TEMPLATE_NAME>" | "template-name" => "template_name".to_owned(),
            "language-and-locale-code" => "en_US".to_owned(),
            text => text.to_owned(),
        });
        if body["type"] == "template" {
            self.approve_for(&body["template"]).await;
        }
    }

    /// Has the template approved that a template message presupposes.
    pub(super) async fn approve_for(&self, message: &Value) {
        self.approve(&template_for(message)).await;
    }

    async fn approve(&self, template: &Value) {
        let path = format!("{}/message_templates", WABA[0]);
        let answer = self.sender.world.post(&path, &self.token, template.clone()).await;
        // Every WABA has hello_world already.
        let is_there = answer.status == 200 || answer.error().1 == Some(2388024);
        assert!(is_there, "{template}: {}", answer.body);
        self.sender.world.advance(2);
    }

    pub(super) async fn template(&self) -> String {
        let template = json!({"name": "2023_april_promo", "language": "en_US", "category": "MARKETING",
            "components": [{"type": "BODY", "text": "Spring is here, {{1}}.", "example": {"body_text": [["Ana"]]}},
                {"type": "BUTTONS", "buttons": [{"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+15550100001"}]}]});
        self.approve(&template).await;
        let path = format!("{}/message_templates?name=2023_april_promo", WABA[0]);
        id(&self.sender.world.get(&path, &self.token).await.body["data"][0])
    }

    async fn history(&self) -> String {
        let wamid = wamid(&self.sender.text("Hi").await);
        id(&self.sender.get(&format!("message_history?message_id={wamid}")).await.body["data"][0])
    }

    async fn qr_code(&self) -> String {
        let made = self.sender.post("message_qrdls", json!({"prefilled_message": "Hi"})).await;
        made.body["code"].as_str().unwrap().to_owned()
    }

    /// A document's media ids are somebody else's: each gives way to a file of ours.
    pub(super) async fn use_own_media(&self, body: &mut Value) {
        for (kind, mime_type) in [
            ("audio", "audio/ogg"),
            ("document", "application/pdf"),
            ("image", "image/png"),
            ("sticker", "image/webp"),
            ("video", "video/mp4"),
        ] {
            if body[kind]["id"].is_string() {
                body[kind]["id"] = self.upload(mime_type, b"bytes").await.into();
            }
        }
    }

    pub(super) async fn upload(&self, mime_type: &str, bytes: &[u8]) -> String {
        let answer = self.try_upload(NUMBER[0], mime_type, bytes).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        id(&answer.body)
    }

    /// Uploads a file, and downloads it by the link that is given for it.
    pub(super) async fn follow_a_link(&self, query: &str) -> Answer {
        assert!(query.starts_with("whatsapp_business/attachments/?"), "{query}");
        let id = self.upload("image/png", b"\x89PNG").await;
        let url = self.sender.world.get(&id, &self.token).await.body["url"].as_str().unwrap().to_owned();
        let path = url.strip_prefix(self.sender.world.base.as_str()).unwrap();
        let bearer = format!("Bearer {}", self.token);
        self.sender.world.request(Method::GET, path, &[("authorization", bearer.as_str())], "").await.unwrap()
    }

    pub(super) async fn try_upload(&self, number: &str, mime_type: &str, bytes: &[u8]) -> Answer {
        let head = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n--edge\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"file\"\r\nContent-Type: {mime_type}\r\n\r\n"
        );
        let body = [head.as_bytes(), bytes, b"\r\n--edge--\r\n"].concat();
        let path = format!("/v25.0/{number}/media?appsecret_proof={}", proof(&self.token));
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", "multipart/form-data; boundary=edge")];
        self.sender.world.request(Method::POST, &path, &headers, body).await.unwrap()
    }
}

fn id(node: &Value) -> String {
    node["id"].as_str().unwrap().to_owned()
}

/// The template a template message presupposes.
fn template_for(message: &Value) -> Value {
    let sent = message["components"].as_array().cloned().unwrap_or_default();
    let of = |kind: &str| sent.iter().filter(|part| part["type"] == kind).cloned().collect::<Vec<_>>();
    let count = of("body").first().map_or(0, |body| body["parameters"].as_array().map_or(0, Vec::len));
    let words: String = (1..=count).map(|index| ["value {{", &index.to_string(), "}} and so "].concat()).collect();
    let samples: Vec<String> = (1..=count).map(|index| format!("sample {index}")).collect();
    let mut components = vec![json!({"type": "BODY", "text": format!("This is a {words}on."),
        "example": {"body_text": [samples]}})];
    if let Some(header) = of("header").first() {
        let format = header["parameters"][0]["type"].as_str().unwrap().to_uppercase();
        components.push(json!({"type": "HEADER", "format": format, "example": {"header_handle": ["4::abc"]}}));
    }
    let buttons: Vec<Value> = of("button").iter().map(approved_button).collect();
    if !buttons.is_empty() {
        components.push(json!({"type": "BUTTONS", "buttons": buttons}));
    }
    json!({"name": message["name"], "language": message["language"]["code"], "category": "MARKETING", "components": components})
}

fn approved_button(sent: &Value) -> Value {
    let kind = sent["sub_type"].as_str().unwrap().to_uppercase();
    let text = format!("Button {}", sent["index"].to_string().trim_matches('"'));
    json!({"type": kind, "text": text, "flow_id": if kind == "FLOW" { json!("1") } else { Value::Null }})
}

/// Replaces texts wherever they stand.
pub(super) fn replace(value: &mut Value, with: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = with(text),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, with)),
        Value::Object(map) => map.values_mut().for_each(|item| replace(item, with)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
