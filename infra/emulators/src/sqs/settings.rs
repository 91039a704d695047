//! A queue's attributes: what may be set, to what, and what the service makes of it.

use super::refusal;
use crate::wire::{ACCOUNT, REGION, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, ops::RangeInclusive};

pub(crate) type Attributes = BTreeMap<String, String>;

/// The largest message, and the largest batch.
pub(crate) const MAX_BYTES: usize = 1_048_576;

/// What can be set, and what it is where it is not.
const DEFAULTS: [(&str, &str); 5] = [
    ("DelaySeconds", "0"),
    ("MaximumMessageSize", "1048576"),
    ("MessageRetentionPeriod", "345600"),
    ("ReceiveMessageWaitTimeSeconds", "0"),
    ("VisibilityTimeout", "30"),
];
const FIFO_DEFAULTS: [(&str, &str); 3] =
    [("ContentBasedDeduplication", "false"), ("DeduplicationScope", "queue"), ("FifoThroughputLimit", "perQueue")];

/// The attributes of one queue, always whole and legal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Settings(Attributes);

/// Where a queue's poison goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redrive {
    pub(crate) target: String,
    pub(crate) max_receives: u32,
}

impl Settings {
    /// The settings of a new queue.
    pub(crate) fn new(is_fifo: bool, given: &Attributes) -> Result<Self, Refusal> {
        let mut settings = Self(Attributes::new());
        settings.0.extend(DEFAULTS.map(own));
        if is_fifo {
            settings.0.insert("FifoQueue".into(), "true".into());
            settings.0.extend(FIFO_DEFAULTS.map(own));
        } else {
            settings.0.insert("SqsManagedSseEnabled".into(), "true".into());
        }
        settings.changed(given)
    }

    /// These settings with other values for some; an empty policy takes it away.
    pub(crate) fn changed(&self, given: &Attributes) -> Result<Self, Refusal> {
        let mut changed = self.clone();
        for (name, value) in given {
            self.check(name, value)?;
            if value.is_empty() {
                changed.0.remove(name);
            } else {
                changed.0.insert(name.clone(), value.clone());
            }
        }
        let per_group = changed.text("FifoThroughputLimit") == Some("perMessageGroupId");
        if per_group && changed.text("DeduplicationScope") != Some("messageGroup") {
            return Err(refusal::invalid_attribute("FifoThroughputLimit"));
        }
        Ok(changed)
    }

    /// The first attribute that is given otherwise than it is.
    pub(crate) fn difference<'a>(&self, given: &'a Attributes) -> Option<&'a str> {
        let differs = |(name, value): &(&String, &String)| match (self.0.get(*name), json(value)) {
            (Some(own), Some(given)) => json(own) != Some(given),
            (own, _) => own != Some(*value),
        };
        given.iter().find(differs).map(|(name, _)| name.as_str())
    }

    pub(crate) fn all(&self) -> &Attributes {
        &self.0
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.0.contains_key("FifoQueue")
    }

    pub(crate) fn delay_seconds(&self) -> i64 {
        self.number("DelaySeconds")
    }

    pub(crate) fn max_bytes(&self) -> usize {
        usize::try_from(self.number("MaximumMessageSize")).unwrap_or(MAX_BYTES)
    }

    pub(crate) fn retention_seconds(&self) -> i64 {
        self.number("MessageRetentionPeriod")
    }

    pub(crate) fn wait_seconds(&self) -> i64 {
        self.number("ReceiveMessageWaitTimeSeconds")
    }

    pub(crate) fn visibility_seconds(&self) -> i64 {
        self.number("VisibilityTimeout")
    }

    pub(crate) fn deduplicates_by_content(&self) -> bool {
        self.text("ContentBasedDeduplication") == Some("true")
    }

    pub(crate) fn deduplicates_by_group(&self) -> bool {
        self.text("DeduplicationScope") == Some("messageGroup")
    }

    pub(crate) fn redrive(&self) -> Option<Redrive> {
        redrive(self.text("RedrivePolicy")?)
    }

    /// Whether this queue, as a dead-letter queue, may take from the queue of that name.
    pub(crate) fn takes_from(&self, source: &str) -> bool {
        let Some(policy) = self.text("RedriveAllowPolicy").and_then(json) else { return true };
        match policy["redrivePermission"].as_str() {
            Some("denyAll") => false,
            Some("byQueue") => {
                policy["sourceQueueArns"].as_array().is_some_and(|arns| arns.iter().any(|arn| arn == &arn_of(source)))
            }
            _ => true,
        }
    }

    fn check(&self, name: &str, value: &str) -> Result<(), Refusal> {
        let legal = match name {
            "DelaySeconds" => within(value, 0..=900),
            "MaximumMessageSize" => within(value, 1024..=1_048_576),
            "MessageRetentionPeriod" => within(value, 60..=1_209_600),
            "ReceiveMessageWaitTimeSeconds" => within(value, 0..=20),
            "VisibilityTimeout" => within(value, 0..=43_200),
            "KmsDataKeyReusePeriodSeconds" => within(value, 60..=86_400),
            "SqsManagedSseEnabled" => matches!(value, "true" | "false"),
            "KmsMasterKeyId" => true,
            "RedrivePolicy" => value.is_empty() || redrive(value).is_some(),
            "Policy" | "RedriveAllowPolicy" => value.is_empty() || json(value).is_some(),
            "FifoQueue" if self.is_fifo() => value == "true",
            "ContentBasedDeduplication" if self.is_fifo() => matches!(value, "true" | "false"),
            "DeduplicationScope" if self.is_fifo() => matches!(value, "queue" | "messageGroup"),
            "FifoThroughputLimit" if self.is_fifo() => matches!(value, "perQueue" | "perMessageGroupId"),
            _ => return Err(refusal::unknown_attribute(name)),
        };
        if legal { Ok(()) } else { Err(refusal::invalid_attribute(name)) }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn number(&self, name: &str) -> i64 {
        self.text(name).and_then(|value| value.parse().ok()).unwrap_or_default()
    }
}

/// The ARN of the queue of that name.
pub(crate) fn arn_of(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

/// The queue's name in its ARN or URL.
pub(crate) fn name_in(address: &str) -> &str {
    address.rsplit(['/', ':']).next().unwrap_or(address)
}

fn own((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn within(value: &str, range: RangeInclusive<i64>) -> bool {
    value.parse().is_ok_and(|number| range.contains(&number))
}

fn json(value: &str) -> Option<Value> {
    serde_json::from_str(value).ok().filter(Value::is_object)
}

/// `maxReceiveCount` comes as a number or as text.
fn redrive(policy: &str) -> Option<Redrive> {
    let policy = json(policy)?;
    let target = name_in(policy["deadLetterTargetArn"].as_str()?).to_owned();
    let count = &policy["maxReceiveCount"];
    let max_receives =
        count.as_u64().or_else(|| count.as_str()?.parse().ok()).filter(|count| (1..=1000).contains(count))?;
    Some(Redrive { target, max_receives: u32::try_from(max_receives).ok()? })
}
