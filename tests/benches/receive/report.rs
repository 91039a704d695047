//! The table of docs/performance.md, and the bars of receiving.

use std::time::Duration;

use benches::{
    Result,
    document::{Place, float, grouped, table},
};

use crate::{
    measure::{Figures, Measured},
    subject::{FLOOR, NODE, OURS, PYTHON},
};

const PLACE: Place = Place { document: "docs/performance.md", name: "receive", binary: "receive" };
const COLUMNS: [&str; 8] = [
    "function, body",
    "CPU µs",
    "÷ floor",
    "÷ Patchbay",
    "half answered within µs",
    "99 % within µs",
    "AWS calls",
    "peak memory MB",
];

/// Of the smallest body: times the floor's CPU, and the share of Python's.
const OF_FLOOR: f64 = 4.0;
const OF_PYTHON: f64 = 1.0 / 8.0;

pub(crate) struct Report(Vec<Measured>);

impl Report {
    pub(crate) fn new(measured: Vec<Measured>) -> Self {
        Self(measured)
    }

    pub(crate) fn table(&self) -> String {
        let rows = self.0.iter().map(|row| {
            let of = |other| self.ratio(row, other).map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
            vec![
                format!("{}, {} B", row.subject, grouped(u64::try_from(row.bytes).unwrap_or(u64::MAX))),
                micros(row.median_of(|figures| figures.processor)),
                of(FLOOR),
                of(OURS),
                micros(row.median_of(|figures| figures.median)),
                micros(row.median_of(|figures| figures.slow)),
                format!("{:.2}", row.calls()),
                format!("{:.1}", float(row.peak_memory) * 1024.0 / 1e6),
            ]
        });
        table(&COLUMNS, rows)
    }

    /// Every bar that is missed, and every one that could not be held against anything, in words.
    pub(crate) fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for ours in self.0.iter().filter(|row| row.subject == OURS) {
            if (ours.calls() - 1.0).abs() > f64::EPSILON {
                missed.push(format!("{} B: {:.2} AWS calls, 1 allowed", ours.bytes, ours.calls()));
            }
        }
        let Some(ours) = self.0.iter().find(|row| row.subject == OURS) else { return vec![format!("no {OURS}")] };
        for (other, allowed) in [(FLOOR, OF_FLOOR), (PYTHON, OF_PYTHON)] {
            match self.ratio(ours, other) {
                Some(ratio) if ratio <= allowed => {}
                Some(ratio) => {
                    missed.push(format!("{ratio:.3} times the CPU of {other}, at most {allowed:.3} allowed"));
                }
                None => missed.push(format!("NOT CHECKED: {other} did not run")),
            }
        }
        missed
    }

    /// Only of a run in which everybody took part: a table must not lose rows to a registry that is down.
    pub(crate) fn write(&self) -> Result<()> {
        match [FLOOR, OURS, PYTHON, NODE].iter().find(|name| !self.0.iter().any(|row| row.subject == **name)) {
            Some(absent) => Err(format!("{} is left as it is, for {absent} did not run", PLACE.document).into()),
            None => PLACE.write(&self.table()),
        }
    }

    /// Round by round, for a round that was slow was slow for all; the middle one.
    fn ratio(&self, row: &Measured, other: &str) -> Option<f64> {
        let other = self.0.iter().find(|candidate| candidate.subject == other && candidate.bytes == row.bytes)?;
        let processor = |figures: &Figures| figures.processor.as_secs_f64();
        let pairs = row.rounds.iter().zip(&other.rounds);
        let mut ratios: Vec<_> = pairs.map(|(ours, theirs)| processor(ours) / processor(theirs)).collect();
        ratios.sort_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied()
    }
}

impl Measured {
    fn median_of(&self, figure: impl Fn(&Figures) -> Duration) -> Duration {
        let mut figures: Vec<_> = self.rounds.iter().map(figure).collect();
        figures.sort_unstable();
        figures.get(figures.len() / 2).copied().unwrap_or_default()
    }

    /// The median: once in five minutes a secret is read anew.
    fn calls(&self) -> f64 {
        let mut calls: Vec<_> = self.rounds.iter().map(|figures| figures.calls).collect();
        calls.sort_by(f64::total_cmp);
        calls.get(calls.len() / 2).copied().unwrap_or_default()
    }
}

fn micros(time: Duration) -> String {
    grouped(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(subject: &'static str, processor: [u64; 3]) -> Measured {
        let figures = |micros| Figures {
            processor: Duration::from_micros(micros),
            median: Duration::from_micros(2 * micros),
            slow: Duration::from_micros(3 * micros),
            calls: 1.0,
        };
        Measured { subject, bytes: 1039, rounds: processor.map(figures).into(), peak_memory: 4000 }
    }

    fn missed(ours: Measured, others: impl IntoIterator<Item = Measured>) -> Vec<String> {
        Report::new(others.into_iter().chain([ours]).collect()).missed()
    }

    #[test]
    fn each_bar_is_held_over_the_middle_round() {
        let others = || [measured(FLOOR, [20, 25, 200]), measured(PYTHON, [640, 800, 900])];
        assert_eq!(missed(measured(OURS, [100, 100, 100]), others()), [""; 0]);
        assert_eq!(
            missed(measured(OURS, [105, 105, 105]), others()),
            [
                "4.200 times the CPU of floor, by hand, at most 4.000 allowed",
                "0.131 times the CPU of Python, boto3, at most 0.125 allowed"
            ]
        );
    }

    #[test]
    fn a_bar_that_cannot_be_checked_is_not_held() {
        assert_eq!(
            missed(measured(OURS, [100; 3]), [measured(FLOOR, [25; 3])]),
            ["NOT CHECKED: Python, boto3 did not run"]
        );
    }

    #[test]
    fn a_second_call_is_missed() {
        let mut ours = measured(OURS, [100; 3]);
        for figures in &mut ours.rounds {
            figures.calls = 2.0;
        }
        let others = [measured(FLOOR, [25; 3]), measured(PYTHON, [800; 3])];

        assert_eq!(missed(ours, others), ["1039 B: 2.00 AWS calls, 1 allowed"]);
    }

    #[test]
    fn rows_say_what_was_measured() {
        let report = Report::new(vec![measured(FLOOR, [25; 3]), measured(OURS, [75; 3])]);

        assert!(report.table().ends_with(
            "| floor, by hand, 1 039 B | 25 | 1.00 | 0.33 | 50 | 75 | 1.00 | 4.1 |\n\
             | Patchbay, 1 039 B | 75 | 3.00 | 1.00 | 150 | 225 | 1.00 | 4.1 |\n"
        ));
    }
}
