//! The stream records in dynoxide's file, through a connection of our own: it neither indexes nor trims them, and tells
//! only by its own sweep that the table itself took something away.

use rusqlite::Connection;
use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Without an index every write to a table with a stream reads all its records.
const INDEX: &str = "stack_stream_records";

/// What is being deleted because its time is over: the record of that says who did it, from the first moment it is there.
const EXPIRING: &str = r#"
CREATE TABLE IF NOT EXISTS stack_expiring (table_name TEXT NOT NULL, keys TEXT NOT NULL);
DELETE FROM stack_expiring;
CREATE TRIGGER IF NOT EXISTS stack_expired AFTER INSERT ON _stream_records
WHEN NEW.event_name = 'REMOVE' AND EXISTS (
    SELECT 1 FROM stack_expiring AS expiring WHERE expiring.table_name = NEW.table_name AND NOT EXISTS (
        SELECT 1 FROM json_each(NEW.keys_json) AS own
        WHERE json_extract(expiring.keys, '$."' || own.key || '"') IS NOT own.value))
BEGIN
    UPDATE _stream_records SET user_identity = '{"type":"Service","principalId":"dynamodb.amazonaws.com"}'
    WHERE id = NEW.id;
END"#;

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
            connection.execute_batch(EXPIRING)?;
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

    /// Does what deletes an item of a table because its time is over.
    pub(super) fn expiring<T>(
        &self,
        table: &str,
        keys: &str,
        delete: impl FnOnce() -> T,
    ) -> Result<T, rusqlite::Error> {
        let connection = self.connection();
        connection.execute("INSERT INTO stack_expiring VALUES (?1, ?2)", [table, keys])?;
        let deleted = delete();
        connection.execute("DELETE FROM stack_expiring", [])?;
        Ok(deleted)
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
