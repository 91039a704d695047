//! The world on disk: one line per change, written before the answer is given, so that `kill -9` loses nothing that was answered.
//!
//! A line is `[[table, key, row | null], …]` and takes effect whole: a torn last line is a change nobody was told of.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::World;

type Line = Vec<(String, String, Option<Value>)>;

#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Journal {
    /// Reads what is there into `world` (and says whether there was anything), then starts a compact file.
    pub(crate) fn open(directory: &Path, world: &mut World) -> io::Result<(Self, bool)> {
        fs::create_dir_all(directory)?;
        let path = directory.join("journal.jsonl");
        let found = path.exists();
        if found {
            replay(&path, world)?;
        }
        let (file, length) = write_whole(&path, world)?;
        Ok((Self { path, file, length }, found))
    }

    /// Appends what changed since the last call. One `write` of one line: the page cache outlives the process.
    pub(crate) fn record(&mut self, world: &mut World) -> io::Result<()> {
        let mut line = Line::new();
        for (name, table) in world.tables() {
            line.extend(table.changes()?.into_iter().map(|(key, row)| (name.to_owned(), key, row)));
        }
        if line.is_empty() {
            return Ok(());
        }
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        if let Err(error) = self.file.write_all(&bytes) {
            // A full disk leaves half a line; the next one must not follow it.
            self.file.set_len(self.length)?;
            return Err(error);
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Starts over with the world as it is now.
    pub(crate) fn rewrite(&mut self, world: &mut World) -> io::Result<()> {
        (self.file, self.length) = write_whole(&self.path, world)?;
        Ok(())
    }
}

fn replay(path: &Path, world: &mut World) -> io::Result<()> {
    let mut lines = BufReader::new(File::open(path)?).lines().peekable();
    let mut number = 0;
    while let Some(line) = lines.next() {
        number += 1;
        let changes: Line = match serde_json::from_str(&line?) {
            Ok(changes) => changes,
            Err(_) if lines.peek().is_none() => break,
            Err(error) => return Err(damaged(path, number, &error)),
        };
        for (name, key, row) in changes {
            if let Some((_, table)) = world.tables().into_iter().find(|(table, _)| *table == name) {
                table.restore(key, row).map_err(|error| damaged(path, number, &error))?;
            }
        }
    }
    Ok(())
}

fn damaged(path: &Path, line: usize, error: &serde_json::Error) -> io::Error {
    io::Error::other(format!(
        "{} is damaged at line {line} ({error}); remove it to start from the seed",
        path.display()
    ))
}

fn write_whole(path: &Path, world: &mut World) -> io::Result<(File, u64)> {
    let fresh = path.with_extension("new");
    let mut file = io::BufWriter::new(File::create(&fresh)?);
    for (name, table) in world.tables() {
        table.forget_changes();
        for (key, row) in table.everything()? {
            serde_json::to_writer(&mut file, &[(name, key, row)])?;
            file.write_all(b"\n")?;
        }
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(&fresh, path)?;
    let file = OpenOptions::new().append(true).open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}
