//! What an owner does with an account: changes it, says its PIN. Each change is saved over what it was made from,
//! together with the audit's entry of it.
//!
//! Twice: the second finds it done. Half: nothing is saved, or all of it; a PIN that was set at Meta and not kept here is
//! kept by doing it again.

use secrecy::SecretString;

use super::connect::Connect;
use crate::{
    Error, Result,
    aws::{accounts::Accounts, audit::Audit, meta_app::MetaApps, vault::Vault},
    clock::Clock,
    domain::{
        account::{Account, Change, State},
        audit::Entry,
        meta_error::{Class, MetaError},
        meta_id::PhoneNumberId,
        tenant::TenantId,
    },
    meta::Graph,
};

#[derive(Debug, Clone)]
pub struct Own {
    pub accounts: Accounts,
    pub audit: Audit,
    pub vault: Vault,
    pub apps: MetaApps,
    pub graph: Graph,
    pub clock: Clock,
}

/// An account as it is now.
#[derive(Debug)]
pub struct Kept {
    pub account: Account,
    /// The audit's entry is committed; where nothing changed, it is not.
    pub is_noted: bool,
}

const RACES: usize = 8;

impl Own {
    /// With what connecting has.
    pub fn of(connect: &Connect) -> Self {
        Self {
            accounts: connect.accounts.clone(),
            audit: connect.audit.clone(),
            vault: connect.vault.clone(),
            apps: connect.apps.clone(),
            graph: connect.graph.clone(),
            clock: connect.clock.clone(),
        }
    }

    /// Changes a tenant's account, if `may` finds it as expected.
    pub async fn change(
        &self,
        tenant: &TenantId,
        id: &PhoneNumberId,
        change: &Change,
        may: impl Fn(&Account) -> Result<()>,
        entry: &Entry,
    ) -> Result<Kept> {
        for _ in 0..RACES {
            let before = self.accounts.own(tenant, id).await?;
            may(&before)?;
            let default = self.accounts.default_of(tenant).await?;
            let moves = change.make_default && default.as_ref() != Some(id);
            if moves && before.is_disconnected() {
                return Err(Error::AccountDisconnected);
            }
            let mut account = before.clone();
            account.change(change.clone());
            if account == before && !moves {
                return Ok(Kept { account, is_noted: false });
            }
            let (noted, now) = (vec![self.audit.adding(entry)?], self.clock.now());
            let is_saved = if moves {
                self.accounts.save_as_default(&mut account, &before, default.as_ref(), noted, now).await?
            } else {
                self.accounts.save_with(&mut account, &before, noted, now).await?
            };
            if is_saved {
                return Ok(Kept { account, is_noted: true });
            }
        }
        Err(Error::Outdated)
    }

    /// Keeps the owner's two-step PIN, for the next time the number is registered. One that is registered gets it at
    /// Meta too, so that what is kept is what stands there; where the token cannot do that, the owner is taken at their
    /// word.
    pub async fn set_pin(&self, account: &Account, pin: &SecretString, entry: &Entry) -> Result<Kept> {
        if account.is_disconnected() {
            return Err(Error::AccountDisconnected);
        }
        let (tenant, id, version) = (&account.tenant, &account.number, account.hidden.token_version);
        // First whatever can fail without effect.
        let sealed = self.vault.seal(&Account::pin_binding(tenant, id, version), pin).await?;
        let refused = self.set_at_meta(account, pin).await?;
        for _ in 0..RACES {
            let before = self.accounts.own(tenant, id).await?;
            if before.hidden.generation != account.hidden.generation || before.is_disconnected() {
                return Err(Error::Outdated);
            }
            let now = self.clock.now();
            let mut account = before.clone();
            account.hidden.pin = Some((sealed.clone(), version));
            if let Some(error) = refused.as_ref().filter(|_| before.hidden.token_version == version) {
                account.is_refused(error, now);
            }
            if self.accounts.save_with(&mut account, &before, vec![self.audit.adding(entry)?], now).await? {
                return Ok(Kept { account, is_noted: true });
            }
        }
        Err(Error::Outdated)
    }

    /// Gives Meta's refusal back where it means that the token cannot do this.
    async fn set_at_meta(&self, account: &Account, pin: &SecretString) -> Result<Option<MetaError>> {
        // A number that lives on a phone has its PIN there.
        if !account.facts.is_registered || account.coexistence || account.state == State::NeedsReconnect {
            return Ok(None);
        }
        let Some(sealed) = &account.hidden.token else { return Ok(None) };
        let app = self.apps.current().await?;
        let token = self.vault.open(&account.token_binding(&account.tenant, &account.number), sealed).await?;
        match self.graph.with(&app, &token).set_pin(&account.number, pin).await {
            Ok(()) => Ok(None),
            Err(error) if matches!(error.class(), Class::TokenInvalid | Class::AbilityMissing) => Ok(Some(error)),
            Err(error) => Err(error.into()),
        }
    }
}
