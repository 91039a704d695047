//! One process from exec to its second request for work.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{net::TcpListener, process::Child, process::Command, task::AbortHandle, time::timeout};

use crate::{
    Result,
    runtime_api::{RuntimeApi, Step},
    subject::Subject,
};

/// Under valgrind everything takes fifty times as long.
const PATIENCE: Duration = Duration::from_mins(1);

/// A process that has answered and waits for more. It ends with this value.
pub(crate) struct ColdStart {
    /// From exec to the first request for work.
    pub(crate) ready: Duration,
    /// From exec to the answer.
    pub(crate) answered: Duration,
    child: Child,
    api: AbortHandle,
}

impl ColdStart {
    /// Runs the subject, or a tool that runs it, in the subject's environment and no other.
    pub(crate) async fn run(mut command: Command, subject: &Subject, caller: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        command
            .env_clear()
            .envs(&subject.environment)
            .env("AWS_ACCESS_KEY_ID", caller)
            .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        let (api, mut steps) = RuntimeApi::new(Bytes::from(subject.case.event.to_string()));
        let api = tokio::spawn(api.serve(listener)).abort_handle();

        let start = Instant::now();
        let mut cold = Self { ready: Duration::ZERO, answered: Duration::ZERO, child: command.spawn()?, api };
        loop {
            let step = tokio::select! {
                step = timeout(PATIENCE, steps.recv()) => step.map_err(|_| "no answer within a minute")?,
                status = cold.child.wait() => return Err(format!("{}: ended early with {}", subject.title(), status?).into()),
            };
            match step.ok_or("the Runtime API ended")? {
                (at, Step::Ready) => cold.ready = at - start,
                (at, Step::Answered(answer)) => {
                    cold.answered = at - start;
                    subject.must_answer(&serde_json::from_slice::<Value>(&answer)?)?;
                }
                (_, Step::Done) => return Ok(cold),
                (_, Step::Failed(report)) => {
                    return Err(format!("{}: {}", subject.title(), String::from_utf8_lossy(&report)).into());
                }
            }
        }
    }

    /// The most memory it ever held, in KiB.
    pub(crate) async fn peak_memory(&self) -> Result<u64> {
        let status = tokio::fs::read_to_string(Path::new("/proc").join(self.pid()?.to_string()).join("status")).await?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse().ok());
        Ok(peak.ok_or("/proc knows no VmHWM")?)
    }

    /// Ends the process in a way that lets the tool around it write down what it saw.
    pub(crate) async fn end(mut self) -> Result<()> {
        let pid = i32::try_from(self.pid()?).ok().and_then(Pid::from_raw).ok_or("the process has no id")?;
        kill_process(pid, Signal::TERM)?;
        timeout(PATIENCE, self.child.wait()).await.map_err(|_| "the process does not end")??;
        Ok(())
    }

    fn pid(&self) -> Result<u32> {
        Ok(self.child.id().ok_or("the process is gone")?)
    }
}

impl Drop for ColdStart {
    fn drop(&mut self) {
        self.api.abort();
    }
}
