//! Conversations in lists: where each stands, and which are asked for.

use std::{fmt, str::FromStr};

use jiff::Timestamp;

use super::{Alias, Contact, ConversationId, Head, InvalidId};
use crate::domain::meta_id::PhoneNumberId;

/// Where a conversation stands. A list goes down from the greatest: the newest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    pub at: Timestamp,
    pub number: PhoneNumberId,
    pub conversation: ConversationId,
}

/// How far a list has been shown. What has moved since it was begun is shown where it stood then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub began: Timestamp,
    pub below: Standing,
}

/// Which conversations are asked for: those that are all of this.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// With this phone, in any of the ways its country writes it.
    pub phones: Vec<String>,
    /// With a person whose name begins so, in lower case.
    pub name: Option<String>,
    pub unread: bool,
}

/// How many places of a conversation are known beside the present one.
const REMEMBERED: usize = 3;
/// A name longer than this is found by its beginning.
const SEARCHED: usize = 100;

/// A name as it is searched.
pub fn searched(name: &str) -> String {
    name.to_lowercase().chars().take(SEARCHED).collect()
}

impl Contact {
    /// What a search compares.
    pub fn name_to_search(&self) -> Option<String> {
        self.shown_name().map(searched)
    }

    /// The one of their present names by which a list of all people has them.
    pub fn listed_as(&self) -> Option<Alias> {
        self.living().filter(|alias| !matches!(alias, Alias::Group(_))).min().cloned()
    }
}

impl Head {
    /// Where it stands; or, for a list that was begun then, where it stood at that time. None: it was not there yet, or
    /// has moved too often since.
    pub fn standing(&self, id: ConversationId, began: Option<Timestamp>) -> Option<Standing> {
        let before = self.stood.iter().rev().filter_map(|at| Timestamp::from_millisecond(*at).ok());
        let mut places = std::iter::once(self.updated_at).chain(before);
        let at = places.find(|at| began.is_none_or(|began| *at <= began))?;
        Some(Standing { at, number: self.number.clone(), conversation: id })
    }

    /// Moves it in lists. Where it `was_listed` before, it is remembered there for a while.
    pub(super) fn stands_at(&mut self, at: Timestamp, was_listed: bool) {
        if was_listed && at != self.updated_at {
            self.stood.push(self.updated_at.as_millisecond());
            self.stood.drain(..self.stood.len().saturating_sub(REMEMBERED));
        }
        self.updated_at = at;
    }
}

impl Wanted {
    pub fn takes(&self, head: &Head) -> bool {
        let is_phone = |phone: &String| self.phones.contains(phone);
        let known =
            head.contact.aliases.iter().any(|known| matches!(&known.alias, Alias::Phone(phone) if is_phone(phone)));
        let by_phone = self.phones.is_empty() || known || head.contact.phone.as_ref().is_some_and(is_phone);
        let begins = |prefix: &String| head.contact.name_to_search().is_some_and(|name| name.starts_with(prefix));
        let by_name = self.name.as_ref().is_none_or(begins);
        by_phone && by_name && (!self.unread || head.unread > 0)
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.at.as_millisecond(), self.number, self.conversation)
    }
}

impl FromStr for Standing {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let mut parts = text.split(' ');
        let mut part = || parts.next().ok_or(InvalidId);
        let milliseconds = part()?.parse().map_err(|_| InvalidId)?;
        Ok(Self {
            at: Timestamp::from_millisecond(milliseconds).map_err(|_| InvalidId)?,
            number: part()?.parse().map_err(|_| InvalidId)?,
            conversation: part()?.parse()?,
        })
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.began.as_millisecond(), self.below)
    }
}

impl FromStr for Shown {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (began, below) = text.split_once(' ').ok_or(InvalidId)?;
        let began = began.parse().map_err(|_| InvalidId)?;
        Ok(Self { began: Timestamp::from_millisecond(began).map_err(|_| InvalidId)?, below: below.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Known, *};

    fn standing(milliseconds: i64, number: &str, conversation: u8) -> Standing {
        Standing {
            at: Timestamp::from_millisecond(milliseconds).unwrap(),
            number: number.parse().unwrap(),
            conversation: ConversationId::new([conversation; 16]),
        }
    }

    fn head(contact: Contact) -> Head {
        Head { contact, ..Head::new("1".parse().unwrap(), Timestamp::UNIX_EPOCH) }
    }

    #[test]
    fn a_place_reads_back_and_anything_else_is_none() {
        let one = standing(1_795_000_000_123, "106540352242922", 7);

        assert_eq!(one.to_string().parse::<Standing>().unwrap(), one);
        let shown = Shown { began: Timestamp::UNIX_EPOCH, below: one };
        assert_eq!(shown.to_string().parse::<Shown>().unwrap(), shown);
        for text in ["", "1", "1 2", "x 2 cnv_BwcHBwcHBwcHBwcHBwcHBw", "1 2 ctc_BwcHBwcHBwcHBwcHBwcHBw"] {
            assert!(text.parse::<Standing>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_newest_is_the_greatest() {
        let mut places = [standing(2, "1", 1), standing(10, "1", 1), standing(10, "2", 1), standing(10, "2", 2)];
        places.reverse();
        places.sort_unstable();

        assert_eq!(places, [standing(2, "1", 1), standing(10, "1", 1), standing(10, "2", 1), standing(10, "2", 2)]);
    }

    #[test]
    fn who_pages_through_a_list_finds_what_moves_where_it_stood() {
        let (id, at) = (ConversationId::new([1; 16]), |second| Timestamp::from_second(second).unwrap());
        let mut head = head(Contact::default());
        for (second, was_listed) in [(10, false), (20, true), (30, true), (30, true), (40, true), (50, true)] {
            head.stands_at(at(second), was_listed);
        }
        let stood = |began| head.standing(id, began).map(|standing| standing.at.as_second());

        assert_eq!([stood(None), stood(Some(at(50))), stood(Some(at(49)))], [Some(50), Some(50), Some(40)]);
        assert_eq!([stood(Some(at(20))), stood(Some(at(19)))], [Some(20), None]);
    }

    #[test]
    fn the_operators_name_is_the_one_that_is_shown_and_searched() {
        let contact = Contact { name: Some("Zoë".into()), own_name: Some("Ádám Kft.".into()), ..Contact::default() };
        let wanted = |prefix: &str| Wanted { name: Some(prefix.to_owned()), ..Wanted::default() };

        assert_eq!((contact.shown_name(), contact.name_to_search()), (Some("Ádám Kft."), Some("ádám kft.".to_owned())));
        assert!(wanted("ád").takes(&head(contact.clone())) && !wanted("zo").takes(&head(contact)));
        assert!(!wanted("a").takes(&head(Contact::default())) && Wanted::default().takes(&head(Contact::default())));
    }

    #[test]
    fn a_phone_somebody_once_had_still_finds_them() {
        let since = Timestamp::UNIX_EPOCH;
        let former = Known { alias: Alias::Phone("5511987654321".into()), since, until: None };
        let contact = Contact { phone: Some("4915112345678".into()), aliases: vec![former], ..Contact::default() };
        let wanted =
            |phones: &[&str]| Wanted { phones: phones.iter().map(ToString::to_string).collect(), ..Wanted::default() };

        assert!(wanted(&["4915112345678"]).takes(&head(contact.clone())));
        assert!(wanted(&["551187654321", "5511987654321"]).takes(&head(contact.clone())));
        assert!(!wanted(&["1"]).takes(&head(contact)));
    }

    #[test]
    fn everybody_is_listed_under_one_living_name() {
        let known = |alias, until| Known { alias, since: Timestamp::UNIX_EPOCH, until };
        let (user, phone, group) = (Alias::User("US.1".into()), Alias::Phone("1".into()), Alias::Group("G".into()));
        let named = |aliases: &[Known]| Contact { aliases: aliases.to_vec(), ..Contact::default() }.listed_as();

        assert_eq!(named(&[known(user.clone(), None), known(phone.clone(), None)]), Some(phone.clone()));
        let former = known(phone, Some(Timestamp::UNIX_EPOCH));
        assert_eq!(named(&[former, known(user.clone(), None)]), Some(user));
        assert_eq!((named(&[known(group, None)]), named(&[])), (None, None));
    }
}
