//! `cargo run -p simulator`: Meta in a box on its own.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use lexopt::Arg::{Long, Short};
use lexopt::ValueExt as _;
use simulator::{Options, Simulator, seed};
use tokio::net::TcpListener;

const USAGE: &str = "\
usage: simulator [--port 9100] [--app-id ID] [--app-secret SECRET] [--verify-token TOKEN] [--callback-url URL]
                 [--deauthorize-url URL] [--data-deletion-url URL] [--data DIRECTORY]
";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let Some((port, options)) = arguments()? else {
        return Ok(io::stdout().write_all(USAGE.as_bytes())?);
    };
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .map_err(|error| format!("port {port} cannot be used ({error}); choose another with --port"))?;
    let simulator = Simulator::start(listener, options.clone())?;
    io::stdout().write_all(greeting(&simulator, &options)?.as_bytes())?;

    tokio::select! {
        () = simulator.run() => Err("a part of the simulator stopped".into()),
        stop = tokio::signal::ctrl_c() => Ok(stop?),
    }
}

fn arguments() -> Result<Option<(u16, Options)>, lexopt::Error> {
    let mut port = 9100;
    let mut options = Options::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => port = parser.value()?.parse()?,
            Long("app-id") => options.app_id = parser.value()?.string()?,
            Long("app-secret") => options.app_secret = parser.value()?.string()?,
            Long("verify-token") => options.verify_token = parser.value()?.string()?,
            Long("callback-url") => options.callback_url = parser.value()?.string()?,
            Long("deauthorize-url") => options.deauthorize_url = Some(parser.value()?.string()?),
            Long("data-deletion-url") => options.data_deletion_url = Some(parser.value()?.string()?),
            Long("data") => options.data = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some((port, options)))
}

fn greeting(simulator: &Simulator, options: &Options) -> Result<String, std::fmt::Error> {
    let base = format!("http://{}", simulator.address());
    let mut text = String::new();
    writeln!(text, "Graph, login and media  {base}")?;
    writeln!(text, "phone page              {base}/")?;
    writeln!(text, "control and state       {base}/_sim/state")?;
    writeln!(text, "webhooks go to          {}", options.callback_url)?;
    writeln!(text, "app id                  {}", options.app_id)?;
    writeln!(text, "businesses              {}", seed::BUSINESSES.join(" "))?;
    writeln!(text, "WABAs                   {}", seed::WABAS.join(" "))?;
    writeln!(text, "numbers                 {}", seed::NUMBERS.join(" "))?;
    Ok(text)
}
