//! Text and location: nothing but their tables.

use super::Sending;
use crate::graph::GraphError;
use crate::messages::shape::{Part, Rule, Shape, optional, required};

pub(super) const TEXT: Shape = Shape(&[required("body", Rule::Text(4096)), optional("preview_url", Rule::Flag)]);

pub(super) const LOCATION: Shape = Shape(&[
    required("latitude", Rule::Number(-90.0, 90.0)),
    required("longitude", Rule::Number(-180.0, 180.0)),
    optional("name", Rule::Maybe(1000)),
    optional("address", Rule::Maybe(1000)),
]);

#[expect(clippy::unnecessary_wraps, reason = "stands in a table of checks")]
pub(super) fn nothing_else(_: &Sending<'_>, _: &Part<'_>) -> Result<(), GraphError> {
    Ok(())
}
