//! The table, the bars it is held against, and its place in docs/performance.md.

use benches::{
    Result,
    document::{Place, float, grouped, table},
};

use crate::measure::Measured;

const PLACE: Place = Place { document: "docs/performance.md", name: "startup", binary: "startup" };
const COLUMNS: [&str; 11] = [
    "function, first event",
    "instructions",
    "÷ hello",
    "spread",
    "AWS calls",
    "binary MB",
    "files opened",
    "of them CA files",
    "peak memory MB",
    "ready ms",
    "answered ms",
];
/// Between the runs of one subject, of the smallest.
const SPREAD: f64 = 0.005;

/// hello comes first.
pub(crate) struct Report(Vec<Measured>);

impl Report {
    pub(crate) fn new(measured: Vec<Measured>) -> Self {
        Self(measured)
    }

    pub(crate) fn table(&self) -> String {
        let rows = self.0.iter().map(|row| {
            vec![
                row.title.clone(),
                grouped(row.least()),
                format!("{:.2}", self.ratio(row)),
                format!("{:.3} %", row.spread() * 100.0),
                row.aws_calls.to_string(),
                format!("{:.2}", float(row.bytes) / 1e6),
                row.files.opened.len().to_string(),
                row.files.certificates.len().to_string(),
                format!("{:.1}", float(row.peak_memory) * 1024.0 / 1e6),
                format!("{:.2}", row.ready.as_secs_f64() * 1e3),
                format!("{:.2}", row.answered.as_secs_f64() * 1e3),
            ]
        });
        table(&COLUMNS, rows)
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
            let (ratio, most) = (self.ratio(row), row.most);
            hold(ratio <= most.ratio, format!("{ratio:.2} times hello, at most {} allowed", most.ratio));
            let (bytes, allowed) = (row.bytes, most.bytes);
            hold(bytes <= allowed, format!("the binary has {bytes} bytes, at most {allowed} allowed"));
            hold(row.files.certificates.is_empty(), format!("looks for {:?}", row.files.certificates));
            hold(row.spread() <= SPREAD, format!("runs differ: {:?}", row.instructions));
        }
        missed
    }

    pub(crate) fn write(&self) -> Result<()> {
        PLACE.write(&self.table())
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{measure::Files, subject::Most};

    fn row(instructions: &[u64]) -> Measured {
        Measured {
            title: "one, an event".to_owned(),
            bytes: 1_000_000,
            most: Most::default(),
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
            with(|row| row.most = Most { ratio: 4.5, bytes: 999_999 }),
            [
                "one, an event: 9.00 times hello, at most 4.5 allowed",
                "one, an event: the binary has 1000000 bytes, at most 999999 allowed"
            ]
        );
        assert_eq!(
            with(|row| _ = row.files.certificates.insert("/ca.pem".to_owned())),
            [r#"one, an event: looks for {"/ca.pem"}"#]
        );
    }
}
