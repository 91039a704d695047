//! Lists to choose one row from.

use crate::domain::check::{Part, differ, each, maybe_text, text};

const MOST_SECTIONS: usize = 10;
const MOST_ROWS: usize = 10;
const LONGEST_BUTTON: usize = 20;
const LONGEST_TITLE: usize = 24;
const LONGEST_ID: usize = 200;
const LONGEST_DESCRIPTION: usize = 72;

pub(super) fn list(action: &Part<'_>) {
    action.need("button", text(LONGEST_BUTTON));
    let sections = action.need("sections", |sections| sections_of(sections, "rows", each(1, MOST_ROWS, row)));
    if let Some(sections) = sections {
        let rows = || sections.items().filter_map(|section| section.get("rows")).flat_map(|rows| rows.items());
        differ(rows(), "id");
        let count = rows().count();
        if count > MOST_ROWS && sections.items().count() > 1 {
            sections.wrong(format!("must have at most {MOST_ROWS} rows in all, it has {count}"));
        }
    }
}

/// Each with its content, and with a title where there are several.
pub(super) fn sections_of(sections: &Part<'_>, content: &str, rule: impl Fn(&Part<'_>)) {
    let are_several = sections.items().count() > 1;
    each(1, MOST_SECTIONS, |section| {
        if are_several {
            section.need("title", text(LONGEST_TITLE));
        } else {
            section.may("title", maybe_text(LONGEST_TITLE));
        }
        section.need(content, &rule);
    })(sections);
}

fn row(row: &Part<'_>) {
    row.need("id", text(LONGEST_ID));
    row.need("title", text(LONGEST_TITLE));
    row.may("description", maybe_text(LONGEST_DESCRIPTION));
}
