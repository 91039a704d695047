//! SQS, KMS, Secrets Manager and DynamoDB on a laptop, behind one address, with faults on demand.
//!
//! They are a stand-in for tests and for `cargo run`, never for a deployment: signatures are not checked and keys lie in
//! plain files.

mod calls;
mod clock;
mod door;
mod dynamodb;
mod faults;
mod kms;
mod listener;
mod random;
mod secrets;
mod sqs;
mod store;
mod wire;

pub use calls::Call;
pub use clock::Clock;
pub use faults::{Fault, FaultKind, Faults, Seen, Site};
pub use wire::Service;

use door::Door;
use dynamodb::DynamoDb;
use kms::Kms;
use secrets::Secrets;
use sqs::Sqs;
use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::runtime::Runtime;

/// Ends the process that signs with that access key id.
pub type Kill = Arc<dyn Fn(&str) + Send + Sync>;

/// What the emulators are started with.
pub struct Options {
    /// The directory of the state, made where it is missing. What was answered survives `kill -9`.
    pub data: PathBuf,
    /// A listener on loopback; else any free port of 127.0.0.1.
    pub listener: Option<TcpListener>,
    pub clock: Clock,
    /// What a `KillBefore` or `KillAfter` calls.
    pub kill: Kill,
}

impl Options {
    /// With a clock of their own, any free port, and nobody to kill.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self { data: data.into(), listener: None, clock: Clock::new(), kill: Arc::new(|_| {}) }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("data", &self.data).field("listener", &self.listener).finish_non_exhaustive()
    }
}

/// Why the emulators could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the directory {path} cannot be used: {source}")]
    Data { path: PathBuf, source: io::Error },
    #[error("the emulators cannot listen: {0}")]
    Listen(#[source] io::Error),
    #[error("{0} is not a loopback address, and the emulators listen nowhere else")]
    NotLoopback(SocketAddr),
    #[error("the state in {path} cannot be read: {reason}")]
    State { path: PathBuf, reason: String },
}

/// The running emulators. Dropping them ends them.
#[derive(Debug)]
pub struct Emulators {
    door: Arc<Door>,
    address: SocketAddr,
    /// Their own threads: what an SDK call waits for must not wait for the caller's runtime.
    runtime: Option<Runtime>,
}

impl Emulators {
    /// Starts them; they answer when this returns.
    #[expect(clippy::unused_async, reason = "whoever starts them need not know that nothing is waited for")]
    pub async fn start(options: Options) -> Result<Self, Error> {
        let Options { data, listener, clock, kill } = options;
        make_private(&data).map_err(|source| Error::Data { path: data.clone(), source })?;
        let listener = match listener {
            Some(listener) => listener,
            None => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::Listen)?,
        };
        let address = listener.local_addr().map_err(Error::Listen)?;
        if !address.ip().is_loopback() {
            return Err(Error::NotLoopback(address));
        }
        listener.set_nonblocking(true).map_err(Error::Listen)?;

        let dynamodb = DynamoDb::open(&data.join("dynamodb.db"), clock.clone());
        let door = Arc::new(Door {
            dynamodb: dynamodb.map_err(|reason| Error::State { path: data.join("dynamodb.db"), reason })?,
            kms: opened(&data, "kms.db", |path| Kms::open(path, clock.clone()))?,
            secrets: opened(&data, "secrets.db", |path| Secrets::open(path, clock.clone()))?,
            sqs: opened(&data, "sqs.db", |path| Sqs::open(path, clock.clone()))?,
            faults: Faults::default(),
            calls: calls::Calls::default(),
            clock,
            kill,
        });

        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).thread_name("emulators").enable_all().build().map_err(Error::Listen)?;
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(Error::Listen)?
        };
        runtime.spawn(listener::serve(listener, address, Arc::clone(&door)));
        runtime.spawn(trim(Arc::clone(&door)));
        Ok(Self { door, address, runtime: Some(runtime) })
    }

    /// The endpoint for every AWS client.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn clock(&self) -> &Clock {
        &self.door.clock
    }

    pub fn faults(&self) -> &Faults {
        &self.door.faults
    }

    /// The last half million calls, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.door.calls.all()
    }

    pub fn clear_calls(&self) {
        self.door.calls.clear();
    }

    /// Deletes the items that have expired on the movable clock, and says how many. Nothing else does: DynamoDB promises no
    /// time, so whoever runs a stack calls this on a timer, and a test calls it when it wants it to have happened.
    pub async fn sweep_ttl(&self) -> usize {
        let door = Arc::clone(&self.door);
        match tokio::task::spawn_blocking(move || door.dynamodb.sweep()).await {
            Ok(Ok(swept)) => swept,
            Ok(Err(error)) => {
                tracing::error!(error, "expired items could not be deleted");
                0
            }
            Err(_) => 0,
        }
    }

    /// Ends them, and waits until their files are closed.
    pub async fn stop(mut self) {
        if let Some(runtime) = self.runtime.take() {
            let _ = tokio::task::spawn_blocking(move || drop(runtime)).await;
        }
    }
}

impl Drop for Emulators {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// DynamoDB keeps stream records for a day.
async fn trim(door: Arc<Door>) {
    loop {
        tokio::time::sleep(Duration::from_mins(1)).await;
        if let Err(error) = door.dynamodb.trim() {
            tracing::warn!(%error, "old stream records could not be deleted");
        }
    }
}

fn opened<T>(data: &Path, file: &str, open: impl FnOnce(&Path) -> Result<T, store::StoreError>) -> Result<T, Error> {
    let path = data.join(file);
    open(&path).map_err(|error| Error::State { path, reason: error.to_string() })
}

/// Makes a directory that is the user's alone: the emulated keys lie in it.
fn make_private(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(directory)?;
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700))
}
