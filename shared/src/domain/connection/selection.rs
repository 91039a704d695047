//! Which of the numbers found connect by themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    number::{ConnectedTo, Number},
    setback::{Obstacle, Setback},
    step::AttemptStep,
};
use crate::domain::meta_id::PhoneNumberId;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AutoSelect {
    /// None: the tenant chooses.
    None,
    /// The only one there is, or the one the person named at Meta.
    #[default]
    Single,
    /// Every one that can be connected.
    All,
}

/// The places of the numbers to connect. Empty: somebody must choose.
pub(super) fn select(
    numbers: &[Number],
    auto: AutoSelect,
    expected: Option<&PhoneNumberId>,
    named: &[PhoneNumberId],
) -> Result<Vec<usize>, Setback> {
    let refused = |obstacle, detail: &str| Setback::at(AttemptStep::NumbersFound, obstacle, detail);
    let place = |id: &PhoneNumberId| numbers.iter().position(|number| number.id() == id);
    if numbers.is_empty() {
        return Err(refused(Obstacle::NoPhoneNumber, "the accounts shared have no numbers"));
    }
    if let Some(expected) = expected {
        let place = place(expected)
            .ok_or_else(|| refused(Obstacle::NumberMismatch, "the number expected is not among those shared"))?;
        return if numbers[place].is_connectable() { Ok(vec![place]) } else { Err(taken()) };
    }
    let connectable: Vec<usize> = (0..numbers.len()).filter(|place| numbers[*place].is_connectable()).collect();
    if connectable.is_empty() {
        return Err(taken());
    }
    // Numbers that work here already need no second connecting, unless there is no other.
    let new = connectable.iter().copied().filter(|place| numbers[*place].found.connected_to == ConnectedTo::Nobody);
    let candidates = match new.collect::<Vec<_>>() {
        new if new.is_empty() => connectable,
        new => new,
    };
    match auto {
        AutoSelect::None => Ok(Vec::new()),
        AutoSelect::All => Ok(candidates),
        AutoSelect::Single => {
            let named: Option<Vec<usize>> = named.iter().map(place).collect();
            match named {
                None => Err(refused(Obstacle::NumberNotInWaba, "the number named is not among those shared")),
                Some(named) if !named.is_empty() => {
                    if named.iter().all(|place| numbers[*place].is_connectable()) {
                        Ok(named)
                    } else {
                        Err(taken())
                    }
                }
                Some(_) if candidates.len() == 1 => Ok(candidates),
                Some(_) => Ok(Vec::new()),
            }
        }
    }
}

fn taken() -> Setback {
    Setback::at(AttemptStep::NumbersFound, Obstacle::NumberTaken, "it is connected to another customer")
}
