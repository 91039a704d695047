//! One function process: started, spoken to through its Runtime API, watched, killed.

use std::future::poll_fn;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::api::{Exchange, Reply, Report, State, Work};
use super::output::{Line, Output, Stream};
use super::pool::Launcher;
use super::{Failure, FailureKind, memory};
use crate::template::Function;

/// How often the memory of a process at work is looked at.
const MEMORY_INTERVAL: Duration = Duration::from_millis(25);

/// Dropping it kills the process.
pub(super) struct Process {
    /// Also its access key id, so that the emulators know who calls.
    pub(super) id: String,
    pid: u32,
    work: mpsc::Sender<Work>,
    exit: watch::Receiver<Option<ExitStatus>>,
    last_words: Arc<Mutex<String>>,
    /// The process ends when this closes.
    _stdin: Option<ChildStdin>,
    _tasks: JoinSet<()>,
}

/// How a process dealt with an invocation.
pub(super) enum Handled {
    Answer(Bytes),
    /// It reported an error and can go on.
    Refused(Failure),
    /// It is of no use any more.
    Broken(Failure),
    /// It was gone before it took the invocation, which another process can have.
    NeverTaken,
}

impl Process {
    /// Starts a process and waits until it asks for work.
    pub(super) async fn start(launcher: &Launcher, function: &Function, id: String) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| cannot_start(&error))?;
        let address = listener.local_addr().map_err(|error| cannot_start(&error))?;
        let mut child = Command::new(&launcher.program.executable)
            .env_clear()
            .envs(launcher.environment(function, &id, &address.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            // Ctrl-C in a terminal is for the stack, which then ends its processes.
            .process_group(0)
            .spawn()
            .map_err(|error| cannot_start(&error))?;
        let (work, incoming) = mpsc::channel(1);
        let (exchange, mut state) = Exchange::new(incoming);
        let last_words = Arc::new(Mutex::new(String::new()));
        let mut tasks = JoinSet::new();
        tasks.spawn(exchange.serve(listener));
        if let Some(stdout) = child.stdout.take() {
            tasks.spawn(forward(stdout, id.clone(), Stream::Out, launcher.output.clone(), last_words.clone()));
        }
        let stderr = child.stderr.take();
        let errors_read = stderr.map(|stderr| {
            tokio::spawn(forward(stderr, id.clone(), Stream::Error, launcher.output.clone(), last_words.clone()))
        });
        let (stdin, pid) = (child.stdin.take(), child.id().unwrap_or_default());
        let child = Arc::new(Mutex::new(child));
        launcher.processes.add(&id, &child);
        let (exited, exit) = watch::channel(None);
        let watched = child.clone();
        tasks.spawn(async move {
            let status = poll_fn(|context| {
                let mut child = lock(&watched);
                let waiting = pin!(child.wait());
                waiting.poll(context)
            });
            let status = status.await.unwrap_or_default();
            // What it said last explains its end, so it is read before the end is told.
            if let Some(reading) = errors_read {
                let _ = timeout(Duration::from_secs(1), reading).await;
            }
            exited.send_replace(Some(status));
        });
        let mut process = Self { id, pid, work, exit, last_words, _stdin: stdin, _tasks: tasks };
        process.init(&mut state, launcher.init_timeout).await?;
        Ok(process)
    }

    async fn init(&mut self, state: &mut watch::Receiver<State>, limit: Duration) -> Result<(), Failure> {
        let started = state.wait_for(|state| !matches!(state, State::Starting));
        let exit = self.exit.clone();
        tokio::select! {
            biased;
            state = started => match state.as_deref() {
                Ok(State::InitFailed(report)) => Err(init_failure(report)),
                _ => Ok(()),
            },
            status = exited(exit) => Err(self.ended(FailureKind::InitFailed, "init", status)),
            () = tokio::time::sleep(limit) => {
                let message = format!("init took longer than {:.2} seconds", limit.as_secs_f64());
                Err(Failure::new(FailureKind::InitFailed, "Sandbox.Timedout", message))
            }
        }
    }

    /// Hands over one invocation and waits for what becomes of it.
    pub(super) async fn handle(
        &self,
        launcher: &Launcher,
        function: &Function,
        request_id: &str,
        payload: Bytes,
    ) -> Handled {
        let (taken, was_taken) = oneshot::channel();
        let (reply, mut replied) = oneshot::channel();
        let work = Work {
            id: request_id.to_owned(),
            payload,
            deadline: launcher.clock_now() + function.timeout,
            function_arn: function.arn(),
            taken,
            reply,
        };
        if self.work.send(work).await.is_err() {
            return Handled::NeverTaken;
        }
        tokio::select! {
            biased;
            Ok(()) = was_taken => {}
            _ = exited(self.exit.clone()) => return Handled::NeverTaken,
            // It answered the last invocation but never asked for another.
            () = tokio::time::sleep(function.timeout) => return Handled::NeverTaken,
        }
        let deadline = Instant::now() + function.timeout;
        tokio::select! {
            biased;
            reply = &mut replied => match reply {
                Ok(Reply::Answer(answer)) => Handled::Answer(answer),
                Ok(Reply::Error(report)) => Handled::Refused(reported(report)),
                Ok(Reply::TooLarge) => Handled::Refused(too_large()),
                Err(_) => Handled::Broken(self.ended(FailureKind::Crashed, request_id, ExitStatus::default())),
            },
            status = exited(self.exit.clone()) => Handled::Broken(self.ended(FailureKind::Crashed, request_id, status)),
            () = sleep_until(deadline) => {
                let message = format!("{request_id} Task timed out after {:.2} seconds", function.timeout.as_secs_f64());
                Handled::Broken(Failure::new(FailureKind::TimedOut, "Sandbox.Timedout", message))
            }
            used = self.exceeds(function.memory_megabytes) => {
                let limit = function.memory_megabytes;
                let message = format!("RequestId: {request_id} Error: out of memory: {used} MB used of {limit} MB");
                Handled::Broken(Failure::new(FailureKind::OutOfMemory, "Runtime.OutOfMemory", message))
            }
        }
    }

    /// Completes when the process holds more memory than it may.
    async fn exceeds(&self, limit: u64) -> u64 {
        loop {
            tokio::time::sleep(MEMORY_INTERVAL).await;
            match memory::of(self.pid).await {
                Some(used) if used > limit => return used,
                _ => {}
            }
        }
    }

    fn ended(&self, kind: FailureKind, what: &str, status: ExitStatus) -> Failure {
        let last_words = lock(&self.last_words).clone();
        let mut message = format!("RequestId: {what} Error: Runtime exited with {}", how(status));
        if !last_words.is_empty() {
            message = format!("{message}: {last_words}");
        }
        Failure::new(kind, "Runtime.ExitError", message)
    }
}

pub(super) fn kill(child: &Mutex<Child>) {
    // It may be gone already, which is what was wanted.
    let _ = lock(child).start_kill();
}

/// `None`: it has ended.
pub(super) fn id(child: &Mutex<Child>) -> Option<u32> {
    lock(child).id()
}

async fn exited(mut exit: watch::Receiver<Option<ExitStatus>>) -> ExitStatus {
    let status = exit.wait_for(Option::is_some).await;
    status.ok().and_then(|status| *status).unwrap_or_default()
}

async fn forward(
    stream: impl AsyncRead + Unpin,
    process: String,
    kind: Stream,
    output: Output,
    last_words: Arc<Mutex<String>>,
) {
    let mut lines = BufReader::new(stream).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if kind == Stream::Error {
            lock(&last_words).clone_from(&text);
        }
        output(Line { process: process.clone(), stream: kind, text });
    }
}

fn how(status: ExitStatus) -> String {
    // "exit status: 1", "signal: 9 (SIGKILL)": as Lambda writes it, but for the colon's place.
    if status.success() { "exit status: 0".to_owned() } else { format!("error: {status}") }
}

fn cannot_start(error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::InitFailed, "Runtime.InvalidEntrypoint", error.to_string())
}

fn init_failure(report: &Report) -> Failure {
    Failure::new(FailureKind::InitFailed, &report.error_type, &report.message)
}

fn reported(report: Report) -> Failure {
    Failure { kind: FailureKind::Reported, error_type: report.error_type, message: report.message }
}

fn too_large() -> Failure {
    let message = "Response payload size exceeded maximum allowed payload size (6291556 bytes).";
    Failure::new(FailureKind::AnswerTooLarge, "Function.ResponseSizeTooLarge", message)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
