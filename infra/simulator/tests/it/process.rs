//! The program itself: what it prints, how it dies, how it refuses to start.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use http::Method;
use serde_json::{Value, json};

use crate::world::World;

struct Program {
    child: Child,
    base: String,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut child = program(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        Self { child, base: first.split_whitespace().last().unwrap().to_owned() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SIGKILL: no goodbye, nothing flushed.
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simulator"));
    command.args(arguments);
    command
}

async fn call(world: &World, program: &Program, method: Method, path: &str, body: &Value) -> Value {
    let other = world.at(&program.base);
    let headers = [("content-type", "application/json")];
    other.request(method, path, &headers, body.to_string()).await.unwrap().body
}

#[tokio::test]
async fn what_was_answered_survives_being_killed() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap();
    let arguments = ["--port", "0", "--data", data, "--callback-url", "http://127.0.0.1:9/", "--app-id", "42"];
    let world = World::start().await;

    let program = Program::start(&arguments);
    let mut added = Vec::new();
    for _ in 0..20 {
        added.push(call(&world, &program, Method::POST, "/_sim/numbers", &json!({})).await);
    }
    drop(program);
    let program = Program::start(&arguments);

    let state = call(&world, &program, Method::GET, "/_sim/state", &Value::Null).await;
    assert_eq!(state["app"]["id"], "42");
    assert_eq!(state["numbers"].as_array().unwrap()[5..], added);
}

#[test]
fn what_keeps_it_from_starting_is_one_clear_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let failure = |arguments: &[&str]| {
        let output = program(arguments).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };

    let message = failure(&["--port", &port]);
    assert!(
        message.starts_with(&format!("simulator: port {port} cannot be used")) && message.lines().count() == 1,
        "{message}"
    );
    let message = failure(&["--prot", "1"]);
    assert_eq!(message, "simulator: invalid option '--prot'\n");

    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("journal.jsonl"), "nonsense\n[]\n").unwrap();
    let message = failure(&["--port", "0", "--data", directory.path().to_str().unwrap()]);
    assert!(message.contains("journal.jsonl is damaged at line 1") && message.contains("remove it"), "{message}");
}

#[test]
fn help_says_how_to_start_it() {
    let output = program(&["--help"]).output().unwrap();

    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("usage: simulator [--port 9100]"));
}
