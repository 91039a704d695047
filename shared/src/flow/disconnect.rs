//! A tenant lets go of a number. The account is disconnected first, in one transaction: from then on nothing is sent.
//! What is left is to call Meta's events off, where nobody else rests on the WABA, and to throw the ciphertexts away.
//!
//! Twice: the second finds it done. Half: the account is due until all is done, and the sweeper goes on.

use jiff::SignedDuration;

use super::connect::Connect;
use crate::{
    Error, Result,
    aws::{
        accounts::{Accounts, Departure, Started},
        audit::Audit,
        meta_app::MetaApps,
        transaction::{Outcome, Transactions},
        vault::Vault,
    },
    clock::Clock,
    domain::{
        account::{Account, Due, Work},
        audit::Entry,
        meta_error::{Class, MetaError},
        meta_id::PhoneNumberId,
        tenant::TenantId,
    },
    meta::{Graph, Session},
};

/// Whoever finishes has the account and its WABA for so long.
const FINISHING: SignedDuration = SignedDuration::from_secs(60);
/// After so many attempts at Meta the ciphertexts go all the same.
const ATTEMPTS: u32 = 20;
const RACES: usize = 5;
/// What the calls to Meta may take, and a little more.
const CALLS: SignedDuration = SignedDuration::from_secs(25);

#[derive(Debug, Clone)]
pub struct Disconnect {
    pub accounts: Accounts,
    pub transactions: Transactions,
    pub audit: Audit,
    pub vault: Vault,
    pub apps: MetaApps,
    pub graph: Graph,
    pub clock: Clock,
}

impl Disconnect {
    /// With what connecting has.
    pub fn of(connect: &Connect, transactions: Transactions) -> Self {
        Self {
            accounts: connect.accounts.clone(),
            transactions,
            audit: connect.audit.clone(),
            vault: connect.vault.clone(),
            apps: connect.apps.clone(),
            graph: connect.graph.clone(),
            clock: connect.clock.clone(),
        }
    }

    /// Disconnects a tenant's account, if `may` finds it as expected. Says whether it did: one that is disconnected
    /// already stays so.
    pub async fn commit(
        &self,
        tenant: &TenantId,
        id: &PhoneNumberId,
        deregister: bool,
        may: impl Fn(&Account) -> Result<()>,
        entry: &Entry,
    ) -> Result<(Account, bool)> {
        for _ in 0..RACES {
            let before = self.accounts.own(tenant, id).await?;
            may(&before)?;
            if before.is_disconnected() {
                return Ok((before, false));
            }
            let now = self.clock.now();
            let mut account = before.clone();
            account.disconnects(deregister, now);
            account.settle(&before, now);
            let is_default = self.accounts.default_of(tenant).await?.as_ref() == Some(id);
            let mut writes = self.accounts.disconnecting(&account, is_default)?;
            writes.push(self.audit.adding(entry)?);
            if let Outcome::Committed = self.transactions.commit(writes).await? {
                return Ok((account, true));
            }
        }
        Err(Error::Outdated)
    }

    /// Does what a disconnect left to do.
    pub async fn finish(&self, account: &Account) -> Result<()> {
        let now = self.clock.now();
        match self.accounts.start_leaving(account, now + FINISHING, now).await? {
            // A claim may come to nothing yet: then the events are still ours to call off, with this token.
            Started::Busy | Started::Over | Started::Claimed => Ok(()),
            Started::Yes { account, departure } => {
                let left = self.leave(&account, departure.as_ref()).await;
                if let Some(departure) = &departure {
                    self.accounts.departed(departure).await?;
                }
                match left? {
                    Left::Nothing => self.forget(&account, None).await,
                    Left::Something(report) => self.forget(&account, Some(&report)).await,
                    Left::NotYet(error) if !may_try_again(&account) => {
                        self.forget(&account, Some(&Report::subscription(&error))).await
                    }
                    Left::NotYet(_) | Left::TooLate => self.postpone(&account).await,
                }
            }
        }
    }

    /// What is done at Meta.
    async fn leave(&self, account: &Account, departure: Option<&Departure>) -> Result<Left> {
        let deregister = account.hidden.leaving.as_ref().is_some_and(|leaving| leaving.deregister);
        if departure.is_none() && !deregister {
            return Ok(Left::Nothing);
        }
        let Some(sealed) = &account.hidden.token else { return Ok(Left::Something(Report::without_permission())) };
        let token = match self.vault.open(&account.token_binding(&account.tenant, &account.number), sealed).await {
            Err(Error::SealBroken) => return Ok(Left::Something(Report::without_permission())),
            token => token?,
        };
        let app = self.apps.current().await?;
        // Whoever slept meanwhile must not call off the events of those who have moved in.
        if departure.is_some_and(|departure| departure.until < self.clock.now() + CALLS) {
            return Ok(Left::TooLate);
        }
        Ok(undo(&self.graph.with(&app, &token), account, departure, deregister).await)
    }

    /// Nothing is left to open. What could not be called off is told where one looks.
    async fn forget(&self, account: &Account, report: Option<&Report>) -> Result<()> {
        let generation = account.hidden.generation;
        let forget = |account: &mut Account| {
            // Connected again meanwhile: then all of it is another's.
            if account.hidden.generation == generation && account.is_disconnected() {
                account.is_gone();
                if let (Some(report), Some(reason)) = (report, &mut account.reason) {
                    report.code.clone_into(&mut reason.code);
                    reason.detail.clone_from(&report.detail);
                    report.remedy.clone_into(&mut reason.remedy);
                }
            }
            Ok(())
        };
        self.accounts.edit(&account.number, self.clock.now(), forget).await.map(|_| ())
    }

    async fn postpone(&self, account: &Account) -> Result<()> {
        let now = self.clock.now();
        let generation = account.hidden.generation;
        let postpone = |account: &mut Account| {
            if account.hidden.generation == generation
                && let Some(leaving) = &mut account.hidden.leaving
            {
                leaving.until = None;
                leaving.attempts += 1;
                let wait = SignedDuration::from_secs(60 * i64::from(leaving.attempts.min(30)));
                account.hidden.due = Some(Due { work: Work::Leaving, at: now + wait });
            }
            Ok(())
        };
        self.accounts.edit(&account.number, now, postpone).await.map(|_| ())
    }
}

/// How far leaving has come.
enum Left {
    Nothing,
    /// What nobody can undo from here.
    Something(Report),
    NotYet(MetaError),
    /// The right to leave has nearly run out.
    TooLate,
}

/// What a disconnect could not undo, and who can.
struct Report {
    code: &'static str,
    detail: String,
    remedy: &'static str,
}

impl Report {
    fn without_permission() -> Self {
        Self {
            code: "disconnected",
            detail:
                "the number was disconnected here after its permission had ended; should Meta still send its events, \
                     they are dropped"
                    .to_owned(),
            remedy: "Connect the number again to use it.",
        }
    }

    fn subscription(error: &MetaError) -> Self {
        Self {
            code: "subscription_left",
            detail: format!("Meta may still send its events here, for it refused to stop: {error}"),
            remedy: "Remove the app in the business's settings at Meta, under Connected apps.",
        }
    }

    fn registration(error: &MetaError) -> Self {
        Self {
            code: "registration_left",
            detail: format!("the number is still registered at Meta, for it refused to end that: {error}"),
            remedy: "Delete the number in WhatsApp Manager, or connect it again.",
        }
    }
}

fn may_try_again(account: &Account) -> bool {
    account.hidden.leaving.as_ref().is_some_and(|leaving| leaving.attempts < ATTEMPTS)
}

/// One refusal does not keep the other from being tried. The events matter more, so they come first.
async fn undo(session: &Session<'_>, account: &Account, departure: Option<&Departure>, deregister: bool) -> Left {
    let mut left = Left::Nothing;
    if let Some(departure) = departure {
        match session.unsubscribe(&departure.waba).await {
            Ok(()) => {}
            Err(error) if error.is_temporary() => return Left::NotYet(error),
            // A permission that is dead can undo nothing more.
            Err(error) if error.class() == Class::TokenInvalid => {
                return Left::Something(Report::without_permission());
            }
            Err(error) => left = Left::Something(Report::subscription(&error)),
        }
    }
    if deregister {
        match session.deregister(&account.number).await {
            Ok(()) => {}
            Err(error) if error.is_temporary() => return Left::NotYet(error),
            Err(error) if matches!(error.class(), Class::NotRegistered | Class::TokenInvalid) => {}
            Err(error) => {
                if matches!(left, Left::Nothing) {
                    left = Left::Something(Report::registration(&error));
                }
            }
        }
    }
    left
}
