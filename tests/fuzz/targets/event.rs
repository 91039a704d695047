//! What API Gateway hands over is read, or refused; what is read gives its parts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shared::webhook::Event;

fuzz_target!(|input: &[u8]| {
    let Ok(event) = serde_json::from_slice::<Event>(input) else { return };
    let _ = (event.method(), event.signature(), event.parameter("hub.challenge"));
    if let Ok(body) = event.body() {
        assert!(body.len() <= input.len());
    }
});
