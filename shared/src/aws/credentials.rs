//! The table of keys and sessions. Only the function `access` (and the sweeper, for the first key) writes it.

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update},
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::transaction::{Item, Position};
use crate::{
    Error, Result,
    domain::{
        bearer::BearerHash,
        credential::{Credential, CredentialId, Kind},
        scope::{Scope, Scopes},
        tenant::TenantId,
    },
};

/// How long a row stays after it has ended. Cleaning up, not expiry.
const KEPT_AFTER_END: SignedDuration = SignedDuration::from_hours(24 * 30);

#[derive(Debug, Clone)]
pub struct Credentials {
    client: Client,
    table: String,
}

/// The stored form: renaming a field here is a migration.
#[derive(Serialize, Deserialize)]
struct Row {
    id: String,
    #[serde(with = "serde_bytes_array")]
    hash: [u8; 32],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<TenantId>,
    /// By name: a scope this version no longer knows is dropped, not an error.
    scopes: Vec<String>,
    created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_by: Option<CredentialId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Timestamp>,
    /// Index keys, of living keys alone: what is revoked leaves the lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    listed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<i64>,
}

/// One page of keys, newest first, and where the next begins.
#[derive(Debug)]
pub struct Page {
    pub credentials: Vec<Credential>,
    pub next: Option<Position>,
}

impl Credentials {
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    pub async fn find(&self, id: &CredentialId) -> Result<Option<Credential>> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("id", text(id.as_str()))
            // A key must work in the moment it was shown.
            .consistent_read(true)
            .send()
            .await
            .map_err(Error::aws)?;
        answer.item.map(read).transpose()
    }

    /// Living keys: those of one tenant, or all.
    pub async fn list_keys(&self, tenant: Option<&TenantId>, limit: i32, after: Option<Position>) -> Result<Page> {
        let (index, attribute, value) = match tenant {
            Some(tenant) => ("by_tenant", "owner", tenant.as_str()),
            None => ("by_kind", "kind", KEY),
        };
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(index)
            .key_condition_expression("#partition = :value")
            .expression_attribute_names("#partition", attribute)
            .expression_attribute_values(":value", text(value))
            .scan_index_forward(false)
            .limit(limit)
            .set_exclusive_start_key(after.map(Position::into_key))
            .send()
            .await
            .map_err(Error::aws)?;
        let credentials = answer.items.unwrap_or_default().into_iter().map(read).collect::<Result<_>>()?;
        Ok(Page { credentials, next: answer.last_evaluated_key.as_ref().map(Position::of) })
    }

    /// Takes away some of the keys and sessions that are bound to a tenant, revoked ones too. Says how many, and where to
    /// go on.
    pub async fn forget_tenant(&self, tenant: &TenantId, after: Option<Position>) -> Result<(u64, Option<Position>)> {
        let answer = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .filter_expression("tenant = :tenant")
            .expression_attribute_values(":tenant", text(tenant.as_str()))
            .set_exclusive_start_key(after.map(Position::into_key))
            .send()
            .await
            .map_err(Error::aws)?;
        let next = answer.last_evaluated_key.as_ref().map(Position::of);
        let mut count = 0;
        for id in answer.items.unwrap_or_default().iter_mut().filter_map(|item| item.remove("id")) {
            let delete = self.client.delete_item().table_name(&self.table).key("id", id);
            delete.send().await.map_err(Error::aws)?;
            count += 1;
        }
        Ok((count, next))
    }

    /// Part of a transaction: adds a credential that is not there yet.
    pub fn adding(&self, credential: &Credential) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(serde_dynamo::to_item(Row::from(credential))?))
            .condition_expression("attribute_not_exists(id)")
            .build()
            .map_err(Error::aws)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// Part of a transaction: nothing happens unless this credential has not been revoked.
    pub fn unless_revoked(&self, id: &CredentialId) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .key("id", text(id.as_str()))
            .condition_expression("attribute_exists(id) AND attribute_not_exists(revoked_at)")
            .build()
            .map_err(Error::aws)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// Part of a transaction: ends a living key. The row stays, so that nothing puts the key back; the tombstone of
    /// a deployment's first key stays for good, for the stack secret would bring it back.
    pub fn revoking(&self, key: &Credential, now: Timestamp) -> Result<TransactWriteItem> {
        let ttl = (now + KEPT_AFTER_END).as_second().to_string();
        let is_forgotten = key.created_by.is_some();
        let forget = if is_forgotten { ", #ttl = :ttl" } else { "" };
        let mut update = Update::builder()
            .table_name(&self.table)
            .key("id", text(key.id.as_str()))
            .update_expression(format!("SET revoked_at = :now{forget} REMOVE #kind, #owner, listed"))
            .condition_expression("attribute_exists(id) AND attribute_not_exists(revoked_at)")
            .expression_attribute_names("#kind", "kind")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":now", text(&now.to_string()));
        if is_forgotten {
            update = update
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":ttl", AttributeValue::N(ttl));
        }
        Ok(TransactWriteItem::builder().update(update.build().map_err(Error::aws)?).build())
    }

    /// Part of a transaction: ends a session that is there.
    pub fn removing(&self, session: &CredentialId) -> Result<TransactWriteItem> {
        let delete = Delete::builder()
            .table_name(&self.table)
            .key("id", text(session.as_str()))
            .condition_expression("attribute_exists(id)")
            .build()
            .map_err(Error::aws)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}

const KEY: &str = "key";

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn read(item: Item) -> Result<Credential> {
    let row: Row = serde_dynamo::from_item(item)?;
    let id = CredentialId::try_from(row.id).map_err(|error| Error::Corrupt(error.to_string()))?;
    let scopes: Vec<Scope> = row.scopes.iter().filter_map(|scope| scope.parse().ok()).collect();
    Ok(Credential {
        id,
        hash: BearerHash::from_bytes(row.hash),
        name: row.name,
        tenant: row.tenant,
        scopes: scopes.into(),
        created_at: row.created_at,
        created_by: row.created_by,
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
    })
}

impl From<&Credential> for Row {
    fn from(credential: &Credential) -> Self {
        let is_key = credential.kind() == Kind::Key;
        let ttl = credential.expires_at.map(|expiry| (expiry + KEPT_AFTER_END).as_second());
        Self {
            id: credential.id.to_string(),
            hash: *credential.hash.as_bytes(),
            name: credential.name.clone(),
            tenant: credential.tenant.clone(),
            scopes: names(&credential.scopes),
            created_at: credential.created_at,
            created_by: credential.created_by.clone(),
            expires_at: credential.expires_at,
            revoked_at: credential.revoked_at,
            kind: is_key.then(|| KEY.to_owned()),
            owner: credential.tenant.as_ref().filter(|_| is_key).map(ToString::to_string),
            listed: is_key.then(|| format!("{:013}#{}", credential.created_at.as_millisecond(), credential.id)),
            ttl,
        }
    }
}

fn names(scopes: &Scopes) -> Vec<String> {
    Vec::from(scopes.clone()).into_iter().map(|scope| scope.to_string()).collect()
}

/// A hash as DynamoDB's binary type.
mod serde_bytes_array {
    use serde::{Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        struct Bytes;
        impl serde::de::Visitor<'_> for Bytes {
            type Value = [u8; 32];

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("32 bytes")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<[u8; 32], E> {
                bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
            }

            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<[u8; 32], E> {
                self.visit_bytes(&bytes)
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}
