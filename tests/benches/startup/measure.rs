//! The three ways of looking: instructions under callgrind, files under strace, time and memory undisturbed.

use std::{collections::BTreeSet, path::Path, process::Stdio, time::Duration};

use benches::{Result, aws::Aws, process::Process, say};
use bytes::Bytes;
use serde_json::Value;
use tokio::process::Command;

use crate::{
    orders::Orders,
    subject::{Most, Subject},
};

/// What was measured of one subject.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) title: String,
    pub(crate) bytes: u64,
    pub(crate) most: Most,
    /// One entry a run.
    pub(crate) instructions: Vec<u64>,
    pub(crate) aws_calls: usize,
    pub(crate) files: Files,
    /// The largest of all runs, in KiB.
    pub(crate) peak_memory: u64,
    /// The shortest of all runs.
    pub(crate) ready: Duration,
    pub(crate) answered: Duration,
}

/// Paths a process opened, and those among what it tried to open that hold certificates.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) opened: BTreeSet<String>,
    pub(crate) certificates: BTreeSet<String>,
}

/// A process that has answered one event and waits for more.
struct ColdStart {
    /// From exec to the first request for work.
    ready: Duration,
    /// From exec to the answer.
    answered: Duration,
    process: Process,
}

pub(crate) async fn require(tool: &str) -> Result<()> {
    let found = Command::new(tool).arg("--version").stdout(Stdio::null()).status().await;
    found.map_err(|error| format!("{tool} cannot be run: {error}; on Debian: apt-get install {tool}"))?;
    Ok(())
}

/// Measures the subjects in their order; the first of them is hello.
pub(crate) async fn all(
    subjects: Vec<Subject>,
    aws: &Aws,
    orders: &Orders,
    counted: usize,
    timed: usize,
) -> Result<Vec<Measured>> {
    let folder = tempfile::tempdir()?;
    let (once, subjects): (Vec<_>, Vec<_>) = subjects.into_iter().partition(|subject| subject.case.once);
    for subject in &once {
        ColdStart::run(Command::new(&subject.program.executable), subject, "once").await?.process.end().await?;
    }
    let send = subjects.iter().find(|subject| subject.program.name == "send").ok_or("there is no function send")?;
    // One is traced.
    orders.gather(send, aws, counted + 1 + timed).await?;
    let mut measured = Vec::new();
    for (index, subject) in subjects.iter().enumerate() {
        say(&format!("counting {}", subject.title()));
        let caller = format!("counted-{index}");
        let mut instructions = Vec::new();
        for _ in 0..counted {
            instructions.push(count(subject, &caller, folder.path()).await?);
        }
        measured.push(Measured {
            title: subject.title(),
            bytes: subject.program.bytes,
            most: subject.case.most,
            instructions,
            aws_calls: aws.calls_of(&caller) / counted,
            files: trace(subject, folder.path()).await?,
            peak_memory: 0,
            ready: Duration::MAX,
            answered: Duration::MAX,
        });
    }
    // Interleaved: what else the machine does meanwhile falls on all of them alike.
    for _ in 0..timed {
        for (subject, measured) in subjects.iter().zip(&mut measured) {
            let cold = ColdStart::run(Command::new(&subject.program.executable), subject, "timed").await?;
            measured.peak_memory = measured.peak_memory.max(cold.process.peak_memory().await?);
            measured.ready = measured.ready.min(cold.ready);
            measured.answered = measured.answered.min(cold.answered);
            cold.process.end().await?;
        }
    }
    Ok(measured)
}

impl ColdStart {
    /// Runs the subject, or a tool that runs it.
    async fn run(command: Command, subject: &Subject, caller: &str) -> Result<Self> {
        let mut process = Process::start(command, &subject.environment, caller, &subject.title()).await?;
        process.give(Bytes::from(subject.event()?));
        let ready = process.ready().await?;
        let (answer, answered) = process.answered().await?;
        subject.must_answer(&serde_json::from_slice::<Value>(&answer)?)?;
        // It has asked for work again: its start is over.
        process.ready().await?;
        Ok(Self { ready, answered, process })
    }
}

async fn count(subject: &Subject, caller: &str, folder: &Path) -> Result<u64> {
    let profile = folder.join("callgrind.out");
    let mut command = Command::new("valgrind");
    command
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(format!("--log-file={}", folder.join("valgrind.log").display()))
        .arg(&subject.program.executable);
    ColdStart::run(command, subject, caller).await?.process.end().await?;
    let profile = tokio::fs::read_to_string(&profile).await?;
    let total = profile.lines().rev().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("callgrind wrote no total")?.trim().parse()?)
}

async fn trace(subject: &Subject, folder: &Path) -> Result<Files> {
    let log = folder.join("strace.log");
    let mut command = Command::new("strace");
    // -I2: it lets itself be ended although its output goes to a file.
    command.args(["-f", "-qq", "-I2", "-e", "trace=open,openat", "-o"]).arg(&log).arg(&subject.program.executable);
    ColdStart::run(command, subject, "traced").await?.process.end().await?;
    Ok(Files::from_trace(&tokio::fs::read_to_string(&log).await?))
}

impl Files {
    fn from_trace(trace: &str) -> Self {
        let mut files = Self::default();
        for line in trace.lines() {
            let Some((_, call)) = line.split_once('"') else { continue };
            let Some((path, rest)) = call.split_once('"') else { continue };
            if holds_certificates(path) {
                files.certificates.insert(path.to_owned());
            }
            if rest.rsplit_once("= ").is_some_and(|(_, result)| !result.starts_with('-')) {
                files.opened.insert(path.to_owned());
            }
        }
        files
    }
}

fn holds_certificates(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ["/ssl/", "/pki/", "/certs/", "ca-certificates", "ca-bundle"].iter().any(|place| path.contains(place))
        || Path::new(&path).extension().is_some_and(|extension| extension == "pem" || extension == "crt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_tells_opened_from_sought_and_certificates_from_both() {
        let trace = r#"
12 openat(AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3
12 openat(AT_FDCWD, "/lib/libnone.so", O_RDONLY) = -1 ENOENT (No such file or directory)
12 openat(AT_FDCWD, "/etc/ssl/certs/ca-certificates.crt", O_RDONLY) = -1 ENOENT (No such file or directory)
12 open("/etc/pki/tls/cert.pem", O_RDONLY) = 4
12 --- SIGTERM {si_signo=SIGTERM} ---
"#;
        let files = Files::from_trace(trace);

        assert_eq!(files.opened, ["/etc/ld.so.cache", "/etc/pki/tls/cert.pem"].map(str::to_owned).into());
        assert_eq!(
            files.certificates,
            ["/etc/pki/tls/cert.pem", "/etc/ssl/certs/ca-certificates.crt"].map(str::to_owned).into()
        );
    }
}
