//! Meta's deliveries, from the signature to the queue.

mod handshake;
mod queueing;
mod refusals;
mod signatures;

use serde_json::{Value, json};
use shared::domain::envelope::{Envelope, Packed};
use tests::{Call, World, signature};

const PATH: &str = "/webhooks/whatsapp";

/// One message of the inbound queue.
#[derive(Debug, Clone, PartialEq)]
struct Queued {
    group: String,
    body: String,
}

/// One unit of it: its group, its kind, and what Meta said.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    group: String,
    kind: String,
    raw: Value,
}

/// As Meta posts it.
fn delivery(world: &World, body: &[u8]) -> Call {
    let call = world.call("POST", PATH).header("x-hub-signature-256", &signature(body));
    call.body("application/json", body.to_vec())
}

/// The status that Meta gets.
async fn deliver(world: &World, body: &[u8]) -> u16 {
    delivery(world, body).send().await.status
}

/// Takes everything from the inbound queue, in its order.
async fn queued(world: &World) -> Vec<Queued> {
    let sqs = world.aws_clients().sqs();
    let url = world.variable("webhook", "INBOUND_QUEUE");
    let mut all = Vec::new();
    loop {
        let receive = sqs.receive_message().queue_url(&url).max_number_of_messages(10);
        let names = ["MessageGroupId", "SequenceNumber"].map(Into::into).to_vec();
        let received = receive.set_message_system_attribute_names(Some(names)).send().await.unwrap();
        let messages = received.messages.unwrap_or_default();
        if messages.is_empty() {
            all.sort_by_key(|(sequence, _)| *sequence);
            return all.into_iter().map(|(_, queued)| queued).collect();
        }
        for message in messages {
            let attribute = |name: &str| message.attributes().unwrap()[&name.into()].clone();
            let queued = Queued { group: attribute("MessageGroupId"), body: message.body.clone().unwrap() };
            all.push((attribute("SequenceNumber").parse::<u128>().unwrap(), queued));
            sqs.delete_message().queue_url(&url).receipt_handle(message.receipt_handle.unwrap()).send().await.unwrap();
        }
    }
}

/// The units in them. What lies elsewhere is a test's own to look for.
fn seen(queued: &[Queued]) -> Vec<Seen> {
    let mut all = Vec::new();
    for Queued { group, body } in queued {
        for packed in Envelope::parse(body).unwrap().units {
            let Packed::Here(unit) = packed else { panic!("{packed:?}") };
            let raw = serde_json::from_str(unit.raw.get()).unwrap();
            all.push(Seen { group: group.clone(), kind: unit.kind.as_str().to_owned(), raw });
        }
    }
    all
}

/// How often AWS was asked something.
fn calls(world: &World, operation: &str) -> usize {
    world.aws.calls().iter().filter(|call| call.caller == "webhook" && call.operation == operation).count()
}

/// One entry with one change for a number.
fn entry(waba: &str, number: &str, list: &str, units: &[Value]) -> Value {
    let metadata = json!({"display_phone_number": "15550783881", "phone_number_id": number});
    let mut value = json!({"messaging_product": "whatsapp", "metadata": metadata});
    value[list] = json!(units);
    json!({"id": waba, "changes": [{"value": value, "field": "messages"}]})
}

fn body(entries: &[Value]) -> Vec<u8> {
    json!({"object": "whatsapp_business_account", "entry": entries}).to_string().into_bytes()
}

fn text(from: &str, id: &str, text: &str) -> Value {
    json!({"from": from, "id": id, "timestamp": "1795240800", "type": "text", "text": {"body": text}})
}

/// A delivery of one message.
fn one(id: &str) -> Vec<u8> {
    body(&[entry("102", "106", "messages", &[text("16505551234", id, "Hello")])])
}
