//! The table of what was done: items are only ever added.

use aws_sdk_dynamodb::{
    Client,
    operation::put_item::PutItemError,
    types::{Put, TransactWriteItem},
};
use serde::Serialize;

use super::transaction::Item;
use crate::{Error, Result, domain::audit::Entry};

#[derive(Debug, Clone)]
pub struct Audit {
    client: Client,
    table: String,
}

/// The stored form: renaming a field here is a migration.
#[derive(Serialize)]
struct Row {
    pk: String,
    sk: String,
    at: String,
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    who: String,
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<String>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

impl Audit {
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    /// Adds an entry. One that stands already stays as it is: an effect and its entry are committed together, and
    /// whoever comes later has nothing truer to say.
    pub async fn add(&self, entry: &Entry) -> Result<()> {
        let sent = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item(entry)?))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        match sent {
            Err(error)
                if !error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) =>
            {
                Err(Error::aws(error))
            }
            _ => Ok(()),
        }
    }

    /// The same as part of a transaction.
    pub fn adding(&self, entry: &Entry) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item(entry)?))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(Error::aws)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

fn item(entry: &Entry) -> Result<Item> {
    let tenant = entry.tenant.as_ref().map(ToString::to_string);
    // A tenant id cannot begin with `-`, so the operator's own entries have a partition no tenant can have.
    let owner = tenant.as_deref().unwrap_or("-");
    Ok(serde_dynamo::to_item(Row {
        pk: owner.to_owned(),
        sk: format!("{}#{}", millis(entry.at), entry.request_id),
        at: entry.at.to_string(),
        request_id: entry.request_id.clone(),
        who: entry.who.as_ref().map_or_else(|| "system".to_owned(), ToString::to_string),
        what: entry.what.clone(),
        on: entry.on.clone(),
        status: entry.status,
        code: entry.code.clone(),
        tenant,
    })?)
}

/// Sorts as text as it does in time.
fn millis(at: jiff::Timestamp) -> String {
    format!("{:013}", at.as_millisecond())
}
