//! Where a message stands in its conversation: by Meta's second, then as it came through the queue.

use std::{cmp::Ordering, fmt, str::FromStr};

use super::Stored;
use crate::domain::conversation::{InvalidId, MessageId};

/// A history goes down from the greatest: the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub milliseconds: u64,
    sequence: String,
    id: MessageId,
}

impl Stored {
    pub fn standing(&self) -> Standing {
        Standing { milliseconds: self.id.milliseconds(), sequence: self.sequence.clone(), id: self.id }
    }
}

impl Ord for Standing {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_time = self.milliseconds.cmp(&other.milliseconds);
        let by_arrival = || arrival(&self.sequence).cmp(&arrival(&other.sequence));
        // Of one that was never in the queue only the id is left to tell.
        by_time.then_with(by_arrival).then_with(|| self.id.sort_key().cmp(&other.id.sort_key()))
    }
}

impl PartialOrd for Standing {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// `<SQS's number>.<place in the message>`, both of them numbers without a limit.
fn arrival(sequence: &str) -> [(usize, &str); 2] {
    let (number, index) = sequence.split_once('.').unwrap_or((sequence, ""));
    [number, index].map(|digits| digits.trim_start_matches('0')).map(|digits| (digits.len(), digits))
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.sequence)
    }
}

impl FromStr for Standing {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (id, sequence) = text.split_once(' ').ok_or(InvalidId)?;
        let id: MessageId = id.parse()?;
        Ok(Self { milliseconds: id.milliseconds(), sequence: sequence.to_owned(), id })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::conversation::ConversationId;

    fn standing(second: i64, sequence: &str, wamid: &str) -> Standing {
        let id = MessageId::of_meta(ConversationId::new([1; 16]), Timestamp::from_second(second).ok(), wamid);
        Standing { milliseconds: id.milliseconds(), sequence: sequence.to_owned(), id }
    }

    #[test]
    fn messages_of_one_second_stand_as_they_came() {
        let in_order = [
            standing(9, "30000000000000000009.0", "z"),
            standing(10, "8.0", "y"),
            standing(10, "18850000000000000000.2", "x"),
            standing(10, "18850000000000000000.10", "w"),
            standing(10, "18850000000000000001.0", "a"),
        ];
        let mut places = in_order.clone();
        places.reverse();
        places.sort_unstable();

        assert_eq!(places, in_order);
    }

    #[test]
    fn a_place_reads_back_and_anything_else_is_none() {
        let one = standing(1_795_000_000, "18850000000000000000.2", "wamid.A");

        assert_eq!(one.to_string().parse::<Standing>().unwrap(), one);
        for text in ["", "msg_", "cnv_BwcHBwcHBwcHBwcHBwcHBw 1.2", &one.id.to_string()] {
            assert!(text.parse::<Standing>().is_err(), "{text}");
        }
    }
}
