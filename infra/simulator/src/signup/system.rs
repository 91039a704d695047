//! `POST /{business}/system_user_access_tokens`: tokens without a person.

use super::exchange::given;
use super::{DAY, LONG, issue};
use crate::graph::{Call, GraphError, Outcome};
use crate::meta::Meta;
use crate::world::{Grant, Token, TokenKind, World};

pub(crate) fn system_user_access_token(meta: &Meta, call: &Call, caller: &Token, business: &str) -> Outcome {
    if caller.grant.kind != TokenKind::System {
        return Err(GraphError::of(200).details("Only a system user may ask for system user tokens."));
    }
    if call.params.text("appsecret_proof").is_none() {
        let message = "API calls from the server require an appsecret_proof argument";
        return Err(GraphError::new(100, message).of_method());
    }
    meta.change(|world| {
        let token = if call.params.flag("fetch_only") {
            fetch(world, caller, business, call.now)?
        } else {
            another(world, call, caller, business)?
        };
        Ok(given(&token, call.now))
    })
}

/// The client's business token again; made now if its code was never exchanged.
fn fetch(world: &mut World, caller: &Token, business: &str, now: i64) -> Result<Token, GraphError> {
    if caller.grant.business_id != world.app.business_id {
        return Err(GraphError::of(200).details("Only the app's own business may fetch its clients' tokens."));
    }
    let is_theirs = |grant: &Grant| grant.kind == TokenKind::Business && grant.business_id == business;
    if let Some(token) = world.tokens.values().rev().find(|token| is_theirs(&token.grant) && token.is_valid(now)) {
        return Ok(token.clone());
    }
    let code = world.codes.values().rev().find(|code| is_theirs(&code.grant) && !code.withdrawn);
    let grant = code.map(|code| code.grant.clone());
    let grant = grant.ok_or_else(|| GraphError::invalid("This business has not installed the app."))?;
    let lifetime = world.app.business_token_days.map(|days| days * DAY);
    Ok(issue(world, grant, now, lifetime))
}

/// One more system token of the caller's own business.
fn another(world: &mut World, call: &Call, caller: &Token, business: &str) -> Result<Token, GraphError> {
    if caller.grant.business_id != business {
        return Err(GraphError::of(200).details("A system user makes tokens for its own business only."));
    }
    let mut grant = caller.grant.clone();
    if let Some(scope) = call.params.text("scope") {
        grant.scopes = scope.split(',').map(|scope| scope.trim().to_owned()).collect();
        if let Some(unknown) = grant.scopes.iter().find(|scope| !world.app.scopes.contains(scope)) {
            return Err(GraphError::invalid(format!("The app does not have the permission {unknown}.")));
        }
    }
    let lifetime = call.params.flag("set_token_expires_in_60_days").then_some(LONG);
    Ok(issue(world, grant, call.now, lifetime))
}
