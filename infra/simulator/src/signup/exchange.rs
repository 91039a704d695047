//! `/oauth/access_token`: codes and short tokens become tokens.

use serde_json::json;

use super::{DAY, LONG, SHORT, issue};
use crate::graph::{Answer, Call, GraphError, Outcome};
use crate::meta::Meta;
use crate::signature;
use crate::world::{Token, TokenKind, World};

/// A code's life in seconds.
const CODE_LIFE: i64 = 30;

pub(crate) fn access_token(meta: &Meta, call: &Call) -> Outcome {
    let grant_type = call.params.text("grant_type").unwrap_or_default();
    meta.change(|world| {
        authenticate(world, call)?;
        match grant_type.as_str() {
            "client_credentials" => Ok(given(&crate::graph::app_token(world), call.now)),
            "fb_exchange_token" => exchange_token(world, call),
            "" | "authorization_code" => exchange_code(world, call),
            other => Err(GraphError::new(1, format!("Unsupported grant_type: {other}"))),
        }
    })
}

/// The app, by its id and secret.
pub(super) fn authenticate(world: &World, call: &Call) -> Result<(), GraphError> {
    let id = call.params.text("client_id").ok_or_else(|| GraphError::new(101, "Missing client_id parameter."))?;
    if id != world.app.id {
        let message = "Error validating application. Cannot get application info due to a system error.";
        return Err(GraphError::new(101, message));
    }
    let secret = call.params.text("client_secret");
    let secret = secret.ok_or_else(|| GraphError::new(1, "Missing client_secret parameter."))?;
    if signature::equal(&secret, &world.app.secret) {
        Ok(())
    } else {
        Err(GraphError::new(1, "Error validating client secret."))
    }
}

fn exchange_code(world: &mut World, call: &Call) -> Outcome {
    let text = call.params.text("code").filter(|code| !code.is_empty());
    let text = text.ok_or_else(|| GraphError::new(1, "Missing authorization code"))?;
    let redirect_uri = call.params.text("redirect_uri").filter(|uri| !uri.is_empty());
    let business_life = world.app.business_token_days.map(|days| days * DAY);

    let code = world.codes.get_mut(&text);
    let code = code.ok_or_else(|| GraphError::new(100, "Invalid verification code format."))?;
    if code.withdrawn {
        return Err(GraphError::token(
            Some(458),
            "Error validating access token: The user has not authorized the application.",
        ));
    }
    if code.used {
        return Err(GraphError::new(100, "This authorization code has been used.").subcode(36009));
    }
    if call.now - code.issued_at > CODE_LIFE {
        return Err(GraphError::new(100, "This authorization code has expired.").subcode(36007));
    }
    if code.redirect_uri != redirect_uri {
        let message = "Error validating verification code. Please make sure your redirect_uri is identical to the one \
                       you used in the OAuth dialog request";
        return Err(GraphError::new(100, message).subcode(36008));
    }
    code.used = true;
    let grant = code.grant.clone();
    let lifetime = if grant.kind == TokenKind::User { Some(SHORT) } else { business_life };
    Ok(given(&issue(world, grant, call.now, lifetime), call.now))
}

/// A user token becomes a long one; a 60-day token of a business gets another 60 days.
fn exchange_token(world: &mut World, call: &Call) -> Outcome {
    let text = call.params.required("fb_exchange_token")?;
    let token = world.tokens.get(&text).cloned();
    let token =
        token.ok_or_else(|| GraphError::token(None, "Invalid OAuth access token - Cannot parse access token"))?;
    if let Some(subcode) = token.revoked {
        return Err(GraphError::token(Some(subcode), "Error validating access token."));
    }
    if token.is_expired(call.now) {
        return Err(GraphError::token(Some(463), "Error validating access token: Session has expired."));
    }
    let lifetime = (token.expires_at != 0).then_some(LONG);
    let mut grant = token.grant;
    if grant.kind == TokenKind::User {
        grant.kind = TokenKind::LongLived;
    }
    Ok(given(&issue(world, grant, call.now, lifetime), call.now))
}

pub(super) fn given(token: &Token, now: i64) -> Answer {
    let mut answer = json!({"access_token": token.secret, "token_type": "bearer"});
    if token.expires_at != 0 {
        answer["expires_in"] = (token.expires_at - now).into();
    }
    Answer::json(answer)
}
