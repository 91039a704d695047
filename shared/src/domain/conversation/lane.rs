//! How a conversation's messages go out: one after the other, no faster than one person may be written to, and nothing
//! past what has been put off.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Head, MessageId};
use crate::domain::sending::PAIR;

/// What of it is kept, in the head.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lane {
    /// Up to when the allowance of messages to this person is used, in milliseconds.
    #[serde(rename = "u", skip_serializing_if = "Option::is_none")]
    used_until: Option<i64>,
    /// Meta said that it was too much: nothing goes before.
    #[serde(rename = "b", skip_serializing_if = "Option::is_none")]
    blocked_until: Option<i64>,
    /// The messages that lie in the table: none is before the first or behind the last.
    #[serde(rename = "w", skip_serializing_if = "Option::is_none")]
    pub backlog: Option<Backlog>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    #[serde(rename = "f")]
    pub from: MessageId,
    #[serde(rename = "t")]
    pub to: MessageId,
    /// When the last of them is due, in milliseconds.
    #[serde(rename = "d")]
    due_at: i64,
}

impl Head {
    /// When the next message may go, as far as this person is concerned.
    pub fn free_at(&self, now: Timestamp) -> Timestamp {
        let free = PAIR.free_at(self.lane.used_until(), now);
        free.max(time(self.lane.blocked_until).unwrap_or(free))
    }

    /// How many may go within a time.
    pub fn may_go_within(&self, within: SignedDuration, now: Timestamp) -> usize {
        if time(self.lane.blocked_until).is_some_and(|until| now + within < until) {
            return 0;
        }
        PAIR.within(self.lane.used_until(), within, now)
    }

    /// One goes now.
    pub fn takes_turn(&mut self, id: MessageId, now: Timestamp) {
        let used = PAIR.take(self.lane.used_until(), 1, now).1;
        self.lane.used_until = Some(used.as_millisecond());
        self.lane.blocked_until = None;
        // Nothing before it lies in the table any more: that has been looked at.
        self.lane.backlog = self.lane.backlog.filter(|backlog| backlog.to.sort_key() > id.sort_key());
        if let Some(backlog) = &mut self.lane.backlog {
            backlog.from = id;
        }
        self.says(id, now);
    }

    /// Nothing goes before.
    pub fn is_blocked(&mut self, until: Timestamp) {
        self.lane.blocked_until = self.lane.blocked_until.max(Some(until.as_millisecond()));
    }

    /// One is put off, at least until then, and behind all that were put off before. Says until when.
    pub fn puts_off(&mut self, id: MessageId, until: Timestamp, now: Timestamp) -> Timestamp {
        let of = |id: &MessageId| id.sort_key();
        let behind =
            self.lane.backlog.map(|backlog| backlog.due_at).and_then(|at| Timestamp::from_millisecond(at).ok());
        // One that was put off before keeps its turn.
        let is_behind = self.lane.backlog.is_some_and(|backlog| of(&backlog.to) < of(&id));
        let due = match behind.filter(|_| is_behind) {
            Some(behind) => until.max(behind + PAIR.apart(1)),
            None => until,
        };
        let (from, to) = match self.lane.backlog {
            Some(backlog) => {
                (if of(&id) < of(&backlog.from) { id } else { backlog.from }, if is_behind { id } else { backlog.to })
            }
            None => (id, id),
        };
        let latest = behind.map_or(due, |behind| behind.max(due));
        self.lane.backlog = Some(Backlog { from, to, due_at: latest.as_millisecond() });
        self.says(id, now);
        due
    }

    /// A message of ours is the newest of its conversation.
    fn says(&mut self, id: MessageId, now: Timestamp) {
        if self.last.is_none_or(|last| last.milliseconds() < id.milliseconds()) {
            let was_listed = self.last.is_some();
            self.last = Some(id);
            self.stands_at(now.max(self.updated_at + SignedDuration::from_millis(1)), was_listed);
        }
    }
}

impl Lane {
    fn used_until(&self) -> Timestamp {
        time(self.used_until).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn time(millis: Option<i64>) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis?).ok()
}

#[cfg(test)]
mod tests {
    use super::{super::ConversationId, *};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn id(second: i64) -> MessageId {
        MessageId::of_ours(ConversationId::new([1; 16]), at(second), [0; 10])
    }

    fn head() -> Head {
        Head::new("1".parse().unwrap(), at(0))
    }

    #[test]
    fn the_forty_first_message_waits_its_turn() {
        let mut head = head();
        for second in 0..40 {
            assert_eq!(head.free_at(at(0)), at(0));
            head.takes_turn(id(second), at(0));
        }
        assert_eq!((head.free_at(at(0)), head.may_go_within(SignedDuration::from_secs(60), at(0))), (at(6), 10));
        head.is_blocked(at(100));
        assert_eq!((head.free_at(at(0)), head.may_go_within(SignedDuration::from_secs(60), at(0))), (at(100), 0));
        assert_eq!((head.last, head.free_at(at(101))), (Some(id(39)), at(101)));
    }

    #[test]
    fn what_is_put_off_keeps_its_order() {
        let mut head = head();
        assert_eq!(head.puts_off(id(1), at(300), at(1)), at(300));
        assert_eq!(head.puts_off(id(2), at(10), at(2)), at(306), "behind the one before it");
        assert_eq!(head.puts_off(id(1), at(400), at(3)), at(400), "the first of them stays the first");
        assert_eq!(head.puts_off(id(3), at(10), at(4)), at(406));
        let backlog = head.lane.backlog.unwrap();
        assert_eq!((backlog.from, backlog.to), (id(1), id(3)));
        head.takes_turn(id(1), at(500));
        assert_eq!(head.lane.backlog.map(|backlog| (backlog.from, backlog.to)), Some((id(1), id(3))));
        head.takes_turn(id(3), at(501));
        assert_eq!(head.lane.backlog, None);
    }

    #[test]
    fn a_message_of_ours_moves_its_conversation_once() {
        let mut head = head();
        head.takes_turn(id(5), at(6));
        assert_eq!((head.last, head.updated_at), (Some(id(5)), at(6)));
        head.takes_turn(id(5), at(9));
        assert_eq!(head.updated_at, at(6));
    }
}
