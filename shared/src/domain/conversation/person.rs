//! Whom a delivery is about, as far as it says.

use super::{Alias, phone_variants};

/// What somebody is called in one place. Any of them may be missing, and with all of them missing it is nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Names {
    /// Digits.
    pub phone: Option<String>,
    pub user_id: Option<String>,
    pub group: Option<String>,
}

/// One person, with what they call themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    pub names: Names,
    pub username: Option<String>,
    pub name: Option<String>,
}

/// More digits have no phone, and more letters no id of Meta's.
const LONGEST_PHONE: usize = 24;
const LONGEST_ID: usize = 200;

impl Names {
    /// What stands where a phone number belongs and is none, names the person all the same.
    pub fn new(phone: Option<String>, user_id: Option<String>) -> Self {
        let is_of_a_phone = |letter: char| letter.is_ascii_digit() || "+ -()".contains(letter);
        let (phone, other) = match phone {
            Some(phone) if phone.chars().all(is_of_a_phone) => (Some(phone), None),
            other => (None, other),
        };
        let digits = |phone: String| phone.chars().filter(char::is_ascii_digit).collect::<String>();
        Self {
            phone: phone.map(digits).filter(|digits| (1..=LONGEST_PHONE).contains(&digits.len())),
            user_id: user_id.or(other).filter(|id| (1..=LONGEST_ID).contains(&id.len())),
            group: None,
        }
    }

    pub fn is_same_phone(one: &str, other: &str) -> bool {
        phone_variants(one).contains(&phone_variants(other)[0])
    }

    /// The names as they stand for a conversation. One in a group stands for the group.
    pub fn aliases(&self) -> Vec<Alias> {
        if let Some(group) = self.group.clone().filter(|group| group.len() <= LONGEST_ID) {
            return vec![Alias::Group(group)];
        }
        let phone = self.phone.clone().map(Alias::Phone);
        phone.into_iter().chain(self.user_id.clone().map(Alias::User)).collect()
    }

    /// Whether both may be the same person: no name of one is another of the other.
    fn may_be(&self, other: &Self) -> bool {
        let phones = self.phone.as_ref().zip(other.phone.as_ref());
        let ids = self.user_id.as_ref().zip(other.user_id.as_ref());
        phones.is_none_or(|(one, other)| Self::is_same_phone(one, other)) && ids.is_none_or(|(one, other)| one == other)
    }
}

impl Person {
    /// Whoever goes by these names, with what the entry beside them adds where it is about the same person.
    pub fn with(names: Names, beside: Option<Self>) -> Self {
        match beside {
            Some(beside) if names.group.is_none() && names.may_be(&beside.names) => {
                let phone = names.phone.or(beside.names.phone);
                let user_id = names.user_id.or(beside.names.user_id);
                Self { names: Names { phone, user_id, group: None }, ..beside }
            }
            _ => Self { names, ..Self::default() },
        }
    }
}

impl Alias {
    /// Every way this name may have been written down before.
    pub fn spellings(&self) -> Vec<Self> {
        match self {
            Self::Phone(digits) => phone_variants(digits).into_iter().map(Self::Phone).collect(),
            other => vec![other.clone()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(phone: &str, user_id: &str) -> Names {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Names::new(given(phone), given(user_id))
    }

    #[test]
    fn the_entry_beside_a_message_adds_what_is_about_the_same_person_only() {
        let beside =
            Person { names: names("16505551234", "US.1"), username: Some("@a".into()), name: Some("A".into()) };

        let same = Person::with(names("16505551234", ""), Some(beside.clone()));
        assert_eq!(same, beside);
        let by_id = Person::with(names("", "US.1"), Some(beside.clone()));
        assert_eq!(by_id, beside);
        let other = Person::with(names("16505550000", ""), Some(beside.clone()));
        assert_eq!(other, Person { names: names("16505550000", ""), ..Person::default() });
        let group = Names { group: Some("G".into()), ..names("16505551234", "") };
        assert_eq!(Person::with(group.clone(), Some(beside)).names, group);
    }

    #[test]
    fn one_in_a_group_stands_for_the_group() {
        let group = Names { group: Some("G".into()), ..names("1", "US.1") };
        assert_eq!(group.aliases(), [Alias::Group("G".into())]);
        assert_eq!(
            names("+1 (650) 555", "US.1").aliases(),
            [Alias::Phone("1650555".into()), Alias::User("US.1".into())]
        );
        assert_eq!(names("US.1349", "").aliases(), [Alias::User("US.1349".into())]);
        assert!(names("", "").aliases().is_empty());
        assert!(names(&"1".repeat(25), &"u".repeat(201)).aliases().is_empty());
    }
}
