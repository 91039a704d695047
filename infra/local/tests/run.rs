//! `cargo run` as a person meets it: the real executable, the product's template, a directory of its own.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A running stack.
struct Stack {
    child: Child,
    addresses: Value,
    data: PathBuf,
}

impl Stack {
    fn start(data: &Path, more: &[&str]) -> Self {
        // One that was killed could not remove it.
        let _ = fs::remove_file(data.join("addresses.json"));
        let mut child = command(data, more).spawn().unwrap();
        let file = data.join("addresses.json");
        let started = Instant::now();
        while !file.exists() {
            assert!(child.try_wait().unwrap().is_none(), "it ended: {}", rest(&mut child));
            assert!(started.elapsed() < Duration::from_secs(10), "it does not answer within ten seconds");
            std::thread::sleep(Duration::from_millis(5));
        }
        let addresses = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        Self { child, addresses, data: data.to_owned() }
    }

    fn key(&self) -> String {
        fs::read_to_string(self.data.join("operator.key")).unwrap()
    }

    fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, "")
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        ask(self.addresses["api"].as_str().unwrap(), method, path, &self.key(), body)
    }

    /// Sends a signal and waits for the end.
    fn end(mut self, signal: &str) -> (Option<i32>, Vec<u32>) {
        let children = children(self.child.id());
        kill(signal, self.child.id());
        let code = self.child.wait().unwrap().code();
        (code, children)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_first_start_answers_within_ten_seconds_and_says_where() {
    let data = tempfile::tempdir().unwrap();
    let directory = data.path().join("data");

    let stack = Stack::start(&directory, &[]);

    let (status, health) = stack.get("/v1/health");
    assert_eq!(status, 200, "{health}");
    assert_eq!(stack.get("/v1/keys").0, 200);
    assert_eq!(stack.get("/v1/nothing").0, 404);
    let simulator = stack.addresses["simulator"].as_str().unwrap();
    assert_eq!(ask(simulator, "GET", "/_sim/state", "", "").0, 200);
    assert_eq!(stack.addresses["dashboard"], Value::Null);
    assert!(stack.key().starts_with("pb_sk_"));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&directory.join("operator.key")), mode(&directory)), (0o600, 0o700));
    let (status, done) = stack.ask("POST", "/_local/clock", r#"{"advance_seconds":60}"#);
    assert_eq!((status, &done["advanced_seconds"]), (200, &json!(60)));
}

#[test]
fn a_second_start_finds_what_the_first_one_kept() {
    let data = tempfile::tempdir().unwrap();
    let stack = Stack::start(data.path(), &[]);
    let key = stack.key();
    let (status, made) = stack.ask("POST", "/v1/keys", r#"{"name":"backend"}"#);
    assert_eq!(status, 201, "{made}");

    let (code, children) = stack.end("-TERM");
    assert_eq!(code, Some(0));
    assert!(!data.path().join("addresses.json").exists());
    gone(&children);
    let stack = Stack::start(data.path(), &[]);

    assert_eq!(stack.key(), key);
    let api = stack.addresses["api"].as_str().unwrap();
    let (status, list) = ask(api, "GET", "/v1/keys", made["key"].as_str().unwrap(), "");
    assert_eq!(status, 200, "{list}");
    assert!(list["data"].as_array().unwrap().iter().any(|one| one["id"] == made["id"]), "{list}");
}

#[test]
fn a_killed_stack_leaves_no_process_and_no_damage() {
    let data = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let stack = Stack::start(data.path(), &[]);
        let (status, made) = stack.ask("POST", "/v1/keys", &format!(r#"{{"name":"round {round}"}}"#));
        assert_eq!(status, 201, "{made}");
        let (code, children) = stack.end("-KILL");
        assert_eq!(code, None);
        assert!(children.len() >= 2, "{children:?}");
        gone(&children);
    }

    let stack = Stack::start(data.path(), &[]);
    let (_, list) = stack.get("/v1/keys");
    let names: Vec<_> = list["data"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for round in 0..3 {
        assert!(names.contains(&format!("round {round}").as_str()), "{names:?}");
    }
}

#[test]
fn ctrl_c_ends_it_cleanly() {
    let data = tempfile::tempdir().unwrap();
    let stack = Stack::start(data.path(), &[]);

    let (code, children) = stack.end("-INT");

    assert_eq!(code, Some(0));
    gone(&children);
}

#[test]
fn what_keeps_it_from_starting_is_one_line_and_a_failure() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _held = TcpListener::bind(taken).unwrap();
    let port = taken.port().to_string();
    let cases: [(&str, &[&str], &str); 12] = [
        ("api port", &["--port", &port], &format!("error: port {port} cannot be used: ")),
        ("simulator port", &["--simulator-port", &port], &format!("error: port {port} cannot be used: ")),
        ("no template", &["--template", "nowhere.yaml"], "error: the template nowhere.yaml cannot be read: "),
        (
            "unknown parameter",
            &["--param", "Colour=red"],
            "Parameters.Colour: given by --param, but the template declares no such",
        ),
        ("bad parameter", &["--param", "RetentionDays=2"], "Parameters.RetentionDays: must be one of 30, 60, 90,"),
        ("bad origin", &["--origin", "ftp://x"], "Parameters.AllowedOrigins: "),
        ("bad flag", &["--colour"], "error: invalid option '--colour'; --help lists what there is"),
        ("not yaml", &["--template", "broken.yaml"], "broken.yaml: template: not YAML: "),
        (
            "unknown intrinsic",
            &["--template", "intrinsic.yaml"],
            "Resources.AccessFunction.Properties.Environment.Variables.AUDIT_TABLE: unknown intrinsic function Fn::Base64",
        ),
        ("missing variable", &["--template", "variable.yaml"], "error: function access cannot start: "),
        ("unknown function", &["--template", "function.yaml"], "there is no function stranger in this build"),
        ("unknown type", &["--template", "type.yaml"], "type AWS::S3::Bucket is not known to the local stack"),
    ];
    for (what, arguments, expected) in cases {
        let data = tempfile::tempdir().unwrap();
        write_broken_templates(data.path());
        let started = Instant::now();

        let output = command(&data.path().join("data"), arguments).current_dir(data.path()).output().unwrap();

        let said = one_line(&output);
        assert!(said.contains(expected), "{what}: {said}");
        assert_eq!(output.status.code(), Some(1), "{what}");
        assert!(started.elapsed() < Duration::from_secs(10), "{what}");
        assert!(!data.path().join("data/addresses.json").exists(), "{what}");
    }
}

#[test]
fn a_missing_variable_is_named() {
    let data = tempfile::tempdir().unwrap();
    write_broken_templates(data.path());

    let mut command = command(&data.path().join("data"), &["--template", "variable.yaml"]);
    let said = one_line(&command.current_dir(data.path()).output().unwrap());

    assert!(said.contains("AUDIT_TABLE is not set"), "{said}");
}

#[test]
fn two_stacks_on_one_directory_are_one_too_many() {
    let data = tempfile::tempdir().unwrap();
    let stack = Stack::start(data.path(), &[]);

    let second = command(data.path(), &[]).output().unwrap();
    let reset = Command::new(executable()).args(["reset", "--data"]).arg(data.path()).output().unwrap();

    for output in [second, reset] {
        assert_eq!(output.status.code(), Some(1));
        assert!(one_line(&output).contains("another stack runs on"), "{output:?}");
    }
    assert_eq!(stack.get("/v1/health").0, 200);
}

#[test]
fn reset_forgets_everything_and_touches_no_other_directory() {
    let data = tempfile::tempdir().unwrap();
    let directory = data.path().join("data");
    let stack = Stack::start(&directory, &[]);
    let key = stack.key();
    stack.end("-TERM");
    let reset = |path: &Path| Command::new(executable()).args(["reset", "--data"]).arg(path).output().unwrap();

    let done = reset(&directory);
    let again = reset(&directory);
    fs::write(data.path().join("mine.txt"), "x").unwrap();
    let refused = reset(data.path());
    let stack = Stack::start(&directory, &[]);

    assert!(done.status.success() && again.status.success(), "{done:?} {again:?}");
    assert_eq!(refused.status.code(), Some(1));
    assert!(data.path().join("mine.txt").exists());
    assert_ne!(stack.key(), key);
}

#[test]
fn with_the_real_meta_nothing_local_is_served() {
    let data = tempfile::tempdir().unwrap();
    let tunnel = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let arguments = ["--real-meta", "--tunnel-port", &tunnel.port().to_string()];
    let start = |data: &TempDir| {
        let mut command = command(&data.path().join("data"), &arguments);
        command.current_dir(data.path());
        command
    };
    let missing = start(&data).output().unwrap();
    assert!(one_line(&missing).contains("--real-meta reads META_APP_ID, META_APP_SECRET"), "{missing:?}");
    let secret = "0123456789abcdef0123456789abcdef";
    let env = format!(
        "META_APP_ID=1\nMETA_APP_SECRET={secret}\nMETA_VERIFY_TOKEN=abcdefghijklmnop\nPUBLIC_URL=https://tunnel.example.com\n"
    );
    fs::write(data.path().join(".env"), env).unwrap();

    let mut child = start(&data).spawn().unwrap();
    let file = data.path().join("data/addresses.json");
    let started = Instant::now();
    while !file.exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended: {}", rest(&mut child));
        assert!(started.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(5));
    }
    let addresses: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let stack = Stack { child, addresses, data: data.path().join("data") };

    assert_eq!(stack.addresses["simulator"], Value::Null);
    assert_eq!(stack.get("/v1/health").0, 200);
    assert_eq!(stack.ask("POST", "/_local/clock", r#"{"advance_seconds":1}"#).0, 404);
    let through = |path: &str| ask(&format!("http://{tunnel}"), "GET", path, &stack.key(), "").0;
    assert_eq!([through("/v1/health"), through("/v1/keys"), through("/_local/state")], [404; 3]);
}

fn write_broken_templates(directory: &Path) {
    let text = fs::read_to_string(template()).unwrap();
    let write = |name: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        fs::write(directory.join(name), text.replacen(from, to, 1)).unwrap();
    };
    fs::write(directory.join("broken.yaml"), "Resources: [").unwrap();
    write("intrinsic.yaml", "AUDIT_TABLE: !Ref AuditTable", "AUDIT_TABLE: !Base64 AuditTable");
    write("variable.yaml", "AUDIT_TABLE: !Ref AuditTable", "OTHER_TABLE: !Ref AuditTable");
    write("function.yaml", "Binary: access", "Binary: stranger");
    write("type.yaml", "Type: AWS::KMS::Key", "Type: AWS::S3::Bucket");
}

fn command(data: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(executable());
    if !more.contains(&"--port") {
        command.args(["--port", "0"]);
    }
    if !more.contains(&"--simulator-port") {
        command.args(["--simulator-port", "0"]);
    }
    if !more.contains(&"--template") {
        command.arg("--template").arg(template());
    }
    command.arg("--data").arg(data).args(more);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn executable() -> &'static str {
    env!("CARGO_BIN_EXE_local")
}

fn template() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml")
}

fn one_line(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.trim_end().lines().count(), 1, "{output:?}");
    said
}

fn rest(child: &mut Child) -> String {
    let mut said = String::new();
    let _ = child.stderr.take().unwrap().read_to_string(&mut said);
    said
}

/// The processes a process has started.
fn children(parent: u32) -> Vec<u32> {
    let output = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let pairs = text.lines().filter_map(|line| {
        let mut numbers = line.split_whitespace().map(|number| number.parse::<u32>().ok());
        Some((numbers.next()??, numbers.next()??))
    });
    pairs.filter(|(pid, ppid)| *ppid == parent && !is_gone(*pid)).map(|(pid, _)| pid).collect()
}

/// Waits until none of these processes runs any more.
fn gone(processes: &[u32]) {
    let started = Instant::now();
    while processes.iter().any(|pid| !is_gone(*pid)) {
        assert!(started.elapsed() < Duration::from_secs(5), "{processes:?} go on");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process has ended; one that nobody has waited for has.
fn is_gone(pid: u32) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let state = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    state.is_empty() || state.starts_with('Z')
}

fn kill(signal: &str, pid: u32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

fn ask(base: &str, method: &str, path: &str, key: &str, body: &str) -> (u16, Value) {
    let address = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
}
