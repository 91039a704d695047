//! The log of every call to Graph, with secrets replaced by labels: the same secret has the same label everywhere.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::faults::Met;
use crate::graph::{Answer, AnswerBody, Call};
use crate::meta::{Meta, NotWritten};
use crate::signature::short_hash;
use crate::world::World;

/// Older calls are forgotten.
const KEPT: usize = 20_000;

/// Request parameters whose values are nobody's business.
const SECRETS: [&str; 11] = [
    "access_token",
    "appsecret_proof",
    "client_secret",
    "code",
    "fb_exchange_token",
    "input_token",
    "pin",
    "revoke_token",
    "set_token",
    "signed_request",
    "verify_token",
];

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub at: Timestamp,
    pub method: String,
    pub path: String,
    /// The path's shape: the same for every version, number and account.
    #[serde(default)]
    pub route: String,
    /// By whose address it came, where the host gives each caller its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    pub query: Value,
    /// The caller's token, as a label.
    pub token: Option<String>,
    pub body: Value,
    /// `null`: the connection was broken before anything happened.
    pub status: Option<u16>,
    pub answer: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Value>,
}

pub(crate) fn log(meta: &Meta, call: &Call, answer: &Answer, fault: &Met) {
    let happened = !(fault.prevents_the_effect() && fault.breaks_the_connection());
    let logged = meta.change(|world| {
        let record = Record {
            at: call.at,
            method: call.method.to_string(),
            path: call.path.clone(),
            route: call.route.clone(),
            caller: call.caller.as_ref().and_then(|caller| caller.door.as_deref()).map(str::to_owned),
            query: masked_parameters(world, &call.params.query),
            token: call.token().map(|token| label(world, &token)),
            body: body(world, call),
            status: happened.then(|| answer.status.as_u16()),
            answer: if happened { shown(world, answer) } else { Value::Null },
            fault: fault.described(),
        };
        let key = format!("call-{}", world.next());
        world.calls.put(key, record);
        if world.calls.len() > KEPT {
            world.calls.remove_oldest();
        }
        Ok::<_, NotWritten>(())
    });
    // The call has had its effect; a log that cannot be written must not undo the answer.
    drop(logged);
}

/// A name for a secret: what kind of token it is, and enough to tell it from others.
pub(crate) fn label(world: &World, secret: &str) -> String {
    let kind = match world.tokens.get(secret) {
        Some(token) => token.grant.kind.name(),
        None if secret == format!("{}|{}", world.app.id, world.app.secret) => "app",
        None => "secret",
    };
    format!("{kind}:{}", short_hash(secret))
}

fn body(world: &World, call: &Call) -> Value {
    let mut body = masked_parameters(world, &call.params.body);
    let files = call.files.iter().map(|file| {
        json!({"field": file.field, "name": file.name, "content_type": file.content_type, "length": file.bytes.len()})
    });
    let files: Vec<Value> = files.collect();
    if !files.is_empty() {
        body["files"] = files.into();
    } else if call.params.body.is_empty() && !call.raw.is_empty() {
        body = json!({"bytes": call.raw.len()});
    }
    body
}

fn shown(world: &World, answer: &Answer) -> Value {
    match &answer.body {
        AnswerBody::Bytes(bytes) => json!({"bytes": bytes.len()}),
        AnswerBody::Json(body) => {
            let mut shown = without_tokens(world, body);
            if let Some(token) = body["access_token"].as_str() {
                shown["access_token"] = label(world, token).into();
            }
            shown
        }
    }
}

fn masked_parameters(world: &World, parameters: &Map<String, Value>) -> Value {
    let masked = parameters.iter().map(|(name, value)| {
        let value = match value {
            Value::String(secret) if SECRETS.contains(&name.as_str()) => label(world, secret).into(),
            Value::Number(secret) if SECRETS.contains(&name.as_str()) => label(world, &secret.to_string()).into(),
            value => without_tokens(world, value),
        };
        (name.clone(), value)
    });
    Value::Object(masked.collect())
}

/// Wherever a token hides in a text: in a link, an object, a list.
fn without_tokens(world: &World, value: &Value) -> Value {
    match value {
        Value::String(text) => mask_text(world, text).into(),
        Value::Array(items) => items.iter().map(|item| without_tokens(world, item)).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(name, value)| (name.clone(), without_tokens(world, value))).collect())
        }
        other => other.clone(),
    }
}

fn mask_text(world: &World, text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find("EAA") {
        let (before, from) = rest.split_at(begin);
        let length = from.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(from.len());
        let (found, after) = from.split_at(length);
        masked.push_str(before);
        if world.tokens.contains(found) {
            masked.push_str(&label(world, found));
        } else {
            masked.push_str(found);
        }
        rest = after;
    }
    masked.push_str(rest);
    masked
}
