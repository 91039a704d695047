//! Rows by key, in the order they came, that know which of them changed since they were last written down.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Deref, DerefMut};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Result, Value};

/// One change to one row: its new value, or that it is gone.
pub(crate) type Change = (String, Option<Value>);

/// What the journal needs of a piece of state.
pub(crate) trait Recorded {
    fn changes(&mut self) -> Result<Vec<Change>>;
    fn forget_changes(&mut self);
    fn restore(&mut self, key: String, value: Option<Value>) -> Result<()>;
    fn everything(&self) -> Result<Vec<Change>>;
}

#[derive(Debug, Clone)]
pub(crate) struct Table<T> {
    rows: BTreeMap<u64, (String, T)>,
    places: HashMap<String, u64>,
    next_place: u64,
    changed: BTreeSet<String>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), places: HashMap::new(), next_place: 0, changed: BTreeSet::new() }
    }
}

impl<T> Table<T> {
    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        let place = self.places.get(key)?;
        self.rows.get(place).map(|(_, row)| row)
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut T> {
        let place = self.places.get(key)?;
        let (_, row) = self.rows.get_mut(place)?;
        self.changed.insert(key.to_owned());
        Some(row)
    }

    pub(crate) fn contains(&self, key: &str) -> bool {
        self.places.contains_key(key)
    }

    /// Adds a row at the end, or replaces the one of this key where it is.
    pub(crate) fn put(&mut self, key: impl Into<String>, row: T) {
        let key = key.into();
        self.changed.insert(key.clone());
        self.place(key, row);
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<T> {
        let place = self.places.remove(key)?;
        self.changed.insert(key.to_owned());
        self.rows.remove(&place).map(|(_, row)| row)
    }

    pub(crate) fn remove_oldest(&mut self) -> Option<T> {
        let key = self.rows.first_key_value().map(|(_, (key, _))| key.clone())?;
        self.remove(&key)
    }

    /// The rows that were put or changed since the last time changes were taken.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (&str, &T)> {
        self.changed.iter().filter_map(|key| Some((key.as_str(), self.get(key)?)))
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &T)> {
        self.rows.values().map(|(key, row)| (key.as_str(), row))
    }

    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.values().map(|(_, row)| row)
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.rows.values().map(|(key, _)| key.clone()).collect()
    }

    fn place(&mut self, key: String, row: T) {
        let place = *self.places.entry(key.clone()).or_insert_with(|| {
            self.next_place += 1;
            self.next_place
        });
        self.rows.insert(place, (key, row));
    }
}

impl<T: Serialize + DeserializeOwned> Recorded for Table<T> {
    fn changes(&mut self) -> Result<Vec<Change>> {
        let mut changed = Vec::from_iter(std::mem::take(&mut self.changed));
        // Reading the changes back must give the rows the order they have here.
        changed.sort_by_key(|key| self.places.get(key));
        changed
            .into_iter()
            .map(|key| Ok((key.clone(), self.get(&key).map(serde_json::to_value).transpose()?)))
            .collect()
    }

    fn forget_changes(&mut self) {
        self.changed.clear();
    }

    fn restore(&mut self, key: String, value: Option<Value>) -> Result<()> {
        match value {
            Some(value) => self.place(key, serde_json::from_value(value)?),
            None => {
                self.places.remove(&key).and_then(|place| self.rows.remove(&place));
            }
        }
        Ok(())
    }

    fn everything(&self) -> Result<Vec<Change>> {
        self.iter().map(|(key, row)| Ok((key.to_owned(), Some(serde_json::to_value(row)?)))).collect()
    }
}

/// A piece of state there is one of; borrowing it to change it marks it changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Single<T> {
    value: T,
    changed: bool,
}

impl<T> Deref for Single<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Single<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.changed = true;
        &mut self.value
    }
}

impl<T: Serialize + DeserializeOwned> Recorded for Single<T> {
    fn changes(&mut self) -> Result<Vec<Change>> {
        if std::mem::take(&mut self.changed) { self.everything() } else { Ok(Vec::new()) }
    }

    fn forget_changes(&mut self) {
        self.changed = false;
    }

    fn restore(&mut self, _key: String, value: Option<Value>) -> Result<()> {
        if let Some(value) = value {
            self.value = serde_json::from_value(value)?;
        }
        Ok(())
    }

    fn everything(&self) -> Result<Vec<Change>> {
        Ok(vec![(String::new(), Some(serde_json::to_value(&self.value)?))])
    }
}
