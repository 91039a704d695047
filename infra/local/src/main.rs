//! `cargo run`: the whole stack on this machine. Started again by the stack itself, it is one of the functions.

mod arguments;
mod dotenv;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use local::{Config, Program, Stack, hosted};
use shared::clock::Clock;
use tokio::signal::unix::{SignalKind, signal};

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    if let Some(name) = hosted::function() {
        return host(&name);
    }
    match arguments::parse(lexopt::Parser::from_env()) {
        Ok(Command::Run(arguments)) => ended(run(*arguments)),
        Ok(Command::Reset { data }) => ended(local::reset(&data).map_err(|error| error.to_string())),
        Ok(Command::Help) => {
            say(arguments::USAGE);
            ExitCode::SUCCESS
        }
        Err(error) => ended(Err(format!("{error}; --help lists what there is"))),
    }
}

/// Every function the stack can be.
fn host(name: &str) -> ExitCode {
    let clock = Clock::from_fn(hosted::clock());
    match name {
        "access" => hosted::run(access::run(clock)),
        "accounts" => hosted::run(accounts::run(clock)),
        "feed" => hosted::run(feed::run(clock)),
        "inbound" => hosted::run(inbound::run(clock)),
        "inbox" => hosted::run(inbox::run(clock)),
        "oauth-callback" => hosted::run(oauth_callback::run(clock)),
        "oauth-init" => hosted::run(oauth_init::run(clock)),
        "outbound" => hosted::run(outbound::run(clock)),
        "send" => hosted::run(send::run(clock)),
        "sweeper" => hosted::run(sweeper::run(clock)),
        "webhook" => hosted::run(webhook::run(clock)),
        other => hosted::run(std::future::ready(Err(format!("there is no function {other} in this build")))),
    }
}

#[tokio::main]
async fn run(arguments: Arguments) -> Result<(), String> {
    let real_meta = arguments.real_meta;
    let config = config(arguments)?;
    let key_file = config.data.join("operator.key");
    let tunnel_port = config.tunnel_port;
    let stack = tokio::select! {
        started = Stack::start(config) => started.map_err(|error| error.to_string())?,
        () = told_to_end() => return Ok(()),
    };
    say(&greeting(&stack, &key_file, real_meta, tunnel_port));
    told_to_end().await;
    stack.stop().await;
    Ok(())
}

fn config(arguments: Arguments) -> Result<Config, String> {
    let executable = std::env::current_exe().map_err(|error| format!("this program does not find itself: {error}"))?;
    // Functions are told the place of the clock's file, so it must not depend on a working directory.
    let data =
        std::path::absolute(&arguments.data).map_err(|error| format!("{}: {error}", arguments.data.display()))?;
    let mut config = Config::new(arguments.template, data, Program { executable });
    config.port = arguments.port;
    config.parameters = arguments.parameters;
    config.concurrency = arguments.concurrency;
    config.check_functions = true;
    if arguments.real_meta {
        config.control = false;
        config.tunnel_port = Some(arguments.tunnel_port);
        config.graph_url = Some("https://graph.facebook.com".to_owned());
        let mut parameters = dotenv::read(Path::new(".env"))?;
        parameters.append(&mut config.parameters);
        config.parameters = parameters;
    } else {
        config.simulator_port = Some(arguments.simulator_port);
    }
    Ok(config)
}

fn greeting(stack: &Stack, key_file: &Path, real_meta: bool, tunnel_port: Option<u16>) -> String {
    let api = stack.api_url();
    let mut lines = vec![format!("API           {api}")];
    lines.extend(stack.simulator_url().map(|url| format!("simulator     {url}")));
    lines.extend(
        tunnel_port.map(|port| format!("for a tunnel  http://127.0.0.1:{port}  (only /webhooks/* and /oauth/*)")),
    );
    match stack.operator_key() {
        Some(key) if !real_meta => lines.push(format!("operator key  {key}")),
        Some(_) => lines.push(format!("operator key  in {}", key_file.display())),
        None => {}
    }
    let key = format!("\"Authorization: Bearer $(cat '{}')\"", key_file.display());
    lines.push(format!("try           curl -H {key} {api}/v1/health"));
    lines.join("\n") + "\n"
}

/// Ctrl-C, or what a supervisor sends.
async fn told_to_end() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

fn ended(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Whoever closed standard error does not want to know.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn say(text: &str) {
    // A closed terminal is no reason not to serve.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
