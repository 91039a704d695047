//! What Meta tells of a WABA or of a number's standing: taken over by the accounts it is about, and kept as an event.
//!
//! The account or the template first, the event then. Twice or half: they take older news for nothing new, and an event is
//! kept once.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    Error, Result,
    aws::{
        accounts::Accounts,
        connections::Connections,
        messages::{Event, Messages, Templates},
    },
    clock::Clock,
    domain::{
        account::{Account, Told, owners},
        envelope::{Envelope, Unit},
        meta_id::WabaId,
        template::{self, Holder, Template},
        tenant::TenantId,
    },
};

#[derive(Debug, Clone)]
pub struct Tell {
    pub accounts: Accounts,
    pub connections: Connections,
    pub messages: Messages,
    pub templates: Templates,
    pub clock: Clock,
}

impl Tell {
    /// Says whether there was anybody to tell: where nobody is on the WABA, the unit waits for somebody.
    pub async fn tell(&self, envelope: &Envelope<'_>, unit: &Unit<'_>) -> Result<bool> {
        // What cannot be read as JSON (a lone surrogate) is nothing an account could take over.
        let value: Value = serde_json::from_str(unit.raw.get()).unwrap_or_default();
        let Some(waba) = waba_of(envelope, &value) else { return Ok(false) };
        let accounts = self.accounts.on_waba(&waba).await?;
        let at = envelope.time.and_then(|second| Timestamp::from_second(second).ok()).unwrap_or(envelope.at);
        let told = Told { field: &envelope.field, value: &value, at };
        for account in accounts.iter().filter(|account| told.concerns(account)) {
            self.accounts
                .edit(&account.number, self.clock.now(), |account| {
                    account.is_told(told);
                    Ok(())
                })
                .await?;
            if told.is_partner_added() {
                self.note_partner(account, told).await?;
            }
        }
        for tenant in owners(&accounts) {
            let event = Event {
                tenant,
                waba: waba.as_str(),
                number: None,
                field: &envelope.field,
                kind: unit.kind.as_str(),
                at: Some(at),
                received_at: envelope.at,
                raw: unit.raw.get(),
            };
            let told = template::Told { field: &envelope.field, value: &value, at };
            // What comes again after that came something later would bring back what was.
            if template::FIELDS.contains(&told.field) && !self.messages.is_kept(&event).await? {
                self.tell_of_template(tenant, &waba, told).await?;
            }
            self.messages.keep(&event).await?;
        }
        Ok(!accounts.is_empty())
    }

    /// Each tenant that rests on a WABA has its own copy of its templates.
    async fn tell_of_template(&self, tenant: &TenantId, waba: &WabaId, told: template::Told<'_>) -> Result<()> {
        let Some((key, _)) = told.about() else { return Ok(()) };
        let holder = Holder { tenant: tenant.clone(), waba: waba.clone() };
        let change = |found: Option<Template>| told.takes_effect_on(found);
        let kept = self.templates.edit(&holder, &key, self.clock.now(), change).await?;
        // What is in it is not told: whoever asks next is to read it.
        if kept.is_some_and(|template| template.parameters().is_none()) {
            self.templates.note_read(&holder, None).await?;
        }
        Ok(())
    }

    /// Meta confirms the permission that made an account: that belongs to the attempt, unless it was over by then.
    async fn note_partner(&self, account: &Account, told: Told<'_>) -> Result<()> {
        let Some(id) = &account.hidden.connection else { return Ok(()) };
        let Some(mut stored) = self.connections.find(id).await? else { return Ok(()) };
        if stored.connection.expires_at < told.at {
            return Ok(());
        }
        self.connections
            .change(&mut stored, self.clock.now(), |connection| {
                connection.partner_event = Some(told.value.clone());
                Ok::<_, Error>(())
            })
            .await
    }
}

/// The WABA it is about. Fields about partners come under a portfolio's id and name the WABA inside.
pub fn waba_of(envelope: &Envelope<'_>, value: &Value) -> Option<WabaId> {
    let inside = value.pointer("/waba_info/waba_id").and_then(Value::as_str);
    inside.and_then(|id| id.parse().ok()).or_else(|| envelope.entry.parse().ok())
}
