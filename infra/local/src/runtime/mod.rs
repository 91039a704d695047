//! What Lambda does around a function: processes, the Runtime API, concurrency, time and memory limits.

mod api;
mod memory;
mod output;
mod pool;
mod process;
mod socket;

use std::fmt;

use bytes::Bytes;
use serde_json::{Value, json};

pub use output::{Line, Output, Stream, to_terminal};
pub use pool::Program;
pub(crate) use pool::{Launcher, Pool, Processes};

/// How an invocation ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    Answered(Bytes),
    Failed(Failure),
    /// Every process the function may have was busy.
    Throttled,
}

/// Why an invocation has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    /// As Lambda names it, or as the function did.
    pub error_type: String,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The function itself said so, or panicked and its runtime said so.
    Reported,
    Crashed,
    InitFailed,
    TimedOut,
    OutOfMemory,
    AnswerTooLarge,
}

impl Failure {
    fn new(kind: FailureKind, error_type: &str, message: impl Into<String>) -> Self {
        Self { kind, error_type: error_type.to_owned(), message: message.into() }
    }

    /// As `Invoke` answers it.
    pub fn body(&self) -> Value {
        json!({ "errorType": self.error_type, "errorMessage": self.message })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.error_type, self.message)
    }
}
