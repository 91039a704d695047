//! `/debug_token`: what a token is, to whom it belongs, what it may.

use serde_json::{Value, json};

use super::DAY;
use crate::graph::{Answer, Call, GraphError, Outcome, app_token, caller};
use crate::meta::Meta;
use crate::signature;
use crate::world::{Token, TokenKind, World};

pub(crate) fn debug_token(meta: &Meta, call: &Call) -> Outcome {
    meta.read(|world| {
        let asking = caller(world, call)?;
        if !matches!(asking.grant.kind, TokenKind::App | TokenKind::System) {
            let message = "(#100) You must provide an app access token, or a user access token that is an owner or \
                           developer of the app";
            return Err(GraphError::new(100, message));
        }
        let input = call.params.required("input_token")?;
        let data = match find(world, &input) {
            Some(token) => described(world, &token, call.now),
            None => unknown(),
        };
        Ok(Answer::json(json!({"data": data})))
    })
}

fn find(world: &World, input: &str) -> Option<Token> {
    let own = app_token(world);
    if signature::equal(&own.secret, input) { Some(own) } else { world.tokens.get(input).cloned() }
}

fn unknown() -> Value {
    let message = "Invalid OAuth access token - Cannot parse access token";
    json!({"error": {"code": 190, "message": message}, "is_valid": false, "scopes": []})
}

fn described(world: &World, token: &Token, now: i64) -> Value {
    let kind = match token.grant.kind {
        TokenKind::App => "APP",
        TokenKind::User | TokenKind::LongLived => "USER",
        TokenKind::Business | TokenKind::System => "SYSTEM_USER",
    };
    let is_person = matches!(token.grant.kind, TokenKind::User | TokenKind::LongLived);
    let mut scopes = token.grant.scopes.clone();
    if token.grant.kind != TokenKind::App {
        scopes.push("public_profile".to_owned());
    }
    let mut data = json!({
        "app_id": world.app.id,
        "type": kind,
        "application": world.app.name,
        "data_access_expires_at": if is_person { token.issued_at + 90 * DAY } else { 0 },
        "expires_at": token.expires_at,
        "is_valid": token.is_valid(now),
        "issued_at": token.issued_at,
        "scopes": scopes,
    });
    if token.grant.kind != TokenKind::App {
        data["user_id"] = token.grant.user_id.clone().into();
        data["granular_scopes"] = granular(world, token);
    }
    if let Some(error) = error(token, now) {
        data["error"] = error;
    }
    data
}

/// Over what each permission was given: WABAs, newest first; a permission over businesses names their owners.
fn granular(world: &World, token: &Token) -> Value {
    let owners = world
        .businesses
        .values()
        .filter(|business| world.wabas_of(&business.id).any(|waba| token.reaches_waba(&waba.id)));
    let owners: Vec<&str> = owners.map(|business| business.id.as_str()).collect();
    let scopes = token.grant.scopes.iter().map(|scope| match scope.as_str() {
        "business_management" => json!({"scope": scope, "target_ids": owners}),
        _ => json!({"scope": scope, "target_ids": token.grant.wabas}),
    });
    scopes.collect()
}

fn error(token: &Token, now: i64) -> Option<Value> {
    let subcode = token.revoked.or_else(|| token.is_expired(now).then_some(463))?;
    let message = if subcode == 463 { "Session has expired." } else { "The session is no longer valid." };
    Some(json!({"code": 190, "message": format!("Error validating access token: {message}"), "subcode": subcode}))
}
