//! Whatever Meta signs becomes messages that the queue takes and the consumer reads, and repeats to the same ones.
#![no_main]

use std::collections::HashSet;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use shared::domain::{
    delivery::split,
    envelope::{Envelope, Packed, Unit},
};

fuzz_target!(|body: &[u8]| {
    let (parcels, oversized) = split(body, Timestamp::UNIX_EPOCH);
    let kept: HashSet<&str> = oversized.iter().map(|unit| unit.id.as_str()).collect();
    for parcel in &parcels {
        assert!(parcel.body.len() < 1024 * 1024 - 16 * 1024 && (1..=128).contains(&parcel.group.len()));
        assert!(!parcel.body.contains(['\u{FFFE}', '\u{FFFF}']), "SQS refuses it");
        let envelope = Envelope::parse(&parcel.body).expect("the consumer reads it");
        assert!(!envelope.units.is_empty());
        for unit in &envelope.units {
            match unit {
                Packed::Here(Unit { kind, .. }) => assert!(!kind.as_str().is_empty()),
                Packed::Elsewhere(elsewhere) => assert!(kept.contains(elsewhere.id.as_str())),
            }
        }
    }
    let (again, _) = split(body, Timestamp::MAX);
    let ids = |parcels: &[shared::domain::record::Parcel]| -> Vec<String> {
        parcels.iter().map(|parcel| parcel.deduplication.clone()).collect()
    };
    assert_eq!(ids(&parcels), ids(&again));
});
