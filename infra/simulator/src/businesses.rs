//! Business portfolios: what Graph shows of them, and the WABAs they own or were given access to.

use jiff::Timestamp;
use serde_json::json;

use crate::graph::{Call, GraphError, Node, Outcome};
use crate::meta::Meta;
use crate::wabas;
use crate::world::{Business, Token, TokenKind};

pub(crate) fn show(meta: &Meta, call: &Call, id: &str) -> Outcome {
    let node = meta.read(|world| world.businesses.get(id).map(node));
    node.ok_or_else(|| GraphError::no_such_object(&call.method, id))?.answer(call)
}

pub(crate) fn node(business: &Business) -> Node {
    Node::new(
        "Business",
        &["id", "name"],
        json!({
            "id": business.id,
            "name": business.name,
            "verification_status": business.verification_status,
            "timezone_id": 1,
            "created_time": Timestamp::from_second(business.created_at).unwrap_or_default().to_string(),
            "business_status": "ACTIVE",
            "link": format!("https://business.facebook.com/{}", business.id),
        }),
    )
}

/// `GET /{business}/owned_whatsapp_business_accounts`: those the token reaches.
pub(crate) fn owned_wabas(meta: &Meta, call: &Call, caller: &Token, id: &str) -> Outcome {
    wabas::list(meta, call, |_, waba| waba.business_id == id && caller.reaches_waba(&waba.id))
}

/// `GET /{business}/client_whatsapp_business_accounts`: others' WABAs that let the app's business in.
pub(crate) fn client_wabas(meta: &Meta, call: &Call, id: &str) -> Outcome {
    wabas::list(meta, call, |world, waba| {
        let is_shared = || {
            world.tokens.values().any(|token| {
                token.grant.kind == TokenKind::Business && token.is_valid(call.now) && token.reaches_waba(&waba.id)
            })
        };
        id == world.app.business_id && waba.business_id != id && is_shared()
    })
}
