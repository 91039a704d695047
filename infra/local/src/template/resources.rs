//! Tables, queues, secrets and keys.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::names::Names;
use super::properties::Properties;
use super::{Error, Resource};

/// A DynamoDB table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Attribute name and type (`S`, `N`, `B`).
    pub attributes: Vec<(String, String)>,
    /// Attribute name and role (`HASH`, `RANGE`).
    pub key: Vec<(String, String)>,
    pub indexes: Vec<Index>,
    pub stream_view: Option<String>,
    pub ttl: Option<String>,
}

/// A global secondary index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    pub name: String,
    pub key: Vec<(String, String)>,
    pub projection: String,
    pub projected: Vec<String>,
}

/// An SQS queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    pub fifo: bool,
    /// As `CreateQueue` takes them, but for the redrive policy, which needs an ARN.
    pub attributes: BTreeMap<String, String>,
    pub redrive: Option<Redrive>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redrive {
    /// Logical id of the dead-letter queue.
    pub target: String,
    pub max_receive_count: u32,
}

/// A secret of Secrets Manager.
#[derive(Debug, Clone)]
pub struct Secret {
    pub content: SecretContent,
}

#[derive(Clone)]
pub enum SecretContent {
    Given(String),
    Generated(GeneratedSecret),
}

impl fmt::Debug for SecretContent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(_) => formatter.write_str("Given([REDACTED])"),
            Self::Generated(generated) => formatter.debug_tuple("Generated").field(generated).finish(),
        }
    }
}

/// The rules of `GenerateSecretString`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedSecret {
    pub length: usize,
    /// What it is drawn from: lower case, upper case, digits, punctuation, the space; without what is excluded.
    pub alphabets: Vec<Vec<char>>,
    /// Whether each alphabet must occur.
    pub all_occur: bool,
    /// A JSON object, and the key under which the generated text joins it.
    pub template: Option<(String, String)>,
}

type Resources = BTreeMap<String, Resource>;

pub(super) fn tables(resources: &Resources) -> Result<BTreeMap<String, Table>, Error> {
    each(resources, "AWS::DynamoDB::Table", table)
}

pub(super) fn queues(resources: &Resources, names: &Names) -> Result<BTreeMap<String, Queue>, Error> {
    each(resources, "AWS::SQS::Queue", |properties| queue(properties, names))
}

pub(super) fn secrets(resources: &Resources) -> Result<BTreeMap<String, Secret>, Error> {
    each(resources, "AWS::SecretsManager::Secret", secret)
}

pub(super) fn keys(resources: &Resources) -> BTreeMap<String, Value> {
    let keys = resources.iter().filter(|(_, resource)| resource.kind == "AWS::KMS::Key");
    keys.map(|(logical_id, resource)| (logical_id.clone(), resource.properties.clone())).collect()
}

fn each<T>(
    resources: &Resources,
    kind: &str,
    read: impl Fn(&Properties<'_>) -> Result<T, Error>,
) -> Result<BTreeMap<String, T>, Error> {
    let of_kind = resources.iter().filter(|(_, resource)| resource.kind == kind);
    of_kind
        .map(|(logical_id, resource)| {
            let place = format!("Resources.{logical_id}.Properties");
            Ok((logical_id.clone(), read(&Properties::new(place, &resource.properties)?)?))
        })
        .collect()
}

fn table(properties: &Properties<'_>) -> Result<Table, Error> {
    properties.refuse(&["TableName", "LocalSecondaryIndexes", "ImportSourceSpecification"])?;
    let ttl = properties.map("TimeToLiveSpecification")?;
    let ttl = match ttl {
        Some(ttl) if ttl.flag("Enabled")? => Some(ttl.needed_text("AttributeName")?),
        _ => None,
    };
    let stream = properties.map("StreamSpecification")?;
    Ok(Table {
        attributes: pairs(properties, "AttributeDefinitions", "AttributeType")?,
        key: pairs(properties, "KeySchema", "KeyType")?,
        indexes: properties.maps("GlobalSecondaryIndexes")?.iter().map(index).collect::<Result<_, _>>()?,
        stream_view: stream.map(|stream| stream.needed_text("StreamViewType")).transpose()?,
        ttl,
    })
}

fn index(properties: &Properties<'_>) -> Result<Index, Error> {
    let projection = properties.map("Projection")?.ok_or_else(|| properties.wrong("Projection", "is missing"))?;
    Ok(Index {
        name: properties.needed_text("IndexName")?,
        key: pairs(properties, "KeySchema", "KeyType")?,
        projection: projection.needed_text("ProjectionType")?,
        projected: projection.texts("NonKeyAttributes")?,
    })
}

fn pairs(properties: &Properties<'_>, list: &str, second: &str) -> Result<Vec<(String, String)>, Error> {
    let pair = |entry: &Properties<'_>| Ok((entry.needed_text("AttributeName")?, entry.needed_text(second)?));
    let pairs: Vec<_> = properties.maps(list)?.iter().map(pair).collect::<Result<_, Error>>()?;
    if pairs.is_empty() { Err(properties.wrong(list, "is missing")) } else { Ok(pairs) }
}

const QUEUE_ATTRIBUTES: &[&str] = &[
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
];

fn queue(properties: &Properties<'_>, names: &Names) -> Result<Queue, Error> {
    properties.refuse(&["QueueName"])?;
    let mut attributes = BTreeMap::new();
    for name in QUEUE_ATTRIBUTES {
        if let Some(value) = properties.text(name)? {
            attributes.insert((*name).to_owned(), value);
        }
    }
    let redrive = properties.map("RedrivePolicy")?;
    let redrive = redrive.map(|redrive| {
        let arn = redrive.needed_text("deadLetterTargetArn")?;
        let target = names.owner_of(&arn);
        Ok(Redrive {
            target: target
                .ok_or_else(|| redrive.wrong("deadLetterTargetArn", "is no queue of this template"))?
                .to_owned(),
            max_receive_count: redrive
                .number("maxReceiveCount")?
                .ok_or_else(|| redrive.wrong("maxReceiveCount", "is missing"))?,
        })
    });
    Ok(Queue { fifo: properties.flag("FifoQueue")?, attributes, redrive: redrive.transpose()? })
}

fn secret(properties: &Properties<'_>) -> Result<Secret, Error> {
    properties.refuse(&["Name", "ReplicaRegions"])?;
    let content = match (properties.text("SecretString")?, properties.map("GenerateSecretString")?) {
        (Some(given), None) => SecretContent::Given(given),
        (None, Some(rules)) => SecretContent::Generated(generated(&rules)?),
        (None, None) => return Err(properties.wrong("SecretString", "is missing, and so is GenerateSecretString")),
        (Some(_), Some(_)) => {
            return Err(properties.wrong("SecretString", "and GenerateSecretString exclude each other"));
        }
    };
    Ok(Secret { content })
}

fn generated(rules: &Properties<'_>) -> Result<GeneratedSecret, Error> {
    let template = match (rules.text("SecretStringTemplate")?, rules.text("GenerateStringKey")?) {
        (Some(template), Some(key)) => Some((template, key)),
        (None, None) => None,
        _ => return Err(rules.wrong("SecretStringTemplate", "and GenerateStringKey need each other")),
    };
    let excluded = rules.text("ExcludeCharacters")?.unwrap_or_default();
    let mut alphabets = Vec::new();
    for (exclusion, characters) in [
        ("ExcludeLowercase", "abcdefghijklmnopqrstuvwxyz"),
        ("ExcludeUppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ("ExcludeNumbers", "0123456789"),
        ("ExcludePunctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    ] {
        if !rules.flag(exclusion)? {
            alphabets.push(characters.chars().filter(|character| !excluded.contains(*character)).collect());
        }
    }
    alphabets.extend(rules.flag("IncludeSpace")?.then(|| vec![' ']));
    alphabets.retain(|alphabet: &Vec<char>| !alphabet.is_empty());
    let length = rules.number("PasswordLength")?.unwrap_or(32);
    let all_occur = rules.raw("RequireEachIncludedType").is_none() || rules.flag("RequireEachIncludedType")?;
    if alphabets.is_empty() || (all_occur && length < alphabets.len()) {
        return Err(rules.wrong("PasswordLength", "leaves nothing to choose from"));
    }
    Ok(GeneratedSecret { length, alphabets, all_occur, template })
}
