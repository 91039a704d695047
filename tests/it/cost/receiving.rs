//! One unit in: what the person wrote, or what Meta tells of a message.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::receive::{DISPLAY, ago, connected, deliver, delivery, text};

/// DESIGN §9.
const BAR: f64 = 4.2;

/// What one unit comes to.
#[derive(Clone, Copy)]
pub(super) struct Received {
    pub(super) webhook: Spent,
    pub(super) inbound: Spent,
    pub(super) batches: f64,
}

impl Received {
    async fn of(world: &World, together: usize, units: &[(&str, Value)]) -> Self {
        world.aws.clear_calls();
        let batches = take_in(world, together, units).await;
        Self::since(world, units.len(), batches)
    }

    pub(super) fn since(world: &World, units: usize, batches: usize) -> Self {
        let spent = Spent::since(world, units);
        Self { webhook: spent["webhook"], inbound: spent["inbound"], batches: number(batches) / number(units) }
    }

    /// Dollars for a million units, by item.
    fn items(&self) -> [(String, f64); 8] {
        let (webhook, inbound) = (megabytes("WebhookFunction"), megabytes("InboundFunction"));
        [
            ("API Gateway".to_owned(), price::API_REQUEST),
            ("webhook, invoked".to_owned(), price::INVOCATION),
            (format!("webhook, {webhook} MB while it sends"), self.webhook.waiting(webhook)),
            ("queue: sent".to_owned(), self.webhook.queue()),
            ("queue: received and deleted".to_owned(), polled(self.batches)),
            ("inbound, invoked".to_owned(), self.batches * price::INVOCATION),
            (format!("inbound, {inbound} MB while it reads and writes"), self.inbound.waiting(inbound)),
            ("table".to_owned(), self.inbound.table()),
        ]
    }

    pub(super) fn together(&self) -> f64 {
        self.items().iter().map(|(_, dollars)| dollars).sum()
    }
}

#[tokio::test]
async fn receiving_costs_what_the_cost_page_says() {
    let world = connected().await;
    // Everybody is known, and every environment warm.
    take_in(&world, UNITS, &said(&world, "before", |place| place)).await;
    let ten = Received::of(&world, UNITS, &said(&world, "ten", |place| place)).await;
    let one = Received::of(&world, UNITS, &said(&world, "one", |_| 0)).await;
    let single = Received::of(&world, 1, &said(&world, "single", |place| place)).await;
    take_in(&world, UNITS, &sent(&world)).await;
    let status = Received::of(&world, UNITS, &delivered(&world)).await;

    assert!(ten.together() <= BAR, "{:.2} dollars a million", ten.together());
    assert!(ten.webhook.sends < 1.001 && ten.inbound.written < 3.201, "{:?} {:?}", ten.webhook, ten.inbound);
    assert!(status.inbound.written < 1.101, "{:?}", status.inbound);
    is_on_the_page("receiving", &table(&[ten, one, single, status]));
}

fn table(columns: &[Received]) -> String {
    let mut table = String::from(
        "| | of ten people, ten at a time | of one person, ten at a time | one at a time | a status, ten at a time |\n\
         |---|---:|---:|---:|---:|\n",
    );
    let mut counted = |name: &str, value: &dyn Fn(&Received) -> f64| {
        row(&mut table, name, columns.iter().map(|column| format!("{:.1}", value(column))));
    };
    counted("calls by `webhook`", &|column| column.webhook.sends);
    counted("calls by `inbound`", &|column| column.inbound.calls);
    counted("written units", &|column| column.inbound.written);
    counted("read units", &|column| column.inbound.read);
    for (place, (name, _)) in columns[0].items().iter().enumerate() {
        row(&mut table, name, columns.iter().map(|column| format!("{:.2}", column.items()[place].1)));
    }
    row(&mut table, "**dollars for a million**", columns.iter().map(|column| format!("**{:.2}**", column.together())));
    table
}

/// Delivers units one by one, and takes them in so many at a time. Says in how many batches.
pub(super) async fn take_in(world: &World, together: usize, units: &[(&str, Value)]) -> usize {
    let mut batches = 0;
    for units in units.chunks(together) {
        for (field, value) in units {
            deliver(world, &delivery(field, value.clone())).await;
        }
        let drained = world.drain().await;
        assert_eq!((drained.done, drained.again), (units.len(), 0));
        batches += drained.batches;
    }
    assert_eq!(batches, units.len() / together);
    batches
}

/// Texts, each by the person that belongs to its place.
pub(super) fn said(world: &World, name: &str, person: impl Fn(usize) -> usize) -> Vec<(&'static str, Value)> {
    let message = |place| {
        let from = format!("1650555{:04}", person(place));
        let user = format!("US.1349120865530274{:04}", person(place));
        let contact = json!({"wa_id": from, "user_id": user, "profile": {"name": "Maria Silva"}});
        let body = "Hello, is the blue one still there? I would like to come by tomorrow.";
        let message = text(&from, &wamid(name, place), second(world), body);
        ("messages", json!({"contacts": [contact], "messages": [message]}))
    };
    (0..UNITS).map(message).collect()
}

/// By the business, from its phone.
pub(super) fn sent(world: &World) -> Vec<(&'static str, Value)> {
    let echo = |place| {
        let body = "It is. Come whenever you like, we are open until eight.";
        let mut echo = text(DISPLAY, &wamid("sent", place), second(world), body);
        echo["to"] = format!("1650555{place:04}").into();
        ("smb_message_echoes", json!({"message_echoes": [echo]}))
    };
    (0..UNITS).map(echo).collect()
}

pub(super) fn delivered(world: &World) -> Vec<(&'static str, Value)> {
    let status = |place| {
        let status = json!({
            "id": wamid("sent", place),
            "status": "delivered",
            "timestamp": second(world).to_string(),
            "recipient_id": format!("1650555{place:04}"),
            "pricing": {"billable": true, "pricing_model": "PMP", "type": "regular", "category": "service"},
        });
        ("messages", json!({"statuses": [status]}))
    };
    (0..UNITS).map(status).collect()
}

fn wamid(name: &str, place: usize) -> String {
    format!("wamid.HBgLMTY1MDU1NTEyMzQVAgASGBQzQTdCNTg5RjY1MEMyRjlG{name:0>8}{place}")
}

fn second(world: &World) -> i64 {
    ago(world, SignedDuration::from_secs(5))
}
