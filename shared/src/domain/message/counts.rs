//! Counts of messages over time: how many of which kind, and what failed.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

/// What is counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    pub direction: String,
    pub kind: String,
    pub status: String,
}

/// Of one hour, or one day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    pub messages: BTreeMap<Counted, u64>,
    /// By Meta's code.
    pub failures: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    Hour,
    Day,
}

/// From when until before when, in whole hours or days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub from: Timestamp,
    pub to: Timestamp,
    pub granularity: Granularity,
}

impl Counts {
    pub fn add(&mut self, other: Self) {
        for (counted, count) in other.messages {
            *self.messages.entry(counted).or_default() += count;
        }
        for (code, count) in other.failures {
            *self.failures.entry(code).or_default() += count;
        }
    }
}

impl Granularity {
    /// The longest period it is told in.
    pub fn longest(self) -> SignedDuration {
        match self {
            Self::Hour => SignedDuration::from_hours(24 * 31),
            Self::Day => SignedDuration::from_hours(24 * 366),
        }
    }

    fn seconds(self) -> i64 {
        match self {
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// The beginning of the hour or day that a time is in. Days are those of UTC.
    pub fn begin(self, at: Timestamp) -> Timestamp {
        let seconds = at.as_millisecond().div_euclid(1_000);
        Timestamp::from_second(seconds - seconds.rem_euclid(self.seconds())).unwrap_or(at)
    }
}

impl Period {
    /// The hours or days that the time between touches; none: it is no time, or too long.
    pub fn touching(from: Timestamp, to: Timestamp, granularity: Granularity) -> Option<Self> {
        if from >= to || to.duration_since(from) > granularity.longest() {
            return None;
        }
        let begin = granularity.begin(to);
        let end = if begin == to {
            Some(to)
        } else {
            begin.checked_add(SignedDuration::from_secs(granularity.seconds())).ok()
        };
        Some(Self { from: granularity.begin(from), to: end?, granularity })
    }

    /// What was counted each hour, in the period's own steps, oldest first.
    pub fn gather(&self, hours: Vec<(Timestamp, Counts)>) -> BTreeMap<Timestamp, Counts> {
        let mut gathered: BTreeMap<Timestamp, Counts> = BTreeMap::new();
        for (at, counts) in hours {
            gathered.entry(self.granularity.begin(at)).or_default().add(counts);
        }
        gathered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_is_of_whole_hours_or_days() {
        let (from, to) = (at("2026-11-20T10:30:00.5Z"), at("2026-11-21T10:00:00.001Z"));
        let touching =
            |granularity| Period::touching(from, to, granularity).map(|period| (period.from, period.to)).unwrap();

        assert_eq!(touching(Granularity::Hour), (at("2026-11-20T10:00:00Z"), at("2026-11-21T11:00:00Z")));
        assert_eq!(touching(Granularity::Day), (at("2026-11-20T00:00:00Z"), at("2026-11-22T00:00:00Z")));
        let whole = Period::touching(at("2026-11-20T00:00:00Z"), at("2026-11-21T00:00:00Z"), Granularity::Day).unwrap();
        assert_eq!((whole.from, whole.to), (at("2026-11-20T00:00:00Z"), at("2026-11-21T00:00:00Z")));
    }

    #[test]
    fn no_time_and_too_much_of_it_are_refused() {
        let from = at("2026-01-01T00:00:00Z");
        for (granularity, days) in [(Granularity::Hour, 31), (Granularity::Day, 366)] {
            let to = from + SignedDuration::from_hours(24 * days);
            assert!(Period::touching(from, to, granularity).is_some());
            assert!(Period::touching(from, to + SignedDuration::from_millis(1), granularity).is_none());
            assert!(
                Period::touching(from, from, granularity).is_none()
                    && Period::touching(to, from, granularity).is_none()
            );
        }
    }

    #[test]
    fn hours_are_gathered_into_days() {
        let texts = |count| {
            let counted = Counted { direction: "inbound".into(), kind: "text".into(), status: "received".into() };
            Counts { messages: [(counted, count)].into(), failures: [("131047".to_owned(), count)].into() }
        };
        let (from, to) = (at("2026-11-20T00:00:00Z"), at("2026-11-22T00:00:00Z"));
        let period = Period::touching(from, to, Granularity::Day).unwrap();
        let hours = [("2026-11-20T01:00:00Z", 1), ("2026-11-20T23:00:00Z", 2), ("2026-11-21T00:00:00Z", 4)];

        let gathered = period.gather(hours.map(|(hour, count)| (at(hour), texts(count))).into());

        assert_eq!(gathered, [(from, texts(3)), (at("2026-11-21T00:00:00Z"), texts(4))].into());
    }
}
