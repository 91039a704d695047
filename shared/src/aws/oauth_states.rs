//! The table of visits to Meta's dialog: each once, each of one browser, each ten minutes.

use aws_sdk_dynamodb::{Client, operation::update_item::UpdateItemError, types::AttributeValue};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::{
    Error, Result,
    domain::{connection_id::ConnectionId, hex},
};

/// How long a visit may take.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(10);

#[derive(Debug, Clone)]
pub struct OauthStates {
    client: Client,
    table: String,
}

/// A visit as it is kept: neither the state nor the cookie can be read from it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Visit {
    /// SHA-256 of the state, in hex.
    pub hash: String,
    pub connection: ConnectionId,
    /// SHA-256 of the browser's cookie, in hex.
    pub browser: String,
    pub expires_at: Timestamp,
    /// The attempt that used it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<String>,
    ttl: i64,
}

impl Visit {
    pub fn new(state: &[u8; 32], connection: ConnectionId, cookie: &[u8; 32], now: Timestamp) -> Self {
        let expires_at = now + LIFETIME;
        Self {
            hash: hex::sha256(state),
            connection,
            browser: hex::sha256(cookie),
            expires_at,
            used_by: None,
            // TTL only cleans up.
            ttl: expires_at.as_second() + 24 * 3600,
        }
    }

    /// Whether the cookie is the one this visit began with.
    pub fn is_of(&self, cookie: &[u8]) -> bool {
        hex::sha256(cookie).as_bytes().ct_eq(self.browser.as_bytes()).into()
    }
}

impl OauthStates {
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    pub async fn add(&self, visit: &Visit) -> Result<()> {
        let put = self.client.put_item().table_name(&self.table).set_item(Some(serde_dynamo::to_item(visit)?));
        // The state is drawn anew each time; a repetition of this very write finds its own item.
        put.send().await.map_err(Error::aws)?;
        Ok(())
    }

    pub async fn find(&self, state: &[u8]) -> Result<Option<Visit>> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("hash", AttributeValue::S(hex::sha256(state)))
            .consistent_read(true)
            .send()
            .await
            .map_err(Error::aws)?;
        found.item.map(|item| Ok(serde_dynamo::from_item(item)?)).transpose()
    }

    /// Uses the visit up for `attempt`. False: somebody was faster. An attempt that has lost its first answer is told
    /// so again.
    pub async fn use_up(&self, visit: &Visit, attempt: &str) -> Result<bool> {
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("hash", AttributeValue::S(visit.hash.clone()))
            .update_expression("SET used_by = :attempt")
            .condition_expression("attribute_exists(#hash) AND (attribute_not_exists(used_by) OR used_by = :attempt)")
            .expression_attribute_names("#hash", "hash")
            .expression_attribute_values(":attempt", AttributeValue::S(attempt.to_owned()))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(true),
            Err(error)
                if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(Error::aws(error)),
        }
    }
}
