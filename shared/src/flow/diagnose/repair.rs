//! Doing again what may be done again: subscribing, registering, reading the facts.
//!
//! Twice: the second finds nothing to do. Half: what was done is done. Meta counts registrations, so a number that is
//! registered is left alone, and so is one that was refused, until Meta's own time is over.

use std::sync::Arc;

use jiff::SignedDuration;
use secrecy::SecretString;

use super::Diagnose;
use crate::{
    Error, Result,
    domain::{
        account::Account,
        diagnosis::{Check, CheckName, Diagnosis},
        meta_app::MetaApp,
        meta_assets::Number,
        meta_error::{Class, MetaError},
    },
};

/// For so long Meta takes no registration after it has counted too many.
const LIMITED: SignedDuration = SignedDuration::from_hours(72);
/// A PIN that was wrong too often is not asked for again before.
const BLOCKED: SignedDuration = SignedDuration::from_hours(24);

/// Why a step did not mend what it should.
struct Left {
    of: CheckName,
    detail: String,
    remedy: String,
    needs_pin: bool,
}

impl Diagnose {
    /// Mends what it can, and says how the account stands then: what could not be mended, and why.
    pub async fn repair(&self, account: &Account, target: &str) -> Result<Diagnosis> {
        if account.is_disconnected() {
            return Err(Error::AccountDisconnected);
        }
        let left = match self.mend(account).await {
            // The diagnosis shows it.
            Err(Error::Meta(_) | Error::SealBroken | Error::MetaAppNotConfigured) => Vec::new(),
            mended => mended?,
        };
        let account = match self.health.look(account).await {
            Ok(looked) => looked.unwrap_or_else(|| account.clone()),
            Err(Error::Meta(_) | Error::MetaAppNotConfigured) => account.clone(),
            Err(error) => return Err(error),
        };
        let mut diagnosis = self.diagnose(&account, target).await?;
        for check in diagnosis.checks.iter_mut().filter(|check| check.passed != Some(true)) {
            if let Some(left) = left.iter().find(|left| left.of == check.name) {
                explain(check, left, &account);
            }
        }
        Ok(diagnosis)
    }

    async fn mend(&self, account: &Account) -> Result<Vec<Left>> {
        let app = self.connect.apps.current().await?;
        let Some(token) = self.health.token(account).await? else { return Ok(Vec::new()) };
        let session = self.connect.graph.with(&app, &token);
        let mut left = Vec::new();
        // Also where it stands already: Meta takes it again.
        if let Err(error) = session.subscribe(&account.waba).await {
            left.push(Left::of(CheckName::AppSubscribed, &error));
        }
        let number = session.number(&account.number).await?;
        if !number.is_registered() && !number.is_on_biz_app && !account.coexistence && number.is_verified() {
            left.extend(self.register(account, &app, &token, &number).await?);
        }
        Ok(left)
    }

    async fn register(
        &self,
        account: &Account,
        app: &MetaApp,
        token: &SecretString,
        number: &Number,
    ) -> Result<Option<Left>> {
        let now = self.connect.clock.now();
        if let Some(after) = account.hidden.register_after.filter(|after| now < *after) {
            return Ok(Some(Left {
                of: CheckName::Registered,
                detail: format!("Meta takes no registration of this number before {after}"),
                remedy: format!(
                    "Wait until {after}, then repair the account again; trying before only costs attempts."
                ),
                needs_pin: false,
            }));
        }
        let pin = self.pin(account).await?;
        let Err(error) = self.connect.graph.with(app, token).register(&number.id, &pin).await else { return Ok(None) };
        let wait = match error.class() {
            Class::RegisterLimit => Some(LIMITED),
            Class::PinBlocked => Some(BLOCKED),
            _ => None,
        };
        if let Some(wait) = wait {
            let note = |found: &mut Account| {
                if found.hidden.generation == account.hidden.generation {
                    found.hidden.register_after = Some(now + wait);
                }
                Ok(())
            };
            self.connect.accounts.edit(&account.number, now, note).await?;
        }
        Ok(Some(Left::of(CheckName::Registered, &error)))
    }

    /// The one that is kept, or one drawn now and kept before it is used.
    async fn pin(&self, account: &Account) -> Result<Arc<SecretString>> {
        if let Some((sealed, version)) = &account.hidden.pin {
            let binding = Account::pin_binding(&account.tenant, &account.number, *version);
            return self.connect.vault.open(&binding, sealed).await;
        }
        let pin = self.connect.draw_pin();
        let version = account.hidden.token_version;
        let binding = Account::pin_binding(&account.tenant, &account.number, version);
        let sealed = self.connect.vault.seal(&binding, &pin).await?;
        let keep = |found: &mut Account| {
            if found.hidden.generation != account.hidden.generation || found.is_disconnected() {
                return Err(Error::Outdated);
            }
            // The owner's own, given meanwhile, is the right one.
            if found.hidden.pin.is_some() {
                return Err(Error::Outdated);
            }
            found.hidden.pin = Some((sealed.clone(), version));
            Ok(())
        };
        self.connect.accounts.edit(&account.number, self.connect.clock.now(), keep).await?;
        Ok(Arc::new(pin))
    }
}

impl Left {
    fn of(name: CheckName, error: &MetaError) -> Self {
        Self {
            of: name,
            detail: error.to_string(),
            remedy: error.remedy().to_owned(),
            needs_pin: error.class() == Class::PinMismatch,
        }
    }
}

/// What the step itself was told says more than that it is not done. The call that did not help is not offered again,
/// but the one that may.
fn explain(check: &mut Check, left: &Left, account: &Account) {
    check.detail = format!("{}; repairing it did not help: {}", check.detail, left.detail);
    check.remedy = Some(left.remedy.clone());
    check.fix = None;
    if left.needs_pin {
        *check = check.clone().fixed_by("PUT", format!("/v1/accounts/{}/pin", account.number));
    }
}
