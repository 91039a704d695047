//! What of a number stands beside its account while it sends: how much of its rate is used, and when its messages that
//! lie in the table are to be looked at.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Rate;

/// Kept whole, each time over the revision it was made from. Times are in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gate {
    pub revision: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    used_until: Option<i64>,
    /// What was fed to the queue has its own account: it goes out later than now.
    #[serde(skip_serializing_if = "Option::is_none")]
    fed_until: Option<i64>,
    /// When those come back that found nothing free: each has a time of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    promised_until: Option<i64>,
    /// Meta said that it was too much.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked_until: Option<i64>,
    /// How often in a row it said so.
    #[serde(skip_serializing_if = "is_zero")]
    pub refusals: u32,
    /// When something of its is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<i64>,
    /// When it was last said that something will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    marked_at: Option<i64>,
    /// Messages are held until it can send.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub holds: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// An index lags: what was marked stays so for this long, whatever is not found.
const LAG: i64 = 10 * 60 * 1_000;

impl Gate {
    /// Takes so many of the number's rate, if so many are free.
    pub fn takes(&mut self, rate: Rate, wanted: usize, now: Timestamp) -> usize {
        let (taken, used) = rate.take(time(self.used_until), wanted, now);
        if taken > 0 {
            self.used_until = Some(used.as_millisecond());
        }
        taken
    }

    /// When so many more may come back, one after the other from then on. Whoever came in between may have been faster:
    /// then they come once more.
    pub fn promises(&mut self, rate: Rate, wanted: usize, now: Timestamp) -> Timestamp {
        let first = rate.free_at(time(self.used_until), now).max(time(self.promised_until)).max(now + rate.apart(1));
        if wanted > 0 {
            self.promised_until = Some((first + rate.apart(wanted)).as_millisecond());
        }
        first
    }

    /// How many may be fed to the queue now, so that all of it can go within a time; and takes them.
    pub fn feeds(&mut self, rate: Rate, wanted: usize, within: SignedDuration, now: Timestamp) -> usize {
        let fed = time(self.fed_until).max(now);
        let may = rate.within(fed, within, now).min(wanted);
        self.fed_until = Some((fed + rate.apart(may)).as_millisecond());
        may
    }

    pub fn blocked_until(&self) -> Timestamp {
        time(self.blocked_until)
    }

    pub fn is_blocked(&mut self, until: Timestamp) {
        self.blocked_until = self.blocked_until.max(Some(until.as_millisecond()));
        self.refusals += 1;
    }

    /// It has to be looked at by then.
    pub fn is_due(&mut self, at: Timestamp, now: Timestamp) {
        let at = at.as_millisecond();
        self.due_at = Some(self.due_at.map_or(at, |known| known.min(at)));
        self.marked_at = Some(now.as_millisecond());
    }

    /// Whether it would be looked at by then as it is, and for long enough.
    pub fn is_known_due(&self, at: Timestamp, now: Timestamp) -> bool {
        let is_fresh = self.marked_at.is_some_and(|marked| now.as_millisecond() - marked < LAG / 2);
        is_fresh && self.due_at.is_some_and(|known| known <= at.as_millisecond())
    }

    /// It has been looked at: what is due next, or nothing that was found; and whether anything is held.
    pub fn is_looked_at(&mut self, next: Option<Timestamp>, is_holding: bool, again: Timestamp, now: Timestamp) {
        let is_old = self.marked_at.is_none_or(|marked| now.as_millisecond() - marked >= LAG);
        self.holds &= is_holding || !is_old;
        self.due_at = match next {
            Some(next) => Some(next.as_millisecond()),
            None if is_old && !self.holds => None,
            None => Some(again.as_millisecond()),
        };
    }
}

fn time(millis: Option<i64>) -> Timestamp {
    millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::{super::SOON, *};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_number_takes_what_is_free_and_feeds_a_minute_ahead() {
        let (mut gate, rate) = (Gate::default(), Rate::of_number(None, false));
        assert_eq!([gate.takes(rate, 10, at(0)), gate.takes(rate, 10, at(0)), gate.takes(rate, 10, at(0))], [10, 6, 0]);
        assert_eq!(gate.takes(rate, 1_000, at(1)), 16);
        let first = gate.feeds(rate, 100_000, SOON, at(0));
        assert_eq!((first, gate.feeds(rate, 100, SOON, at(0))), (3_856, 0));
        assert_eq!(gate.feeds(rate, 1_000, SOON, at(10)), 640);
    }

    #[test]
    fn whoever_finds_nothing_free_is_told_a_time_of_its_own() {
        let (mut gate, rate) = (Gate::default(), Rate::of_number(None, false));
        assert_eq!(gate.takes(rate, 20, at(0)), 16);
        let first = gate.promises(rate, 64, at(0));
        assert!(first > at(0) && first < at(1), "{first}");
        let next = gate.promises(rate, 64, at(0));
        assert_eq!(next.duration_since(first).as_millis(), 999, "a second's worth later, in whole milliseconds");
        assert!(gate.promises(rate, 1, at(100)) > at(100), "what was promised long ago is over");
    }

    #[test]
    fn a_mark_outlives_the_lag_of_an_index() {
        let mut gate = Gate::default();
        gate.is_due(at(100), at(0));
        assert!(
            gate.is_known_due(at(100), at(1))
                && !gate.is_known_due(at(99), at(1))
                && !gate.is_known_due(at(100), at(400))
        );
        gate.is_looked_at(None, false, at(160), at(100));
        assert_eq!(gate.due_at, Some(at(160).as_millisecond()));
        gate.is_looked_at(None, false, at(700), at(0) + SignedDuration::from_mins(10));
        assert_eq!(gate.due_at, None);
        gate.holds = true;
        gate.is_looked_at(None, true, at(900), at(800));
        assert_eq!(gate.due_at, Some(at(900).as_millisecond()), "held messages are looked after until they are not");
        gate.is_looked_at(None, false, at(1000), at(900));
        assert_eq!((gate.due_at, gate.holds), (None, false));
    }
}
