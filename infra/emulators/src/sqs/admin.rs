//! Making, naming, tagging and describing queues.

use super::{
    About, Entry, State,
    message::Millis,
    queue::Queue,
    queue_key, refusal,
    settings::{Attributes, Settings, arn_of, name_in},
};
use crate::{
    store::Writes,
    wire::{ACCOUNT, Answer, Refusal, Request},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Create {
    queue_name: String,
    #[serde(default)]
    attributes: Attributes,
    #[serde(default, rename = "tags")]
    tags: Attributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct At {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Set {
    queue_url: String,
    attributes: Attributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tagging {
    queue_url: String,
    #[serde(default)]
    tags: Attributes,
    #[serde(default)]
    tag_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct List {
    #[serde(default)]
    queue_name_prefix: String,
    max_results: Option<usize>,
    next_token: Option<String>,
}

impl State {
    pub(super) fn create(&mut self, request: &Request, now: Millis) -> Result<Answer, Refusal> {
        let Create { queue_name: name, attributes, tags } = request.parse()?;
        if let Some(existing) = self.queues.get(&name) {
            return match existing.about.settings.difference(&attributes) {
                Some(attribute) => Err(refusal::queue_exists(attribute)),
                None => Answer::of(&json!({ "QueueUrl": url_of(request, &name) })),
            };
        }
        let is_fifo = attributes.get("FifoQueue").is_some_and(|value| value == "true");
        check_name(&name, is_fifo)?;
        let attributes = attributes.into_iter().filter(|(attribute, _)| is_fifo || attribute != "FifoQueue").collect();
        let settings = Settings::new(is_fifo, &attributes)?;
        self.check_redrive(&name, &settings)?;
        self.counters.queue += 1;
        let about = About { id: self.counters.queue, settings, tags, created: now, modified: now };
        let mut writes = Writes::default();
        writes.put("counters".into(), &self.counters)?;
        writes.put(queue_key(&name), &about)?;
        self.store.commit(writes)?;
        let url = url_of(request, &name);
        self.queues.insert(name, Entry { about, queue: Queue::new(is_fifo), arrivals: Arc::default() });
        Answer::of(&json!({ "QueueUrl": url }))
    }

    pub(super) fn delete_queue(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let At { queue_url, .. } = request.parse()?;
        let name = name_in(&queue_url);
        let mut entry = self.queues.remove(name).ok_or_else(refusal::no_such_queue)?;
        entry.queue.clear();
        let mut writes = Writes::default();
        writes.delete(queue_key(name));
        let journal = entry.queue.take_journal();
        entry.write(journal, &mut writes)?;
        self.store.commit(writes)?;
        // Who waits for a message of it is to learn that it is gone.
        entry.arrivals.notify_waiters();
        Ok(Answer::empty())
    }

    pub(super) fn url(&self, request: &Request) -> Result<Answer, Refusal> {
        let Named { queue_name: name } = request.parse()?;
        if !self.queues.contains_key(&name) {
            return Err(refusal::no_such_queue());
        }
        Answer::of(&json!({ "QueueUrl": url_of(request, &name) }))
    }

    pub(super) fn list(&self, request: &Request) -> Result<Answer, Refusal> {
        let List { queue_name_prefix, max_results, next_token } = request.parse()?;
        let names = self.queues.keys().filter(|name| name.starts_with(&queue_name_prefix));
        let (urls, next) = page(request, names, max_results, next_token.as_ref());
        Answer::of(&json!({ "QueueUrls": urls, "NextToken": next }))
    }

    pub(super) fn dead_letter_sources(&self, request: &Request) -> Result<Answer, Refusal> {
        let At { queue_url, .. } = request.parse()?;
        let List { max_results, next_token, .. } = request.parse()?;
        let target = name_in(&queue_url);
        if !self.queues.contains_key(target) {
            return Err(refusal::no_such_queue());
        }
        let feeds = |entry: &Entry| entry.about.settings.redrive().is_some_and(|redrive| redrive.target == target);
        let names = self.queues.iter().filter(|(_, entry)| feeds(entry)).map(|(name, _)| name);
        let (urls, next) = page(request, names, max_results, next_token.as_ref());
        Answer::of(&json!({ "queueUrls": urls, "NextToken": next }))
    }

    pub(super) fn attributes(&mut self, request: &Request, now: Millis) -> Result<Answer, Refusal> {
        let At { queue_url, attribute_names } = request.parse()?;
        let entry = self.entry(&queue_url, now)?;
        let known = entry.attributes(name_in(&queue_url));
        if attribute_names.iter().any(|name| name == "All") {
            return Answer::of(&json!({ "Attributes": known }));
        }
        let mut attributes = Map::new();
        for name in attribute_names {
            match known.get(&name) {
                Some(value) => {
                    attributes.insert(name, value.clone());
                }
                None if OPTIONAL.contains(&name.as_str()) => {}
                None => return Err(refusal::unknown_attribute(&name)),
            }
        }
        if attributes.is_empty() { Ok(Answer::empty()) } else { Answer::of(&json!({ "Attributes": attributes })) }
    }

    pub(super) fn set_attributes(&mut self, request: &Request, now: Millis) -> Result<Answer, Refusal> {
        let Set { queue_url, attributes } = request.parse()?;
        let name = name_in(&queue_url).to_owned();
        let settings = self.entry(&queue_url, now)?.about.settings.changed(&attributes)?;
        self.check_redrive(&name, &settings)?;
        self.describe_anew(&name, |about| {
            about.settings = settings;
            about.modified = now;
        })
    }

    pub(super) fn tags(&self, request: &Request) -> Result<Answer, Refusal> {
        let At { queue_url, .. } = request.parse()?;
        let entry = self.queues.get(name_in(&queue_url)).ok_or_else(refusal::no_such_queue)?;
        Answer::of(&json!({ "Tags": entry.about.tags }))
    }

    pub(super) fn tag(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let Tagging { queue_url, tags, .. } = request.parse()?;
        self.describe_anew(name_in(&queue_url), |about| about.tags.extend(tags))
    }

    pub(super) fn untag(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let Tagging { queue_url, tag_keys, .. } = request.parse()?;
        self.describe_anew(name_in(&queue_url), |about| about.tags.retain(|key, _| !tag_keys.contains(key)))
    }

    pub(super) fn purge(&mut self, request: &Request, now: Millis) -> Result<Answer, Refusal> {
        let At { queue_url, .. } = request.parse()?;
        self.entry(&queue_url, now)?.queue.purge();
        Ok(Answer::empty())
    }

    fn describe_anew(&mut self, name: &str, change: impl FnOnce(&mut About)) -> Result<Answer, Refusal> {
        let entry = self.queues.get_mut(name).ok_or_else(refusal::no_such_queue)?;
        let mut about = entry.about.clone();
        change(&mut about);
        let mut writes = Writes::default();
        writes.put(queue_key(name), &about)?;
        self.store.commit(writes)?;
        entry.about = about;
        Ok(Answer::empty())
    }

    /// Dead letters go to a queue that exists, is of the same kind and takes them.
    fn check_redrive(&self, source: &str, settings: &Settings) -> Result<(), Refusal> {
        let Some(redrive) = settings.redrive() else { return Ok(()) };
        let policy = &settings.all()["RedrivePolicy"];
        let Some(target) = self.queues.get(&redrive.target) else {
            return Err(refusal::invalid_value(policy, "RedrivePolicy", "Dead letter target does not exist."));
        };
        if target.about.settings.is_fifo() != settings.is_fifo() {
            let reason = "Dead-letter queue must be same type of queue as the source.";
            return Err(refusal::invalid_value(policy, "RedrivePolicy", reason));
        }
        if !target.about.settings.takes_from(source) {
            let reason = "The dead-letter queue's RedriveAllowPolicy does not allow this source queue.";
            return Err(refusal::invalid_value(policy, "RedrivePolicy", reason));
        }
        Ok(())
    }
}

impl Entry {
    fn attributes(&self, name: &str) -> Map<String, Value> {
        let counts = self.queue.counts();
        let own = self.about.settings.all().iter().map(|(name, value)| (name.clone(), value.clone()));
        let observed = [
            ("ApproximateNumberOfMessages", counts.visible.to_string()),
            ("ApproximateNumberOfMessagesDelayed", counts.delayed.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", counts.in_flight.to_string()),
            ("CreatedTimestamp", (self.about.created / 1000).to_string()),
            ("LastModifiedTimestamp", (self.about.modified / 1000).to_string()),
            ("QueueArn", arn_of(name)),
        ];
        own.chain(observed.map(|(name, value)| (name.to_owned(), value)))
            .map(|(name, value)| (name, value.into()))
            .collect()
    }
}

/// Attributes a queue may have but need not.
const OPTIONAL: [&str; 10] = [
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "Policy",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
];

fn check_name(name: &str, is_fifo: bool) -> Result<(), Refusal> {
    let stem = if is_fifo { name.strip_suffix(".fifo") } else { Some(name) };
    let legal =
        |stem: &str| !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if name.len() <= 80 && stem.is_some_and(legal) {
        return Ok(());
    }
    Err(refusal::invalid(if is_fifo {
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix \
         and be 1 to 80 in length."
    } else {
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length."
    }))
}

/// The queue's URL, at the address under which the caller reached us.
fn url_of(request: &Request, name: &str) -> String {
    let host = request.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    format!("http://{host}/{ACCOUNT}/{name}")
}

fn page<'a>(
    request: &Request,
    names: impl Iterator<Item = &'a String>,
    max: Option<usize>,
    after: Option<&String>,
) -> (Vec<String>, Option<&'a str>) {
    let mut names: Vec<_> = names.filter(|name| after.is_none_or(|after| *name > after)).collect();
    let limit = max.unwrap_or(1000).clamp(1, 1000);
    let more = names.len() > limit;
    names.truncate(limit);
    let next = names.last().filter(|_| more && max.is_some()).map(|name| name.as_str());
    (names.into_iter().map(|name| url_of(request, name)).collect(), next)
}
