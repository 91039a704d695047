//! `GET /{number}/message_history` and `/{message history}/events`: what Meta knows of sent messages and their webhooks.

use serde_json::{Value, json};

use crate::graph::{Call, GraphError, Node, Outcome, cursor, page, page_of};
use crate::meta::Meta;
use crate::signature;
use crate::world::{Direction, Message, StatusAt, World};

/// What ids of message histories begin with.
const FAMILY: &str = "77";
const STATUSES: [&str; 7] = ["ACCEPTED", "DELETED", "DELIVERED", "ERROR", "FAILED", "READ", "SENT"];

pub(crate) fn history(meta: &Meta, call: &Call, number: &str) -> Outcome {
    let wamid = call.params.text("message_id");
    let nodes: Vec<(String, Node)> = meta.read(|world| {
        let sent = world.messages.values().rev().filter(|message| {
            message.direction == Direction::Outbound
                && message.phone_number_id == number
                && wamid.as_ref().is_none_or(|wamid| *wamid == message.id)
        });
        sent.map(|message| (id(&message.id), node(world, message))).collect()
    });
    page_of(call, nodes)
}

pub(crate) fn events(meta: &Meta, call: &Call, history: &str) -> Outcome {
    let wanted = call.params.text("status_filter");
    if let Some(unknown) = wanted.as_ref().filter(|wanted| !STATUSES.contains(&wanted.as_str())) {
        let message =
            format!("(#100) Param status_filter must be one of {{{}}} - got \"{unknown}\".", STATUSES.join(", "));
        return Err(GraphError::new(100, message));
    }
    let edges = meta.read(|world| {
        let message = find(world, history)?;
        let happened = message.history.iter().enumerate().filter(|(_, status)| status.at <= call.now);
        let wanted = happened.filter(|(_, status)| wanted.as_ref().is_none_or(|wanted| name(status) == *wanted));
        let edges = wanted.map(|(index, status)| {
            let id = event_id(&message.id, index);
            let node = json!({"id": id, "delivery_status": name(status), "occurrence_timestamp": status.at,
                "status_timestamp": status.at, "application": {"id": world.app.id, "name": world.app.name}});
            let edge = json!({"cursor": cursor(&id), "node": node});
            (id, edge)
        });
        Some(edges.collect::<Vec<_>>())
    });
    page(call, &edges.ok_or_else(|| GraphError::no_such_object(&call.method, history))?)
}

/// The message a history's id stands for.
pub(crate) fn find<'a>(world: &'a World, history: &str) -> Option<&'a Message> {
    let could_be = history.starts_with(FAMILY) && history.len() == FAMILY.len() + 16;
    if !could_be {
        return None;
    }
    world.messages.values().find(|message| id(&message.id) == history)
}

fn node(world: &World, message: &Message) -> Node {
    let webhook = |status: &StatusAt| json!({"webhook_update_state": status.webhook, "application": {"id": world.app.id}, "webhook_uri": status.webhook_uri});
    let events: Vec<Value> = message
        .history
        .iter()
        .enumerate()
        .map(|(index, status)| {
            let mut event = if status.webhook.is_some() { webhook(status) } else { json!({}) };
            event["id"] = event_id(&message.id, index).into();
            event["delivery_status"] = name(status).into();
            event["timestamp"] = status.at.into();
            event
        })
        .collect();
    let fields = json!({"id": id(&message.id), "message_id": message.id, "events": {"data": events}});
    Node::new("WhatsAppBusinessMessageHistory", &["id", "message_id"], fields)
}

fn name(status: &StatusAt) -> String {
    status.status.to_ascii_uppercase()
}

fn id(wamid: &str) -> String {
    format!("{FAMILY}{}", digits(wamid))
}

fn event_id(wamid: &str, index: usize) -> String {
    format!("78{}", digits(&format!("{wamid}/{index}")))
}

fn digits(text: &str) -> String {
    let hash = signature::hmac("message history", text.as_bytes());
    hash.iter().take(16).map(|byte| char::from(b'0' + byte % 10)).collect()
}
