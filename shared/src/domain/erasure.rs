//! A person who is being forgotten: what is known of that until all is gone. No name is in it. Whom it is about is known
//! by codes over their names, under a key of ours.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    conversation::{Alias, Contact, ConversationId, Line, Names},
    hex,
    keyring::{Keyring, Kid, Purpose},
};

/// How long after it was asked for all is gone through once more: whoever had something of theirs in hand then, a batch
/// of a queue or of a stream, has put it down by now.
pub const SETTLED_AFTER: jiff::SignedDuration = jiff::SignedDuration::from_mins(3);
/// How long it is known that a conversation was erased: longer than queues and streams keep what leads to it.
pub const REMEMBERED: jiff::SignedDuration = jiff::SignedDuration::from_hours(24 * 30);
const CODE: usize = 16;

/// The codes of all names that somebody ever had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whom {
    kid: String,
    codes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    pub line: Line,
    /// The person's conversation first, then those that turned out to be parts of it.
    pub conversations: Vec<ConversationId>,
    pub whom: Whom,
    pub asked_at: Timestamp,
    pub step: Step,
    /// How far the step has come, where it leaves behind what it has passed. That may be anybody's name: it is sealed.
    pub place: Option<String>,
    /// All is gone through a second time.
    pub is_again: bool,
    /// Somebody is at it until then; whoever comes later goes on.
    pub due_at: Timestamp,
}

/// What is gone through, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// What was said, and what hangs on it.
    Said,
    /// What leads to them: their names, in whatever was left of them.
    Names,
    /// What of their names can be searched.
    Searched,
    /// Batches that are still to write to them.
    Batches,
    /// Their large units, as they came.
    Blobs,
    /// Statuses that wait for a message.
    Waiting,
    /// What Meta told of them that was no message.
    Events,
    Parked,
    /// The feed.
    Told,
    Over,
}

impl Erasure {
    /// The step after this one. Once all is gone through, again from the beginning; then it is over.
    pub fn moves_on(&mut self) {
        self.place = None;
        self.step = match self.step {
            Step::Said => Step::Names,
            Step::Names => Step::Searched,
            Step::Searched => Step::Batches,
            Step::Batches => Step::Blobs,
            Step::Blobs => Step::Waiting,
            Step::Waiting => Step::Events,
            Step::Events => Step::Parked,
            Step::Parked => Step::Told,
            Step::Told if !self.is_again => {
                self.is_again = true;
                self.due_at = self.asked_at + SETTLED_AFTER;
                Step::Said
            }
            Step::Told | Step::Over => Step::Over,
        };
    }

    /// Whether it waits for everybody to put down what they had in hand.
    pub fn is_to_settle(&self, now: Timestamp) -> bool {
        self.is_again && now < self.asked_at + SETTLED_AFTER
    }
}

impl Whom {
    pub fn of(contact: &Contact, line: &Line, keys: &Keyring) -> Self {
        let known = contact.aliases.iter().map(|known| known.alias.clone());
        let shown = [
            contact.phone.clone().map(Alias::Phone),
            contact.user_id.clone().map(Alias::User),
            contact.username.clone().map(Alias::User),
            contact.group_id.clone().map(Alias::Group),
        ];
        let all = known.chain(shown.into_iter().flatten()).flat_map(|alias| alias.spellings());
        let mut codes: Vec<String> = Vec::new();
        let kid = keys.kid();
        for alias in all {
            codes.extend(code(&alias.key(), line, keys, kid).filter(|code| !codes.contains(code)));
        }
        Self { kid: hex::encode(&kid), codes }
    }

    /// Whether this is one of their names.
    pub fn is(&self, alias: &Alias, line: &Line, keys: &Keyring) -> bool {
        self.is_key(&alias.key(), line, keys)
    }

    /// The same of a name as it is kept.
    pub fn is_key(&self, name: &str, line: &Line, keys: &Keyring) -> bool {
        let kid = hex::decode::<4>(&self.kid);
        kid.and_then(|kid| code(name, line, keys, kid)).is_some_and(|code| self.codes.contains(&code))
    }

    /// Whether something of Meta's names them anywhere.
    pub fn is_named_in(&self, json: &str, line: &Line, keys: &Keyring) -> bool {
        serde_json::from_str(json).is_ok_and(|value| self.is_in(&value, line, keys))
    }

    fn is_in(&self, value: &Value, line: &Line, keys: &Keyring) -> bool {
        match value {
            Value::String(text) => aliases_of(text).iter().any(|alias| self.is(alias, line, keys)),
            Value::Number(number) => self.is_in(&Value::String(number.to_string()), line, keys),
            Value::Array(values) => values.iter().any(|value| self.is_in(value, line, keys)),
            Value::Object(fields) => fields.values().any(|value| self.is_in(value, line, keys)),
            Value::Null | Value::Bool(_) => false,
        }
    }
}

/// What a text would be as a name.
fn aliases_of(text: &str) -> Vec<Alias> {
    let names = Names::new(Some(text.to_owned()), Some(text.to_owned()));
    let group = Names { group: Some(text.to_owned()), ..Names::default() };
    names.aliases().into_iter().chain(group.aliases()).collect()
}

fn code(name: &str, line: &Line, keys: &Keyring, kid: Kid) -> Option<String> {
    let bytes = format!("{}\0{}\0{name}", line.tenant, line.number);
    let code = keys.code_of(&kid, Purpose::Erasure, bytes.as_bytes())?;
    Some(hex::encode(&code[..CODE]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::conversation::Known;

    fn line(tenant: &str) -> Line {
        Line { tenant: tenant.parse().unwrap(), number: "1".parse().unwrap() }
    }

    fn contact() -> Contact {
        let known = |alias, until| Known { alias, since: Timestamp::UNIX_EPOCH, until };
        let former = known(Alias::Phone("16505550000".into()), Some(Timestamp::UNIX_EPOCH));
        Contact {
            phone: Some("5511987654321".into()),
            aliases: vec![former, known(Alias::User("US.1".into()), None)],
            ..Contact::default()
        }
    }

    #[test]
    fn somebody_is_known_again_by_every_name_they_ever_had_and_by_no_others() {
        let (keys, line) = (Keyring::new(&[1; 32], None), line("acme"));
        let whom = Whom::of(&contact(), &line, &keys);

        for named in [
            json!({"wa_id": "551187654321"}),
            json!([{"recipient": {"id": "US.1"}}]),
            json!({"from": 16_505_550_000_u64}),
            json!({"from": "+55 (11) 98765-4321"}),
        ] {
            assert!(whom.is_named_in(&named.to_string(), &line, &keys), "{named}");
        }
        for other in [json!({"wa_id": "16505550001"}), json!({"id": "US.12"}), json!({"US.1": null}), json!("us.1")] {
            assert!(!whom.is_named_in(&other.to_string(), &line, &keys), "{other}");
        }
        assert!(!whom.is_named_in("no JSON 5511987654321", &line, &keys));
    }

    #[test]
    fn no_name_can_be_read_from_it_nor_found_at_another_tenants() {
        let keys = Keyring::new(&[1; 32], None);
        let whom = Whom::of(&contact(), &line("acme"), &keys);

        let kept = serde_json::to_string(&whom).unwrap();
        assert!(!["5511987654321", "US.1", "16505550000"].iter().any(|name| kept.contains(name)), "{kept}");
        let named = Alias::User("US.1".into());
        assert!(whom.is(&named, &line("acme"), &keys) && !whom.is(&named, &line("bravo"), &keys));
        let rotated = Keyring::new(&[2; 32], Some(&[1; 32]));
        assert!(whom.is(&named, &line("acme"), &rotated));
        assert!(!whom.is(&named, &line("acme"), &Keyring::new(&[2; 32], None)));
    }

    #[test]
    fn all_is_gone_through_twice_and_the_second_time_later() {
        let keys = Keyring::new(&[1; 32], None);
        let asked_at = Timestamp::UNIX_EPOCH;
        let mut erasure = Erasure {
            whom: Whom::of(&contact(), &line("acme"), &keys),
            line: line("acme"),
            conversations: vec![ConversationId::new([1; 16])],
            asked_at,
            step: Step::Said,
            place: Some("somewhere".to_owned()),
            is_again: false,
            due_at: asked_at,
        };
        let mut steps = Vec::new();
        while erasure.step != Step::Over {
            steps.push(erasure.step);
            erasure.moves_on();
            assert_eq!(erasure.place, None);
        }

        assert_eq!(steps[..9], steps[9..]);
        assert_eq!((steps.len(), erasure.due_at), (18, asked_at + SETTLED_AFTER));
        assert!(erasure.is_to_settle(asked_at) && !erasure.is_to_settle(asked_at + SETTLED_AFTER));
    }
}
