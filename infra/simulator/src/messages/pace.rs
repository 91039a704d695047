//! How fast: 1 message per 6 s to one person with bursts of 45 that borrow from later, and so many a second per number.
//!
//! Both are kept as the time up to which the allowance is used, on the movable clock.

use super::{Recipient, conversation};
use crate::graph::GraphError;
use crate::world::{Number, Pace, World};

const PAIR_APART_MS: i64 = 6000;
const PAIR_BURST: i64 = 45;
const STANDARD: i64 = 80;
const HIGH: i64 = 1000;
const BUSINESS_APP: i64 = 20;

/// Counts a message, or refuses it.
pub(super) fn count(world: &mut World, number: &Number, recipient: &Recipient, now_ms: i64) -> Result<(), GraphError> {
    let whom = recipient.phone.as_ref().or(recipient.user_id.as_ref()).unwrap_or(&recipient.input);
    let pair = conversation(&number.id, whom);
    let number_next = next(world, &number.id, now_ms, thousandths(number), 1000 * 1000);
    let number_next =
        number_next.ok_or_else(|| GraphError::of(130429).details("Cloud API message throughput has been reached."))?;
    let pair_next = next(world, &pair, now_ms, PAIR_APART_MS * 1000, PAIR_APART_MS * 1000 * PAIR_BURST);
    let pair_next = pair_next.ok_or_else(|| {
        let details = "Too many messages sent from the sender phone number to the same recipient phone number in a short \
                       period of time.";
        GraphError::of(131056).details(details)
    })?;
    world.paces.put(number.id.clone(), Pace { used_until: number_next });
    world.paces.put(pair, Pace { used_until: pair_next });
    Ok(())
}

/// What one message takes of a second, in microseconds.
fn thousandths(number: &Number) -> i64 {
    let level = if number.throughput == "HIGH" { HIGH } else { STANDARD };
    let level = if number.is_on_biz_app { BUSINESS_APP } else { level };
    1_000_000 / number.rate.map_or(level, i64::from).max(1)
}

/// Up to when (µs) the allowance is used after one more; `None` if that borrows more than `burst`.
fn next(world: &World, key: &str, now_ms: i64, apart: i64, burst: i64) -> Option<i64> {
    let now = now_ms * 1000;
    let used = world.paces.get(key).map_or(now, |pace| pace.used_until.max(now));
    (used + apart - now <= burst).then_some(used + apart)
}
