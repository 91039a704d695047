//! The ids of what is said: conversations, contacts and messages. They carry their keys, so no index finds them.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::hex;

/// 128 random bits, drawn when somebody is first heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^cnv_[A-Za-z0-9_-]{22}$"))]
pub struct ConversationId([u8; 16]);

/// One person as one account knows them: there is one conversation with each, and the ids are of the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^ctc_[A-Za-z0-9_-]{22}$"))]
pub struct ContactId(pub ConversationId);

/// Its conversation, its time in milliseconds, and ten bytes that tell it from others of that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^msg_[A-Za-z0-9_-]{43}$"))]
pub struct MessageId {
    pub conversation: ConversationId,
    milliseconds: u64,
    rest: [u8; 10],
}

/// A batch: the messages that become of it carry its id in theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId([u8; 6]);

#[derive(Debug, thiserror::Error)]
#[error("not an id of that kind")]
pub struct InvalidId;

/// What six bytes hold: times until the year 10889.
const LATEST: u64 = (1 << 48) - 1;

impl ConversationId {
    pub fn new(random: [u8; 16]) -> Self {
        Self(random)
    }

    /// As keys write it.
    pub fn hex(&self) -> String {
        hex::encode(&self.0)
    }
}

impl MessageId {
    /// Of a message that Meta tells of: the same however often it does. One without a usable time is as old as can be.
    pub fn of_meta(conversation: ConversationId, at: Option<Timestamp>, wamid: &str) -> Self {
        let digest = Sha256::digest(wamid);
        let mut rest = [0; 10];
        rest.copy_from_slice(&digest[..10]);
        Self { conversation, milliseconds: at.map_or(0, milliseconds), rest }
    }

    /// Of a message that is accepted here.
    pub fn of_ours(conversation: ConversationId, at: Timestamp, random: [u8; 10]) -> Self {
        Self { conversation, milliseconds: milliseconds(at), rest: random }
    }

    /// Of a message that a batch is to become, and of each the same whenever it does.
    pub fn of_job(conversation: ConversationId, at: Timestamp, job: JobId, index: u16) -> Self {
        let mut rest = [0; 10];
        rest[..6].copy_from_slice(&job.0);
        rest[6..8].copy_from_slice(&index.to_be_bytes());
        Self { conversation, milliseconds: milliseconds(at), rest }
    }

    /// The batch it may be of, and its place there.
    pub fn job(&self) -> Option<(JobId, u16)> {
        let [job @ .., high, low, 0, 0] = &self.rest else { return None };
        Some((JobId(*job), u16::from_be_bytes([*high, *low])))
    }

    /// What it sorts by inside its conversation.
    pub fn sort_key(&self) -> String {
        format!("m#{:015}#{}", self.milliseconds, hex::encode(&self.rest))
    }

    /// Back from the key.
    pub fn from_sort_key(conversation: ConversationId, key: &str) -> Option<Self> {
        let (time, rest) = key.strip_prefix("m#")?.split_once('#')?;
        Some(Self { conversation, milliseconds: time.parse().ok()?, rest: hex::decode(rest)? })
    }

    pub fn milliseconds(&self) -> u64 {
        self.milliseconds
    }
}

impl JobId {
    pub fn new(random: [u8; 6]) -> Self {
        Self(random)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl FromStr for JobId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        hex::decode(text).map(Self).ok_or(InvalidId)
    }
}

fn milliseconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_millisecond()).unwrap_or(0).min(LATEST)
}

fn written(prefix: &str, bytes: &[u8]) -> String {
    prefix.to_owned() + &BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn read<const N: usize>(prefix: &str, text: &str) -> Result<[u8; N], InvalidId> {
    let encoded = text.strip_prefix(prefix).ok_or(InvalidId)?;
    BASE64_URL_SAFE_NO_PAD.decode(encoded).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(InvalidId)
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written("cnv_", &self.0))
    }
}

impl fmt::Display for ContactId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written("ctc_", &self.0.0))
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.milliseconds.to_be_bytes();
        f.write_str(&written("msg_", &[&self.conversation.0[..], &time[2..], &self.rest].concat()))
    }
}

impl FromStr for ConversationId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        read("cnv_", text).map(Self)
    }
}

impl FromStr for ContactId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        read("ctc_", text).map(ConversationId).map(Self)
    }
}

impl FromStr for MessageId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let bytes: [u8; 32] = read("msg_", text)?;
        let (mut conversation, mut time, mut rest) = ([0; 16], [0; 8], [0; 10]);
        conversation.copy_from_slice(&bytes[..16]);
        time[2..].copy_from_slice(&bytes[16..22]);
        rest.copy_from_slice(&bytes[22..]);
        Ok(Self { conversation: ConversationId(conversation), milliseconds: u64::from_be_bytes(time), rest })
    }
}

macro_rules! as_text {
    ($($id:ident)+) => {$(
        impl TryFrom<String> for $id {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$id> for String {
            fn from(id: $id) -> Self {
                id.to_string()
            }
        }
    )+};
}

as_text! { ConversationId ContactId MessageId }

#[cfg(test)]
mod tests {
    use super::*;

    const CONVERSATION: ConversationId = ConversationId([7; 16]);

    #[test]
    fn ids_read_back_as_text_and_as_keys() {
        let at = Timestamp::from_second(1_795_000_000).unwrap();
        let message = MessageId::of_meta(CONVERSATION, Some(at), "wamid.ABC");

        assert_eq!(CONVERSATION.to_string().parse::<ConversationId>().unwrap(), CONVERSATION);
        assert_eq!(ContactId(CONVERSATION).to_string().parse::<ContactId>().unwrap(), ContactId(CONVERSATION));
        assert_eq!(message.to_string().parse::<MessageId>().unwrap(), message);
        assert!(message.sort_key().starts_with("m#001795000000000#"));
        assert_eq!(MessageId::from_sort_key(CONVERSATION, &message.sort_key()), Some(message));
    }

    #[test]
    fn one_message_of_metas_has_one_id() {
        let at = Timestamp::from_second(1_795_000_000).ok();
        let id = |wamid| MessageId::of_meta(CONVERSATION, at, wamid);

        assert_eq!(id("wamid.A"), id("wamid.A"));
        assert_ne!(id("wamid.A"), id("wamid.B"));
        assert_eq!(MessageId::of_meta(CONVERSATION, None, "wamid.A").milliseconds(), 0);
    }

    #[test]
    fn a_message_of_a_batch_says_which_and_where() {
        let (job, at) = (JobId::new([3; 6]), Timestamp::from_second(1_795_000_000).unwrap());
        let id = MessageId::of_job(CONVERSATION, at, job, 999);
        assert_eq!((id.job(), id.to_string().parse::<MessageId>().unwrap()), (Some((job, 999)), id));
        assert_eq!(job.to_string().parse::<JobId>().unwrap(), job);
        assert_eq!(MessageId::of_ours(CONVERSATION, at, [7; 10]).job(), None);
    }

    #[test]
    fn no_id_passes_for_another_kind() {
        let texts = [CONVERSATION.to_string(), ContactId(CONVERSATION).to_string(), "cnv_".to_owned(), String::new()];
        for text in &texts {
            assert!(text.parse::<MessageId>().is_err(), "{text}");
        }
        assert!(texts[1].parse::<ConversationId>().is_err() && texts[0].parse::<ContactId>().is_err());
    }
}
