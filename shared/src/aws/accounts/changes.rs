//! What of a change in this table a reader can see.

use super::{Accounts, DEFAULT, KEY, row};
use crate::{
    Error, Result,
    aws::{changes::Change, transaction::Item},
    domain::{account::Account, meta_id::PhoneNumberId, tenant::TenantId},
};

/// An account that changed, or a tenant's default.
#[derive(Debug)]
pub enum Changed {
    Account { was: Option<Box<Account>>, is: Box<Account> },
    Default { tenant: TenantId, was: Option<PhoneNumberId>, is: Option<PhoneNumberId> },
}

impl Accounts {
    pub fn is_of(&self, change: &Change) -> bool {
        change.is_of(&self.table)
    }

    /// Whose a change is, and of which number, where it says so.
    pub fn whose(change: &Change) -> Option<(TenantId, Option<PhoneNumberId>)> {
        let key = change.key(KEY).ok()?;
        let tenant = key.strip_prefix("tenant#").or_else(|| change.text("tenant"))?;
        Some((tenant.parse().ok()?, key.parse().ok()))
    }

    /// None: no reader sees it.
    pub fn changed(change: &Change) -> Result<Option<Changed>> {
        let key = change.key(KEY)?;
        if let Some(tenant) = key.strip_prefix("tenant#") {
            let corrupt = |_| Error::Corrupt("a tenant's default".to_owned());
            let tenant = tenant.parse().map_err(|_| Error::Corrupt("a tenant's key".to_owned()))?;
            let default = |item: &Option<Item>| {
                let default = item.as_ref().and_then(|item| item.get(DEFAULT)?.as_s().ok());
                default.map(|default| default.parse()).transpose().map_err(corrupt)
            };
            return Ok(Some(Changed::Default { tenant, was: default(&change.was)?, is: default(&change.is)? }));
        }
        if key.parse::<PhoneNumberId>().is_err() {
            return Ok(None);
        }
        // A number has a row before it has an owner, and keeps it for ever.
        let Some(is) = row::read(change.is.clone())? else { return Ok(None) };
        let was = row::read(change.was.clone())?.map(Box::new);
        Ok(Some(Changed::Account { was, is: Box::new(is) }))
    }
}
