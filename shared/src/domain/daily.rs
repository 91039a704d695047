//! Work that comes round once a day: each thing at a time of its own, so that a whole fleet does not come at once.

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

const DAY: i64 = 24 * 60 * 60;

/// The next time after `now` that falls on this thing's own second of the day.
pub fn next(id: &str, now: Timestamp) -> Timestamp {
    let own = second_of(id);
    let gone = (now.as_second() - own).rem_euclid(DAY);
    let whole = Timestamp::from_second(now.as_second()).unwrap_or(now);
    whole + SignedDuration::from_secs(DAY - gone)
}

fn second_of(id: &str) -> i64 {
    let digest = Sha256::new().chain_update("patchbay daily").chain_update(id).finalize();
    let mut first = [0; 4];
    first.copy_from_slice(&digest[..4]);
    i64::from(u32::from_be_bytes(first)) % DAY
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_comes_round_once_a_day_at_the_same_second(id in "[0-9]{1,20}", now in 0_i64..4_000_000_000) {
            let now = Timestamp::from_millisecond(now * 1000 + 999).unwrap();
            let first = next(&id, now);

            prop_assert!(first > now && first <= now + SignedDuration::from_secs(DAY));
            prop_assert_eq!(next(&id, first), first + SignedDuration::from_secs(DAY));
        }
    }

    #[test]
    fn a_fleet_is_spread_over_the_day() {
        let hours: std::collections::BTreeSet<i64> = (0..500).map(|id| second_of(&id.to_string()) / 3600).collect();

        assert_eq!(hours.len(), 24);
    }
}
