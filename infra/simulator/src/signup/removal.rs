//! How access ends: one token, a person's permissions, or the whole app out of a business, and who is told.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::exchange::authenticate;
use crate::graph::{Answer, Call, GraphError, Outcome, encode};
use crate::meta::{Meta, NotWritten};
use crate::outgoing::Reply;
use crate::signature;
use crate::webhooks::{self, Event};
use crate::world::{Grant, World};

/// What calls with a token of an app that was removed get.
const APP_REMOVED: i64 = 458;

/// Which access ends: one token, or everything that reaches a WABA.
#[derive(Debug, Clone)]
pub(crate) enum Removal {
    Token(String),
    WabaId(String),
}

/// How the app hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    Nothing,
    Deauthorize,
    PartnerRemoved,
}

/// `GET /oauth/revoke`.
pub(crate) fn revoke(meta: &Meta, call: &Call) -> Outcome {
    meta.change(|world| {
        authenticate(world, call)?;
        let text = call.params.required("revoke_token")?;
        let token = world.tokens.get_mut(&text);
        token.ok_or_else(|| GraphError::invalid("Invalid revoke_token"))?.revoked = Some(APP_REMOVED);
        Ok(Answer::success())
    })
}

/// `DELETE /{user}/permissions`.
pub(crate) fn remove_permissions(meta: &Meta, user: &str) -> Outcome {
    meta.change(|world| {
        let tokens = tokens_where(world, |grant| grant.user_id == user);
        end(world, &tokens, APP_REMOVED);
        withdraw(world, |grant| grant.user_id == user);
        Ok(Answer::success())
    })
}

/// Ends access and tells the app as asked; what the app answered.
pub(crate) async fn remove(
    meta: &Meta,
    removal: &Removal,
    subcode: Option<i64>,
    notice: Notice,
) -> Result<Option<Vec<Value>>, NotWritten> {
    let now = meta.clock.now();
    let subcode = subcode.unwrap_or(APP_REMOVED);
    let ended = meta.change(|world| {
        let tokens = match removal {
            Removal::Token(text) => world.tokens.get(text).map(|token| token.secret.clone()).into_iter().collect(),
            Removal::WabaId(waba) => tokens_where(world, |grant| grant.wabas.contains(waba)),
        };
        if tokens.is_empty() && !matches!(removal, Removal::WabaId(waba) if world.wabas.contains(waba)) {
            return Ok(None);
        }
        let mut users: Vec<String> =
            tokens.iter().filter_map(|token| Some(world.tokens.get(token)?.grant.user_id.clone())).collect();
        users.dedup();
        end(world, &tokens, subcode);
        withdraw(world, |grant| match removal {
            Removal::WabaId(waba) => grant.wabas.contains(waba),
            Removal::Token(_) => users.contains(&grant.user_id),
        });
        if notice == Notice::PartnerRemoved {
            partner_removed(world, removal, &tokens, now.as_millisecond());
        }
        Ok::<_, NotWritten>(Some(users))
    })?;
    let Some(users) = ended else { return Ok(None) };
    let mut told = Vec::new();
    if notice == Notice::Deauthorize
        && let Some(url) = meta.read(|world| world.app.deauthorize_url.clone())
    {
        for user in users {
            let reply = post_signed(meta, &url, &user).await;
            told.push(json!({"url": url, "user_id": user, "status": reply.code(), "ms": reply.millis()}));
        }
    }
    Ok(Some(told))
}

/// Asks the app to delete what it has of a person; its answer.
pub(crate) async fn ask_deletion(meta: &Meta, url: &str, user: &str) -> Value {
    let reply = post_signed(meta, url, user).await;
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
    json!({"status": reply.code(), "ms": reply.millis(), "answer": answer})
}

fn tokens_where(world: &World, is_meant: impl Fn(&Grant) -> bool) -> Vec<String> {
    world.tokens.values().filter(|token| is_meant(&token.grant)).map(|token| token.secret.clone()).collect()
}

fn end(world: &mut World, tokens: &[String], subcode: i64) {
    for text in tokens {
        if let Some(token) = world.tokens.get_mut(text) {
            token.revoked = Some(subcode);
        }
    }
}

/// What was consented to before counts no more.
fn withdraw(world: &mut World, is_meant: impl Fn(&Grant) -> bool) {
    for key in world.codes.keys() {
        if world.codes.get(&key).is_some_and(|code| is_meant(&code.grant))
            && let Some(code) = world.codes.get_mut(&key)
        {
            code.withdrawn = true;
        }
    }
}

/// The partner loses the WABAs: it is told once for each, and hears nothing of them any more.
fn partner_removed(world: &mut World, removal: &Removal, tokens: &[String], now_ms: i64) {
    let mut wabas: Vec<String> = match removal {
        Removal::WabaId(waba) => vec![waba.clone()],
        Removal::Token(_) => tokens
            .iter()
            .filter_map(|token| world.tokens.get(token))
            .flat_map(|token| token.grant.wabas.clone())
            .collect(),
    };
    wabas.dedup();
    let partner = world.app.business_id.clone();
    for id in wabas {
        let Some(waba) = world.wabas.get_mut(&id) else { continue };
        waba.subscription = None;
        let info = json!({"waba_id": id, "owner_business_id": waba.business_id});
        let value = json!({"event": "PARTNER_REMOVED", "waba_info": info});
        webhooks::tell(world, now_ms, Event::of_waba(&partner, "account_update", value));
    }
}

async fn post_signed(meta: &Meta, url: &str, user: &str) -> Reply {
    let secret = meta.read(|world| world.app.secret.clone());
    let request = signed_request(&secret, user, meta.now());
    let body = format!("signed_request={}", encode(&request));
    meta.outgoing.post(url, &[("content-type", "application/x-www-form-urlencoded")], body.into()).await
}

/// `signature.payload`, both base64url; the signature is over the encoded payload.
fn signed_request(secret: &str, user: &str, now: i64) -> String {
    let payload = json!({"algorithm": "HMAC-SHA256", "expires": now + 3600, "issued_at": now, "user_id": user});
    let payload = BASE64_URL_SAFE_NO_PAD.encode(payload.to_string());
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signature::hmac(secret, payload.as_bytes()));
    format!("{signature}.{payload}")
}

impl Notice {
    /// What `notify: true` means: a WABA is taken from the partner, a token's owner removes the app.
    pub(crate) fn natural(removal: &Removal) -> Self {
        match removal {
            Removal::WabaId(_) => Self::PartnerRemoved,
            Removal::Token(_) => Self::Deauthorize,
        }
    }
}
