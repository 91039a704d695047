//! DynamoDB: `dynoxide` behind our front door, on a file and a thread of its own.

mod capacity;
mod conflict;
mod expiry;
mod streams;
mod upstream;

use crate::{
    clock::Clock,
    wire::{Answer, Refusal, Request, Service},
};
use capacity::Capacity;
pub(crate) use conflict::{CONFLICTING, conflict};
use dynoxide::{Database, server::serve_with_shutdown};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::{Ipv4Addr, TcpListener},
    path::Path,
};
use tokio::sync::oneshot;
use upstream::Upstream;

pub(crate) struct DynamoDb {
    clock: Clock,
    database: Database,
    streams: streams::Records,
    upstream: Upstream,
    /// Dropped, it ends the server.
    _stop: oneshot::Sender<()>,
}

/// Units an answer says it consumed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Units {
    pub(crate) read: f64,
    pub(crate) written: f64,
}

impl DynamoDb {
    pub(crate) fn open(path: &Path, clock: Clock) -> Result<Self, String> {
        let name = path.to_str().ok_or("the path is not text")?;
        let database = Database::new(name).map_err(|error| error.to_string())?;
        // Means `synchronous = NORMAL`: a commit survives the death of the process without an fsync.
        database.disable_bulk_loading().map_err(|error| error.to_string())?;
        let streams = streams::Records::open(path)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let stop = serve(listener, database.clone())?;
        Ok(Self { clock, database, streams, upstream: Upstream::new(address), _stop: stop })
    }

    /// Passes a request on. The answer may be a refusal: it is dynoxide's own, with whatever it carries.
    pub(crate) async fn answer(&self, request: &Request) -> Result<(Answer, Units), Refusal> {
        let (body, capacity) = Capacity::ask(request);
        let mut answer = self.upstream.forward(request, body).await.map_err(|error| Refusal::internal(&error))?;
        let units = capacity.take(&mut answer);
        if request.operation == "DeleteTable" && answer.is_success() {
            // A table of the same name would show the records of this one.
            self.streams.forget_deleted_tables().map_err(|error| Refusal::internal(&error))?;
        }
        Ok((answer, units))
    }

    /// Deletes what has expired on the movable clock, and says how many items.
    pub(crate) fn sweep(&self) -> Result<usize, String> {
        expiry::sweep(&self.database, &self.streams, self.clock.now())
    }

    /// Drops the stream records DynamoDB would have dropped.
    pub(crate) fn trim(&self) -> Result<(), rusqlite::Error> {
        self.streams.trim()
    }

    /// The tables a request is about; of a transaction, with what each member does to its table.
    pub(crate) fn tables_of(request: &Request) -> Option<String> {
        let Subject { table_name, request_items, transact_items } = request.parse().ok()?;
        let members = transact_items.iter().flatten();
        let in_transaction = members.map(|(action, member)| format!("{action}:{}", short(&member.table_name)));
        let mentioned = table_name.iter().chain(request_items.keys()).map(|name| short(name).to_owned());
        let names: BTreeSet<_> = mentioned.chain(in_transaction).collect();
        let names: Vec<_> = names.into_iter().collect();
        (!names.is_empty()).then(|| names.join("+"))
    }

    /// The index that a request reads.
    pub(crate) fn index_of(request: &Request) -> Option<String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Reading {
            index_name: Option<String>,
        }
        let reads_an_index = request.service == Service::DynamoDb && ["Query", "Scan"].contains(&&*request.operation);
        reads_an_index.then(|| request.parse::<Reading>().ok()?.index_name).flatten()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Subject {
    table_name: Option<String>,
    #[serde(default)]
    request_items: BTreeMap<String, Box<RawValue>>,
    #[serde(default)]
    transact_items: Vec<BTreeMap<String, Member>>,
}

/// A `Put`, `Update`, `Delete`, `ConditionCheck` or `Get` of a transaction.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Member {
    table_name: String,
}

/// A table may be named by its ARN.
fn short(table: &str) -> &str {
    table.split_once(":table/").map_or(table, |(_, name)| name)
}

/// Dynoxide works on the thread that reads the request, so it gets one that nobody else needs.
fn serve(listener: TcpListener, database: Database) -> Result<oneshot::Sender<()>, String> {
    listener.set_nonblocking(true).map_err(|error| error.to_string())?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = async move {
        match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => serve_with_shutdown(listener, database, async { drop(stopped.await) }).await,
            Err(error) => Err(error.to_string()),
        }
    };
    let run = move || {
        if let Err(error) = runtime.block_on(server) {
            tracing::error!(error, "DynamoDB ended");
        }
    };
    std::thread::Builder::new().name("dynamodb".into()).spawn(run).map_err(|error| error.to_string())?;
    Ok(stop)
}

impl fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDb").finish_non_exhaustive()
    }
}
