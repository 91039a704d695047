//! The stored form of an account: renaming a field here is a migration.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Error, Result,
    aws::transaction::Item,
    domain::{
        account::{Account, Due, Facts, Hidden, Leaving, State, StatusReason, Taken, TokenSummary, Webhook, Work},
        connection_id::ConnectionId,
        meta_id::{BusinessId, PhoneNumberId, SubjectId, WabaId},
        sealed::Sealed,
        tenant::TenantId,
    },
};

/// What is None is written as null, which a save turns into a removal.
#[derive(Serialize, Deserialize)]
struct Row {
    phone_number_id: PhoneNumberId,
    waba_id: WabaId,
    business_id: Option<BusinessId>,
    tenant: TenantId,
    /// Sorts a tenant's accounts: those that are disconnected apart, then by time.
    listed: String,
    state: State,
    reason: Option<StatusReason>,
    enabled: bool,
    coexistence: bool,
    facts: Facts,
    label: Option<String>,
    external_id: Option<String>,
    /// As JSON text: whatever a tenant keeps there comes back as it was.
    metadata: String,
    summary: TokenSummary,
    webhook: Webhook,
    noticed: BTreeMap<String, Timestamp>,
    version: u64,
    revision: u64,
    generation: u64,
    connected_at: Timestamp,
    updated_at: Timestamp,
    token: Option<Sealed>,
    token_version: u64,
    pin: Option<Sealed>,
    pin_version: Option<u64>,
    #[serde(default)]
    register_after: Option<i64>,
    subject: Option<SubjectId>,
    sealed_at: Timestamp,
    leaving: Option<Leaving>,
    leaving_until: Option<i64>,
    /// [`DUE`] where something is to be done; and what and when, as it is sorted by.
    due: Option<String>,
    due_at: Option<String>,
    #[serde(default)]
    connection: Option<ConnectionId>,
    #[serde(default)]
    taken: Option<Taken>,
    #[serde(default)]
    told: BTreeMap<String, Timestamp>,
    /// Written by others, and never from here.
    #[serde(default, skip_serializing)]
    last_event_at: Option<Timestamp>,
}

/// None where the item is of a number that nobody ever owned.
pub(super) fn read(item: Option<Item>) -> Result<Option<Account>> {
    let Some(item) = item.filter(|item| item.contains_key("tenant")) else { return Ok(None) };
    let row: Row = serde_dynamo::from_item(item)?;
    let metadata = serde_json::from_str(&row.metadata).map_err(|error| Error::Corrupt(error.to_string()))?;
    let leaving_until = row.leaving_until.map(timestamp).transpose()?;
    let due = row.due_at.as_deref().map(due_of).transpose()?;
    Ok(Some(Account {
        number: row.phone_number_id,
        waba: row.waba_id,
        business: row.business_id,
        tenant: row.tenant,
        coexistence: row.coexistence,
        facts: row.facts,
        label: row.label,
        external_id: row.external_id,
        metadata,
        state: row.state,
        reason: row.reason,
        enabled: row.enabled,
        token: row.summary,
        webhook: Webhook { last_event_at: row.last_event_at, ..row.webhook },
        noticed: row.noticed,
        version: row.version,
        connected_at: row.connected_at,
        updated_at: row.updated_at,
        hidden: Hidden {
            generation: row.generation,
            revision: row.revision,
            token: row.token,
            token_version: row.token_version,
            pin: row.pin.zip(row.pin_version),
            register_after: row.register_after.map(timestamp).transpose()?,
            subject: row.subject,
            sealed_at: row.sealed_at,
            leaving: row.leaving.map(|leaving| Leaving { until: leaving_until, ..leaving }),
            due,
            connection: row.connection,
            taken: row.taken,
            told: row.told,
        },
    }))
}

pub(super) fn write(account: &Account) -> Result<Item> {
    let hidden = account.hidden.clone();
    let (pin, pin_version) = hidden.pin.unzip();
    let order = if account.is_disconnected() { DISCONNECTED } else { LIVING };
    Ok(serde_dynamo::to_item(Row {
        listed: format!("{order}{}#{}", sortable(account.connected_at), account.number),
        phone_number_id: account.number.clone(),
        waba_id: account.waba.clone(),
        business_id: account.business.clone(),
        tenant: account.tenant.clone(),
        state: account.state,
        reason: account.reason.clone(),
        enabled: account.enabled,
        coexistence: account.coexistence,
        facts: account.facts.clone(),
        label: account.label.clone(),
        external_id: account.external_id.clone(),
        metadata: serde_json::to_string(&account.metadata).map_err(|error| Error::Corrupt(error.to_string()))?,
        summary: account.token.clone(),
        webhook: account.webhook.clone(),
        noticed: account.noticed.clone(),
        version: account.version,
        revision: hidden.revision,
        generation: hidden.generation,
        connected_at: account.connected_at,
        updated_at: account.updated_at,
        token: hidden.token,
        token_version: hidden.token_version,
        pin,
        pin_version,
        register_after: hidden.register_after.map(Timestamp::as_millisecond),
        subject: hidden.subject,
        sealed_at: hidden.sealed_at,
        leaving_until: hidden.leaving.as_ref().and_then(|leaving| leaving.until).map(Timestamp::as_millisecond),
        leaving: hidden.leaving,
        due: hidden.due.map(|_| DUE.to_owned()),
        due_at: hidden.due.map(due_at),
        connection: hidden.connection,
        taken: hidden.taken,
        told: hidden.told,
        last_event_at: None,
    })?)
}

/// The one partition of what is due.
pub(super) const DUE: &str = "accounts";

/// How the sort key of a tenant's accounts begins; the living come after, so that newest first begins with them.
pub(super) const LIVING: &str = "1#";
const DISCONNECTED: &str = "0#";

/// What leaves comes before all looks, however many of those are due.
fn due_at(due: Due) -> String {
    format!("{}#{}", order_of(due.work), sortable(due.at))
}

/// Behind what is due by then, of any kind. What leaves is before it even where it is not due yet.
pub(super) fn due_by(at: Timestamp) -> String {
    due_at(Due { work: Work::Health, at })
}

fn due_of(text: &str) -> Result<Due> {
    let corrupt = || Error::Corrupt("what is due, and when".to_owned());
    let (order, at) = text.split_once('#').ok_or_else(corrupt)?;
    let work = [Work::Leaving, Work::Health].into_iter().find(|work| order_of(*work) == order).ok_or_else(corrupt)?;
    Ok(Due { work, at: timestamp(at.parse().map_err(|_| corrupt())?)? })
}

fn order_of(work: Work) -> &'static str {
    match work {
        Work::Leaving => "0",
        Work::Health => "1",
    }
}

/// Sorts as text as it does in time.
fn sortable(at: Timestamp) -> String {
    format!("{:013}", at.as_millisecond())
}

pub(super) fn timestamp(millis: i64) -> Result<Timestamp> {
    Timestamp::from_millisecond(millis).map_err(|error| Error::Corrupt(error.to_string()))
}
