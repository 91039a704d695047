//! What receiving, sending and telling cost, from calls and units counted at the emulators: the tables of docs/cost.md.

mod receiving;
mod sending;
mod telling;

use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

use emulators::Service;
use tests::World;

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
/// How many are counted, and how many of them a queue hands out at a time under load.
const UNITS: usize = 10;

/// What functions did for one unit.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    /// To SQS.
    sends: f64,
    /// To DynamoDB.
    calls: f64,
    written: f64,
    read: f64,
}

impl Spent {
    /// What the functions did since the calls were cleared, each for itself. The mappings' own calls are two a batch.
    /// The API starts an environment of a function for each request at a time, `front-<function>-1` and so on.
    fn since(world: &World, units: usize) -> BTreeMap<String, Self> {
        let mut spent: BTreeMap<String, Self> = BTreeMap::new();
        let share = 1.0 / number(units);
        for call in world.aws.calls().into_iter().filter(|call| call.caller != "test") {
            let function =
                call.caller.trim_start_matches("front-").trim_end_matches(|c: char| c == '-' || c.is_numeric());
            let spent = spent.entry(function.to_owned()).or_default();
            match call.service {
                Service::Sqs => spent.sends += share,
                Service::DynamoDb => {
                    spent.calls += share;
                    spent.written += call.consumed_write_units * share;
                    spent.read += call.consumed_read_units * share;
                }
                // A new environment's, of which there are as many as the machine lets requests overlap.
                Service::SecretsManager => {}
                other => panic!("{other:?} was not expected: {call:?}"),
            }
        }
        spent
    }

    /// Dollars for a million units, while a function of so many MB waits for each call.
    fn waiting(&self, megabytes: f64) -> f64 {
        computing((self.sends + self.calls) * SECONDS_A_CALL, megabytes)
    }

    fn table(&self) -> f64 {
        self.written * price::WRITTEN_UNIT + self.read * price::READ_UNIT
    }

    fn queue(&self) -> f64 {
        self.sends * price::QUEUE_REQUEST
    }
}

/// Dollars for a million times so many seconds.
fn computing(seconds: f64, megabytes: f64) -> f64 {
    seconds * megabytes / 1024.0 * price::GIGABYTE_SECOND
}

/// Dollars for a million units of which so many batches are made: a call to receive and one to delete for each.
fn polled(batches: f64) -> f64 {
    batches * 2.0 * price::QUEUE_REQUEST
}

/// Of a function, as the template has it.
fn megabytes(function: &str) -> f64 {
    crate::template::template()["Resources"][function]["Properties"]["MemorySize"].as_f64().unwrap()
}

/// A row for each name, a column for each way of doing it.
fn row(table: &mut String, name: &str, values: impl IntoIterator<Item = String>) {
    let values: Vec<_> = values.into_iter().collect();
    writeln!(table, "| {name} | {} |", values.join(" | ")).unwrap();
}

/// The page has this table, between the marks of its `name`.
fn is_on_the_page(name: &str, table: &str) {
    let (begin, end) = (format!("<!-- {name}: written by `just cost` -->\n\n"), format!("\n<!-- end of {name} -->"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cost.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(&begin).unwrap();
    let (said, after) = rest.split_once(&end).unwrap();
    if std::env::var_os("PATCHBAY_WRITE_COST").is_some() {
        return fs::write(&path, format!("{before}{begin}{table}{end}{after}")).unwrap();
    }

    assert_eq!(said, table, "docs/cost.md is not what was counted: run `just cost` and look at the diff");
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}
