//! The table of accounts: one item per number, who rests on each WABA, and each tenant's default.
//!
//! A number's item has its owner's attributes and, beside them, the claim of a connection that is about to take it.
//! `waba#<id>` has the numbers of every tenant that rest there: what must not be unsubscribed while it has one.

mod changes;
mod claims;
mod heard;
mod leaving;
mod lists;
mod row;
mod tokens;

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, TransactWriteItem, Update},
};
use jiff::Timestamp;

use super::{
    batch_get,
    transaction::{Item, Outcome, Transactions},
    update,
};
use crate::{
    Error, Result,
    domain::{
        account::{Account, Status},
        meta_id::{PhoneNumberId, WabaId},
        tenant::TenantId,
    },
};

pub use changes::Changed;
pub use claims::{Claimed, Released};
pub use leaving::{Departure, Started};
pub use lists::Page;
pub use tokens::Stock;

#[derive(Debug, Clone)]
pub struct Accounts {
    client: Client,
    table: String,
    transactions: Transactions,
}

/// What an edit came to.
#[derive(Debug)]
pub struct Edited<T> {
    pub account: Account,
    pub given: T,
}

impl Accounts {
    pub fn new(client: Client, table: String) -> Self {
        Self { transactions: Transactions::new(client.clone()), client, table }
    }

    /// The account of a number; none where nobody ever owned it. One that is disconnected is its last owner's.
    pub async fn find(&self, id: &PhoneNumberId) -> Result<Option<Account>> {
        row::read(self.get(id.as_str()).await?)
    }

    /// A tenant's account. Another tenant's is not there.
    pub async fn own(&self, tenant: &TenantId, id: &PhoneNumberId) -> Result<Account> {
        let found = self.find(id).await?.filter(|account| account.tenant == *tenant);
        found.ok_or(Error::NotFound { thing: "account" })
    }

    /// Who owns which of these numbers now.
    pub async fn owners(&self, ids: &[PhoneNumberId]) -> Result<HashMap<PhoneNumberId, (TenantId, Status)>> {
        let found = self.find_many(ids).await?;
        let living = found.into_values().filter(|account| !account.is_disconnected());
        Ok(living
            .map(|account| {
                let status = account.status();
                (account.number, (account.tenant, status))
            })
            .collect())
    }

    /// The number a tenant sends from where it names none.
    pub async fn default_of(&self, tenant: &TenantId) -> Result<Option<PhoneNumberId>> {
        let item = self.get(&tenant_key(tenant)).await?;
        let default = item.and_then(|item| item.get(DEFAULT).and_then(|value| value.as_s().ok()).cloned());
        default.map(|id| PhoneNumberId::try_from(id).map_err(|error| Error::Corrupt(error.to_string()))).transpose()
    }

    /// Reads an account, changes it, and saves it unless somebody else was faster; then again. None: there is no such
    /// account. A change that changes nothing is not written.
    pub async fn edit<T>(
        &self,
        id: &PhoneNumberId,
        now: Timestamp,
        change: impl Fn(&mut Account) -> Result<T>,
    ) -> Result<Option<Edited<T>>> {
        for _ in 0..EDIT_ATTEMPTS {
            let Some(before) = self.find(id).await? else { return Ok(None) };
            let mut account = before.clone();
            let given = change(&mut account)?;
            if account == before || self.save(&mut account, &before, now).await? {
                return Ok(Some(Edited { account, given }));
            }
        }
        Err(Error::aws("an account was changed by others without end"))
    }

    /// Saves a changed account, if it still is what it was. Says whether it did.
    pub async fn save(&self, account: &mut Account, before: &Account, now: Timestamp) -> Result<bool> {
        account.settle(before, now);
        self.send(self.updating(account, "")?).await
    }

    /// The same, in one transaction with `others`.
    pub async fn save_with(
        &self,
        account: &mut Account,
        before: &Account,
        others: Vec<TransactWriteItem>,
        now: Timestamp,
    ) -> Result<bool> {
        account.settle(before, now);
        self.commit(in_transaction(self.updating(account, "")?), others).await
    }

    async fn commit(&self, first: TransactWriteItem, others: Vec<TransactWriteItem>) -> Result<bool> {
        let writes = [vec![first], others].concat();
        Ok(matches!(self.transactions.commit(writes).await?, Outcome::Committed))
    }

    /// Makes an account its tenant's default, with its other changes and `others`. Says whether it did: false where
    /// either the account or the default is not any more what it was.
    pub async fn save_as_default(
        &self,
        account: &mut Account,
        before: &Account,
        default: Option<&PhoneNumberId>,
        mut others: Vec<TransactWriteItem>,
        now: Timestamp,
    ) -> Result<bool> {
        account.settle(before, now);
        // Its own version grows even where nothing else changed: `default` can be seen.
        account.version = before.version + 1;
        account.updated_at = now;
        let mut set = Update::builder()
            .table_name(&self.table)
            .key(KEY, text(&tenant_key(&account.tenant)))
            .update_expression("SET #default = :number")
            .expression_attribute_names("#default", DEFAULT)
            .expression_attribute_values(":number", text(account.number.as_str()));
        set = match default {
            None => set.condition_expression("attribute_not_exists(#default)"),
            Some(default) => {
                set.condition_expression("#default = :old").expression_attribute_values(":old", text(default.as_str()))
            }
        };
        others.push(in_transaction(built(set)?));
        if let Some(default) = default.filter(|default| **default != account.number) {
            others.push(in_transaction(self.losing_default(default, &account.tenant, now)?));
        }
        self.commit(in_transaction(self.updating(account, "")?), others).await
    }

    /// Another became the default: that can be seen here too.
    fn losing_default(&self, id: &PhoneNumberId, tenant: &TenantId, now: Timestamp) -> Result<Update> {
        let update = Update::builder()
            .table_name(&self.table)
            .key(KEY, text(id.as_str()))
            .update_expression("SET updated_at = :now ADD version :one, revision :one")
            .condition_expression("tenant = :tenant")
            .expression_attribute_values(":tenant", text(tenant.as_str()))
            .expression_attribute_values(":now", text(&now.to_string()))
            .expression_attribute_values(":one", number(1));
        built(update)
    }

    /// Writes the attributes that are this module's, and leaves those of others: on the condition that the account is
    /// at the revision before this one, and on `also`, where it is not empty.
    fn updating(&self, account: &Account, also: &str) -> Result<Update> {
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        let mut update = Update::builder().table_name(&self.table).key(KEY, text(account.number.as_str()));
        for (place, (name, value)) in row::write(account)?.into_iter().filter(|(name, _)| name != KEY).enumerate() {
            update = update.expression_attribute_names(format!("#a{place}"), name);
            if value.is_null() {
                remove.push(format!("#a{place}"));
            } else {
                set.push(format!("#a{place} = :a{place}"));
                update = update.expression_attribute_values(format!(":a{place}"), value);
            }
        }
        let remove = if remove.is_empty() { String::new() } else { format!(" REMOVE {}", remove.join(", ")) };
        let also = if also.is_empty() { String::new() } else { format!(" AND {also}") };
        built(
            update
                .update_expression(format!("SET {}{remove}", set.join(", ")))
                .condition_expression(format!("revision = :before{also}"))
                .expression_attribute_values(":before", number(account.hidden.revision - 1)),
        )
    }

    /// Sends one write alone. Says whether its condition held.
    async fn send(&self, update: Update) -> Result<bool> {
        update::send(&self.client, update).await
    }

    async fn get(&self, key: &str) -> Result<Option<Item>> {
        let get = self.client.get_item().table_name(&self.table).key(KEY, text(key));
        // Who owns a number is never a matter of a replica's lag.
        Ok(get.consistent_read(true).send().await.map_err(Error::aws)?.item)
    }

    async fn find_many(&self, ids: &[PhoneNumberId]) -> Result<HashMap<PhoneNumberId, Account>> {
        let keys: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let mut found = HashMap::new();
        for item in self.get_many(keys).await?.into_values() {
            if let Some(account) = row::read(Some(item))? {
                found.insert(account.number.clone(), account);
            }
        }
        Ok(found)
    }

    /// Any items by their keys, consistently.
    async fn get_many(&self, mut keys: Vec<String>) -> Result<HashMap<String, Item>> {
        keys.sort_unstable();
        keys.dedup();
        let keys = keys.iter().map(|key| (self.table.as_str(), Item::from([(KEY.to_owned(), text(key))]))).collect();
        let found = batch_get::items(&self.client, keys).await?.into_iter();
        let key_of = |item: &Item| item.get(KEY).and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
        Ok(found.map(|(_, item)| (key_of(&item), item)).collect())
    }

    /// Where the item of a number is, for a read of several tables.
    pub(super) fn key_of(&self, id: &PhoneNumberId) -> (&str, Item) {
        (&self.table, Item::from([(KEY.to_owned(), text(id.as_str()))]))
    }

    /// The account of an item of this table, where it is one.
    pub(super) fn read(item: Item) -> Result<Option<Account>> {
        row::read(Some(item))
    }
}

const KEY: &str = "phone_number_id";
const DEFAULT: &str = "default";
const RESIDENTS: &str = "residents";
/// How often an edit meets faster ones before that is an error.
const EDIT_ATTEMPTS: usize = 8;

fn waba_key(waba: &WabaId) -> String {
    format!("waba#{waba}")
}

fn tenant_key(tenant: &TenantId) -> String {
    format!("tenant#{tenant}")
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn millis(at: Timestamp) -> AttributeValue {
    AttributeValue::N(at.as_millisecond().to_string())
}

fn built(update: aws_sdk_dynamodb::types::builders::UpdateBuilder) -> Result<Update> {
    update.build().map_err(Error::aws)
}

fn in_transaction(update: Update) -> TransactWriteItem {
    TransactWriteItem::builder().update(update).build()
}
