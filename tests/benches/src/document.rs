//! Tables between markers in the documents.

use std::fmt::Write;

use crate::{Result, build::root};

/// Where a benchmark writes what it found.
#[derive(Debug)]
pub struct Place {
    pub document: &'static str,
    pub name: &'static str,
    /// The binary that writes it.
    pub binary: &'static str,
}

impl Place {
    /// Replaces what is there.
    pub fn write(&self, table: &str) -> Result<()> {
        let path = root().join(self.document);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", self.document))?;
        let text =
            self.replaced(&text, table).ok_or_else(|| format!("{} has no place for {}", self.document, self.name))?;
        Ok(std::fs::write(&path, text)?)
    }

    fn replaced(&self, text: &str, table: &str) -> Option<String> {
        let Self { name, binary, .. } = self;
        let begin = format!("<!-- {name}: written by `cargo run -p benches --bin {binary}` -->\n");
        let end = format!("<!-- end of {name} -->");
        let (before, rest) = text.split_once(&begin)?;
        let (_, after) = rest.split_once(&end)?;
        Some(format!("{before}{begin}\n{table}\n{end}{after}"))
    }
}

/// A table in Markdown: its first column is text, the others are numbers.
pub fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = format!("| {} |\n|---|{}\n", columns.join(" | "), "---:|".repeat(columns.len().saturating_sub(1)));
    for row in rows {
        // A String takes whatever is written to it.
        let _ = writeln!(table, "| {} |", row.join(" | "));
    }
    table
}

/// 1234567 as `1 234 567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "nothing that is counted here reaches 2^52")]
pub fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_table_is_replaced() {
        let place = Place { document: "docs/some.md", name: "some", binary: "one" };
        let begin = "<!-- some: written by `cargo run -p benches --bin one` -->\n";
        let document = format!("before\n{begin}old\n<!-- end of some -->\nafter\n");

        assert_eq!(
            place.replaced(&document, "new\n").unwrap(),
            format!("before\n{begin}\nnew\n\n<!-- end of some -->\nafter\n")
        );
        assert_eq!(place.replaced("no markers", "new\n"), None);
    }

    #[test]
    fn a_table_has_a_line_for_its_columns_and_one_for_each_row() {
        let rows = [vec!["one".to_owned(), "1".to_owned()], vec!["two".to_owned(), "2".to_owned()]];

        assert_eq!(table(&["what", "how many"], rows), "| what | how many |\n|---|---:|\n| one | 1 |\n| two | 2 |\n");
        assert_eq!([7, 1234, 1_234_567].map(grouped), ["7", "1 234", "1 234 567"]);
    }
}
