//! How a business lets the app in: consent, codes, tokens, and how it throws it out again.

mod debug;
mod dialog;
mod embedded;
mod exchange;
mod page;
mod removal;
mod system;
mod visitor;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

pub(crate) use debug::debug_token;
pub(crate) use embedded::{Finish, finish};
pub(crate) use exchange::access_token;
pub(crate) use removal::{Notice, Removal, ask_deletion, remove, remove_permissions, revoke};
pub(crate) use system::system_user_access_token;
pub(crate) use visitor::{assigned_wabas, businesses, me, permissions};

use crate::chance;
use crate::meta::Meta;
use crate::world::{Code, Grant, Token, TokenKind, Waba, World};

/// What a consent grants: all of it or nothing.
pub(crate) const SCOPES: [&str; 3] =
    ["whatsapp_business_management", "whatsapp_business_messaging", "business_management"];

const DAY: i64 = 24 * 3600;
/// How long a user token lives before and after it is exchanged for a long one.
const SHORT: i64 = 5400;
const LONG: i64 = 60 * DAY;

pub(crate) fn router() -> Router<Arc<Meta>> {
    Router::new()
        .route("/dialog/oauth", get(dialog::show))
        .route("/{version}/dialog/oauth", get(dialog::show))
        .route("/sdk.js", get(embedded::sdk))
        .route("/en_US/sdk.js", get(embedded::sdk))
}

/// What the owner of these WABAs (newest first) grants; a business token belongs to the first one's business.
fn grant(world: &World, kind: TokenKind, wabas: &[&Waba]) -> Option<Grant> {
    let business = world.businesses.get(&wabas.first()?.business_id)?;
    let user_id = match kind {
        TokenKind::Business => &business.integration_user_id,
        TokenKind::System => &business.system_user_id,
        TokenKind::User | TokenKind::LongLived | TokenKind::App => &business.admin_id,
    };
    Some(Grant {
        kind,
        user_id: user_id.clone(),
        business_id: business.id.clone(),
        wabas: wabas.iter().map(|waba| waba.id.clone()).collect(),
        scopes: world.app.scopes.clone(),
    })
}

/// The owner said yes: a code to come back with. Numbers on the Business App may be synchronised anew from now on.
fn consent(world: &mut World, grant: Grant, redirect_uri: Option<String>, now: i64) -> String {
    let numbers: Vec<String> =
        grant.wabas.iter().flat_map(|waba| world.numbers_of(waba).map(|number| number.id.clone())).collect();
    for id in numbers {
        if let Some(number) = world.numbers.get_mut(&id)
            && number.is_on_biz_app
        {
            number.onboard(now);
        }
    }
    let code = format!("AQ{}", chance::letters(120));
    world.codes.put(code.clone(), Code { grant, redirect_uri, issued_at: now, used: false, withdrawn: false });
    code
}

fn issue(world: &mut World, grant: Grant, now: i64, lifetime: Option<i64>) -> Token {
    let expires_at = lifetime.map_or(0, |seconds| now + seconds);
    let token = Token { secret: chance::token(), grant, issued_at: now, expires_at, revoked: None };
    world.tokens.put(token.secret.clone(), token.clone());
    token
}
