//! Meta in a box: Graph, login, Embedded Signup, webhooks and a phone, on this machine and without Meta.
//!
//! It stands in for Meta in tests and on a laptop, and is strict where Meta is strict. It shares no code with what it judges.

#![expect(clippy::unreadable_literal, reason = "error codes are names and are searched for as Meta writes them")]

mod apps;
mod assigned_users;
mod blocks;
mod businesses;
mod calls;
mod chance;
mod clock;
mod control;
mod faults;
mod graph;
mod health;
mod media;
mod messages;
mod meta;
mod numbers;
mod outgoing;
mod page;
mod people;
mod profile;
mod qr_codes;
pub mod seed;
mod serve;
mod settings;
mod signature;
mod signup;
mod templates;
mod uploads;
mod wabas;
mod webhooks;
mod world;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use clock::Clock;
pub use meta::{Kill, Options};
pub use serve::Caller;

use meta::Meta;

/// A running simulator; dropping it stops it.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    meta: Arc<Meta>,
    router: axum::Router,
    tasks: JoinSet<()>,
}

/// An address for one caller, so that it is known who calls where callers share a process. Dropping it closes it.
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    _task: JoinSet<()>,
}

impl Simulator {
    /// Starts answering on `listener`, which must be on loopback, and delivering webhooks.
    pub fn start(listener: TcpListener, options: Options) -> io::Result<Self> {
        let address = loopback(&listener)?;
        let meta = Arc::new(Meta::open(options, format!("http://{address}"))?);
        let router = axum::Router::new()
            .nest("/_sim", control::router())
            .merge(signup::router())
            .merge(page::router())
            .fallback(graph::answer)
            .with_state(Arc::clone(&meta));

        let mut tasks = JoinSet::new();
        tasks.spawn(serve::serve(listener, address, None, router.clone()));
        tasks.spawn(webhooks::deliver_when_due(Arc::clone(&meta)));
        Ok(Self { address, meta, router, tasks })
    }

    /// Answers on `listener` too, for one caller. What comes that way is known to be from it.
    pub fn open(&self, listener: TcpListener, caller: &str) -> io::Result<Door> {
        let address = loopback(&listener)?;
        let mut task = JoinSet::new();
        task.spawn(serve::serve(listener, address, Some(caller.into()), self.router.clone()));
        Ok(Door { address, _task: task })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many webhooks are due by the clock and not through.
    pub fn due_webhooks(&self) -> usize {
        let now = self.meta.clock.now().as_millisecond();
        self.meta.read(|world| world.deliveries.values().filter(|delivery| delivery.due_at <= now).count())
    }

    /// Runs until the process ends; a task that dies takes the simulator with it.
    pub async fn run(mut self) {
        self.tasks.join_next().await;
    }
}

impl Door {
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn loopback(listener: &TcpListener) -> io::Result<SocketAddr> {
    let address = listener.local_addr()?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(io::Error::other(format!("the simulator serves this machine only, not {address}")))
}
