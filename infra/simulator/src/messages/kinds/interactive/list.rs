//! Lists to choose one row from.

use super::{FOOTER_FIELD, HEADER_FIELD, TYPE, all_differ};
use crate::graph::GraphError;
use crate::messages::kinds::Sending;
use crate::messages::shape::{Part, Rule, Shape, optional, required};

pub(super) const LIST: Shape = Shape(&[
    TYPE,
    HEADER_FIELD,
    required("body", Rule::Object(&Shape(&[required("text", Rule::Text(4096))]))),
    FOOTER_FIELD,
    required(
        "action",
        Rule::Object(&Shape(&[
            required("button", Rule::Text(20)),
            required("sections", Rule::List(1, 10, &Rule::Object(&SECTION))),
        ])),
    ),
]);

const SECTION: Shape =
    Shape(&[optional("title", Rule::Maybe(24)), required("rows", Rule::List(1, 100, &Rule::Object(&ROW)))]);

const ROW: Shape = Shape(&[
    required("id", Rule::Text(200)),
    required("title", Rule::Text(24)),
    optional("description", Rule::Maybe(72)),
]);

const MOST_ROWS: usize = 10;

/// Ten rows in all, ids unique in all, a title on each section where there are several.
pub(super) fn check(_: &Sending<'_>, part: &Part<'_>) -> Result<(), GraphError> {
    let sections: Vec<Part<'_>> = part.need("action")?.need("sections")?.items().collect();
    if sections.len() > 1 {
        for section in &sections {
            let title = section.need("title")?;
            title.must_follow(&Rule::Text(24))?;
        }
    }
    let rows: Vec<Part<'_>> =
        sections.iter().filter_map(|section| section.get("rows")).flat_map(|rows| rows.items()).collect();
    if rows.len() > MOST_ROWS {
        let details = format!("Total row count exceed max allowed count: {MOST_ROWS}");
        return Err(GraphError::of(131009).details(details));
    }
    all_differ(&rows, "id")
}
