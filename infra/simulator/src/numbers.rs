//! Business phone numbers: what Graph shows of them, and their life from creation to deregistration.

mod change;
mod coexistence;
mod register;
mod show;
mod verification;

pub(crate) use change::{change, create};
pub(crate) use coexistence::{off_board, request_sync};
pub(crate) use register::{deregister, register};
pub(crate) use show::{list, show, status};
pub(crate) use verification::{request_code, verify_code};

use crate::graph::{Call, GraphError};
use crate::world::{Number, World};

/// The number of a call, to change it; the router has shown that it exists.
fn of<'a>(world: &'a mut World, call: &Call, id: &str) -> Result<&'a mut Number, GraphError> {
    world.numbers.get_mut(id).ok_or_else(|| GraphError::no_such_object(&call.method, id))
}
