//! Moving dead letters back to the queue they died in: an operator's decision, once the cause is mended.
//!
//! Bounded: `limit` messages a call. Twice or half: what was moved is gone from the dead letters, the rest is still
//! there, and the next call goes on.

use crate::{Result, aws::dead_letters::DeadLetters};

/// Moves up to `limit` messages. Says how many were moved: fewer than `limit` means none was left to see.
pub async fn redrive(dead_letters: &DeadLetters, limit: usize) -> Result<usize> {
    let mut moved = 0;
    while moved < limit {
        match dead_letters.move_some_back(limit - moved).await? {
            0 => break,
            some => moved += some,
        }
    }
    Ok(moved)
}
