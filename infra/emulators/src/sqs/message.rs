//! A message, the rules for what it may contain, and the digests SDKs check.

use super::{queue::Receipt, refusal};
use crate::wire::Refusal;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Milliseconds since 1970, as SQS tells time.
pub(crate) type Millis = i64;
/// A message's place in the order of everything the emulator was ever sent.
pub(crate) type Sequence = u64;
pub(crate) type MessageAttributes = BTreeMap<String, MessageAttribute>;

const MAX_ATTRIBUTES: usize = 10;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) sequence: Sequence,
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) attributes: MessageAttributes,
    pub(crate) trace_header: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) deduplication: Option<String>,
    pub(crate) sender: String,
    pub(crate) sent: Millis,
    /// The queue it was in before it became a dead letter.
    pub(crate) dead_from: Option<String>,
    // What changes while it is in the queue is kept apart from what does not: see `Progress`.
    #[serde(skip)]
    pub(crate) in_flight: bool,
    #[serde(skip)]
    pub(crate) held_until: Option<Millis>,
    #[serde(skip)]
    pub(crate) receives: u32,
    #[serde(skip)]
    pub(crate) first_received: Option<Millis>,
    #[serde(skip)]
    pub(crate) comes_back: bool,
}

/// The part of a message that changes, small enough to be written at each receive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    in_flight: bool,
    held_until: Option<Millis>,
    receives: u32,
    first_received: Option<Millis>,
    comes_back: bool,
}

impl Message {
    pub(crate) fn receipt(&self) -> Receipt {
        Receipt { sequence: self.sequence, receives: self.receives }
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress {
            in_flight: self.in_flight,
            held_until: self.held_until,
            receives: self.receives,
            first_received: self.first_received,
            comes_back: self.comes_back,
        }
    }

    pub(crate) fn with_progress(self, progress: Progress) -> Self {
        let Progress { in_flight, held_until, receives, first_received, comes_back } = progress;
        Self { in_flight, held_until, receives, first_received, comes_back, ..self }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MessageAttribute {
    pub(crate) data_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) string_value: Option<String>,
    /// Base64, as it came and as it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) binary_value: Option<String>,
}

impl MessageAttribute {
    /// The bytes that count towards size and digest, and whether they are binary.
    fn value(&self) -> Option<(Vec<u8>, bool)> {
        match (&self.string_value, &self.binary_value, self.data_type.split('.').next()?) {
            (Some(text), None, "String" | "Number") if !text.is_empty() => Some((text.clone().into_bytes(), false)),
            (None, Some(binary), "Binary") if !binary.is_empty() => Some((STANDARD.decode(binary).ok()?, true)),
            _ => None,
        }
    }
}

/// Checks a body and its attributes; returns their size in bytes.
pub(crate) fn size(body: &str, attributes: &MessageAttributes) -> Result<usize, Refusal> {
    if body.is_empty() {
        return Err(refusal::missing("MessageBody"));
    }
    if !body.chars().all(is_legal) {
        return Err(refusal::illegal_characters());
    }
    if attributes.len() > MAX_ATTRIBUTES {
        let reason = format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MAX_ATTRIBUTES}].",
            attributes.len()
        );
        return Err(refusal::invalid(reason));
    }
    let mut size = body.len();
    for (name, attribute) in attributes {
        let Some((value, _)) = attribute.value().filter(|_| is_attribute_name(name)) else {
            return Err(refusal::invalid(format!("The message attribute '{name}' has no legal name, type and value.")));
        };
        if attribute.string_value.as_deref().is_some_and(|text| !text.chars().all(is_legal)) {
            return Err(refusal::illegal_characters());
        }
        size += name.len() + attribute.data_type.len() + value.len();
    }
    Ok(size)
}

fn is_legal(c: char) -> bool {
    matches!(c, '\u{9}' | '\u{A}' | '\u{D}' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn is_attribute_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let reserved =
        |prefix| name.get(..prefix).is_some_and(|start| matches!(&*start.to_ascii_lowercase(), "aws." | "amazon."));
    (1..=256).contains(&name.len())
        && name.chars().all(legal)
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && !reserved(4)
        && !reserved(7)
}

/// A message group or deduplication id: up to 128 printable characters without spaces.
pub(crate) fn check_fifo_id(parameter: &str, value: &str) -> Result<(), Refusal> {
    let legal = (1..=128).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic());
    if legal {
        return Ok(());
    }
    Err(refusal::invalid_value(
        value,
        parameter,
        &format!("{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."),
    ))
}

pub(crate) fn md5_of_body(body: &str) -> String {
    format!("{:x}", md5::compute(body))
}

/// The digest of message attributes: name, type, kind and value of each, in the order of the names, lengths before.
pub(crate) fn md5_of_attributes<'a>(
    attributes: impl IntoIterator<Item = (&'a String, &'a MessageAttribute)>,
) -> Option<String> {
    let mut digest = md5::Context::new();
    let mut any = false;
    for (name, attribute) in attributes {
        let (value, is_binary) = attribute.value()?;
        for part in [name.as_bytes(), attribute.data_type.as_bytes()] {
            consume(&mut digest, part);
        }
        digest.consume([if is_binary { 2 } else { 1 }]);
        consume(&mut digest, &value);
        any = true;
    }
    any.then(|| format!("{:x}", digest.compute()))
}

fn consume(digest: &mut md5::Context, part: &[u8]) {
    digest.consume(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
    digest.consume(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> MessageAttribute {
        MessageAttribute { data_type: "String".into(), string_value: Some(value.into()), binary_value: None }
    }

    #[test]
    fn the_characters_xml_forbids_are_refused() {
        for legal in ["a", "\t\r\n", " ", "\u{D7FF}", "\u{E000}", "\u{FFFD}", "\u{10000}", "\u{10FFFF}"] {
            assert!(size(legal, &MessageAttributes::new()).is_ok(), "{legal:?}");
        }
        for illegal in ["\0", "\u{8}", "\u{B}", "\u{C}", "\u{1F}", "\u{FFFE}", "\u{FFFF}"] {
            let refused = size(&format!("a{illegal}b"), &MessageAttributes::new()).unwrap_err();
            assert_eq!(refused.code(), "InvalidMessageContents", "{illegal:?}");
            let refused = size("a", &[("name".into(), text(illegal))].into()).unwrap_err();
            assert_eq!(refused.code(), "InvalidMessageContents", "{illegal:?}");
        }
    }

    #[test]
    fn size_counts_body_names_types_and_values() {
        let binary =
            MessageAttribute { data_type: "Binary".into(), string_value: None, binary_value: Some("AAEC".into()) };
        let attributes = [("ab".to_owned(), text("xyz")), ("c".to_owned(), binary)].into();

        assert_eq!(size("é", &attributes).unwrap(), 2 + (2 + 6 + 3) + (1 + 6 + 3));
    }
}
