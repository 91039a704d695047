//! WhatsApp Business Accounts: what Graph shows of them, and the app's subscription to them.

use serde_json::{Value, json};

use crate::graph::{Answer, Call, GraphError, Node, Outcome, page_of};
use crate::meta::Meta;
use crate::world::{Subscription, Waba, World};
use crate::{apps, health, webhooks};

const DEFAULTS: &[&str] = &["id", "name", "timezone_id", "message_template_namespace"];

pub(crate) fn show(meta: &Meta, call: &Call, id: &str) -> Outcome {
    let node = meta.read(|world| world.wabas.get(id).map(|waba| node(world, waba)));
    node.ok_or_else(|| GraphError::no_such_object(&call.method, id))?.answer(call)
}

pub(crate) fn node(world: &World, waba: &Waba) -> Node {
    let business = world.businesses.get(&waba.business_id);
    let is_own = waba.business_id == world.app.business_id;
    Node::new(
        "WhatsAppBusinessAccount",
        DEFAULTS,
        json!({
            "id": waba.id,
            "name": waba.name,
            "currency": waba.currency,
            "timezone_id": waba.timezone_id,
            "country": waba.country,
            "message_template_namespace": waba.message_template_namespace,
            "account_review_status": waba.account_review_status,
            "business_verification_status": business.map(|business| business.verification_status.clone()),
            "ownership_type": if is_own { "SELF" } else { "CLIENT_OWNED" },
            "owner_business_info": business.map(|business| json!({"name": business.name, "id": business.id})),
            "on_behalf_of_business_info": Value::Null,
            "primary_business_location": waba.country,
            "primary_funding_id": waba.primary_funding_id,
            "status": waba.status,
            "business_id": waba.business_id,
            "permissions": ["MANAGE"],
            "is_enabled_for_insights": waba.is_enabled_for_insights,
            "marketing_messages_onboarding_status": "ELIGIBLE",
            "marketing_messages_lite_api_status": "ELIGIBLE",
            "disable_marketing_messages_on_cloud_api": false,
            "subscribed_apps": {"data": subscribed(world, waba).into_iter().collect::<Vec<_>>()},
            "health_status": health::of_waba(world, waba),
            "creation_time": waba.created_at,
        }),
    )
}

/// A page of the WABAs that `is_listed`.
pub(crate) fn list(meta: &Meta, call: &Call, is_listed: impl Fn(&World, &Waba) -> bool) -> Outcome {
    let mut nodes = nodes(meta, is_listed);
    if call.params.text("sort").as_deref() == Some("creation_time_descending") {
        nodes.reverse();
    }
    page_of(call, nodes)
}

pub(crate) fn nodes(meta: &Meta, is_listed: impl Fn(&World, &Waba) -> bool) -> Vec<(String, Node)> {
    meta.read(|world| {
        let listed = world.wabas.values().filter(|waba| is_listed(world, waba));
        listed.map(|waba| (waba.id.clone(), node(world, waba))).collect()
    })
}

/// `POST /{waba}`: its name, time zone, insights.
pub(crate) fn change(meta: &Meta, call: &Call, id: &str) -> Outcome {
    let name = call.params.text("name");
    if name.as_ref().is_some_and(|name| name.is_empty() || name.chars().count() > 100) {
        return Err(GraphError::invalid("Param name must be 1 to 100 characters"));
    }
    let timezone = call.params.text("timezone_id");
    if timezone.as_ref().is_some_and(|zone| zone.parse::<u16>().is_err()) {
        return Err(GraphError::invalid("Param timezone_id must be a time zone's number"));
    }
    meta.change(|world| {
        let waba = world.wabas.get_mut(id).ok_or_else(|| GraphError::no_such_object(&call.method, id))?;
        waba.name = name.unwrap_or_else(|| waba.name.clone());
        waba.timezone_id = timezone.unwrap_or_else(|| waba.timezone_id.clone());
        waba.is_enabled_for_insights |= call.params.flag("is_enabled_for_insights");
        Ok(Answer::success())
    })
}

/// `GET /{waba}/subscribed_apps`.
pub(crate) fn subscribed_apps(meta: &Meta, id: &str) -> Answer {
    let data = meta.read(|world| world.wabas.get(id).and_then(|waba| subscribed(world, waba)));
    Answer::json(json!({"data": data.into_iter().collect::<Vec<_>>()}))
}

fn subscribed(world: &World, waba: &Waba) -> Option<Value> {
    let subscription = waba.subscription.as_ref()?;
    let app = &world.app;
    let mut row = json!({"whatsapp_business_api_data": {"id": app.id, "name": app.name, "link": apps::link(world)}});
    if let Some(uri) = &subscription.override_callback_uri {
        row["override_callback_uri"] = uri.clone().into();
    }
    Some(row)
}

/// `POST /{waba}/subscribed_apps`: an address of its own is asked first; an empty body removes it.
pub(crate) async fn subscribe(meta: &Meta, call: &Call, id: &str) -> Outcome {
    let uri = call.params.text("override_callback_uri").filter(|uri| !uri.is_empty());
    if let Some(uri) = &uri {
        webhooks::verify(meta, uri, &call.params.required("verify_token")?).await?;
    }
    meta.change(|world| {
        let waba = world.wabas.get_mut(id).ok_or_else(|| GraphError::no_such_object(&call.method, id))?;
        waba.subscription = Some(Subscription { override_callback_uri: uri.clone() });
        let mut answer = json!({"success": true});
        if uri.is_some() {
            answer["data"] = world.wabas.get(id).and_then(|waba| subscribed(world, waba)).into_iter().collect();
        }
        Ok(Answer::json(answer))
    })
}

/// `DELETE /{waba}/subscribed_apps`.
pub(crate) fn unsubscribe(meta: &Meta, call: &Call, id: &str) -> Outcome {
    meta.change(|world| {
        let waba = world.wabas.get_mut(id).ok_or_else(|| GraphError::no_such_object(&call.method, id))?;
        waba.subscription = None;
        Ok(Answer::success())
    })
}
