//! How fast messages may go: to one person, and from one number. What is used up is kept as a time, as Meta keeps it.

use jiff::{SignedDuration, Timestamp};

/// One in so long, and so many of them borrowed from later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    apart_micros: i64,
    burst: i64,
}

/// Meta takes one message in 6 s to one person and lends 45. Less is borrowed here: between our look and Meta's time
/// passes, and some of it is longer than other.
pub const PAIR: Rate = Rate { apart_micros: 6_000_000, burst: 40 };

/// Messages a second, both ways, unless Meta says otherwise.
const STANDARD: i64 = 80;
const HIGH: i64 = 1_000;
/// Of a number that lives on a phone too.
const SHARED: i64 = 20;

impl Rate {
    /// What a number may send: four fifths of what Meta lets through, for what comes in counts too, and a fifth of that at
    /// once. Together no second has more than Meta's.
    pub fn of_number(throughput: Option<&str>, is_shared: bool) -> Self {
        let a_second = match throughput {
            _ if is_shared => SHARED,
            Some("HIGH") => HIGH,
            _ => STANDARD,
        };
        Self { apart_micros: 5_000_000 / (4 * a_second), burst: a_second / 5 }
    }

    /// How many of `wanted` may go now, and until when the allowance is used up with them.
    pub fn take(self, used_until: Timestamp, wanted: usize, now: Timestamp) -> (usize, Timestamp) {
        let used = used_until.max(now);
        let lent =
            (used.duration_since(now).as_micros() + i128::from(self.apart_micros) - 1) / i128::from(self.apart_micros);
        let free = usize::try_from(i128::from(self.burst) - lent).unwrap_or_default();
        let taken = free.min(wanted);
        (taken, used + self.apart(taken))
    }

    /// When the next one may go.
    pub fn free_at(self, used_until: Timestamp, now: Timestamp) -> Timestamp {
        now.max(used_until - self.apart(usize::try_from(self.burst - 1).unwrap_or_default()))
    }

    /// How many may go within a time from now.
    pub fn within(self, used_until: Timestamp, time: SignedDuration, now: Timestamp) -> usize {
        let open = (now + time).duration_since(used_until.max(now)).as_micros() / i128::from(self.apart_micros);
        usize::try_from(open + i128::from(self.burst)).unwrap_or_default()
    }

    /// How much of the allowance so many take.
    pub fn apart(self, count: usize) -> SignedDuration {
        SignedDuration::from_micros(self.apart_micros.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
    }

    #[test]
    fn to_one_person_forty_go_at_once_and_then_one_in_six_seconds() {
        let (first, used) = PAIR.take(at(0), 60, at(0));
        assert_eq!((first, used, PAIR.free_at(used, at(0))), (40, at(240_000), at(6_000)));
        assert_eq!([5_999, 6_000, 11_999, 12_000].map(|millis| PAIR.take(used, 60, at(millis)).0), [0, 1, 1, 2]);
        assert_eq!(PAIR.within(used, SignedDuration::from_secs(60), at(0)), 10);
    }

    #[test]
    fn a_number_has_the_rate_that_meta_reports() {
        let a_second = |rate: Rate| 1_000_000 / rate.apart_micros;
        assert_eq!(a_second(Rate::of_number(None, false)), 64);
        assert_eq!(a_second(Rate::of_number(Some("HIGH"), false)), 800);
        assert_eq!(a_second(Rate::of_number(Some("HIGH"), true)), 16);
    }

    proptest! {
        /// Meta counts as time used up, and lends one second of a number's rate, and 45 to one person.
        #[test]
        fn whatever_is_asked_for_meta_lets_it_through(
            asks in prop::collection::vec((0_i64..3_000, 1_usize..30), 1..200),
            high: bool, shared: bool,
        ) {
            let number = Rate::of_number(high.then_some("HIGH"), shared);
            let meta = match (high, shared) { (_, true) => (50_000, 20), (true, _) => (1_000, 1_000), _ => (12_500, 80) };
            for (rate, (apart, burst)) in [(number, meta), (PAIR, (6_000_000, 45))] {
                let (mut now, mut used, mut theirs) = (at(0), at(0), at(0));
                for (later, wanted) in &asks {
                    now += SignedDuration::from_millis(*later);
                    let (taken, after) = rate.take(used, *wanted, now);
                    prop_assert!(taken > 0 || rate.free_at(used, now) > now);
                    used = after;
                    for _ in 0..taken {
                        theirs = theirs.max(now) + SignedDuration::from_micros(apart);
                        prop_assert!(theirs.duration_since(now) <= SignedDuration::from_micros(apart * burst));
                    }
                }
            }
        }
    }
}
