//! What lies on the queue is read, or is an error in one line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::domain::envelope::{Envelope, Unit};

fuzz_target!(|text: &str| {
    match Envelope::parse(text) {
        Ok(envelope) => assert!(envelope.units.len() < text.len()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let _ = Unit::parse(text);
});
