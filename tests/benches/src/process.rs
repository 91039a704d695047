//! One function as a process under a Runtime API of its own.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{net::TcpListener, process::Child, process::Command, task::AbortHandle, time::timeout};

use crate::{
    Result,
    runtime_api::{Invoker, RuntimeApi, Step},
};

/// Under valgrind everything takes fifty times as long.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running function. It ends with this value.
#[derive(Debug)]
pub struct Process {
    title: String,
    started: Instant,
    child: Child,
    api: AbortHandle,
    invoker: Invoker,
}

impl Process {
    /// Runs a function, or a tool that runs it, in this environment and no other. AWS knows its calls as `caller`'s.
    pub async fn start(
        mut command: Command,
        environment: &BTreeMap<String, String>,
        caller: &str,
        title: &str,
    ) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        command
            .env_clear()
            .envs(environment)
            .env("AWS_ACCESS_KEY_ID", caller)
            .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        let (api, invoker) = RuntimeApi::new();
        let api = tokio::spawn(api.serve(listener)).abort_handle();
        let started = Instant::now();
        let child = command.spawn().map_err(|error| format!("{title}: {error}"))?;
        Ok(Self { title: title.to_owned(), started, child, api, invoker })
    }

    /// Work for when it asks for it.
    pub fn give(&self, event: Bytes) {
        // Where nobody takes it any more, the next step says so.
        let _ = self.invoker.events.send(event);
    }

    /// Waits until it asks for work: how long after its start that is.
    pub async fn ready(&mut self) -> Result<Duration> {
        match self.step().await? {
            (at, Step::Ready) => Ok(at - self.started),
            (_, step) => Err(format!("{}: {step:?} before it asked for work", self.title).into()),
        }
    }

    /// Waits for its answer: how long after its start that is.
    pub async fn answered(&mut self) -> Result<(Bytes, Duration)> {
        match self.step().await? {
            (at, Step::Answered(answer)) => Ok((answer, at - self.started)),
            (_, Step::Failed(report)) => Err(format!("{}: {}", self.title, String::from_utf8_lossy(&report)).into()),
            (_, Step::Ready) => Err(format!("{} asked for more work before it had answered", self.title).into()),
        }
    }

    /// One event for a process that waits for work; it waits again when this returns. How long it took to answer.
    pub async fn invoke(&mut self, event: Bytes) -> Result<(Bytes, Duration)> {
        let given = self.started.elapsed();
        self.give(event);
        let (answer, answered) = self.answered().await?;
        self.ready().await?;
        Ok((answer, answered.saturating_sub(given)))
    }

    async fn step(&mut self) -> Result<(Instant, Step)> {
        let step = tokio::select! {
            step = timeout(PATIENCE, self.invoker.steps.recv()) => {
                step.map_err(|_| format!("{}: no answer within a minute", self.title))?
            }
            status = self.child.wait() => return Err(format!("{}: ended early with {}", self.title, status?).into()),
        };
        Ok(step.ok_or("the Runtime API ended")?)
    }

    /// The most memory it ever held, in KiB.
    pub async fn peak_memory(&self) -> Result<u64> {
        let status = tokio::fs::read_to_string(self.proc()?.join("status")).await?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok());
        Ok(peak.ok_or("/proc knows no VmHWM")?)
    }

    /// How long its threads have been on a processor. Exact to the nanosecond where `stat` counts hundredths of a second,
    /// as long as none of them has ended.
    pub async fn processor_time(&self) -> Result<Duration> {
        let mut spent = Duration::ZERO;
        let mut threads = tokio::fs::read_dir(self.proc()?.join("task")).await?;
        while let Some(thread) = threads.next_entry().await? {
            let statistics = tokio::fs::read_to_string(thread.path().join("schedstat")).await?;
            let on_processor = statistics.split_ascii_whitespace().next().and_then(|number| number.parse().ok());
            spent += Duration::from_nanos(on_processor.ok_or("/proc knows no schedstat")?);
        }
        Ok(spent)
    }

    /// Ends the process in a way that lets the tool around it write down what it saw.
    pub async fn end(mut self) -> Result<()> {
        let pid = i32::try_from(self.pid()?).ok().and_then(Pid::from_raw).ok_or("the process has no id")?;
        kill_process(pid, Signal::TERM)?;
        timeout(PATIENCE, self.child.wait()).await.map_err(|_| "the process does not end")??;
        Ok(())
    }

    fn proc(&self) -> Result<PathBuf> {
        Ok(PathBuf::from(format!("/proc/{}", self.pid()?)))
    }

    fn pid(&self) -> Result<u32> {
        Ok(self.child.id().ok_or("the process is gone")?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.api.abort();
    }
}
