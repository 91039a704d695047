//! What Meta tells of a message that went out, and what is shown of all that was told, in whatever order it came.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Fact, fields::Fields};
use crate::domain::conversation::Names;

/// From the least to the most that can be known. `failed` stands beside them: see [`shown`].
const RANKS: &[&str] = &["accepted", "sent", "delivered", "read", "played"];
const FAILED: &str = "failed";

/// Fields of a status that are kept elsewhere, or nowhere: whom it is about, and what only correlates it.
const OWN: &[&str] = &[
    "biz_opaque_callback_data",
    "errors",
    "id",
    "participant_recipient_id",
    "pricing",
    "recipient_id",
    "recipient_parent_user_id",
    "recipient_participant_id",
    "recipient_participant_user_id",
    "recipient_type",
    "recipient_user_id",
    "status",
    "timestamp",
];
/// Longer ones are not Meta's.
const LONGEST: usize = 200;

/// One status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub wamid: String,
    pub status: String,
    /// Of a group, whom it is about.
    pub participant: Option<String>,
    pub fact: Fact,
    pub recipient: Names,
    /// What we gave Meta with the message, and get back with each status.
    pub callback_data: Option<String>,
}

impl Told {
    /// None where it does not say which message it is about, or what of it. `received` stands for a time it lacks.
    pub fn of(text: &str, received: Timestamp) -> Option<Self> {
        let fields = Fields::of(text)?;
        let short = |name| fields.text(name).filter(|text: &String| text.len() <= LONGEST);
        let errors = fields.list("errors");
        let participants = ["recipient_participant_id", "participant_recipient_id", "recipient_participant_user_id"];
        let is_group = fields.text("recipient_type").as_deref() == Some("group");
        let recipient = match (is_group, fields.text("recipient_id")) {
            (true, group) => Names { group, ..Names::default() },
            (false, phone) => Names::new(phone, fields.text("recipient_user_id")),
        };
        Some(Self {
            wamid: fields.text("id")?,
            status: short("status")?,
            participant: participants.iter().find_map(|name| short(name)),
            fact: Fact {
                at: fields.time("timestamp").unwrap_or(received),
                error: errors.first().map(|error| (*error).to_owned()),
                pricing: fields.raw("pricing").map(str::to_owned),
                rest: fields.without(OWN),
            },
            recipient,
            callback_data: fields.text("biz_opaque_callback_data"),
        })
    }

    /// What the fact is kept by.
    pub fn key(&self) -> String {
        match &self.participant {
            Some(participant) => format!("{}#{participant}", self.status),
            None => self.status.clone(),
        }
    }
}

/// The one status that stands for all facts: the furthest. A failure counts unless the message is known to have arrived;
/// what is not known to us counts where nothing else is told.
pub fn shown(facts: &BTreeMap<String, Fact>) -> Option<&str> {
    let names = || facts.keys().map(|key| key.split('#').next().unwrap_or_default());
    let furthest = names().filter_map(rank).max();
    let has_arrived = furthest.is_some_and(|rank| rank >= 2);
    if !has_arrived && names().any(|name| name == FAILED) {
        return Some(FAILED);
    }
    furthest.map(|rank| RANKS[rank]).or_else(|| names().next())
}

fn rank(name: &str) -> Option<usize> {
    RANKS.iter().position(|known| *known == name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RECEIVED: Timestamp = Timestamp::UNIX_EPOCH;

    fn told(text: &str) -> Told {
        Told::of(text, RECEIVED).unwrap()
    }

    #[test]
    fn a_status_is_kept_with_all_that_only_it_says() {
        let told = told(
            r#"{"id":"wamid.A","status":"failed","timestamp":"1763719200","recipient_id":"1650","recipient_user_id":"US.1",
            "biz_opaque_callback_data":"x","errors":[{"code":131047,"title":"t"},{"code":"1"}],"pricing":{"billable":true},
            "payment":{"x":1}}"#,
        );

        assert_eq!(told.fact.error.as_deref(), Some(r#"{"code":131047,"title":"t"}"#));
        assert_eq!(told.fact.pricing.as_deref(), Some(r#"{"billable":true}"#));
        assert_eq!(told.fact.rest.as_deref(), Some(r#"{"payment":{"x":1}}"#));
        assert_eq!(told.fact.at.as_second(), 1_763_719_200);
        assert_eq!((told.key(), told.fact.code()), ("failed".to_owned(), Some("131047".to_owned())));
        assert_eq!(told.recipient, Names::new(Some("1650".into()), Some("US.1".into())));
        assert_eq!(told.callback_data.as_deref(), Some("x"));
    }

    #[test]
    fn in_a_group_each_participant_is_told_of() {
        let read = told(
            r#"{"id":"a","status":"read","recipient_type":"group","recipient_id":"G1","recipient_participant_id":"1650"}"#,
        );
        assert_eq!((read.key().as_str(), read.recipient.group.as_deref()), ("read#1650", Some("G1")));
        assert_eq!(read.fact.at, RECEIVED);
    }

    #[test]
    fn what_is_about_nothing_is_no_status() {
        for text in ["{}", r#"{"id":"a"}"#, r#"{"status":"sent"}"#, "[]"] {
            assert_eq!(Told::of(text, RECEIVED), None, "{text}");
        }
    }

    fn end(keys: &[&str]) -> Option<String> {
        let fact = Fact { at: RECEIVED, error: None, pricing: None, rest: None };
        let facts = keys.iter().map(|key| ((*key).to_owned(), fact.clone())).collect();
        shown(&facts).map(str::to_owned)
    }

    #[test]
    fn the_furthest_is_shown() {
        for (keys, wanted) in [
            (&["sent", "delivered"][..], Some("delivered")),
            (&["sent", "failed"], Some("failed")),
            (&["failed", "delivered"], Some("delivered")),
            (&["failed", "read", "sent"], Some("read")),
            (&["played", "read"], Some("played")),
            (&["delivered#1", "read#2"], Some("read")),
            (&["warning"], Some("warning")),
            (&["warning", "sent"], Some("sent")),
            (&[], None),
        ] {
            assert_eq!(end(keys).as_deref(), wanted, "{keys:?}");
        }
    }

    proptest! {
        #[test]
        fn every_order_and_repetition_ends_the_same(
            order in Just(vec!["accepted", "sent", "delivered", "read", "failed"]).prop_shuffle(),
            again in proptest::collection::vec(0_usize..5, 0..5),
        ) {
            let told: Vec<&str> = order.iter().copied().chain(again.iter().map(|place| order[*place])).collect();
            prop_assert_eq!(end(&told), end(&["accepted", "sent", "delivered", "read", "failed"]));
        }
    }
}
