//! What a reader is shown of a message: its kind, its words, how far it came, what went wrong.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{Direction, Fact, Fields, MetaMessage, Origin, Stored, UNSUPPORTED, readable, shown};
use crate::domain::{
    meta_error::{Retry, Row, row_of},
    sending::{Fault, Mark, Sending, Source, State},
};

/// A message's own text, in which every escape stands for a character.
#[derive(Debug)]
pub struct Reading<'a> {
    stored: &'a Stored,
    text: Cow<'a, str>,
}

/// One thing that happened to a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub at: Timestamp,
    pub status: String,
    pub source: Source,
    /// Of a group, whom it is about; else what is said of it in words.
    pub detail: Option<String>,
    pub failure: Option<Failure>,
}

/// What is said against a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Stable: programs may branch on it.
    pub code: &'static str,
    /// Where Meta says it.
    pub meta: Option<MetaCode>,
    /// In Meta's words.
    pub detail: Option<String>,
    pub remedy: &'static str,
    /// Whether the same message may come through later.
    pub is_retryable: bool,
}

/// Meta's own numbers for an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetaCode {
    pub code: i64,
    pub subcode: Option<i64>,
    pub trace: Option<String>,
}

const RECEIVED: &str = "received";
const ACCEPTED: &str = "accepted";
const FAILED: &str = "failed";
/// What statuses tell, in the order in which it happens.
const TOLD: &[&str] = &["accepted", "sent", "delivered", "read", "played"];
/// Meta has given the message a second id.
const DUPLICATE: &str = "duplicate_detected";
/// Of what came in, the person has to be asked: nothing here failed to go out.
const NOT_HANDED_OVER: &str =
    "WhatsApp does not hand this message over: look at it on the phone, or ask the customer to send it another way.";

const DISCONNECTED: &str =
    "The number was disconnected before this was sent: connect it again, and send the message anew.";
const UNCONFIRMED: &str = "Meta did not say whether it took this message: look at the customer's answer, or ask, before you \
                           send it again.";

impl Stored {
    /// The one that stands for all that is known.
    pub fn status(&self) -> &str {
        match (self.direction, self.origin) {
            (Direction::Inbound, _) => RECEIVED,
            // Told of by Meta, it has gone out already.
            (Direction::Outbound, Origin::App | Origin::History) => shown(&self.statuses).unwrap_or("sent"),
            // What Meta tells of a message counts for more than what we know of our own doing.
            (Direction::Outbound, _) => {
                shown(&self.statuses).or_else(|| self.sending.as_ref().map(Sending::status)).unwrap_or(ACCEPTED)
            }
        }
    }

    /// What Meta charges for it, as its text came: what was told last counts.
    pub fn pricing(&self) -> Option<&str> {
        let told = self.statuses.values().filter(|fact| fact.pricing.is_some());
        told.max_by_key(|fact| fact.at).and_then(|fact| fact.pricing.as_deref())
    }

    /// What happened to it, oldest first.
    pub fn steps(&self) -> Vec<Step> {
        if self.direction == Direction::Inbound {
            return vec![Step { source: Source::Webhook, ..first(self.received_at, RECEIVED) }];
        }
        // Meta tells whole seconds: what happened within one stands in the order in which it can happen.
        let mut steps = Vec::new();
        if let Some(sending) = &self.sending {
            steps.push((0, first(self.received_at, ACCEPTED)));
            steps.extend(sending.marks.iter().map(|mark| (1, Step::of_mark(mark))));
        }
        let rank = |status: &str| 2 + TOLD.iter().position(|known| *known == status).map_or(0, |rank| rank + 1);
        steps.extend(self.statuses.iter().map(|(key, fact)| step(key, fact)).map(|step| (rank(&step.status), step)));
        steps.extend(self.duplicate.as_ref().map(|wamid| {
            let at = self.statuses.values().map(|fact| fact.at).max().unwrap_or(self.received_at);
            let detail = Some(format!("{DUPLICATE}: {wamid}"));
            (usize::MAX, Step { source: Source::Webhook, detail, ..first(at, self.status()) })
        }));
        steps.sort_by_key(|(rank, step)| (step.at.as_second(), *rank));
        steps.into_iter().map(|(_, step)| step).collect()
    }
}

fn step(key: &str, fact: &Fact) -> Step {
    let (status, detail) = match key.split_once('#') {
        Some((status, participant)) => (status, Some(participant.to_owned())),
        None => (key, None),
    };
    let failure = fact.error.as_deref().and_then(|error| Failure::of(error, |row| row.remedy));
    Step { at: fact.at, status: status.to_owned(), source: Source::Webhook, detail, failure }
}

fn first(at: Timestamp, status: &str) -> Step {
    Step { at, status: status.to_owned(), source: Source::Api, detail: None, failure: None }
}

impl Step {
    fn of_mark(mark: &Mark) -> Self {
        Self {
            at: mark.at,
            status: mark.state.word().to_owned(),
            source: mark.source,
            detail: mark.detail.clone(),
            failure: mark.fault.as_ref().map(Failure::of_fault),
        }
    }
}

impl Sending {
    fn status(&self) -> &'static str {
        self.state.word()
    }
}

impl State {
    /// As readers are told.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted | Self::Waiting => ACCEPTED,
            Self::Held => "held",
            Self::Sending | Self::Unknown => "sending",
            Self::Sent => "sent",
            Self::Failed => FAILED,
            Self::Unconfirmed => "unconfirmed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

impl<'a> Reading<'a> {
    pub fn of(stored: &'a Stored) -> Self {
        Self { stored, text: readable(&stored.raw) }
    }

    fn message(&self) -> Option<MetaMessage<'_>> {
        MetaMessage::of(&self.text)
    }

    pub fn kind(&self) -> &'static str {
        self.message().map_or(UNSUPPORTED, |message| message.kind())
    }

    /// Meta's object under the message's type.
    pub fn content(&self) -> Option<String> {
        self.message()?.content().map(str::to_owned)
    }

    pub fn context(&self) -> Option<String> {
        self.message()?.context().map(str::to_owned)
    }

    pub fn preview(&self) -> Option<String> {
        self.message()?.preview()
    }

    /// Meta's time, to the second.
    pub fn at(&self) -> Option<Timestamp> {
        self.message()?.at()
    }

    /// Why it failed, where it did; of what came in, why Meta did not hand it over.
    pub fn failure(&self) -> Option<Failure> {
        if self.stored.direction == Direction::Inbound {
            let message = self.message()?;
            return message.errors().into_iter().find_map(|error| Failure::of(error, |_| NOT_HANDED_OVER));
        }
        let status = self.stored.status();
        // While it waits, the reason for that is no error of the message.
        let is_said = [FAILED, State::Unconfirmed.word(), State::Held.word()].contains(&status);
        let steps = is_said.then(|| self.stored.steps());
        steps?.into_iter().rfind(|step| step.status == status && step.failure.is_some())?.failure
    }
}

impl Failure {
    fn of(error: &str, remedy: impl Fn(&Row) -> &'static str) -> Option<Self> {
        let text = readable(error);
        let error = Fields::of(&text)?;
        let meta_code: i64 = error.text("code")?.parse().ok()?;
        let row = row_of(meta_code, None);
        let details = error.object("error_data").and_then(|data| data.text("details"));
        Some(Self {
            code: row.name,
            meta: Some(MetaCode { code: meta_code, subcode: None, trace: None }),
            detail: details.or_else(|| error.text("message")).or_else(|| error.text("title")),
            remedy: remedy(row),
            is_retryable: row.retry != Retry::Never,
        })
    }

    fn of_fault(fault: &Fault) -> Self {
        let ours = |code, remedy, is_retryable| Self { code, meta: None, detail: None, remedy, is_retryable };
        match fault {
            Fault::Meta { code, subcode, trace, details } => {
                let row = row_of(*code, *subcode);
                Self {
                    code: row.name,
                    meta: Some(MetaCode { code: *code, subcode: *subcode, trace: trace.clone() }),
                    detail: details.clone(),
                    remedy: row.remedy,
                    is_retryable: row.retry != Retry::Never,
                }
            }
            Fault::AccountDisconnected => ours("account_disconnected", DISCONNECTED, false),
            Fault::NoAnswer => ours("unconfirmed", UNCONFIRMED, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::conversation::{ConversationId, MessageId};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn message(direction: Direction, origin: Origin, raw: &str) -> Stored {
        Stored {
            id: MessageId::of_meta(ConversationId::new([1; 16]), Some(at(10)), "wamid.A"),
            number: "1".parse().unwrap(),
            wamid: Some("wamid.A".to_owned()),
            direction,
            origin,
            raw: raw.to_owned(),
            sequence: "1.0".to_owned(),
            received_at: at(12),
            statuses: BTreeMap::new(),
            generation: 1,
            sending: None,
            duplicate: None,
        }
    }

    fn fact(second: i64) -> Fact {
        Fact { at: at(second), error: None, pricing: None, rest: None }
    }

    fn sent(facts: &[(&str, Fact)]) -> Stored {
        let statuses = facts.iter().map(|(key, fact)| ((*key).to_owned(), fact.clone())).collect();
        Stored { statuses, ..message(Direction::Outbound, Origin::Api, "{}") }
    }

    #[test]
    fn what_happened_within_one_second_stands_as_it_can_happen() {
        let stored =
            sent(&[("delivered", fact(11)), ("read#1650", fact(11)), ("sent", fact(11)), ("played", fact(10))]);

        let steps: Vec<(String, Option<String>)> =
            stored.steps().into_iter().map(|step| (step.status, step.detail)).collect();

        let plain = |status: &str| (status.to_owned(), None);
        assert_eq!(
            steps,
            [plain("played"), plain("sent"), plain("delivered"), ("read".to_owned(), Some("1650".to_owned()))]
        );
        assert_eq!(stored.status(), "played");
    }

    #[test]
    fn a_failure_is_told_with_its_remedy_until_it_turns_out_to_have_arrived() {
        let error = r#"{"code":131047,"title":"Re-engagement message","error_data":{"details":"More than 24 hours"}}"#;
        let failed = Fact { error: Some(error.to_owned()), ..fact(12) };
        let row = row_of(131_047, None);

        let stored = sent(&[("failed", failed.clone()), ("sent", fact(11))]);
        let failure = Reading::of(&stored).failure().unwrap();

        assert_eq!(
            failure,
            Failure {
                code: "window_closed",
                meta: Some(MetaCode { code: 131_047, subcode: None, trace: None }),
                detail: Some("More than 24 hours".to_owned()),
                remedy: row.remedy,
                is_retryable: false,
            }
        );
        assert_eq!(stored.status(), "failed");
        let arrived = sent(&[("failed", failed), ("delivered", fact(13))]);
        assert_eq!((arrived.status(), Reading::of(&arrived).failure()), ("delivered", None));
    }

    #[test]
    fn what_nothing_is_told_of_has_the_status_of_its_origin() {
        let status = |direction, origin| message(direction, origin, "{}").status().to_owned();

        assert_eq!(status(Direction::Inbound, Origin::Customer), "received");
        assert_eq!(status(Direction::Inbound, Origin::History), "received");
        assert_eq!(status(Direction::Outbound, Origin::App), "sent");
        assert_eq!(status(Direction::Outbound, Origin::History), "sent");
        assert_eq!(status(Direction::Outbound, Origin::Api), "accepted");
    }

    #[test]
    fn pricing_is_what_was_told_last() {
        let priced = |second, pricing: &str| Fact { pricing: Some(pricing.to_owned()), ..fact(second) };
        let stored = sent(&[("delivered", priced(12, "2")), ("read", fact(13)), ("sent", priced(11, "1"))]);

        assert_eq!((stored.pricing(), sent(&[("sent", fact(1))]).pricing()), (Some("2"), None));
    }

    #[test]
    fn what_meta_does_not_hand_over_says_so() {
        let raw =
            r#"{"type":"unsupported","errors":[{"code":131051,"title":"Message type unknown"}],"timestamp":"10"}"#;
        let stored = message(Direction::Inbound, Origin::Customer, raw);
        let reading = Reading::of(&stored);

        let failure = reading.failure().unwrap();
        assert_eq!((reading.kind(), reading.content(), reading.at()), ("unsupported", None, Some(at(10))));
        assert_eq!((failure.code, failure.detail.as_deref()), ("unsupported_type", Some("Message type unknown")));
        assert_eq!((failure.remedy, stored.status()), (NOT_HANDED_OVER, "received"));
    }

    #[test]
    fn what_is_no_message_at_all_is_unsupported_and_says_nothing() {
        for raw in ["", "[]", "null", "\"text\"", "{"] {
            let stored = message(Direction::Inbound, Origin::Customer, raw);
            let reading = Reading::of(&stored);

            let read = (reading.kind(), reading.content(), reading.context(), reading.preview(), reading.failure());
            assert_eq!(read, ("unsupported", None, None, None, None), "{raw}");
        }
    }
}
