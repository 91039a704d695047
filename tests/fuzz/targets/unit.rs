//! Whatever a unit's text is, a message and a status are read from it as far as they can be.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use shared::domain::message::{MetaMessage, Told, counterpart_of, person_of};

fuzz_target!(|text: &str| {
    if let Some(message) = MetaMessage::of(text) {
        let _ = (message.wamid(), message.at(), message.content(), message.context(), message.referral());
        let _ = (message.errors(), message.past_status(), message.sender(), message.recipient(), message.renamed());
        assert!(!message.kind().is_empty());
        // Characters, not bytes, and a mark that something is left out.
        assert!(message.preview().is_none_or(|preview| preview.chars().count() <= 200));
    }
    let _ = (person_of(text), counterpart_of(text));
    if let Some(told) = Told::of(text, Timestamp::UNIX_EPOCH) {
        assert!(!told.key().is_empty());
    }
});
