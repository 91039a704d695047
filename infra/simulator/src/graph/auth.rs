//! Who calls: the token, its proof, what it may and what it reaches.

use super::{Call, GraphError};
use crate::signature;
use crate::world::{Grant, Token, TokenKind, World};

/// The permissions edges ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    Management,
    Messaging,
    Business,
}

impl Scope {
    fn name(self) -> &'static str {
        match self {
            Self::Management => "whatsapp_business_management",
            Self::Messaging => "whatsapp_business_messaging",
            Self::Business => "business_management",
        }
    }
}

/// The token a call is made with: known, alive, and proved where the app demands it.
pub(crate) fn caller(world: &World, call: &Call) -> Result<Token, GraphError> {
    let token = bearer(world, call)?;
    prove(world, call, &token)?;
    Ok(token)
}

/// As [`caller`], where no proof is asked for: attachments.
pub(crate) fn bearer(world: &World, call: &Call) -> Result<Token, GraphError> {
    let text =
        call.token().ok_or_else(|| GraphError::new(104, "An access token is required to request this resource."))?;
    let token = find(world, &text)?;
    if let Some(subcode) = token.revoked {
        return Err(GraphError::token(Some(subcode), revoked(subcode, &world.app.id)));
    }
    if token.is_expired(call.now) {
        return Err(GraphError::token(Some(463), "Error validating access token: Session has expired."));
    }
    Ok(token)
}

fn find(world: &World, text: &str) -> Result<Token, GraphError> {
    if let Some((id, secret)) = text.split_once('|') {
        return if id == world.app.id && signature::equal(secret, &world.app.secret) {
            Ok(app_token(world))
        } else {
            Err(GraphError::token(None, "Invalid OAuth access token signature."))
        };
    }
    let cannot_parse = || GraphError::token(None, "Invalid OAuth access token - Cannot parse access token");
    world.tokens.get(text).cloned().ok_or_else(cannot_parse)
}

/// `app id|app secret`: speaks for the app alone.
pub(crate) fn app_token(world: &World) -> Token {
    Token {
        secret: format!("{}|{}", world.app.id, world.app.secret),
        grant: Grant {
            kind: TokenKind::App,
            user_id: String::new(),
            business_id: world.app.business_id.clone(),
            wabas: Vec::new(),
            scopes: Vec::new(),
        },
        issued_at: 0,
        expires_at: 0,
        revoked: None,
    }
}

/// "Require App Secret": who has only the token cannot use it. An app token contains the secret and proves itself.
fn prove(world: &World, call: &Call, token: &Token) -> Result<(), GraphError> {
    let Some(proof) = call.params.text("appsecret_proof") else {
        let needed = world.app.require_proof && token.grant.kind != TokenKind::App;
        let refusal = GraphError::new(100, "API calls from the server require an appsecret_proof argument").of_method();
        return if needed { Err(refusal) } else { Ok(()) };
    };
    let invalid = GraphError::new(100, "Invalid appsecret_proof provided in the API argument").of_method();
    let message = match call.params.number("appsecret_time") {
        Some(time) if (call.now - time).abs() > 300 => return Err(invalid),
        Some(time) => format!("{}|{time}", token.secret),
        None => token.secret.clone(),
    };
    let expected = signature::hmac_hex(&world.app.secret, message.as_bytes());
    if signature::equal(&proof, &expected) { Ok(()) } else { Err(invalid) }
}

pub(crate) fn require(token: &Token, scope: Scope) -> Result<(), GraphError> {
    if token.has_scope(scope.name()) {
        return Ok(());
    }
    Err(GraphError::new(200, format!("(#200) Requires {} permission to manage the object", scope.name())))
}

fn revoked(subcode: i64, app: &str) -> String {
    match subcode {
        458 => format!("Error validating access token: The user has not authorized application {app}."),
        459 => {
            "Error validating access token: You cannot access the app till you log in to www.facebook.com and follow \
                the instructions given."
                .to_owned()
        }
        460 => {
            "Error validating access token: The session has been invalidated because the user changed their password \
                or Facebook has changed the session for security reasons."
                .to_owned()
        }
        463 => "Error validating access token: Session has expired.".to_owned(),
        464 => {
            "Error validating access token: Sessions for the user are not allowed because the user is not a confirmed \
                user."
                .to_owned()
        }
        467 => "Error validating access token: This is an invalid session, the user logged out.".to_owned(),
        _ => "Error validating access token.".to_owned(),
    }
}
