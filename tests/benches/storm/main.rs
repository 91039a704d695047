//! Deliveries to the whole local stack as fast as this machine takes them, while its processes are killed: then
//! everything that was answered 200 must be there, once, in order.
//!
//! It knows the product from outside only: the program, its addresses, its HTTP API.

mod kills;
mod ledger;
mod stack;
mod traffic;

use std::time::Duration;

use benches::{Result, build};
use kills::Kills;
use ledger::Found;
use stack::Stack;
use traffic::{Sent, Traffic};

const USAGE: &str = "usage: storm [--seconds N] [--senders N] [--kills] [--seed N] [--program PATH]

  --seconds N     how long deliveries come (default 30)
  --senders N     how many customers write at a time (default 48)
  --kills         kill functions at random, and now and then the stack itself
  --seed N        which processes, and when (default 1)
  --program PATH  the local stack, already built; otherwise it is built for this";

struct Arguments {
    seconds: u64,
    senders: usize,
    kills: bool,
    seed: u64,
    program: Option<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Some(arguments) = arguments()? else {
        say(USAGE);
        return Ok(());
    };
    let program = match &arguments.program {
        Some(program) => program.into(),
        // Optimized, but linked as fast as a machine of two cores can.
        None => build::with_profile("local", "load").await?.executable,
    };
    let mut stack = Stack::start(&program).await?;
    let numbers = stack.connect_numbers().await?;
    let duration = Duration::from_secs(arguments.seconds);
    let traffic = Traffic::start(&stack, &numbers, arguments.senders, duration);
    let kills =
        if arguments.kills { Kills::during(&mut stack, duration, arguments.seed).await? } else { Kills::none() };
    let sent = traffic.ended().await;
    let drained = stack.drain().await?;
    let found = Found::everywhere(&stack, &numbers).await?;
    stack.stop().await;
    report(&sent, &found, &kills, drained, duration)
}

fn report(sent: &Sent, found: &Found, kills: &Kills, drained: Duration, duration: Duration) -> Result<()> {
    let verdict = found.against(sent);
    let seconds = duration.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = |count: usize| count as f64 / seconds;
    say(&format!(
        "deliveries answered 200: {} ({:.0}/s), repeated by Meta {}, answered otherwise or not at all {}",
        sent.accepted,
        rate(sent.accepted),
        sent.repeated,
        sent.refused
    ));
    say(&format!("units in them: {} ({:.0}/s) of {} customers", sent.units(), rate(sent.units()), sent.customers()));
    say(&format!("latency p50 {:?}, p99 {:?}, longest {:?}", sent.quantile(50), sent.quantile(99), sent.quantile(100)));
    say(&format!("killed: webhook {}, inbound {}, the whole stack {}", kills.webhook, kills.inbound, kills.stack));
    say(&format!("drained in {drained:?}; stored {}", found.stored()));
    say(&format!("lost {}, doubled {}, out of order {}", verdict.lost, verdict.doubled, verdict.disordered));
    for example in &verdict.examples {
        say(example);
    }
    if verdict.holds() { Ok(()) } else { Err("the promises do not hold".into()) }
}

fn arguments() -> Result<Option<Arguments>> {
    use lexopt::prelude::*;
    let mut arguments = Arguments { seconds: 30, senders: 48, kills: false, seed: 1, program: None };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seconds") => arguments.seconds = parser.value()?.parse()?,
            Long("senders") => arguments.senders = parser.value()?.parse()?,
            Long("kills") => arguments.kills = true,
            Long("seed") => arguments.seed = parser.value()?.parse()?,
            Long("program") => arguments.program = Some(parser.value()?.string()?),
            Long("help") => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(arguments))
}

#[expect(clippy::print_stdout, reason = "it is what it was started for")]
fn say(line: &str) {
    println!("{line}");
}
