//! What a table's stream tells of one item: what it was, and what it is.

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::transaction::Item;
use crate::{Error, Result};

/// One change of one item.
#[derive(Debug)]
pub struct Change {
    /// Of the stream; it tells which table's.
    stream: String,
    pub sequence: String,
    pub at: Timestamp,
    /// The table took it away, for its time was over.
    pub is_expiry: bool,
    pub(super) key: Item,
    pub(super) was: Option<Item>,
    pub(super) is: Option<Item>,
}

/// A record as Lambda hands it over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    #[serde(rename = "eventSourceARN")]
    stream: String,
    dynamodb: Images,
    #[serde(default)]
    user_identity: Option<Identity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Images {
    sequence_number: String,
    approximate_creation_date_time: f64,
    keys: Map<String, Value>,
    #[serde(default)]
    old_image: Option<Map<String, Value>>,
    #[serde(default)]
    new_image: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    principal_id: String,
}

/// Who deletes what has expired.
const EXPIRY: &str = "dynamodb.amazonaws.com";

impl Change {
    pub fn read(record: &str) -> Result<Self> {
        let record: Record = serde_json::from_str(record).map_err(|error| Error::Corrupt(error.to_string()))?;
        let images = record.dynamodb;
        let at = Timestamp::from_second(seconds(images.approximate_creation_date_time));
        Ok(Self {
            stream: record.stream,
            sequence: images.sequence_number,
            at: at.map_err(|error| Error::Corrupt(error.to_string()))?,
            is_expiry: record.user_identity.is_some_and(|identity| identity.principal_id == EXPIRY),
            key: item(images.keys)?,
            was: images.old_image.map(item).transpose()?,
            is: images.new_image.map(item).transpose()?,
        })
    }

    /// Of all changes there are, this one: the same whenever it is handed over.
    pub fn name(&self) -> String {
        let mut key: Vec<&String> = self.key.values().filter_map(|value| value.as_s().ok()).collect();
        key.sort_unstable();
        let table = self.stream.split('/').nth(1).unwrap_or_default();
        format!("{table} {key:?} {}", self.sequence)
    }

    /// `arn:aws:dynamodb:<region>:<account>:table/<table>/stream/<label>`
    pub fn is_of(&self, table: &str) -> bool {
        self.stream.split('/').nth(1) == Some(table)
    }

    /// An attribute of the key.
    pub(super) fn key(&self, name: &str) -> Result<&str> {
        let value = self.key.get(name).and_then(|value| value.as_s().ok());
        value.map(String::as_str).ok_or_else(|| Error::Corrupt(format!("a key without {name}")))
    }

    /// An attribute of what it was or is, wherever it can be found.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let items = [&self.is, &self.was].into_iter().flatten();
        items.filter_map(|item| item.get(name)?.as_s().ok()).map(String::as_str).next()
    }
}

/// Lambda writes a number, whole or not.
#[expect(clippy::cast_possible_truncation, reason = "times are whole seconds, far below what a float holds")]
fn seconds(at: f64) -> i64 {
    at as i64
}

fn item(attributes: Map<String, Value>) -> Result<Item> {
    attributes.into_iter().map(|(name, value)| Ok((name, attribute(value)?))).collect::<Result<HashMap<_, _>>>()
}

fn attribute(value: Value) -> Result<AttributeValue> {
    let corrupt = || Error::Corrupt("an attribute of a change".to_owned());
    let Value::Object(written) = value else { return Err(corrupt()) };
    let (kind, value) = written.into_iter().next().ok_or_else(corrupt)?;
    let bytes = |value: &Value| value.as_str().and_then(|text| BASE64_STANDARD.decode(text).ok()).map(Blob::new);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let read = match (kind.as_str(), value) {
        ("S", Value::String(text)) => Some(AttributeValue::S(text)),
        ("N", Value::String(number)) => Some(AttributeValue::N(number)),
        ("B", value) => bytes(&value).map(AttributeValue::B),
        ("BOOL", Value::Bool(is)) => Some(AttributeValue::Bool(is)),
        ("NULL", Value::Bool(is)) => Some(AttributeValue::Null(is)),
        ("M", Value::Object(map)) => Some(AttributeValue::M(item(map)?)),
        ("L", Value::Array(list)) => {
            Some(AttributeValue::L(list.into_iter().map(attribute).collect::<Result<Vec<_>>>()?))
        }
        ("SS", Value::Array(all)) => all.iter().map(text).collect::<Option<_>>().map(AttributeValue::Ss),
        ("NS", Value::Array(all)) => all.iter().map(text).collect::<Option<_>>().map(AttributeValue::Ns),
        ("BS", Value::Array(all)) => all.iter().map(bytes).collect::<Option<_>>().map(AttributeValue::Bs),
        _ => None,
    };
    read.ok_or_else(corrupt)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record() -> Value {
        json!({
            "eventID": "1", "eventName": "MODIFY", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
            "awsRegion": "eu-central-1",
            "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/messages/stream/2026-11-21T00:00:00.000",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_795_000_000.0, "SequenceNumber": "111", "SizeBytes": 26,
                "StreamViewType": "NEW_AND_OLD_IMAGES", "Keys": {"pk": {"S": "acme"}},
                "OldImage": {"pk": {"S": "acme"}, "n": {"N": "1"}},
                "NewImage": {"pk": {"S": "acme"}, "n": {"N": "2"}, "b": {"B": "aGk="}, "m": {"M": {"x": {"NULL": true}}},
                    "l": {"L": [{"BOOL": false}]}, "ss": {"SS": ["a"]}, "ns": {"NS": ["1"]}, "bs": {"BS": ["aGk="]}},
            },
        })
    }

    #[test]
    fn a_record_is_read_as_lambda_writes_it() {
        let change = Change::read(&record().to_string()).unwrap();

        assert!(change.is_of("messages") && !change.is_of("accounts"));
        assert_eq!((change.sequence.as_str(), change.at.as_second(), change.is_expiry), ("111", 1_795_000_000, false));
        assert_eq!((change.key("pk").unwrap(), change.text("pk"), change.text("sk")), ("acme", Some("acme"), None));
        assert_eq!(change.was.unwrap()["n"], AttributeValue::N("1".to_owned()));
        let is = change.is.unwrap();
        let hi = || Blob::new(b"hi");
        let null = HashMap::from([("x".to_owned(), AttributeValue::Null(true))]);
        assert_eq!(is["b"], AttributeValue::B(hi()));
        assert_eq!(is["m"], AttributeValue::M(null));
        assert_eq!(is["l"], AttributeValue::L(vec![AttributeValue::Bool(false)]));
        assert_eq!(is["ss"], AttributeValue::Ss(vec!["a".to_owned()]));
        assert_eq!(is["ns"], AttributeValue::Ns(vec!["1".to_owned()]));
        assert_eq!(is["bs"], AttributeValue::Bs(vec![hi()]));
    }

    #[test]
    fn what_expired_is_told_from_what_was_deleted() {
        let mut expired = record();
        expired["userIdentity"] = json!({"type": "Service", "principalId": "dynamodb.amazonaws.com"});
        expired["dynamodb"].as_object_mut().unwrap().remove("NewImage");

        let change = Change::read(&expired.to_string()).unwrap();

        assert!(change.is_expiry && change.is.is_none() && change.was.is_some());
    }

    #[test]
    fn what_is_no_record_is_said_to_be_none() {
        let mut strange = record();
        strange["dynamodb"]["NewImage"]["n"] = json!({"N": 2});
        for text in ["", "{}", "[]", &strange.to_string()] {
            assert!(matches!(Change::read(text), Err(Error::Corrupt(_))), "{text}");
        }
    }
}
