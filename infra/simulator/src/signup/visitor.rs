//! `/me` and what hangs on it: the person or system user behind a token.

use serde_json::{Value, json};

use crate::graph::{Answer, Call, Node, Outcome, page_of};
use crate::meta::Meta;
use crate::world::{Token, World};
use crate::{businesses as portfolios, wabas};

const ASSIGNED: &[&str] = &["id", "name", "status", "business_id"];

pub(crate) fn me(meta: &Meta, call: &Call, caller: &Token) -> Outcome {
    let id = &caller.grant.user_id;
    let name = meta.read(|world| {
        let business = world.businesses.get(&caller.grant.business_id)?;
        let is_person = business.admin_id == *id;
        Some(if is_person { business.admin_name.clone() } else { format!("{} system user", business.name) })
    });
    Node::new("User", &["name", "id"], json!({"id": id, "name": name})).answer(call)
}

pub(crate) fn permissions(caller: &Token) -> Answer {
    let granted = caller.grant.scopes.iter().map(|scope| json!({"permission": scope, "status": "granted"}));
    Answer::json(json!({"data": granted.collect::<Vec<Value>>()}))
}

/// `GET /me/businesses`: those whose WABAs the token reaches.
pub(crate) fn businesses(meta: &Meta, call: &Call, caller: &Token) -> Outcome {
    let nodes = meta.read(|world| {
        let reached = world.businesses.values().filter(|business| is_reached(world, caller, &business.id));
        reached.map(|business| (business.id.clone(), portfolios::node(business))).collect::<Vec<_>>()
    });
    page_of(call, nodes)
}

/// `GET /{user}/assigned_whatsapp_business_accounts`.
pub(crate) fn assigned_wabas(meta: &Meta, call: &Call, caller: &Token) -> Outcome {
    let nodes = wabas::nodes(meta, |_, waba| caller.reaches_waba(&waba.id));
    page_of(call, nodes.into_iter().map(|(id, node)| (id, Node { defaults: ASSIGNED, ..node })).collect())
}

fn is_reached(world: &World, caller: &Token, business: &str) -> bool {
    caller.grant.business_id == business || world.wabas_of(business).any(|waba| caller.reaches_waba(&waba.id))
}
