//! Meta's ids: digits, opaque, never computed with.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Not something that may stand in a Graph path.
#[derive(Debug, thiserror::Error)]
#[error("an id of Meta's has 1 to 32 digits")]
pub struct InvalidMetaId;

macro_rules! meta_id {
    ($(#[doc = $doc:literal] $name:ident)+) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(!try_from, !into, extend("pattern" = "^[0-9]{1,32}$"))]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidMetaId;

            fn try_from(raw: String) -> Result<Self, InvalidMetaId> {
                if is_meta_id(&raw) { Ok(Self(raw)) } else { Err(InvalidMetaId) }
            }
        }

        impl FromStr for $name {
            type Err = InvalidMetaId;

            fn from_str(raw: &str) -> Result<Self, InvalidMetaId> {
                Self::try_from(raw.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

meta_id! {
    /// One WhatsApp number: the key of an account.
    PhoneNumberId
    /// A WhatsApp Business Account, which Meta has begun to call a messaging account.
    WabaId
    /// A business portfolio.
    BusinessId
    /// Whoever gave a token, as the app knows them: a person, or a system user of their business.
    SubjectId
    /// A file that Meta keeps for a number: one of ours, or what somebody sent.
    MediaId
    /// A message template in one language.
    TemplateId
}

fn is_meta_id(raw: &str) -> bool {
    (1..=32).contains(&raw.len()) && raw.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_reach_a_graph_path() {
        for good in ["1", "106540352242922", &"9".repeat(32)] {
            assert_eq!(good.parse::<PhoneNumberId>().unwrap().as_str(), good);
        }
        for bad in ["", "me", "1/messages", "../1", "1?x", " 1", "١", "-1", &"9".repeat(33)] {
            assert!(bad.parse::<PhoneNumberId>().is_err(), "{bad}");
        }
    }
}
