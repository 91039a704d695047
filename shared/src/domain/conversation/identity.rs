//! How a person may be named. Meta may give a phone number, a user id, a username, or any of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ConversationId;

/// One name that stands for one person at one account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum Alias {
    /// Digits, as Meta writes them: never rewritten.
    Phone(String),
    /// A business-scoped user id: never trimmed, its case kept.
    User(String),
    /// Not a person but a group, as one conversation.
    Group(String),
}

impl Alias {
    /// As keys write it.
    pub fn key(&self) -> String {
        match self {
            Self::Phone(digits) => format!("p#{digits}"),
            Self::User(id) => format!("u#{id}"),
            Self::Group(id) => format!("g#{id}"),
        }
    }
}

/// Where a name leads, and led before: what was said before a number went to somebody else was said by the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leads {
    pub now: Option<ConversationId>,
    pub before: Option<(ConversationId, Timestamp)>,
}

impl Leads {
    /// Wherever it leads, or led.
    pub fn all(&self) -> impl Iterator<Item = ConversationId> + use<> {
        [self.now, self.before.map(|(before, _)| before)].into_iter().flatten()
    }

    pub fn at(&self, time: Timestamp) -> Option<ConversationId> {
        match self.before {
            Some((before, until)) if time <= until => Some(before),
            _ => self.now,
        }
    }
}

/// The digits that may mean the same phone: Brazil's ninth digit, Argentina's 9, Mexico's 1. The given ones come first.
pub fn phone_variants(phone: &str) -> Vec<String> {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let variant = match digits.as_bytes() {
        // Brazil: two digits of area, then 9 and eight digits, or the eight alone.
        [b'5', b'5', _, _, b'9', rest @ ..] if rest.len() == 8 => Some(format!("{}{}", &digits[..4], &digits[5..])),
        [b'5', b'5', _, _, rest @ ..] if rest.len() == 8 => Some(format!("{}9{}", &digits[..4], &digits[4..])),
        // Argentina: 54 9 and ten digits, or 54 and ten digits.
        [b'5', b'4', b'9', rest @ ..] if rest.len() == 10 => Some(format!("54{}", &digits[3..])),
        [b'5', b'4', rest @ ..] if rest.len() == 10 => Some(format!("549{}", &digits[2..])),
        // Mexico: 52 1 and ten digits, or 52 and ten digits.
        [b'5', b'2', b'1', rest @ ..] if rest.len() == 10 => Some(format!("52{}", &digits[3..])),
        [b'5', b'2', rest @ ..] if rest.len() == 10 => Some(format!("521{}", &digits[2..])),
        _ => None,
    };
    std::iter::once(digits.clone()).chain(variant).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_found_however_its_country_writes_it() {
        for (one, other) in
            [("5511987654321", "551187654321"), ("5491123456789", "541123456789"), ("5215512345678", "525512345678")]
        {
            assert_eq!(phone_variants(one), [one, other]);
            assert_eq!(phone_variants(other), [other, one]);
        }
        assert_eq!(phone_variants("+1 650 555 1234"), ["16505551234"]);
        assert_eq!(phone_variants(""), [""]);
    }

    #[test]
    fn names_of_different_kinds_are_different_names() {
        let keys =
            [Alias::Phone("1".into()), Alias::User("1".into()), Alias::Group("1".into())].map(|alias| alias.key());
        assert_eq!(keys, ["p#1", "u#1", "g#1"]);
    }
}
