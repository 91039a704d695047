//! What each call consumes: asked of dynoxide where the caller did not ask, and taken out of the answer again.

use super::Units;
use crate::wire::{Answer, Request};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;

type Members = BTreeMap<String, Box<RawValue>>;

/// How one request consumes.
pub(super) struct Capacity {
    kind: Kind,
    /// The caller wants to see it too.
    asked: bool,
    /// How many members its transaction has.
    members: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Reads,
    Writes,
    Neither,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Consumed {
    #[serde(default)]
    capacity_units: f64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(Consumed),
    Many(Vec<Consumed>),
}

impl Capacity {
    /// The body to pass on, and how to read its answer.
    pub(super) fn ask(request: &Request) -> (Bytes, Self) {
        let kind = match request.operation.as_str() {
            "GetItem" | "BatchGetItem" | "Query" | "Scan" | "TransactGetItems" => Kind::Reads,
            "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" | "TransactWriteItems" => Kind::Writes,
            _ => Kind::Neither,
        };
        let unchanged = |kind, asked| (request.body.clone(), Self { kind, asked, members: 0 });
        if kind == Kind::Neither {
            return unchanged(kind, false);
        }
        let Ok(mut body) = serde_json::from_slice::<Members>(&request.body) else { return unchanged(kind, true) };
        let asked = body.get("ReturnConsumedCapacity").is_some_and(|mode| mode.get() != r#""NONE""#);
        if asked {
            return unchanged(kind, true);
        }
        let members =
            body.get("TransactItems").and_then(|items| serde_json::from_str::<Vec<&RawValue>>(items.get()).ok());
        let capacity = Self { kind, asked, members: members.map_or(0, |members| members.len()) };
        if let Ok(mode) = to_raw_value("INDEXES") {
            body.insert("ReturnConsumedCapacity".into(), mode);
        }
        (serde_json::to_vec(&body).map_or_else(|_| request.body.clone(), Bytes::from), capacity)
    }

    /// Reads the units from an answer, and takes them out where the caller did not ask.
    pub(super) fn take(&self, answer: &mut Answer) -> Units {
        if self.kind == Kind::Neither {
            return Units::default();
        }
        if !answer.is_success() {
            return self.of(self.refused(answer));
        }
        let Ok(mut body) = serde_json::from_slice::<Members>(&answer.body) else { return Units::default() };
        let Some(consumed) = body.remove("ConsumedCapacity") else { return Units::default() };
        let units = match serde_json::from_str(consumed.get()) {
            Ok(OneOrMany::One(table)) => table.capacity_units,
            Ok(OneOrMany::Many(tables)) => tables.iter().map(|table| table.capacity_units).sum(),
            Err(_) => 0.0,
        };
        if !self.asked
            && let Ok(body) = serde_json::to_vec(&body)
        {
            answer.body = body.into();
        }
        self.of(units)
    }

    /// A write whose condition fails is charged like a write, but its refusal does not say how much: the least it can be.
    fn refused(&self, answer: &Answer) -> f64 {
        match answer.error().as_deref() {
            Some("ConditionalCheckFailedException") => 1.0,
            #[expect(clippy::cast_precision_loss, reason = "a transaction has at most a hundred members")]
            Some("TransactionCanceledException") => 2.0 * self.members as f64,
            _ => 0.0,
        }
    }

    fn of(&self, units: f64) -> Units {
        match self.kind {
            Kind::Reads => Units { read: units, written: 0.0 },
            Kind::Writes => Units { read: 0.0, written: units },
            Kind::Neither => Units::default(),
        }
    }
}
