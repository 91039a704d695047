//! What an environment remembers between batches and calls: guesses, each held against the table before it is used.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::domain::{
    conversation::{Alias, Leads, Line},
    meta_id::{PhoneNumberId, WabaId},
    tenant::TenantId,
};

/// Of more than so many, all are forgotten: a guess is worth one read.
const MOST: usize = 10_000;

#[derive(Debug, Clone, Default)]
pub struct Known {
    names: Arc<Mutex<HashMap<(Line, Alias), Leads>>>,
    owners: Arc<Mutex<HashMap<PhoneNumberId, TenantId>>>,
    wabas: Arc<Mutex<HashMap<PhoneNumberId, WabaId>>>,
}

impl Known {
    pub fn leads(&self, name: &(Line, Alias)) -> Option<Leads> {
        locked(&self.names).get(name).copied()
    }

    pub fn owner(&self, number: &PhoneNumberId) -> Option<TenantId> {
        locked(&self.owners).get(number).cloned()
    }

    pub fn waba(&self, number: &PhoneNumberId) -> Option<WabaId> {
        locked(&self.wabas).get(number).cloned()
    }

    pub fn remember(&self, name: (Line, Alias), leads: Leads) {
        bounded(&self.names).insert(name, leads);
    }

    pub fn forget(&self, name: &(Line, Alias)) {
        locked(&self.names).remove(name);
    }

    pub fn remember_waba(&self, number: PhoneNumberId, waba: WabaId) {
        bounded(&self.wabas).insert(number, waba);
    }

    pub fn remember_owner(&self, number: PhoneNumberId, owner: TenantId) {
        bounded(&self.owners).insert(number, owner);
    }
}

fn locked<T>(map: &Mutex<T>) -> MutexGuard<'_, T> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bounded<K, V>(map: &Mutex<HashMap<K, V>>) -> MutexGuard<'_, HashMap<K, V>> {
    let mut map = locked(map);
    if map.len() >= MOST {
        map.clear();
    }
    map
}
