//! The app as a node: its webhook subscription and the businesses that let it in.

use serde_json::{Value, json};

use crate::businesses;
use crate::graph::{Answer, Call, GraphError, Node, Outcome, page_of};
use crate::meta::Meta;
use crate::webhooks;
use crate::world::{Token, TokenKind, World};

const OBJECT: &str = "whatsapp_business_account";

pub(crate) fn show(meta: &Meta, call: &Call) -> Outcome {
    let fields = meta.read(|world| json!({"id": world.app.id, "name": world.app.name, "link": link(world)}));
    Node::new("Application", &["link", "name", "id"], fields).answer(call)
}

pub(crate) fn link(world: &World) -> String {
    format!("https://www.facebook.com/games/?app_id={}", world.app.id)
}

/// Subscriptions are the app's own business: only its app token may touch them.
fn require_app_token(caller: &Token) -> Result<(), GraphError> {
    if caller.grant.kind == TokenKind::App {
        return Ok(());
    }
    Err(GraphError::new(15, "(#15) This method must be called with an app access_token."))
}

/// `GET /{app}/subscriptions`.
pub(crate) fn subscriptions(meta: &Meta, call: &Call, caller: &Token) -> Outcome {
    require_app_token(caller)?;
    let data = meta.read(|world| {
        let app = &world.app;
        if app.callback_url.is_empty() {
            return json!([]);
        }
        let names = app.fields.clone().unwrap_or_else(|| webhooks::fields().map(str::to_owned).collect());
        let version = call.version.name();
        let fields: Vec<Value> = names.iter().map(|name| json!({"name": name, "version": version})).collect();
        json!([{"object": OBJECT, "callback_url": app.callback_url, "active": true, "fields": fields}])
    });
    Ok(Answer::json(json!({"data": data})))
}

/// `POST /{app}/subscriptions`: the app's one callback, after it has shown that it is ours to call.
pub(crate) async fn subscribe(meta: &Meta, call: &Call, caller: &Token) -> Outcome {
    require_app_token(caller)?;
    if call.params.required("object")? != OBJECT {
        return Err(GraphError::invalid(format!("object must be {OBJECT}")));
    }
    let url = call.params.required("callback_url")?;
    let verify_token = call.params.required("verify_token")?;
    let fields = match call.params.text("fields") {
        Some(text) => text.split(',').map(|field| field.trim().to_owned()).collect(),
        None => call
            .params
            .json("fields")
            .and_then(|list| serde_json::from_value::<Vec<String>>(list).ok())
            .unwrap_or_default(),
    };
    if let Some(unknown) = fields.iter().find(|field| !webhooks::is_field(field)) {
        return Err(GraphError::invalid(format!("Param fields[0] must be a webhook field, not {unknown}")));
    }
    webhooks::verify(meta, &url, &verify_token).await?;
    meta.change(|world| {
        let app = &mut *world.app;
        app.callback_url = url;
        app.verify_token = verify_token;
        if !fields.is_empty() {
            app.fields = Some(fields);
        }
        Ok(Answer::success())
    })
}

/// `DELETE /{app}/subscriptions`: of some fields, or of everything.
pub(crate) fn unsubscribe(meta: &Meta, call: &Call, caller: &Token) -> Outcome {
    require_app_token(caller)?;
    let fields = call.params.text("fields");
    meta.change(|world| {
        let app = &mut *world.app;
        match fields {
            None => app.callback_url.clear(),
            Some(fields) => {
                let gone: Vec<&str> = fields.split(',').map(str::trim).collect();
                let kept = app.fields.clone().unwrap_or_else(|| webhooks::fields().map(str::to_owned).collect());
                app.fields = Some(kept.into_iter().filter(|field| !gone.contains(&field.as_str())).collect());
            }
        }
        Ok(Answer::success())
    })
}

/// `GET /{app}/connected_client_businesses`: those with a business token that works.
pub(crate) fn connected_clients(meta: &Meta, call: &Call) -> Outcome {
    let nodes = meta.read(|world| {
        let connected = world.businesses.values().filter(|business| {
            world.tokens.values().any(|token| {
                let grant = &token.grant;
                grant.kind == TokenKind::Business && grant.business_id == business.id && token.is_valid(call.now)
            })
        });
        connected.map(|business| (business.id.clone(), businesses::node(business))).collect::<Vec<_>>()
    });
    page_of(call, nodes)
}
