//! To whom: a phone number, a person's id with this business, or a group. Kept exactly as written.

use serde::{Deserialize, Serialize};

use super::check::{Part, filled};
use crate::domain::conversation::Names;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_group: bool,
}

const SHORTEST_PHONE: usize = 7;
const LONGEST_PHONE: usize = 15;
const LONGEST_USER_ID: usize = 128;
/// Longer ones name nobody here: see [`Names`].
const LONGEST_GROUP_ID: usize = 200;

impl Recipient {
    /// The one name that Meta goes by. Where both are given `to` wins: that both are the same person is only said.
    pub fn names(&self) -> Names {
        match &self.to {
            Some(group) if self.is_group => Names { group: Some(group.clone()), ..Names::default() },
            Some(phone) => Names { phone: Some(digits(phone)), ..Names::default() },
            None => Names { user_id: self.recipient.clone(), ..Names::default() },
        }
    }

    /// None: the body names nobody.
    pub(super) fn read(body: &Part<'_>, is_group: bool) -> Option<Self> {
        let to = body.may("to", if is_group { group_id } else { phone }).and_then(|to| to.scalar());
        let recipient = body.may("recipient", user_id).and_then(|recipient| recipient.scalar());
        if is_group && to.is_none() && recipient.is_some() {
            body.wrong_at("to", "is required: a group is named by its id in to");
        }
        (to.is_some() || recipient.is_some()).then_some(Self { to, recipient, is_group })
    }
}

fn digits(phone: &str) -> String {
    phone.chars().filter(char::is_ascii_digit).collect()
}

/// `+1 (650) 555-1234` as people write it. Some languages write it as a number, and Graph takes that too.
fn phone(to: &Part<'_>) {
    let is_written = to.text().is_some() || to.value.is_u64();
    if to.text().is_some_and(is_user_id) {
        to.wrong("must be a phone number: the id of a user goes into recipient");
    } else if !is_written || !to.scalar().is_some_and(|to| is_phone(&to)) {
        to.wrong(format!("must be a phone number with {SHORTEST_PHONE} to {LONGEST_PHONE} digits, like +16505551234"));
    }
}

fn is_phone(text: &str) -> bool {
    let rest = text.strip_prefix('+').unwrap_or(text);
    let is_of_a_phone = |letter: char| letter.is_ascii_digit() || " -().\u{a0}".contains(letter);
    rest.starts_with(|letter: char| letter.is_ascii_digit() || " (".contains(letter))
        && rest.chars().all(is_of_a_phone)
        && (SHORTEST_PHONE..=LONGEST_PHONE).contains(&digits(rest).len())
}

fn user_id(recipient: &Part<'_>) {
    if !recipient.text().is_some_and(is_user_id) {
        recipient.wrong("must be the id of a user, like US.13491208655302741918");
    }
}

/// `CC.` and letters and digits; `CC.ENT.` for linked portfolios.
fn is_user_id(text: &str) -> bool {
    let Some((country, id)) = text.split_once('.') else { return false };
    let id = id.strip_prefix("ENT.").unwrap_or(id);
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && (1..=LONGEST_USER_ID).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn group_id(to: &Part<'_>) {
    filled(to);
    let is_id = |id: &str| id.len() <= LONGEST_GROUP_ID && id.bytes().all(|byte| byte.is_ascii_graphic());
    if !to.text().is_none_or(is_id) {
        to.wrong("must be the id of a group");
    }
}
