//! What it costs to receive: the processor time of a warm webhook beside that of a floor made by hand and of what teams
//! write in Python and Node. Writes its table into docs/performance.md; with `--check` it compares with the bars.

mod arrived;
mod deliveries;
mod measure;
mod peers;
mod report;
mod subject;

use std::{num::NonZeroUsize, process::ExitCode};

use benches::{Result, aws::Aws, say};
use report::Report;

const USAGE: &str = "usage: receive [--check] [--rounds N]

Builds `webhook` and its floor for release, installs the peers (PyPI, npm) and lets all take deliveries in turns.

  --check     leave the documents alone; fail where a bar is missed
  --rounds N  rounds at each size, after one to warm up (default 7)";

struct Options {
    check: bool,
    rounds: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(error) => {
            say(&format!("receive: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<ExitCode> {
    let Some(options) = Options::parse()? else {
        say(USAGE);
        return Ok(ExitCode::SUCCESS);
    };
    let data = tempfile::tempdir()?;
    let aws = Aws::start(data.path()).await?;
    let subjects = subject::all(&aws).await?;
    let report = Report::new(measure::all(&subjects, &aws, options.rounds).await?);
    aws.stop().await;

    say(&report.table());
    let missed = report.missed();
    for bar in &missed {
        say(&format!("missed: {bar}"));
    }
    if options.check {
        return Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    report.write()?;
    Ok(ExitCode::SUCCESS)
}

impl Options {
    /// `None`: help is asked for.
    fn parse() -> Result<Option<Self>> {
        use lexopt::prelude::*;

        let mut options = Self { check: false, rounds: 7 };
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("check") => options.check = true,
                Long("rounds") => options.rounds = arguments.value()?.parse::<NonZeroUsize>()?.get(),
                Short('h') | Long("help") => return Ok(None),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Some(options))
    }
}
