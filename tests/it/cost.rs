//! What receiving costs, from calls and units counted at the emulators: the table of docs/cost.md.

use std::{fmt::Write, fs, path::Path};

use emulators::Service;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::World;

use crate::receive::{DISPLAY, ago, connected, deliver, delivery, text};

/// Dollars for a million, in us-east-1 in November 2026, without any free tier.
mod price {
    pub(super) const API_REQUEST: f64 = 1.0;
    pub(super) const INVOCATION: f64 = 0.2;
    /// Of arm64.
    pub(super) const GIGABYTE_SECOND: f64 = 13.3334;
    /// To a FIFO queue, of up to 64 KB.
    pub(super) const QUEUE_REQUEST: f64 = 0.5;
    pub(super) const WRITTEN_UNIT: f64 = 0.625;
    pub(super) const READ_UNIT: f64 = 0.125;
}

/// More than DynamoDB and SQS take, as if a function called them one after the other.
const SECONDS_A_CALL: f64 = 0.005;
/// Meta writes each unit in a delivery of its own, unless many wait.
const UNITS: usize = 10;
/// DESIGN §9.
const BAR: f64 = 4.2;

/// What one unit comes to.
#[derive(Clone, Copy, Default)]
struct Counted {
    /// Of `webhook`, to SQS.
    sends: f64,
    batches: f64,
    /// Of `inbound`, to DynamoDB.
    calls: f64,
    written: f64,
    read: f64,
}

impl Counted {
    async fn of(world: &World, together: usize, units: &[(&str, Value)]) -> Self {
        world.aws.clear_calls();
        let mut counted = Self { batches: number(take_in(world, together, units).await), ..Self::default() };
        for call in world.aws.calls() {
            match (call.caller.as_str(), call.service) {
                ("webhook", Service::Sqs) => counted.sends += 1.0,
                ("inbound", Service::DynamoDb) => {
                    counted.calls += 1.0;
                    counted.written += call.consumed_write_units;
                    counted.read += call.consumed_read_units;
                }
                // The mapping, whose calls are two a batch; the test itself.
                ("test", _) => {}
                other => panic!("{other:?} was not expected: {call:?}"),
            }
        }
        let units = number(units.len());
        let Self { sends, batches, calls, written, read } = counted;
        Self {
            sends: sends / units,
            batches: batches / units,
            calls: calls / units,
            written: written / units,
            read: read / units,
        }
    }

    /// Dollars for a million units, by item.
    fn items(&self, memory: &Memory) -> [(String, f64); 8] {
        let seconds = |calls: f64, megabytes: f64| calls * SECONDS_A_CALL * megabytes / 1024.0 * price::GIGABYTE_SECOND;
        [
            ("API Gateway".to_owned(), price::API_REQUEST),
            ("webhook, invoked".to_owned(), price::INVOCATION),
            (format!("webhook, {} MB while it sends", memory.webhook), seconds(self.sends, memory.webhook)),
            ("queue: sent".to_owned(), self.sends * price::QUEUE_REQUEST),
            // A call to receive and one to delete, which Lambda makes for a batch.
            ("queue: received and deleted".to_owned(), self.batches * 2.0 * price::QUEUE_REQUEST),
            ("inbound, invoked".to_owned(), self.batches * price::INVOCATION),
            (format!("inbound, {} MB while it reads and writes", memory.inbound), seconds(self.calls, memory.inbound)),
            ("table".to_owned(), self.written * price::WRITTEN_UNIT + self.read * price::READ_UNIT),
        ]
    }

    fn together(&self, memory: &Memory) -> f64 {
        self.items(memory).iter().map(|(_, dollars)| dollars).sum()
    }
}

/// Of the functions, in MB.
struct Memory {
    webhook: f64,
    inbound: f64,
}

impl Memory {
    fn of_the_template() -> Self {
        let template = crate::template::template();
        let megabytes = |function: &str| template["Resources"][function]["Properties"]["MemorySize"].as_f64().unwrap();
        Self { webhook: megabytes("WebhookFunction"), inbound: megabytes("InboundFunction") }
    }
}

#[tokio::test]
async fn receiving_costs_what_the_cost_page_says() {
    let (world, memory) = (connected().await, Memory::of_the_template());
    // Everybody is known, and every environment warm.
    take_in(&world, UNITS, &said(&world, "before", |place| place)).await;
    let ten = Counted::of(&world, UNITS, &said(&world, "ten", |place| place)).await;
    let one = Counted::of(&world, UNITS, &said(&world, "one", |_| 0)).await;
    let single = Counted::of(&world, 1, &said(&world, "single", |place| place)).await;
    take_in(&world, UNITS, &sent(&world)).await;
    let status = Counted::of(&world, UNITS, &delivered(&world)).await;

    assert!(ten.together(&memory) <= BAR, "{:.2} dollars a million", ten.together(&memory));
    assert!(
        ten.sends <= 1.0 && ten.written <= 3.2 && status.written <= 1.1,
        "{} {} {}",
        ten.sends,
        ten.written,
        status.written
    );
    is_on_the_page(&table(&[ten, one, single, status], &memory));
}

/// Delivers units one by one, and takes them in so many at a time. Says in how many batches.
async fn take_in(world: &World, together: usize, units: &[(&str, Value)]) -> usize {
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

fn table(columns: &[Counted], memory: &Memory) -> String {
    let mut table = String::from(
        "| | of ten people, ten at a time | of one person, ten at a time | one at a time | a status, ten at a time |\n\
         |---|---:|---:|---:|---:|\n",
    );
    let mut row = |name: &str, value: &dyn Fn(&Counted) -> String| {
        let values: Vec<_> = columns.iter().map(value).collect();
        writeln!(table, "| {name} | {} |", values.join(" | ")).unwrap();
    };
    row("calls by `webhook`", &|counted| format!("{:.1}", counted.sends));
    row("calls by `inbound`", &|counted| format!("{:.1}", counted.calls));
    row("written units", &|counted| format!("{:.1}", counted.written));
    row("read units", &|counted| format!("{:.1}", counted.read));
    let names = columns[0].items(memory).map(|(name, _)| name);
    for (place, name) in names.iter().enumerate() {
        row(name, &|counted| format!("{:.2}", counted.items(memory)[place].1));
    }
    row("**dollars for a million**", &|counted| format!("**{:.2}**", counted.together(memory)));
    table
}

fn is_on_the_page(table: &str) {
    let (begin, end) = ("<!-- receiving: written by `just cost` -->\n\n", "\n<!-- end of receiving -->");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cost.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(begin).unwrap();
    let (said, after) = rest.split_once(end).unwrap();
    if std::env::var_os("PATCHBAY_WRITE_COST").is_some() {
        return fs::write(&path, format!("{before}{begin}{table}{end}{after}")).unwrap();
    }

    assert_eq!(said, table, "docs/cost.md is not what was counted: run `just cost` and look at the diff");
}

/// Texts, each by the person that belongs to its place.
fn said(world: &World, name: &str, person: impl Fn(usize) -> usize) -> Vec<(&'static str, Value)> {
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
fn sent(world: &World) -> Vec<(&'static str, Value)> {
    let echo = |place| {
        let body = "It is. Come whenever you like, we are open until eight.";
        let mut echo = text(DISPLAY, &wamid("sent", place), second(world), body);
        echo["to"] = format!("1650555{place:04}").into();
        ("smb_message_echoes", json!({"message_echoes": [echo]}))
    };
    (0..UNITS).map(echo).collect()
}

fn delivered(world: &World) -> Vec<(&'static str, Value)> {
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

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}
