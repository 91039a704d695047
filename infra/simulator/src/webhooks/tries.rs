//! The last webhooks that were tried, for who asks where one stopped. In memory only.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::Deserialize;

use super::Tried;

const KEPT: usize = 200;
/// Larger bodies are not kept, only that they were tried.
const LARGEST: usize = 64 * 1024;

#[derive(Debug, Clone)]
pub(crate) struct Try {
    pub delivery: String,
    /// Milliseconds of the clock.
    pub at: i64,
    pub url: String,
    pub body: Bytes,
    /// Which try of this delivery it was, from 1.
    pub number: usize,
    pub tried: Tried,
}

#[derive(Debug, Default)]
pub(crate) struct Tries(Mutex<VecDeque<Try>>);

impl Tries {
    pub(crate) fn note(&self, mut tried: Try) {
        if tried.body.len() > LARGEST {
            tried.body = Bytes::new();
        }
        let mut kept = self.lock();
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(tried);
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Those that told of a number, or of its WABA as a whole; oldest first.
    pub(crate) fn about(&self, number: &str, waba: &str) -> Vec<(Try, Told)> {
        let kept: Vec<Try> = self.lock().iter().cloned().collect();
        let told = kept.into_iter().map(|tried| (Told::read(&tried.body), tried));
        let is_meant = |told: &Told| told.about.iter().any(|about| about == number || about == waba);
        told.filter(|(told, _)| is_meant(told)).map(|(told, tried)| (tried, told)).collect()
    }

    /// The last try of each message of a number that reached, or did not reach, the app.
    pub(crate) fn of_messages(&self, number: &str) -> HashMap<String, Try> {
        let mut last = HashMap::new();
        for (tried, told) in self.about(number, number) {
            last.extend(told.messages.into_iter().map(|wamid| (wamid, tried.clone())));
        }
        last
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Try>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a webhook's body tells of.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub fields: Vec<String>,
    /// `delivered`, `read`, …
    pub statuses: Vec<String>,
    messages: Vec<String>,
    /// The number; where there is none the WABA.
    about: Vec<String>,
}

impl Told {
    fn read(body: &[u8]) -> Self {
        let mut told = Self::default();
        let Ok(webhook) = serde_json::from_slice::<Webhook>(body) else { return told };
        for entry in webhook.entry {
            for Change { field, value } in entry.changes {
                match value.metadata {
                    Some(metadata) => told.about.push(metadata.phone_number_id),
                    None => told.about.extend([entry.id.clone(), value.waba_info.waba_id]),
                }
                told.fields.push(field);
                told.statuses.extend(value.statuses.into_iter().map(|status| status.status));
                told.messages.extend(value.messages.into_iter().map(|message| message.id));
            }
        }
        told
    }
}

#[derive(Deserialize)]
struct Webhook {
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    changes: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    field: String,
    value: Content,
}

#[derive(Deserialize)]
struct Content {
    metadata: Option<Metadata>,
    #[serde(default)]
    waba_info: WabaInfo,
    #[serde(default)]
    messages: Vec<Named>,
    #[serde(default)]
    statuses: Vec<Status>,
}

#[derive(Deserialize)]
struct Metadata {
    phone_number_id: String,
}

#[derive(Default, Deserialize)]
struct WabaInfo {
    waba_id: String,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct Status {
    status: String,
}
