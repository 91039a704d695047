//! The claim, the one POST, and what its answer means.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::{
    Deliver, Fate, Said,
    look::{Batch, Ordered},
    turn::{Delay, Gone},
};
use crate::{
    Error, Result,
    aws::messages::Stepped,
    domain::{
        account::Account,
        keyring::Keyring,
        message::Stored,
        meta_app::MetaApp,
        meta_error::MetaError,
        outgoing,
        sending::{Between, Callback, Fault, Outcome, SOON, Sending, Source, backoff},
    },
    flow::accept::nonce,
    meta::messages::Taken,
};

/// What a POST takes besides the message: all of it is fetched before the claim.
pub(super) struct Means {
    token: Arc<SecretString>,
    app: Arc<MetaApp>,
    keys: Arc<Keyring>,
}

/// Too much to one person.
const PAIR_LIMIT: i64 = 131_056;

impl Deliver {
    /// None: the number has no token that opens, and its account says so from now on.
    pub(super) async fn means(&self, ordered: &Ordered, account: &Account) -> Result<Option<Means>> {
        let line = &ordered.line;
        let binding = account.token_binding(&line.tenant, &line.number);
        let opened = match &account.hidden.token {
            Some(token) => self.vault.open(&binding, token).await,
            None => Err(Error::SealBroken),
        };
        let token = match opened {
            Ok(token) => token,
            Err(Error::SealBroken) => {
                let now = self.clock.now();
                self.blame(account, |account| account.lacks_token("its token does not open", now)).await?;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        Ok(Some(Means { token, app: self.apps.current().await?, keys: self.secret.keyring().await? }))
    }

    #[expect(clippy::too_many_arguments, reason = "everything that a message's turn has gathered")]
    pub(super) async fn post(
        &self,
        ordered: &Ordered,
        message: &Stored,
        sending: &Sending,
        account: &Account,
        means: &Means,
        batch: &Batch,
        said: &mut Said,
    ) -> Result<Gone> {
        let body = posted(ordered, message, sending, &means.keys)?;
        let now = self.clock.now();
        let claimed = sending.stepped(&nonce(&self.random), |sending| sending.is_claimed(now));
        match self.messages.step(&ordered.line, &ordered.id, &claimed, None).await? {
            Stepped::Done => {}
            Stepped::Moved(there) => return Ok(Gone::Moved(there)),
            Stepped::Gone => return Ok(Gone::Fate(Fate::Done)),
        }
        let answer = self.graph.with(&means.app, &means.token).send(&ordered.line.number, &body).await;
        match answer {
            Ok(taken) => self.is_taken(ordered, message, &claimed, taken, said).await,
            Err(error) => match Outcome::of(&error) {
                Outcome::Again => self.again(ordered, &claimed, &error, batch, said).await,
                Outcome::Unknown => self.is_lost(ordered, &claimed, &error).await,
                Outcome::Refused => self.is_refused(ordered, message, &claimed, account, &error, batch, said).await,
            },
        }
    }

    async fn is_taken(
        &self,
        ordered: &Ordered,
        message: &Stored,
        claimed: &Sending,
        taken: Taken,
        said: &mut Said,
    ) -> Result<Gone> {
        let now = self.clock.now();
        let sent = claimed.stepped(&nonce(&self.random), |sending| sending.is_sent(taken.remark, now));
        match self.messages.step(&ordered.line, &ordered.id, &sent, Some(&taken.wamid)).await? {
            Stepped::Done => said.count(&ordered.line, message, &sent),
            // A lease that ran out, and somebody who noticed it: a status will tell.
            Stepped::Moved(_) | Stepped::Gone => {}
        }
        Ok(Gone::Fate(Fate::Done))
    }

    /// It had no effect, and may be made again after a while.
    async fn again(
        &self,
        ordered: &Ordered,
        claimed: &Sending,
        error: &MetaError,
        batch: &Batch,
        said: &mut Said,
    ) -> Result<Gone> {
        let now = self.clock.now();
        let until = now + backoff(claimed.attempts, u16::from_be_bytes(self.random.bytes()));
        let fault = Fault::of(error);
        match error.refusal().map(|refusal| refusal.code) {
            Some(PAIR_LIMIT) => {
                if let Some((id, mut head)) = self.head(ordered, batch).await? {
                    head.is_blocked(until);
                    // Somebody who was faster has not been told: they will hear it themselves.
                    self.save(ordered, id, &mut head, batch).await?;
                }
            }
            Some(_) => {
                batch.block(&ordered.line, until);
                let gate = self.messages.gate(&ordered.line).await?;
                self.messages.edit_gate(&ordered.line, gate, |gate| gate.is_blocked(until)).await?;
            }
            None => {}
        }
        if until <= now + SOON {
            let back = claimed.stepped(&nonce(&self.random), |sending| sending.is_given_back(fault, now));
            let gone = self.stepped(ordered, &back).await?;
            return Ok(if let Gone::Fate(_) = gone { Gone::Fate(Fate::Again(until)) } else { gone });
        }
        let delay = Delay { until, detail: "Meta takes no more at present", fault };
        self.put_off(ordered, claimed, delay, batch, said).await
    }

    /// Nobody knows. A status may tell; whoever looks later ends it.
    async fn is_lost(&self, ordered: &Ordered, claimed: &Sending, error: &MetaError) -> Result<Gone> {
        let now = self.clock.now();
        let lost = claimed.stepped(&nonce(&self.random), |sending| sending.is_lost(&error.to_string(), now));
        self.mark_due(&ordered.line, &lost, now).await?;
        self.stepped(ordered, &lost).await?;
        Ok(Gone::Fate(Fate::Done))
    }

    #[expect(clippy::too_many_arguments, reason = "everything that a message's turn has gathered")]
    async fn is_refused(
        &self,
        ordered: &Ordered,
        message: &Stored,
        claimed: &Sending,
        account: &Account,
        error: &MetaError,
        batch: &Batch,
        said: &mut Said,
    ) -> Result<Gone> {
        let now = self.clock.now();
        let Some(fault) = Fault::of(error) else { return self.is_lost(ordered, claimed, error).await };
        let mut probe = account.clone();
        if probe.is_refused(error, now) {
            batch.stop(&ordered.line);
            self.blame(account, |account| _ = account.is_refused(error, now)).await?;
            return self.hold(ordered, claimed, error.to_string(), Some(fault), batch, said).await;
        }
        let failed = claimed.stepped(&nonce(&self.random), |sending| sending.fails(fault, Source::Graph, now));
        if let Gone::Moved(there) = self.stepped(ordered, &failed).await? {
            return Ok(Gone::Moved(there));
        }
        said.count(&ordered.line, message, &failed);
        Ok(Gone::Fate(Fate::Done))
    }

    /// The account says why, unless it has another token by now.
    async fn blame(&self, tried: &Account, change: impl Fn(&mut Account)) -> Result<()> {
        let blaming = self.accounts.edit(&tried.number, self.clock.now(), |account| {
            if account.has_token_of(tried) {
                change(account);
            }
            Ok(())
        });
        blaming.await.map(drop)
    }
}

fn posted(ordered: &Ordered, message: &Stored, sending: &Sending, keys: &Keyring) -> Result<Map<String, Value>> {
    let unreadable = || Error::Corrupt("a message of ours".to_owned());
    let body: Map<String, Value> = serde_json::from_str(&message.raw).map_err(|_| unreadable())?;
    let names = sending.recipient.names().aliases();
    let between = Between {
        tenant: &ordered.line.tenant,
        number: &ordered.line.number,
        recipient: names.first().ok_or_else(unreadable)?,
    };
    let callback = Callback::new(keys, between, ordered.id, sending.attempts + 1);
    Ok(outgoing::posted(body, &sending.recipient, &callback.to_string()))
}
