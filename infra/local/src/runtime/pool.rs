//! The processes of each function: started when needed, reused while warm, never more than allowed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use emulators::Clock;
use jiff::Timestamp;
use tokio::process::Child;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::output::{Line, Output, Stream};
use super::process::{Handled, Process, id, kill};
use super::{Failure, Outcome, socket};
use crate::hosted;
use crate::random::uuid;
use crate::template::{Function, REGION, physical_name};

/// How a function process is started: an executable that asks [`hosted::function`] who it is to be.
#[derive(Debug, Clone)]
pub struct Program {
    pub executable: PathBuf,
}

/// What every process is started with.
pub(crate) struct Launcher {
    pub(crate) program: Program,
    pub(crate) clock: Clock,
    pub(crate) clock_file: PathBuf,
    pub(crate) init_timeout: Duration,
    pub(crate) output: Output,
    pub(crate) aws_url: String,
    pub(crate) graph_url: Option<String>,
    pub(crate) processes: Processes,
}

/// How often the holder of a connection is looked for.
const LOOKS: usize = 100;

/// All running processes by id, so that an emulator or the simulator can kill the one that calls it.
#[derive(Clone, Default)]
pub(crate) struct Processes(Arc<Mutex<BTreeMap<String, Weak<Mutex<Child>>>>>);

impl Processes {
    pub(crate) fn kill(&self, id: &str) {
        let child = self.lock().remove(id).and_then(|child| child.upgrade());
        if let Some(child) = child {
            kill(&child);
        }
    }

    /// Kills the process that holds the `peer` end of a connection: calls to Graph carry no name.
    pub(crate) fn kill_at(&self, peer: SocketAddr, local: SocketAddr) {
        let all: Vec<_> = self.lock().values().filter_map(Weak::upgrade).collect();
        // The kernel's table of connections is read in pieces, and may miss one while others come and go.
        for _ in 0..LOOKS {
            let holder = all.iter().find(|child| id(child).is_some_and(|pid| socket::is_held_by(pid, peer, local)));
            if let Some(child) = holder {
                return kill(child);
            }
        }
    }

    pub(crate) fn kill_all(&self) {
        let all = std::mem::take(&mut *self.lock());
        for child in all.into_values().filter_map(|child| child.upgrade()) {
            kill(&child);
        }
    }

    pub(super) fn add(&self, id: &str, child: &Arc<Mutex<Child>>) {
        let mut all = self.lock();
        all.retain(|_, child| child.strong_count() > 0);
        all.insert(id.to_owned(), Arc::downgrade(child));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Weak<Mutex<Child>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Launcher {
    pub(super) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The whole environment of a process: nothing is inherited.
    pub(super) fn environment(&self, function: &Function, id: &str, runtime_api: &str) -> BTreeMap<String, String> {
        let name = physical_name(&function.logical_id);
        let log_group = format!("/aws/lambda/{name}");
        let memory = function.memory_megabytes.to_string();
        let clock = self.clock_file.to_string_lossy();
        let mut environment: BTreeMap<String, String> = [
            ("AWS_ACCESS_KEY_ID", id),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_ENDPOINT_URL", &self.aws_url),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
            ("AWS_LAMBDA_FUNCTION_NAME", &name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", &log_group),
            ("AWS_LAMBDA_LOG_STREAM_NAME", id),
            ("AWS_LAMBDA_RUNTIME_API", runtime_api),
            ("AWS_REGION", REGION),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_SESSION_TOKEN", "local"),
            ("LANG", "en_US.UTF-8"),
            ("TZ", ":UTC"),
            ("_HANDLER", "bootstrap"),
            (hosted::CLOCK, &clock),
            (hosted::FUNCTION, &function.name),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let logging = [("AWS_LAMBDA_LOG_FORMAT", &function.log_format), ("AWS_LAMBDA_LOG_LEVEL", &function.log_level)];
        let logging = logging.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        environment.extend(logging);
        environment.extend(function.environment.clone());
        // The template names Meta itself.
        environment.extend(self.graph_url.iter().map(|url| ("GRAPH_URL".to_owned(), url.clone())));
        environment
    }
}

/// One function and its processes.
pub(crate) struct Pool {
    pub(crate) function: Function,
    launcher: Arc<Launcher>,
    limit: usize,
    slots: Arc<Semaphore>,
    idle: Mutex<Vec<Process>>,
    started: AtomicUsize,
}

impl Pool {
    pub(crate) fn new(function: Function, launcher: Arc<Launcher>, concurrency: usize) -> Arc<Self> {
        let limit = function.reserved_concurrency.map_or(concurrency, |reserved| reserved.min(concurrency));
        let slots = Arc::new(Semaphore::new(limit));
        Arc::new(Self { function, launcher, limit, slots, idle: Mutex::default(), started: AtomicUsize::new(0) })
    }

    /// Invokes the function. The invocation goes on even if the caller stops waiting.
    pub(crate) async fn invoke(self: &Arc<Self>, payload: Bytes) -> Outcome {
        match self.slots.clone().try_acquire_owned() {
            Ok(slot) => self.invoke_in(slot, payload).await,
            Err(_) => Outcome::Throttled,
        }
    }

    /// Invokes the function once a process may have it, as a mapping does that is told to slow down.
    pub(crate) async fn invoke_when_free(self: &Arc<Self>, payload: Bytes) -> Outcome {
        match self.slots.clone().acquire_owned().await {
            Ok(slot) => self.invoke_in(slot, payload).await,
            Err(_) => Outcome::Throttled,
        }
    }

    async fn invoke_in(self: &Arc<Self>, slot: OwnedSemaphorePermit, payload: Bytes) -> Outcome {
        let pool = self.clone();
        let invocation = tokio::spawn(async move {
            let outcome = pool.run(payload).await;
            drop(slot);
            outcome
        });
        invocation.await.unwrap_or(Outcome::Throttled)
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.limit
    }

    pub(crate) fn arn(&self) -> String {
        self.function.arn()
    }

    /// Starts one process ahead of the first invocation, or tells why it cannot be.
    pub(crate) async fn warm(&self) -> Result<(), Failure> {
        let process = self.start().await?;
        self.idle().push(process);
        Ok(())
    }

    /// How many processes wait for work, and how many have ever been started.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.idle().len(), self.started.load(Ordering::Relaxed))
    }

    async fn run(&self, payload: Bytes) -> Outcome {
        let request_id = uuid();
        loop {
            let warm = self.idle().pop();
            let process = match warm {
                Some(process) => process,
                None => match self.start().await {
                    Ok(process) => process,
                    Err(failure) => return Outcome::Failed(failure),
                },
            };
            let handled = process.handle(&self.launcher, &self.function, &request_id, payload.clone()).await;
            match handled {
                Handled::Answer(answer) => {
                    self.idle().push(process);
                    return Outcome::Answered(answer);
                }
                Handled::Refused(failure) => {
                    self.say(&process.id, &failure.to_string());
                    self.idle().push(process);
                    return Outcome::Failed(failure);
                }
                Handled::Broken(failure) => {
                    self.say(&process.id, &failure.to_string());
                    return Outcome::Failed(failure);
                }
                Handled::NeverTaken => {}
            }
        }
    }

    async fn start(&self) -> Result<Process, Failure> {
        let number = self.started.fetch_add(1, Ordering::Relaxed) + 1;
        let id = format!("{}-{number}", self.function.name);
        match Process::start(&self.launcher, &self.function, id.clone()).await {
            Ok(process) => Ok(process),
            Err(failure) => {
                self.say(&id, &failure.to_string());
                Err(failure)
            }
        }
    }

    /// Prints a line about the function or what feeds it.
    pub(crate) fn say(&self, process: &str, text: &str) {
        (self.launcher.output)(Line { process: process.to_owned(), stream: Stream::Host, text: text.to_owned() });
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Process>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
