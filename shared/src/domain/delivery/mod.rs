//! One POST of Meta's, taken apart: up to a thousand things that happened to many numbers become parcels for the queue.
//! What is not as Meta documents it is kept whole, and costs its neighbours nothing.

mod lenient;
mod person;
mod value;

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    envelope::{Kind, Oversized, Packing, Subject, Unit},
    record::Parcel,
};
use lenient::{Text, object};

/// Where all goes that cannot be read.
const UNREADABLE: &str = "unreadable";
/// Some editors put it before a text; it is no part of JSON.
const BYTE_ORDER_MARK: char = '\u{FEFF}';

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    entry: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(default, borrow)]
    id: Text<'a>,
    #[serde(default, borrow)]
    time: Text<'a>,
    #[serde(borrow)]
    changes: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Change<'a> {
    #[serde(default, borrow)]
    field: Text<'a>,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// The parcels of a delivery, those of one group in order; and what must be stored before they are sent.
pub fn split(body: &[u8], received_at: Timestamp) -> (Vec<Parcel>, Vec<Oversized>) {
    let mut packing = Packing::new(received_at);
    let text = str::from_utf8(body).ok().map(|text| text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text));
    match text.and_then(object::<Body<'_>>) {
        Some(Body { entry }) => entry.into_iter().for_each(|raw| split_entry(raw, &mut packing)),
        None => keep_unreadable(body, ("", None), &mut packing),
    }
    packing.finish()
}

fn split_entry(raw: &RawValue, packing: &mut Packing) {
    let Some(entry) = object::<Entry<'_>>(raw.get()) else {
        return keep_unreadable(raw.get().as_bytes(), ("", None), packing);
    };
    let about = (entry.id.or_empty(), entry.time.as_deref().and_then(|time| time.parse().ok()));
    for raw in entry.changes {
        match object::<Change<'_>>(raw.get()) {
            Some(change) => value::split(about, change.field.or_empty(), change.value, packing),
            None => keep_unreadable(raw.get().as_bytes(), about, packing),
        }
    }
}

fn keep_unreadable(part: &[u8], (entry, time): (&str, Option<i64>), packing: &mut Packing) {
    // Base64 has nothing that JSON escapes, so this cannot fail.
    let Ok(raw) = to_raw_value(&BASE64_STANDARD.encode(part)) else { return };
    let heading = Subject { entry, time, field: "", number: None, display: None }.heading();
    packing.add(&heading, UNREADABLE, &Unit { kind: Kind::Unreadable, raw: &raw, contact: None, thread: None });
}

#[cfg(test)]
mod tests;
