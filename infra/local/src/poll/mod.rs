//! Event source mappings: what Lambda does between a queue or stream and a function.

pub(crate) mod queue;
pub(crate) mod stream;

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::Value;

use crate::runtime::Outcome;

/// Which records of a batch failed.
#[derive(Debug, PartialEq, Eq)]
enum Failed {
    Nothing,
    Everything,
    These(BTreeSet<String>),
}

/// Reads a function's answer as Lambda does: what it cannot make sense of is a failure of the whole batch.
fn failed(outcome: &Outcome, reports: bool, known: &BTreeSet<String>) -> Failed {
    match outcome {
        Outcome::Answered(answer) if reports => reported(answer, known),
        Outcome::Answered(_) => Failed::Nothing,
        Outcome::Failed(_) | Outcome::Throttled => Failed::Everything,
    }
}

fn reported(answer: &Bytes, known: &BTreeSet<String>) -> Failed {
    // An empty answer, null and {} all mean success.
    if answer.is_empty() {
        return Failed::Nothing;
    }
    let Ok(answer) = serde_json::from_slice::<Value>(answer) else { return Failed::Everything };
    let failures = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return Failed::Nothing,
        Some(Value::Array(failures)) => failures,
        Some(_) => return Failed::Everything,
    };
    let identifiers: Option<BTreeSet<String>> =
        failures.iter().map(|failure| Some(failure.get("itemIdentifier")?.as_str()?.to_owned())).collect();
    match identifiers {
        Some(identifiers) if identifiers.is_empty() => Failed::Nothing,
        Some(identifiers) if identifiers.is_subset(known) => Failed::These(identifiers),
        _ => Failed::Everything,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(answer: &'static str) -> Failed {
        let known = ["a", "b"].map(str::to_owned).into();
        failed(&Outcome::Answered(Bytes::from_static(answer.as_bytes())), true, &known)
    }

    #[test]
    fn an_answer_is_read_as_lambda_reads_it() {
        for answer in ["", "null", "{}", r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#, r#""fine""#] {
            assert_eq!(outcome(answer), Failed::Nothing, "{answer}");
        }
        for answer in [
            "not json",
            r#"{"batchItemFailures":"a"}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
            r#"{"batchItemFailures":[{"id":"a"}]}"#,
            r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"z"}]}"#,
        ] {
            assert_eq!(outcome(answer), Failed::Everything, "{answer}");
        }
        let one = r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#;
        assert_eq!(outcome(one), Failed::These(["b".to_owned()].into()));
    }
}
