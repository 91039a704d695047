//! What was asked of the emulators, for benchmarks and assertions that count calls and units.

use crate::{faults::FaultKind, wire::Service};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
};

/// One request that was answered, or lost to a fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// When it arrived, on the movable clock.
    pub at: Timestamp,
    pub took: SignedDuration,
    /// The access key id the request was signed with.
    pub caller: String,
    pub service: Service,
    pub operation: String,
    /// The table, queue, key or secret.
    pub resource: Option<String>,
    /// The index that a query or scan reads.
    pub index: Option<String>,
    /// The encryption contexts a call to KMS names; of `ReEncrypt` the source's, then the destination's.
    pub contexts: Vec<BTreeMap<String, String>>,
    pub request_bytes: usize,
    pub answer_bytes: usize,
    pub status: u16,
    /// The code an SDK reports, where the status is not 200.
    pub error: Option<String>,
    pub consumed_read_units: f64,
    pub consumed_write_units: f64,
    pub fault: Option<FaultKind>,
}

/// The last calls. A stack that runs for days must not grow without end.
#[derive(Debug, Default)]
pub(crate) struct Calls(Mutex<VecDeque<Call>>);

const KEPT: usize = 500_000;

impl Calls {
    pub(crate) fn add(&self, call: Call) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() == KEPT {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    pub(crate) fn all(&self) -> Vec<Call> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
