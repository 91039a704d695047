//! Where the bytes lie: in memory, or as files beside the journal.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

#[derive(Debug)]
pub(crate) enum Store {
    Memory(Mutex<HashMap<String, Bytes>>),
    Disk(PathBuf),
}

impl Store {
    pub(crate) fn open(data: Option<&Path>) -> io::Result<Self> {
        let Some(data) = data else { return Ok(Self::Memory(Mutex::default())) };
        let directory = data.join("media");
        fs::create_dir_all(&directory)?;
        Ok(Self::Disk(directory))
    }

    pub(crate) fn put(&self, id: &str, bytes: &Bytes) -> io::Result<()> {
        match self {
            Self::Memory(files) => {
                files.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), bytes.clone());
                Ok(())
            }
            Self::Disk(directory) => fs::write(directory.join(id), bytes),
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<Bytes> {
        match self {
            Self::Memory(files) => files.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned(),
            Self::Disk(directory) => fs::read(directory.join(id)).ok().map(Bytes::from),
        }
    }

    /// What is not there is removed already.
    pub(crate) fn remove(&self, id: &str) {
        match self {
            Self::Memory(files) => drop(files.lock().unwrap_or_else(PoisonError::into_inner).remove(id)),
            Self::Disk(directory) => drop(fs::remove_file(directory.join(id))),
        }
    }
}
