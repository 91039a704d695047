//! For each route a request that it answers with success, once the caller is right.

use axum::Router;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use shared::{domain::conversation::ContactId, http::routes::Route};
use tests::{Browser, Call, Consent, DASHBOARD, World, signature};

use crate::{
    connect::{NUMBER, ONE, TWO, begin, call, start_url, system_token},
    inbox::Seeds,
    media,
    send::{self, CUSTOMER},
    templates,
};

/// The numbers of [`TWO`]: one that nobody has verified, and one to connect.
const UNVERIFIED: &str = "300400500600701";
const CHOSEN: &str = "300400500600702";

/// What a route's requests have in common; what they name is acme's.
pub(super) struct Sample {
    path: String,
    body: Body,
    browser: Browser,
}

enum Body {
    None,
    Json(Value),
    /// By Meta.
    Signed(Value),
    Form(String),
    File(&'static [u8]),
}

impl Sample {
    pub(super) fn call(&self, route: &Route, router: &Router) -> Call {
        let call = self.browser.with_cookies(Call::new(router.clone(), route.method.as_str(), &self.path));
        match &self.body {
            Body::None => call,
            Body::Json(body) => call.json(body),
            Body::Signed(body) => {
                let body = body.to_string();
                call.header("x-hub-signature-256", &signature(body.as_bytes())).body("application/json", body)
            }
            Body::Form(form) => call.body("application/x-www-form-urlencoded", form.clone()),
            Body::File(bytes) => media::Form::default().file("file", None, bytes).on(call),
        }
    }

    fn at(path: impl Into<String>) -> Self {
        Self { path: path.into(), body: Body::None, browser: Browser::default() }
    }

    fn signed(self, body: Value) -> Self {
        Self { body: Body::Signed(body), ..self }
    }

    fn json(self, body: Value) -> Self {
        Self { body: Body::Json(body), ..self }
    }

    fn form(self, form: String) -> Self {
        Self { body: Body::Form(form), ..self }
    }

    fn file(self, bytes: &'static [u8]) -> Self {
        Self { body: Body::File(bytes), ..self }
    }

    /// A route without one fails the matrix.
    pub(super) async fn of(world: &World, route: &Route) -> Self {
        match route.path {
            path if path.starts_with("/oauth/") => of_browsers(world, route).await,
            "/webhooks/whatsapp" => of_meta(route),
            path if path.starts_with("/v1/connections") => of_connections(world, route).await,
            path if route.function == "inbox" => of_inbox(world, route, path).await,
            _ if route.function == "send" => of_send(world, route).await,
            path if path.starts_with("/v1/accounts") => of_accounts(world, route).await,
            _ => of_access(world, route).await,
        }
    }
}

fn none(route: &Route) -> ! {
    panic!("{} has no sample in the matrix", route.key())
}

fn of_meta(route: &Route) -> Sample {
    let handshake = "?hub.mode=subscribe&hub.verify_token=simulated-verify-token&hub.challenge=1158201444";
    match route.method.as_str() {
        "GET" => Sample::at(format!("{}{handshake}", route.path)),
        _ => Sample::at(route.path).signed(json!({ "object": "whatsapp_business_account", "entry": [] })),
    }
}

async fn of_access(world: &World, route: &Route) -> Sample {
    match route.key().as_str() {
        "GET /v1/health" | "GET /v1/keys" | "DELETE /v1/sessions" => Sample::at(route.path),
        "POST /v1/keys" => Sample::at(route.path).json(json!({ "name": "backend", "tenant": "acme" })),
        "DELETE /v1/keys/{id}" => {
            let key = world.make_key(json!({ "name": "to revoke", "tenant": "acme" })).await;
            Sample::at(format!("/v1/keys/{}", key["id"].as_str().unwrap()))
        }
        "POST /v1/sessions" => {
            let order = json!({ "tenant": "acme", "scopes": ["accounts:read"], "ttl_seconds": 60 });
            Sample::at(route.path).json(order)
        }
        "DELETE /v1/sessions/{id}" => {
            let session = world.make_session("acme", &["accounts:read"]).await;
            Sample::at(format!("/v1/sessions/{}", session["id"].as_str().unwrap()))
        }
        _ => none(route),
    }
}

async fn of_connections(world: &World, route: &Route) -> Sample {
    let of = |connection: &Value| Sample::at(route.path.replace("{id}", connection["id"].as_str().unwrap()));
    let login = json!({ "method": "login" });
    match route.key().as_str() {
        "GET /v1/connections/options" | "GET /v1/connections" => Sample::at(route.path),
        "POST /v1/connections" => Sample::at(route.path).json(login),
        "GET /v1/connections/{id}" | "DELETE /v1/connections/{id}" => of(&begin(world, "acme", login).await),
        "POST /v1/connections/{id}/confirm" => {
            let order = json!({ "method": "login", "return_url": DASHBOARD, "confirm": true, "auto_select": "none" });
            let begun = begin(world, "acme", order).await;
            let back = world.consent(start_url(&begun), Consent::To(&[TWO])).await;
            let (_, verifier) = back.header("location").unwrap().split_once("patchbay_verifier=").unwrap();
            of(&begun).json(json!({ "verifier": verifier.trim_end_matches('#') }))
        }
        "POST /v1/connections/{id}/code" => {
            let begun = begin(world, "acme", json!({ "method": "embedded_signup" })).await;
            let event = json!({ "type": "WA_EMBEDDED_SIGNUP", "event": "CANCEL", "data": {} });
            of(&begun).json(json!({ "nonce": begun["embedded_signup"]["nonce"], "session_event": event }))
        }
        "POST /v1/connections/{id}/resume" => of(&choosing(world).await).json(json!({})),
        "GET /v1/connections/{id}/numbers" => of(&choosing(world).await),
        "POST /v1/connections/{id}/accounts" => {
            of(&choosing(world).await).json(json!({ "phone_number_ids": [CHOSEN] }))
        }
        "POST /v1/connections/{id}/numbers/{phone_number_id}/verification" => {
            let unverified = json!({ "code_verification_status": "NOT_VERIFIED" });
            world.meta.post(&format!("/_sim/numbers/{UNVERIFIED}"), unverified).await;
            let sample = of(&choosing(world).await).json(json!({ "method": "sms", "language": "en_US" }));
            Sample { path: sample.path.replace("{phone_number_id}", UNVERIFIED), ..sample }
        }
        _ => none(route),
    }
}

/// A connection whose tenant chooses among the numbers of [`TWO`].
async fn choosing(world: &World) -> Value {
    let token = system_token(world, TWO).await;
    let manual = json!({ "access_token": token, "waba_id": TWO });
    begin(world, "acme", json!({ "method": "manual", "auto_select": "none", "manual": manual })).await
}

/// [`NUMBER`] is acme's, and active.
async fn connect(world: &World) {
    let shown = call(world, "acme", "GET", &format!("/v1/accounts/{NUMBER}")).send().await;
    if shown.text("status") != "active" {
        let token = system_token(world, ONE).await;
        let manual = json!({ "access_token": token, "waba_id": ONE, "phone_number_ids": [NUMBER] });
        begin(world, "acme", json!({ "method": "manual", "manual": manual })).await;
    }
}

async fn of_accounts(world: &World, route: &Route) -> Sample {
    connect(world).await;
    let sample = Sample::at(route.path.replace("{id}", NUMBER));
    match (route.method.as_str(), route.path) {
        ("POST", "/v1/accounts/{id}/templates") => sample.json(templates::order("sample")),
        ("DELETE", "/v1/accounts/{id}/templates/{name}") => {
            let path = format!("/v1/accounts/{NUMBER}/templates");
            let made = call(world, "acme", "POST", &path).json(&templates::order("to_delete")).send().await;
            assert_eq!(made.status, 201, "{made:?}");
            Sample { path: sample.path.replace("{name}", "to_delete"), ..sample }
        }
        ("PATCH", "/v1/accounts/{id}/profile") => sample.json(json!({ "about": "Open" })),
        ("PATCH", _) => sample.json(json!({ "label": "Shop" })),
        ("PUT", "/v1/accounts/{id}/pin") => sample.json(json!({ "pin": "123456" })),
        ("GET" | "DELETE" | "POST", _) => sample,
        _ => none(route),
    }
}

async fn of_inbox(world: &World, route: &Route, path: &str) -> Sample {
    let seeds = Seeds::new(world, "acme", NUMBER);
    // Whoever is erased is somebody else: what is asked for next is to be there.
    let who = if route.method == "DELETE" { 2 } else { 1 };
    let (id, _) = seeds.said(who, &format!("1650555000{who}"), "Ada", "hello").await;
    let sample = match path {
        "/v1/accounts/{id}/media/{media_id}" => {
            connect(world).await;
            let upload = call(world, "acme", "POST", &format!("/v1/accounts/{NUMBER}/media"));
            let upload = media::Form::default().file("file", None, media::PNG).on(upload).send().await;
            Sample::at(path.replace("{id}", NUMBER).replace("{media_id}", &upload.text("id")))
        }
        path if path.starts_with("/v1/accounts") => of_accounts(world, route).await,
        path if path.starts_with("/v1/messages") => Sample::at(path.replace("{id}", &seeds.wamid(1, "hello"))),
        path if path.starts_with("/v1/contacts") => Sample::at(path.replace("{id}", &ContactId(id).to_string())),
        path => Sample::at(path.replace("{id}", &id.to_string())),
    };
    if route.is_mutating() { sample.json(json!({ "pinned": true })) } else { sample }
}

/// Somebody has written to acme's default number, and is answered.
async fn of_send(world: &World, route: &Route) -> Sample {
    connect(world).await;
    let default = call(world, "acme", "PATCH", &format!("/v1/accounts/{NUMBER}")).json(&json!({ "default": true }));
    assert_eq!(default.send().await.status, 200);
    send::written_by(world, CUSTOMER).await;
    let answer = send::text(CUSTOMER, "Until eight.");
    let in_conversation = || async {
        let found = call(world, "acme", "GET", &format!("/v1/conversations?phone={CUSTOMER}")).send().await;
        Sample::at(route.path.replace("{id}", found.body["data"][0]["id"].as_str().unwrap()))
    };
    let contact = || async {
        let found = call(world, "acme", "GET", &format!("/v1/conversations?phone={CUSTOMER}")).send().await;
        route.path.replace("{id}", found.body["data"][0]["contact"]["id"].as_str().unwrap())
    };
    match route.key().as_str() {
        "POST /v1/messages" => Sample::at(route.path).json(answer),
        "POST /v1/accounts/{id}/messages" => Sample::at(route.path.replace("{id}", NUMBER)).json(answer),
        "POST /v1/accounts/{id}/messages/batch" => {
            let batch = json!({ "message": { "text": answer["text"] }, "recipients": [{ "to": answer["to"] }] });
            Sample::at(route.path.replace("{id}", NUMBER)).json(batch)
        }
        "POST /v1/accounts/{id}/media" => Sample::at(route.path.replace("{id}", NUMBER)).file(media::PNG),
        "POST /v1/conversations/{id}/messages" => in_conversation().await.json(json!({ "text": answer["text"] })),
        "POST /v1/contacts/{id}/block" => Sample::at(contact().await),
        "DELETE /v1/contacts/{id}/block" => {
            let path = contact().await;
            assert_eq!(call(world, "acme", "POST", &path).send().await.status, 200);
            Sample::at(path)
        }
        "POST /v1/conversations/{id}/read" => in_conversation().await,
        "DELETE /v1/messages/{id}" => {
            let accepted = call(world, "acme", "POST", "/v1/messages").json(&answer).send().await;
            Sample::at(route.path.replace("{id}", &accepted.text("id")))
        }
        _ => none(route),
    }
}

async fn of_browsers(world: &World, route: &Route) -> Sample {
    let here = |url: &str| url.strip_prefix(world.url()).unwrap_or(url).to_owned();
    let begun = begin(world, "acme", json!({ "method": "login" })).await;
    let start = here(start_url(&begun));
    let mut browser = Browser::default();
    match route.key().as_str() {
        "GET /oauth/start/{ticket}" => Sample::at(start),
        "GET /oauth/callback" => {
            let callback = visit(world, &mut browser, &start).await;
            Sample { browser, ..Sample::at(here(&callback)) }
        }
        "GET /oauth/connections/{id}" => {
            let callback = visit(world, &mut browser, &start).await;
            let page = browser.open(world.call("GET", &callback)).await;
            let page = here(page.header("location").unwrap());
            Sample { browser, ..Sample::at(page) }
        }
        "POST /oauth/connections/{id}" => {
            let callback = visit(world, &mut browser, &start).await;
            let back = browser.open(world.call("GET", &callback)).await;
            let page = here(back.header("location").unwrap());
            let shown = browser.open(world.call("GET", &page)).await;
            let html = shown.body.as_str().unwrap();
            let token = html.split("name=\"form\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
            let form = format!("form={token}&action=connect&phone_number_id={CHOSEN}");
            Sample { browser, ..Sample::at(page).form(form) }
        }
        "POST /oauth/deauthorize" | "POST /oauth/data-deletion" => {
            Sample::at(route.path).form(format!("signed_request={}", signed(world).await))
        }
        "GET /oauth/data-deletion/{code}" => {
            let form = format!("signed_request={}", signed(world).await);
            let call = world.call("POST", "/oauth/data-deletion").body("application/x-www-form-urlencoded", form);
            Sample::at(here(&call.send().await.text("url")))
        }
        _ => none(route),
    }
}

/// A person allows access; the address that Meta sends their browser to.
async fn visit(world: &World, browser: &mut Browser, start: &str) -> String {
    let opened = browser.open(world.call("GET", start)).await;
    world.meta.consent(opened.header("location").unwrap(), Consent::To(&[TWO])).await
}

/// What Meta signs for somebody whom nobody here knows.
async fn signed(world: &World) -> String {
    let state = world.meta.state().await;
    let secret = state["app"]["secret"].as_str().unwrap().to_owned();
    let issued_at = world.clock.now().as_second();
    let payload = json!({ "algorithm": "HMAC-SHA256", "issued_at": issued_at, "user_id": "1" }).to_string();
    let payload = BASE64_URL_SAFE_NO_PAD.encode(payload);
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(payload.as_bytes());
    format!("{}.{payload}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}
