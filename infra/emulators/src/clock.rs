//! One movable clock for the whole local stack: the machine's time plus an offset.

use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use tokio::sync::watch;

/// Time as the local stack sees it. Clones share the offset.
#[derive(Clone, Debug)]
pub struct Clock {
    offset: Arc<watch::Sender<SignedDuration>>,
}

impl Clock {
    pub fn new() -> Self {
        Self::with_offset(SignedDuration::ZERO)
    }

    pub fn with_offset(offset: SignedDuration) -> Self {
        Self { offset: Arc::new(watch::Sender::new(offset)) }
    }

    pub fn offset(&self) -> SignedDuration {
        *self.offset.borrow()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place where the local stack reads the machine's time")]
    pub fn now(&self) -> Timestamp {
        Timestamp::now().saturating_add(self.offset()).unwrap_or(Timestamp::MAX)
    }

    /// Moves time, and wakes everything that waits for it.
    pub fn advance(&self, by: SignedDuration) {
        self.offset.send_modify(|offset| *offset = offset.saturating_add(by));
    }

    /// Returns once `now()` is `instant` or later, because time passed or was moved.
    pub async fn sleep_until(&self, instant: Timestamp) {
        let mut moved = self.offset.subscribe();
        loop {
            let left = instant.duration_since(self.now());
            if !left.is_positive() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left.unsigned_abs()) => {}
                _ = moved.changed() => {}
            }
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_moved_past_its_instant() {
        let clock = Clock::new();
        let sleeper = tokio::spawn({
            let (clock, instant) = (clock.clone(), clock.now() + SignedDuration::from_hours(1));
            async move { clock.sleep_until(instant).await }
        });
        tokio::task::yield_now().await;

        clock.advance(SignedDuration::from_mins(30));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());

        clock.advance(SignedDuration::from_mins(31));
        sleeper.await.unwrap();
    }

    #[test]
    fn a_clone_reads_the_same_time() {
        let clock = Clock::with_offset(SignedDuration::from_hours(2));
        clock.clone().advance(SignedDuration::from_hours(3));

        assert_eq!(clock.offset(), SignedDuration::from_hours(5));
    }
}
