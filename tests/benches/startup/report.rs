//! The table, the bars it is held against, and its place in docs/performance.md.

use std::fmt::Write;

use crate::{Result, build::root, measure::Measured};

const DOCUMENT: &str = "docs/performance.md";
const BEGIN: &str = "<!-- startup: written by `cargo run -p benches --bin startup` -->\n";
const END: &str = "<!-- end of startup -->";

/// Times the instructions of hello, for every function.
const RATIO: f64 = 9.0;
const BYTES: u64 = 8_500_000;
/// Between the runs of one subject, of the smallest.
const SPREAD: f64 = 0.005;

/// hello comes first.
pub(crate) struct Report(Vec<Measured>);

impl Report {
    pub(crate) fn new(measured: Vec<Measured>) -> Self {
        Self(measured)
    }

    pub(crate) fn table(&self) -> String {
        let mut table = String::from(
            "| function, first event | instructions | ÷ hello | spread | AWS calls | binary MB | files opened | of them CA files | peak memory MB | ready ms | answered ms |\n\
             |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
        );
        for row in &self.0 {
            // A String takes whatever is written to it.
            let _ = writeln!(
                table,
                "| {} | {} | {:.2} | {:.3} % | {} | {:.2} | {} | {} | {:.1} | {:.2} | {:.2} |",
                row.title,
                grouped(row.least()),
                self.ratio(row),
                row.spread() * 100.0,
                row.aws_calls,
                float(row.bytes) / 1e6,
                row.files.opened.len(),
                row.files.certificates.len(),
                float(row.peak_memory) * 1024.0 / 1e6,
                row.ready.as_secs_f64() * 1e3,
                row.answered.as_secs_f64() * 1e3,
            );
        }
        table
    }

    /// Every bar that is missed, in words.
    pub(crate) fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for row in &self.0 {
            let mut hold = |is_held: bool, what: String| {
                if !is_held {
                    missed.push(format!("{}: {what}", row.title));
                }
            };
            let ratio = self.ratio(row);
            hold(ratio <= RATIO, format!("{ratio:.2} times hello, at most {RATIO} allowed"));
            hold(row.bytes <= BYTES, format!("the binary has {} bytes, at most {BYTES} allowed", row.bytes));
            hold(row.files.certificates.is_empty(), format!("looks for {:?}", row.files.certificates));
            hold(row.spread() <= SPREAD, format!("runs differ: {:?}", row.instructions));
        }
        missed
    }

    /// Replaces the table in the document.
    pub(crate) fn write(&self) -> Result<()> {
        let path = root().join(DOCUMENT);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{DOCUMENT}: {error}"))?;
        std::fs::write(
            &path,
            replaced(&text, &self.table()).ok_or_else(|| format!("{DOCUMENT} has no place for it"))?,
        )?;
        Ok(())
    }

    fn ratio(&self, row: &Measured) -> f64 {
        float(row.least()) / self.0.first().map_or(1.0, |hello| float(hello.least()))
    }
}

impl Measured {
    fn least(&self) -> u64 {
        self.instructions.iter().copied().min().unwrap_or_default()
    }

    fn spread(&self) -> f64 {
        let most = self.instructions.iter().copied().max().unwrap_or_default();
        float(most - self.least()) / float(self.least())
    }
}

fn replaced(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

/// 1234567 as `1 234 567`.
fn grouped(number: u64) -> String {
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

#[expect(clippy::cast_precision_loss, reason = "none of these counts reaches 2^52")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::Files;

    fn row(instructions: &[u64]) -> Measured {
        Measured {
            title: "one, an event".to_owned(),
            bytes: 1_000_000,
            instructions: instructions.to_vec(),
            aws_calls: 0,
            files: Files::default(),
            peak_memory: 4096,
            ready: Duration::from_millis(1),
            answered: Duration::from_millis(2),
        }
    }

    #[test]
    fn each_bar_is_held() {
        let hello = || row(&[1000, 1001]);
        let missed = |changed: Measured| Report::new(vec![hello(), changed]).missed();
        let with = |change: fn(&mut Measured)| {
            let mut row = row(&[9000]);
            change(&mut row);
            missed(row)
        };

        assert_eq!(with(|_| {}), [""; 0]);
        assert_eq!(missed(row(&[9001])), ["one, an event: 9.00 times hello, at most 9 allowed"]);
        assert_eq!(missed(row(&[9000, 9046])), ["one, an event: runs differ: [9000, 9046]"]);
        assert_eq!(
            with(|row| row.bytes = 8_500_001),
            ["one, an event: the binary has 8500001 bytes, at most 8500000 allowed"]
        );
        assert_eq!(
            with(|row| _ = row.files.certificates.insert("/ca.pem".to_owned())),
            [r#"one, an event: looks for {"/ca.pem"}"#]
        );
    }

    #[test]
    fn only_the_table_is_replaced() {
        let document = format!("before\n{BEGIN}old\n{END}\nafter\n");

        assert_eq!(replaced(&document, "new\n").unwrap(), format!("before\n{BEGIN}\nnew\n\n{END}\nafter\n"));
        assert_eq!(replaced("no markers", "new\n"), None);
        assert_eq!([7, 1234, 1_234_567].map(grouped), ["7", "1 234", "1 234 567"]);
    }
}
