//! The daily look at each connected number: does its token work, what does Meta show, and is its token to be renewed.
//!
//! Twice: whoever begins puts the next look off, on the condition that nobody else has. Half: what was put off comes
//! again, and a renewed token that was not kept leaves the old one as good as it was. A token newer than the one
//! looked at is never written over.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::connect::Connect;
use crate::{
    Error, Result,
    aws::{accounts::Accounts, meta_app::MetaApps, vault::Vault},
    clock::Clock,
    domain::{
        account::{Ability, Account, Due, Facts, Seen, Work},
        daily,
        meta_app::MetaApp,
        meta_error::{Class, MetaError, Refusal},
        sealed::Binding,
    },
    meta::{
        Graph,
        login::{Granted, MESSAGING, TokenFacts, TokenKind},
    },
};

/// A token that ends within this time is renewed: long before anybody is warned of it, and with many days to fail.
const RENEWED_AHEAD: SignedDuration = SignedDuration::from_hours(24 * 30);
/// When a look that came to nothing is taken again.
const AGAIN: SignedDuration = SignedDuration::from_mins(15);

#[derive(Debug, Clone)]
pub struct Health {
    pub accounts: Accounts,
    pub vault: Vault,
    pub apps: MetaApps,
    pub graph: Graph,
    pub clock: Clock,
}

/// What a look came to.
enum Found {
    Works(Box<Seen>),
    Refused(MetaError),
    NoToken(&'static str),
}

impl Health {
    /// With what connecting has.
    pub fn of(connect: &Connect) -> Self {
        Self {
            accounts: connect.accounts.clone(),
            vault: connect.vault.clone(),
            apps: connect.apps.clone(),
            graph: connect.graph.clone(),
            clock: connect.clock.clone(),
        }
    }

    /// The look that is due. Nothing where somebody else has begun it.
    pub async fn daily(&self, account: &Account) -> Result<()> {
        let now = self.clock.now();
        let mut taken = account.clone();
        taken.hidden.due = Some(Due { work: Work::Health, at: now + AGAIN });
        if !self.accounts.save(&mut taken, account, now).await? {
            return Ok(());
        }
        self.look(&taken).await.map(|_| ())
    }

    /// Looks at an account now, and keeps what it finds. Meta not answering is an error, and changes nothing.
    pub async fn look(&self, account: &Account) -> Result<Option<Account>> {
        if account.is_disconnected() {
            return Ok(Some(account.clone()));
        }
        let app = self.apps.current().await?;
        let (looked, found) = match self.token(account).await {
            Ok(Some(token)) => self.ask(&app, account, token).await?,
            Ok(None) => (account.clone(), Found::NoToken("no token is kept for it")),
            Err(Error::SealBroken) => (account.clone(), Found::NoToken("its token cannot be opened any more")),
            Err(error) => return Err(error),
        };
        let now = self.clock.now();
        let settled = self.accounts.edit(&account.number, now, |account| {
            // Another token is not the one that was tried, and another owner's number is not ours to judge.
            if account.has_token_of(&looked) && !account.is_disconnected() {
                settle(account, &found, now);
                account.hidden.due = Some(Due { work: Work::Health, at: daily::next(account.number.as_str(), now) });
            }
            Ok(())
        });
        Ok(settled.await?.map(|edited| edited.account))
    }

    pub(super) async fn token(&self, account: &Account) -> Result<Option<Arc<SecretString>>> {
        let Some(sealed) = &account.hidden.token else { return Ok(None) };
        let binding = account.token_binding(&account.tenant, &account.number);
        self.vault.open(&binding, sealed).await.map(Some)
    }

    /// The account as renewing has left it, and what Meta shows.
    async fn ask(&self, app: &MetaApp, account: &Account, token: Arc<SecretString>) -> Result<(Account, Found)> {
        let of_token = self.graph.of_app(app).inspect(&token).await?;
        if let Some(refusal) = objection(&of_token, &app.id) {
            return Ok((account.clone(), Found::Refused(MetaError::Refused(refusal))));
        }
        let (account, token, expires_at) = self.renewed(app, account, token, &of_token).await?;
        let found = match self.facts(app, &account, &token, &of_token).await {
            Ok(seen) => Found::Works(Box::new(Seen { expires_at, ..seen })),
            Err(error) if error.is_temporary() || error.class() == Class::AppMisconfigured => return Err(error.into()),
            Err(error) => Found::Refused(error),
        };
        Ok((account, found))
    }

    async fn facts(
        &self,
        app: &MetaApp,
        account: &Account,
        token: &SecretString,
        of_token: &TokenFacts,
    ) -> Result<Seen, MetaError> {
        let session = self.graph.with(app, token);
        let number = session.number(&account.number).await?;
        let waba = session.waba(&account.waba).await?;
        let apps = session.subscribed_apps(&account.waba).await?;
        let is_named = of_token.scopes.iter().any(|scope| scope == MESSAGING);
        let mut abilities = vec![Ability::Manage];
        if is_named || session.may_message(&account.number).await? {
            abilities.push(Ability::Message);
        }
        Ok(Seen {
            kind: of_token.kind.to_string(),
            expires_at: of_token.expires_at,
            abilities,
            business: waba.business_id.clone(),
            is_subscribed: apps.contains(&app.id),
            facts: Facts::of(&waba, &number),
        })
    }

    /// A token that ends soon gives way to a new one, which is kept before anything is done with it.
    async fn renewed(
        &self,
        app: &MetaApp,
        account: &Account,
        token: Arc<SecretString>,
        of_token: &TokenFacts,
    ) -> Result<(Account, Arc<SecretString>, Option<Timestamp>)> {
        let now = self.clock.now();
        let unchanged = (account.clone(), Arc::clone(&token), of_token.expires_at);
        let Some(ends) = of_token.expires_at.filter(|ends| *ends < now + RENEWED_AHEAD) else { return Ok(unchanged) };
        let granted = match self.grant(app, &token, &of_token.kind).await {
            Ok(granted) => granted,
            Err(error) => {
                // The old one works until its end: there are days left to try again, and then a warning.
                tracing::warn!(number = %account.number, %error, "a token was not renewed");
                return Ok(unchanged);
            }
        };
        let expires_at = granted
            .expires_in
            .and_then(|seconds| now.checked_add(SignedDuration::from_secs(i64::try_from(seconds).ok()?)).ok());
        if expires_at.is_some_and(|expires_at| expires_at <= ends) {
            return Ok(unchanged);
        }
        let binding = Binding::AccountToken {
            tenant: account.tenant.clone(),
            number: account.number.clone(),
            version: account.hidden.token_version + 1,
        };
        let sealed = self.vault.seal(&binding, &granted.token).await?;
        match self.accounts.renew(account, &sealed, expires_at, now).await? {
            Some(renewed) => Ok((renewed, Arc::new(granted.token), expires_at)),
            None => Ok(unchanged),
        }
    }

    async fn grant(&self, app: &MetaApp, token: &SecretString, kind: &TokenKind) -> Result<Granted, MetaError> {
        let session = self.graph.of_app(app);
        match kind {
            TokenKind::SystemUser => session.renewed(token).await,
            _ => session.long_lived(token).await,
        }
    }
}

fn settle(account: &mut Account, found: &Found, now: Timestamp) {
    match found {
        Found::Works(seen) => account.is_seen(Seen::clone(seen), now),
        Found::NoToken(detail) => account.lacks_token(detail, now),
        Found::Refused(error) => {
            if !account.is_refused(error, now) {
                tracing::warn!(number = %account.number, %error, "a daily look was refused");
            }
        }
    }
}

/// Why a token is of no use, as Meta would say it to whoever uses it.
pub(super) fn objection(of_token: &TokenFacts, app_id: &str) -> Option<Refusal> {
    if of_token.is_valid && of_token.app_id.as_deref() == Some(app_id) {
        return None;
    }
    let said = of_token.error.clone().filter(|refusal| refusal.row().class == Class::TokenInvalid);
    Some(said.unwrap_or(Refusal { code: 190, ..Refusal::default() }))
}
