//! Keeps a service's state in one `SQLite` file, so that it survives `kill -9`. Knows keys and bytes, not what they mean.

use rusqlite::{Connection, params};
use serde::{Serialize, de::DeserializeOwned};
use std::path::Path;

/// A file of keys and JSON values. The working set lives in memory; this is read once, at the start.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
}

/// Why a state could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("{0}")]
    Database(#[from] rusqlite::Error),
    #[error("{key}: {source}")]
    Value { key: String, source: serde_json::Error },
}

impl Store {
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = Connection::open(path)?;
        // A commit survives the death of the process without an fsync; only a power cut may lose the last ones.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;",
        )?;
        Ok(Self { connection })
    }

    /// Every value whose key begins with `prefix`, in the order of the keys, with the rest of its key.
    pub(crate) fn load<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<(String, T)>, StoreError> {
        let mut statement = self
            .connection
            .prepare("SELECT key, value FROM state WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key")?;
        let rows = statement.query_map([prefix], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        rows.map(|row| {
            let (key, value) = row?;
            let value =
                serde_json::from_slice(&value).map_err(|source| StoreError::Value { key: key.clone(), source })?;
            Ok((key[prefix.len()..].to_owned(), value))
        })
        .collect()
    }

    /// Commits all writes or none.
    pub(crate) fn commit(&mut self, writes: Writes) -> Result<(), StoreError> {
        if writes.0.is_empty() {
            return Ok(());
        }
        let transaction = self.connection.transaction()?;
        for (key, value) in writes.0 {
            match value {
                Some(value) => transaction
                    .prepare_cached("INSERT OR REPLACE INTO state (key, value) VALUES (?1, ?2)")?
                    .execute(params![key, value])?,
                None => transaction.prepare_cached("DELETE FROM state WHERE key = ?1")?.execute([key])?,
            };
        }
        Ok(transaction.commit()?)
    }
}

/// Changes that belong together.
#[derive(Debug, Default)]
pub(crate) struct Writes(Vec<(String, Option<Vec<u8>>)>);

impl Writes {
    pub(crate) fn put(&mut self, key: String, value: &impl Serialize) -> Result<(), StoreError> {
        match serde_json::to_vec(value) {
            Ok(value) => {
                self.0.push((key, Some(value)));
                Ok(())
            }
            Err(source) => Err(StoreError::Value { key, source }),
        }
    }

    pub(crate) fn delete(&mut self, key: String) {
        self.0.push((key, None));
    }
}

impl From<StoreError> for crate::wire::Refusal {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_committed_is_there_when_the_file_is_opened_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.db");
        let mut store = Store::open(&path).unwrap();
        let mut writes = Writes::default();
        writes.put("queue/b".into(), &2).unwrap();
        writes.put("queue/a".into(), &1).unwrap();
        writes.put("other/a".into(), &3).unwrap();
        writes.put("queue/c".into(), &4).unwrap();
        writes.delete("queue/c".into());
        store.commit(writes).unwrap();

        let again = Store::open(&path).unwrap();

        assert_eq!(again.load::<u32>("queue/").unwrap(), [("a".to_owned(), 1), ("b".to_owned(), 2)]);
    }
}
