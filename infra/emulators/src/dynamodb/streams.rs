//! The stream records in dynoxide's file, through a connection of our own: it neither indexes nor trims them.

use rusqlite::Connection;
use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Without an index every write to a table with a stream reads all its records.
const INDEX: &str = "stack_stream_records";

#[derive(Debug)]
pub(super) struct Records(Mutex<Connection>);

impl Records {
    /// Makes the index where it is missing. It rests on a private schema: an upgrade that changes it fails here.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let connection = Connection::open(path).map_err(|error| error.to_string())?;
        let index = || {
            connection.busy_timeout(Duration::from_secs(2))?;
            connection.pragma_update(None, "synchronous", "NORMAL")?;
            connection.execute_batch(&format!(
                "CREATE INDEX IF NOT EXISTS {INDEX} ON _stream_records(table_name, CAST(sequence_number AS INTEGER), shard_id)"
            ))?;
            connection.query_row(
                "EXPLAIN QUERY PLAN SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = 't'",
                [],
                |row| row.get::<_, String>("detail"),
            )
        };
        let plan = index().map_err(|error| error.to_string())?;
        if plan.contains(INDEX) {
            Ok(Self(Mutex::new(connection)))
        } else {
            Err(format!("the index on stream records is not used: {plan}"))
        }
    }

    /// Deletes what is older than a day by the machine's time: a moved clock must not take records from a reader that had
    /// no time to read them.
    pub(super) fn trim(&self) -> Result<(), rusqlite::Error> {
        self.connection().execute(
            "DELETE FROM _stream_records WHERE created_at < CAST(strftime('%s', 'now') AS INTEGER) - 86400",
            [],
        )?;
        self.forget_deleted_tables()
    }

    pub(super) fn forget_deleted_tables(&self) -> Result<(), rusqlite::Error> {
        self.connection()
            .execute("DELETE FROM _stream_records WHERE table_name NOT IN (SELECT table_name FROM _tables)", [])
            .map(drop)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
