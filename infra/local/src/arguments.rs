//! The command line of `cargo run`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lexopt::ValueExt as _;
use lexopt::prelude::{Long, Short, Value};

pub(crate) const USAGE: &str = "\
usage: cargo run -- [options]         starts the whole stack on this machine
       cargo run -- reset [--data D]  forgets everything a stack has kept

  --port N               of the API (9000; 0 is any free port)
  --simulator-port N     of the simulated Meta (9100)
  --data DIRECTORY       what outlives the process (.patchbay)
  --template FILE        what to run (template.yaml)
  --param NAME=VALUE     a template parameter; may be repeated
  --origin URL           a page that may call the API (parameter AllowedOrigins); may be repeated
  --concurrency N        processes a function may have (8)
  --real-meta            Meta itself instead of the simulator: parameters from .env, data in .patchbay-real
  --tunnel-port N        with --real-meta: serves only /webhooks/* and /oauth/*, for a tunnel (9200)
";

/// What was asked for.
#[derive(Debug)]
pub(crate) enum Command {
    Run(Box<Arguments>),
    Reset { data: PathBuf },
    Help,
}

#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) port: u16,
    pub(crate) simulator_port: u16,
    pub(crate) data: PathBuf,
    pub(crate) template: PathBuf,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) concurrency: usize,
    pub(crate) real_meta: bool,
    pub(crate) tunnel_port: u16,
}

pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut reset = false;
    let (mut data, mut origins) = (None, Vec::new());
    let mut arguments = Arguments {
        port: 9000,
        simulator_port: 9100,
        data: PathBuf::new(),
        template: "template.yaml".into(),
        parameters: BTreeMap::new(),
        concurrency: 8,
        real_meta: false,
        tunnel_port: 9200,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => arguments.port = parser.value()?.parse()?,
            Long("simulator-port") => arguments.simulator_port = parser.value()?.parse()?,
            Long("data") => data = Some(PathBuf::from(parser.value()?)),
            Long("template") => arguments.template = parser.value()?.into(),
            Long("param") => {
                let text = parser.value()?.string()?;
                let (name, value) = text.split_once('=').ok_or("--param needs Name=value")?;
                arguments.parameters.insert(name.to_owned(), value.to_owned());
            }
            Long("origin") => origins.push(parser.value()?.string()?),
            Long("concurrency") => arguments.concurrency = parser.value()?.parse()?,
            Long("real-meta") => arguments.real_meta = true,
            Long("tunnel-port") => arguments.tunnel_port = parser.value()?.parse()?,
            Long("help") | Short('h') => return Ok(Command::Help),
            Value(value) if value == "reset" => reset = true,
            other => return Err(other.unexpected()),
        }
    }
    if arguments.concurrency == 0 {
        return Err("--concurrency must be at least 1".into());
    }
    if !origins.is_empty() {
        arguments.parameters.insert("AllowedOrigins".to_owned(), origins.join(","));
    }
    let usual = if arguments.real_meta { ".patchbay-real" } else { ".patchbay" };
    arguments.data = data.unwrap_or_else(|| usual.into());
    Ok(if reset { Command::Reset { data: arguments.data } } else { Command::Run(Box::new(arguments)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> Arguments {
        match parse(lexopt::Parser::from_args(line.split_whitespace())).unwrap() {
            Command::Run(arguments) => *arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn everything_has_a_usual_value() {
        let arguments = run("");

        assert_eq!((arguments.port, arguments.simulator_port, arguments.concurrency), (9000, 9100, 8));
        assert_eq!(arguments.data, PathBuf::from(".patchbay"));
        assert_eq!(run("--real-meta").data, PathBuf::from(".patchbay-real"));
    }

    #[test]
    fn what_may_be_repeated_adds_up() {
        let arguments = run("--param A=1 --param B=x=y --origin http://a --origin http://b");

        let expected = [("A", "1"), ("AllowedOrigins", "http://a,http://b"), ("B", "x=y")];
        assert_eq!(arguments.parameters, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn nonsense_is_refused() {
        for line in
            ["--port x", "--port 70000", "--param A", "--concurrency 0", "--nothing", "start", "reset reset now"]
        {
            assert!(parse(lexopt::Parser::from_args(line.split_whitespace())).is_err(), "{line}");
        }
    }
}
