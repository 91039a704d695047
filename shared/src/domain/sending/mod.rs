//! How a message of ours goes out: what may happen to it next, and what is known when a try at it dies half-way.

mod callback;
mod gate;
mod order;
mod pace;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    credential::CredentialId,
    meta_error::{Class, MetaError, Retry},
    outgoing::{OnUnknown, Recipient},
};

pub use callback::{Between, Callback};
pub use gate::Gate;
pub use order::Order;
pub use pace::{PAIR, Rate};

/// Where a message of ours stands. What a reader is told is made of it and of what statuses say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A try may claim it.
    Accepted,
    /// So may one, but not before it is due: until then it lies in the table, and in no queue.
    Waiting,
    /// The number cannot send. It goes on when the number can, until it expires.
    Held,
    /// A try has claimed it, and may have posted it.
    Sending,
    /// It was posted, or may have been, and nobody knows what came of it.
    Unknown,
    Sent,
    Failed,
    Unconfirmed,
    Expired,
    Cancelled,
}

/// What is kept of the sending of one message. Each change is saved over the revision it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    #[serde(rename = "s")]
    pub state: State,
    #[serde(rename = "r")]
    pub revision: u64,
    /// How often it was claimed.
    #[serde(rename = "n", default)]
    pub attempts: u32,
    /// Whose the latest change is: tells our own write, answered late, from somebody else's.
    #[serde(rename = "by", default)]
    pub by: String,
    /// Of a claim: after that nobody is at it any more.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none", with = "millis_option")]
    pub lease_until: Option<Timestamp>,
    #[serde(rename = "x", with = "millis")]
    pub expires_at: Timestamp,
    #[serde(rename = "u", default, skip_serializing_if = "is_default")]
    pub on_unknown: OnUnknown,
    #[serde(rename = "to")]
    pub recipient: Recipient,
    /// Who asked for it, and in which call: what an audit would say of it.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
    /// The sender's own, given back to it and not to Meta.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub callback_data: Option<String>,
    /// When somebody has to look at it without being told by a queue.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none", with = "millis_option")]
    pub due_at: Option<Timestamp>,
    #[serde(rename = "h", default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
}

/// A call that a message came by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    #[serde(rename = "k")]
    pub who: CredentialId,
    #[serde(rename = "r")]
    pub request_id: String,
}

/// One thing that we did with it, or found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    #[serde(rename = "a", with = "millis")]
    pub at: Timestamp,
    #[serde(rename = "s")]
    pub state: State,
    #[serde(rename = "b")]
    pub source: Source,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

/// Who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Api,
    Graph,
    Webhook,
    Sweeper,
}

/// What was wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// Meta refused it.
    #[serde(rename = "m")]
    Meta {
        #[serde(rename = "c")]
        code: i64,
        #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
        subcode: Option<i64>,
        #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
        trace: Option<String>,
        #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
        details: Option<String>,
    },
    /// The number was disconnected, or changed hands, before it went.
    #[serde(rename = "g")]
    AccountDisconnected,
    /// Nothing is known of what Meta made of it.
    #[serde(rename = "q")]
    NoAnswer,
}

/// What a try may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Go,
    /// Another try has it until then.
    WaitUntil(Timestamp),
    /// Another try had it, and died: it may have been posted.
    Lose,
    Expire,
    /// Nothing is left to do.
    Nothing,
}

/// What an answer to a POST means for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It had no effect and may be made again.
    Again,
    /// It may have had its effect.
    Unknown,
    Refused,
}

/// What may go within this time may be in the queue. What comes later lies in the table.
pub const SOON: SignedDuration = SignedDuration::from_secs(60);
/// Longer than a call to Graph may take, and shorter than a queue waits before it hands a record out again.
pub const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// How long a status may take to tell what a POST without an answer came to.
pub const SETTLES: SignedDuration = SignedDuration::from_mins(5);
/// What was fed to the queue and is not heard of for so long is fed again.
const FED_ANEW: SignedDuration = SignedDuration::from_mins(5);
/// Of more marks the ones in the middle are forgotten.
const MARKS: usize = 20;
const LONGEST_BACKOFF: SignedDuration = SignedDuration::from_mins(5);

impl Sending {
    pub fn new(recipient: Recipient, expires_at: Timestamp, on_unknown: OnUnknown) -> Self {
        Self {
            state: State::Accepted,
            revision: 0,
            attempts: 0,
            by: String::new(),
            lease_until: None,
            expires_at,
            on_unknown,
            recipient,
            asked: None,
            callback_data: None,
            due_at: None,
            marks: Vec::new(),
        }
    }

    pub fn next(&self, now: Timestamp) -> Next {
        match (self.state, self.lease_until) {
            (State::Accepted | State::Waiting | State::Held, _) if self.expires_at <= now => Next::Expire,
            (State::Accepted | State::Waiting | State::Held, _) => Next::Go,
            (State::Sending, Some(until)) if now < until => Next::WaitUntil(until),
            (State::Sending, _) => Next::Lose,
            _ => Next::Nothing,
        }
    }

    /// Whether it can still be kept from going out.
    pub fn may_be_cancelled(&self) -> bool {
        matches!(self.state, State::Accepted | State::Waiting | State::Held)
    }

    /// Whether what comes after it in its conversation has to wait for it.
    pub fn holds_up_others(&self) -> bool {
        matches!(self.state, State::Waiting | State::Held)
    }

    /// The next step of it is this try's.
    #[must_use]
    pub fn stepped(&self, by: &str, step: impl FnOnce(&mut Self)) -> Self {
        let mut after = self.clone();
        step(&mut after);
        after.revision = self.revision + 1;
        by.clone_into(&mut after.by);
        after
    }

    /// It is in the queue again. Should that be lost, it is fed anew.
    pub fn is_fed(&mut self, now: Timestamp) {
        self.state = State::Waiting;
        self.due_at = Some(now + FED_ANEW);
    }

    /// The last write before the POST.
    pub fn is_claimed(&mut self, now: Timestamp) {
        self.attempts += 1;
        self.state = State::Sending;
        self.lease_until = Some(now + LEASE);
        self.due_at = None;
    }

    /// Meta has taken it. `detail`: what it says of it beside that.
    pub fn is_sent(&mut self, detail: Option<String>, now: Timestamp) {
        self.ends(State::Sent, Mark { detail, ..mark(now, State::Sent, Source::Graph) });
    }

    pub fn fails(&mut self, fault: Fault, source: Source, now: Timestamp) {
        self.ends(State::Failed, Mark { fault: Some(fault), ..mark(now, State::Failed, source) });
    }

    /// It is to be looked at again at `due`.
    pub fn waits(&mut self, due: Timestamp, detail: Option<&str>, fault: Option<Fault>, now: Timestamp) {
        let mark = Mark { detail: detail.map(str::to_owned), fault, ..mark(now, State::Waiting, Source::Graph) };
        self.rests(State::Waiting, due, mark);
    }

    /// It goes back to where a try may claim it at once: what it was claimed for had no effect.
    pub fn is_given_back(&mut self, fault: Option<Fault>, now: Timestamp) {
        let mark = Mark { fault, ..mark(now, State::Accepted, Source::Graph) };
        self.state = State::Accepted;
        self.lease_until = None;
        self.marks(mark);
    }

    /// The number does not send at present.
    pub fn is_held(&mut self, detail: String, fault: Option<Fault>, now: Timestamp) {
        let mark = Mark { detail: Some(detail), fault, ..mark(now, State::Held, Source::Graph) };
        self.rests(State::Held, self.expires_at, mark);
    }

    /// Nobody knows what the POST came to: a status may say it until `due`.
    pub fn is_lost(&mut self, detail: &str, now: Timestamp) {
        let mark = Mark { detail: Some(detail.to_owned()), ..mark(now, State::Unknown, Source::Graph) };
        self.rests(State::Unknown, now + SETTLES, mark);
    }

    /// No status came.
    pub fn settles(&mut self, now: Timestamp) {
        let source = Source::Sweeper;
        match self.on_unknown {
            OnUnknown::Unconfirmed => {
                let mark = Mark { fault: Some(Fault::NoAnswer), ..mark(now, State::Unconfirmed, source) };
                self.ends(State::Unconfirmed, mark);
            }
            OnUnknown::Resend if self.expires_at <= now => self.expires(now),
            OnUnknown::Resend => {
                let detail = Some("it is sent again, as was asked for".to_owned());
                self.rests(State::Waiting, now, Mark { detail, ..mark(now, State::Waiting, source) });
            }
        }
    }

    pub fn expires(&mut self, now: Timestamp) {
        self.ends(State::Expired, mark(now, State::Expired, Source::Sweeper));
    }

    pub fn is_cancelled(&mut self, now: Timestamp) {
        self.ends(State::Cancelled, mark(now, State::Cancelled, Source::Api));
    }

    fn rests(&mut self, state: State, due: Timestamp, mark: Mark) {
        self.state = state;
        self.lease_until = None;
        self.due_at = Some(due);
        self.marks(mark);
    }

    fn ends(&mut self, state: State, mark: Mark) {
        self.state = state;
        self.lease_until = None;
        self.due_at = None;
        self.marks(mark);
    }

    fn marks(&mut self, mark: Mark) {
        if self.marks.len() >= MARKS {
            self.marks.remove(MARKS / 2);
        }
        self.marks.push(mark);
    }
}

impl Outcome {
    /// What a POST that did not give an id means.
    pub fn of(error: &MetaError) -> Self {
        match error {
            // Not a byte of it was sent.
            MetaError::Unreachable(reason) if *reason == NOT_CONNECTED => Self::Again,
            MetaError::Unreachable(_) | MetaError::Unreadable => Self::Unknown,
            MetaError::Refused(_) | MetaError::AppRefused(_) => match error.row() {
                row if row.class == Class::Throttled => Self::Again,
                row if row.retry == Retry::Unknown => Self::Unknown,
                _ => Self::Refused,
            },
        }
    }
}

/// How a call that found nobody to talk to is told of.
pub const NOT_CONNECTED: &str = "no connection";

impl Fault {
    /// None: Meta did not answer.
    pub fn of(error: &MetaError) -> Option<Self> {
        let refusal = error.refusal()?;
        Some(Self::Meta {
            code: refusal.code,
            subcode: refusal.subcode,
            trace: refusal.fbtrace_id.clone(),
            details: refusal.details.clone().or_else(|| refusal.user_message.clone()),
        })
    }
}

/// How long after the `attempt`-th try the next one comes: 1 to 2 s, then four times as long each, 5 min at most.
/// `random` spreads what was refused together.
pub fn backoff(attempt: u32, random: u16) -> SignedDuration {
    let base = 1_000_i64.saturating_mul(4_i64.saturating_pow(attempt.saturating_sub(1).min(8)));
    let jitter = base.saturating_mul(i64::from(random)) / i64::from(u16::MAX);
    SignedDuration::from_millis(base.saturating_add(jitter)).min(LONGEST_BACKOFF)
}

fn mark(at: Timestamp, state: State, source: Source) -> Mark {
    Mark { at, state, source, detail: None, fault: None }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Times take a third of the room as numbers.
mod millis {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.as_millisecond())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::from_millisecond(i64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

mod millis_option {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::ref_option, reason = "serde hands over a reference")]
    pub(super) fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => serializer.serialize_some(&at.as_millisecond()),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
        let millis = Option::<i64>::deserialize(deserializer)?;
        millis.map(Timestamp::from_millisecond).transpose().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::meta_error::{Refusal, TABLE};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn sending(on_unknown: OnUnknown) -> Sending {
        let recipient = Recipient { to: Some("+16505551234".to_owned()), recipient: None, is_group: false };
        Sending::new(recipient, at(3600), on_unknown)
    }

    #[test]
    fn a_claim_is_ones_own_until_its_lease_ends_and_then_nobody_posts_again() {
        let mut message = sending(OnUnknown::Unconfirmed);
        assert_eq!(message.next(at(0)), Next::Go);
        message.is_claimed(at(0));
        assert_eq!([message.next(at(29)), message.next(at(30))], [Next::WaitUntil(at(30)), Next::Lose]);
        message.is_lost("timeout", at(31));
        assert_eq!((message.next(at(31)), message.due_at), (Next::Nothing, Some(at(31) + SETTLES)));
        message.settles(at(400));
        assert_eq!((message.state, message.next(at(400)), message.due_at), (State::Unconfirmed, Next::Nothing, None));
    }

    #[test]
    fn what_was_lost_goes_again_only_where_that_was_asked_for() {
        let mut message = sending(OnUnknown::Resend);
        message.is_claimed(at(0));
        message.is_lost("timeout", at(1));
        message.settles(at(400));
        assert_eq!((message.state, message.next(at(400))), (State::Waiting, Next::Go));
        message.is_claimed(at(400));
        message.is_lost("timeout", at(401));
        message.settles(at(3600));
        assert_eq!(message.state, State::Expired, "not after it has expired");
    }

    #[test]
    fn what_has_expired_is_not_tried() {
        let message = sending(OnUnknown::Unconfirmed);
        assert_eq!([message.next(at(3599)), message.next(at(3600))], [Next::Go, Next::Expire]);
    }

    #[test]
    fn only_four_codes_and_no_connection_are_tried_again() {
        let refused = |code| MetaError::Refused(Refusal { code, status: 400, ..Refusal::default() });
        let again = TABLE
            .iter()
            .flat_map(|row| row.codes.clone())
            .filter(|code| Outcome::of(&refused(*code)) == Outcome::Again);
        let mut again: Vec<i64> = again.collect();
        again.sort_unstable();
        again.dedup();
        assert_eq!(again, [4, 80_007, 130_429, 131_056]);
        let outcome = |reason| Outcome::of(&MetaError::Unreachable(reason));
        assert_eq!(
            [outcome(NOT_CONNECTED), outcome("timeout"), outcome("connection lost")],
            [Outcome::Again, Outcome::Unknown, Outcome::Unknown]
        );
        assert_eq!(
            [Outcome::of(&MetaError::Unreadable), Outcome::of(&refused(131_000)), Outcome::of(&refused(190))],
            [Outcome::Unknown, Outcome::Unknown, Outcome::Refused]
        );
    }

    #[test]
    fn many_marks_keep_their_beginning_and_their_end() {
        let mut message = sending(OnUnknown::Unconfirmed);
        for second in 0..50 {
            message.waits(at(second + 1), None, None, at(second));
        }
        assert_eq!((message.marks.len(), message.marks[0].at, message.marks[MARKS - 1].at), (MARKS, at(0), at(49)));
    }

    proptest! {
        #[test]
        fn waiting_grows_and_ends_at_five_minutes(attempt in 1_u32..100, random: u16) {
            let wait = backoff(attempt, random);
            prop_assert!(wait >= SignedDuration::from_secs(1) && wait <= LONGEST_BACKOFF);
            prop_assert!(attempt > 1 || wait <= SignedDuration::from_secs(2));
            prop_assert!(backoff(attempt + 2, 0) >= wait.min(backoff(attempt, u16::MAX)));
        }

        #[test]
        fn it_reads_back_as_it_was_kept(attempts: u32, second in 0_i64..100_000, code: i64) {
            let mut message = sending(OnUnknown::Resend);
            message.attempts = attempts;
            message.fails(Fault::Meta { code, subcode: None, trace: None, details: Some("é".to_owned()) }, Source::Graph, at(second));
            let kept = serde_json::to_string(&message).unwrap();
            prop_assert_eq!(serde_json::from_str::<Sending>(&kept).unwrap(), message);
        }
    }
}
