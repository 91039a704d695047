//! What it costs to start: instructions from exec to the first answered event of every function, beside those of
//! a `lambda_runtime` hello. Writes its table into docs/performance.md; with `--check` it compares with the bars.

mod measure;
mod orders;
mod report;
mod subject;

use std::{num::NonZeroUsize, process::ExitCode};

use benches::{Result, aws::Aws, build, meta::Meta, say};
use orders::Orders;
use report::Report;
use subject::Subject;

const USAGE: &str = "usage: startup [--check] [--counted N] [--timed N]

Builds the functions for release and measures how they start. Needs valgrind and strace.

  --check      leave docs/performance.md alone; fail where a bar is missed
  --counted N  runs under callgrind, each (default 3)
  --timed N    interleaved runs against the clock, each (default 15)";

struct Options {
    check: bool,
    counted: usize,
    timed: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(error) => {
            say(&format!("startup: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<ExitCode> {
    let Some(options) = Options::parse()? else {
        say(USAGE);
        return Ok(ExitCode::SUCCESS);
    };
    measure::require("valgrind").await?;
    measure::require("strace").await?;

    let hello = build::release("hello").await?;
    let mut functions = Vec::new();
    for name in build::functions()? {
        functions.push(build::release(&name).await?);
    }
    let data = tempfile::tempdir()?;
    let aws = Aws::start(data.path()).await?;
    let meta = Meta::start(aws.emulators.clock()).await?;
    let orders = Orders::default();
    let mut subjects = subject::all(&functions, &aws, &meta, &orders).await?;
    subjects.insert(0, Subject::hello(hello, &aws));
    let report = Report::new(measure::all(subjects, &aws, &orders, options.counted, options.timed).await?);
    aws.stop().await;

    say(&report.table());
    let missed = report.missed();
    if options.check {
        for bar in &missed {
            say(&format!("missed: {bar}"));
        }
        return Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    report.write()?;
    Ok(ExitCode::SUCCESS)
}

impl Options {
    /// `None`: help is asked for.
    fn parse() -> Result<Option<Self>> {
        use lexopt::prelude::*;

        let mut options = Self { check: false, counted: 3, timed: 15 };
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("check") => options.check = true,
                Long("counted") => options.counted = arguments.value()?.parse::<NonZeroUsize>()?.get(),
                Long("timed") => options.timed = arguments.value()?.parse::<NonZeroUsize>()?.get(),
                Short('h') | Long("help") => return Ok(None),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Some(options))
    }
}
