//! What all batches have in common: their rules, and an answer that names which entries failed.

use super::refusal;
use crate::wire::{Answer, Refusal};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const MAX_ENTRIES: usize = 10;

/// Refuses the whole batch where its entries are none, too many, or not to be told apart.
pub(super) fn check<'a>(entries: &str, ids: impl ExactSizeIterator<Item = &'a str>) -> Result<(), Refusal> {
    match ids.len() {
        0 => return Err(refusal::empty_batch(entries)),
        1..=MAX_ENTRIES => {}
        count => return Err(refusal::too_many_entries(count)),
    }
    let mut seen = BTreeSet::new();
    for id in ids {
        let legal =
            (1..=80).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !legal {
            return Err(refusal::invalid_entry_id());
        }
        if !seen.insert(id) {
            return Err(refusal::ids_not_distinct(id));
        }
    }
    Ok(())
}

/// Each entry succeeds or fails by itself.
pub(super) fn answer<T: Serialize>(
    entries: impl Iterator<Item = (String, Result<T, Refusal>)>,
) -> Result<Answer, Refusal> {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, outcome) in entries {
        match outcome {
            Ok(answer) => successful.push(with_id(id, &answer)?),
            Err(refusal) => failed.push(json!({
                "Id": id,
                "SenderFault": refusal.is_caller_at_fault(),
                "Code": refusal.code(),
                "Message": refusal.message,
            })),
        }
    }
    Answer::of(&json!({ "Successful": successful, "Failed": failed }))
}

fn with_id(id: String, answer: &impl Serialize) -> Result<Value, Refusal> {
    let mut answer = serde_json::to_value(answer).map_err(|error| Refusal::internal(&error))?;
    answer["Id"] = id.into();
    Ok(answer)
}
