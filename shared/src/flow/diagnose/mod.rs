//! The doctor: looks at one account, at Meta and here, and says what is wrong, since when, and what to do. Looking
//! changes nothing; `repair` does again what may be done again.

mod checks;
mod repair;
mod webhook;

use std::{fmt, sync::Arc};

use secrecy::SecretString;

use super::{
    connect::Connect,
    health::{Health, objection},
};
use crate::{
    Error, Result,
    domain::{
        account::Account,
        diagnosis::Diagnosis,
        meta_app::MetaApp,
        meta_assets::{Number, Waba},
        meta_error::{MetaError, Refusal},
    },
    meta::login::{AppSubscription, TokenFacts},
};

#[derive(Debug, Clone)]
pub struct Diagnose {
    connect: Connect,
    health: Health,
}

/// What was seen of one thing, or why it was not.
type Look<T> = Result<T, Blind>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Blind {
    /// Meta refused, or did not answer.
    Meta(MetaError),
    /// There is nothing to look with: why.
    Without(&'static str),
}

/// Everything that was looked at.
struct Sight {
    token: Look<TokenFacts>,
    /// Why the token is of no use, where it is not.
    objection: Option<Refusal>,
    may_message: Look<bool>,
    number: Look<Number>,
    waba: Look<Waba>,
    apps: Look<Vec<String>>,
    subscription: Look<Option<AppSubscription>>,
    app_id: Option<String>,
}

impl Diagnose {
    pub fn of(connect: &Connect) -> Self {
        Self { health: Health::of(connect), connect: connect.clone() }
    }

    /// `target` is where Meta's webhooks should go.
    pub async fn diagnose(&self, account: &Account, target: &str) -> Result<Diagnosis> {
        let sight = self.look(account).await?;
        Ok(checks::all(account, &sight, target, self.connect.clock.now()))
    }

    /// Six calls at most, each once, and none waits for more than one other.
    async fn look(&self, account: &Account) -> Result<Sight> {
        let app = match self.connect.apps.current().await {
            Err(Error::MetaAppNotConfigured) => return Ok(Sight::blind("no Meta app is configured")),
            app => app?,
        };
        let token = match self.health.token(account).await {
            Err(Error::SealBroken) => None,
            token => token?,
        };
        let of_app = self.connect.graph.of_app(&app);
        let Some(token) = token.filter(|_| !account.is_disconnected()) else {
            let subscription = of_app.subscription().await.map_err(Blind::Meta);
            return Ok(Sight { subscription, app_id: Some(app.id.clone()), ..Sight::blind("no token is kept for it") });
        };
        let (inspected, subscription) = tokio::join!(of_app.inspect(&token), of_app.subscription());
        let refused = inspected.as_ref().ok().and_then(|facts| objection(facts, &app.id));
        let sight = Sight {
            token: inspected.map_err(Blind::Meta),
            objection: refused.clone(),
            subscription: subscription.map_err(Blind::Meta),
            app_id: Some(app.id.clone()),
            ..Sight::blind("Meta does not accept the token")
        };
        if refused.is_some() { Ok(sight) } else { Ok(self.look_with(account, &app, &token, sight).await) }
    }

    async fn look_with(&self, account: &Account, app: &MetaApp, token: &Arc<SecretString>, sight: Sight) -> Sight {
        let session = self.connect.graph.with(app, token);
        let (may_message, number, waba, apps) = tokio::join!(
            session.may_message(&account.number),
            session.number(&account.number),
            session.waba(&account.waba),
            session.subscribed_apps(&account.waba)
        );
        Sight {
            may_message: may_message.map_err(Blind::Meta),
            number: number.map_err(Blind::Meta),
            waba: waba.map_err(Blind::Meta),
            apps: apps.map_err(Blind::Meta),
            ..sight
        }
    }
}

impl Sight {
    fn blind(why: &'static str) -> Self {
        let blind = Blind::Without(why);
        Self {
            token: Err(blind.clone()),
            objection: None,
            may_message: Err(blind.clone()),
            number: Err(blind.clone()),
            waba: Err(blind.clone()),
            apps: Err(blind.clone()),
            subscription: Err(blind),
            app_id: None,
        }
    }
}

impl Blind {
    fn remedy(&self) -> &'static str {
        match self {
            Self::Meta(error) => error.remedy(),
            Self::Without(_) => "See what is said of the token: without one that works, nobody can look.",
        }
    }
}

impl fmt::Display for Blind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Meta(error) => error.fmt(f),
            Self::Without(why) => f.write_str(why),
        }
    }
}
