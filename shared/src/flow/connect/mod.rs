//! Connecting numbers: an attempt is begun, somebody gives permission at Meta, and each chosen number goes through its
//! steps until it works.
//!
//! Twice or half: every step is noted before it is done and can be done again; whoever works holds the attempt's
//! lease, and where they die the sweeper goes on once it has ended.

mod attempt;
mod failure;
mod leave;
mod number;
mod permission;
mod verification;
mod visit;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

pub use visit::{Answer, Finished, Opened, Visits};

use crate::{
    Error, Result,
    aws::{
        accounts::Accounts,
        audit::Audit,
        connections::{Connections, Stored},
        meta_app::MetaApps,
        transaction::Write,
        vault::Vault,
    },
    clock::{Clock, Random},
    domain::{
        audit::Entry,
        connection::{
            AttemptOutcome, AttemptStep, Connection, Failure, HeldPin, HeldToken, Learned, NumberOutcome, NumberStep,
            Obstacle, Order, Refused, Setback, StepName, Work,
        },
        connection_id::ConnectionId,
        hex,
        meta_id::PhoneNumberId,
        sealed::Binding,
        tenant::TenantId,
    },
    meta::Graph,
};

/// How long a request works on an attempt before it leaves the rest to the sweeper.
const IN_REQUEST: SignedDuration = SignedDuration::from_secs(20);
/// A token of the operator's own is taken to be this old at most: Meta tells once it is inspected.
const MANUAL: &str = "manual";

#[derive(Debug, Clone)]
pub struct Connect {
    pub connections: Connections,
    pub accounts: Accounts,
    pub audit: Audit,
    pub vault: Vault,
    pub apps: MetaApps,
    pub graph: Graph,
    pub clock: Clock,
    pub random: Random,
}

/// What came of a piece of work.
enum Effect {
    Attempt(AttemptOutcome),
    Number(NumberOutcome),
    /// The number becomes an account in the same transaction as its last step is noted; refused, its claim was lost.
    Active(Vec<Write>, Learned),
    Left(Result<(), Failure>),
}

impl Connect {
    /// An id for a new attempt.
    pub fn draw_id(&self, tenant: &TenantId) -> ConnectionId {
        ConnectionId::new(tenant, self.random.bytes())
    }

    /// Begins an attempt under `id`. Begun before under that id, it is the one there is.
    pub async fn begin(
        &self,
        id: ConnectionId,
        tenant: &TenantId,
        order: Order,
        token: Option<&SecretString>,
        entry: &Entry,
    ) -> Result<Stored> {
        let now = self.clock.now();
        let mut connection = Connection::new(id, tenant.clone(), order, now);
        if let Some(token) = token {
            connection.authorize(self.held(&connection, token, None).await?, None, now);
            connection.code = Some(MANUAL.to_owned());
        }
        self.connections.add(&connection, now, vec![self.audit.adding(entry)?]).await?;
        self.own(tenant, &connection.id).await
    }

    /// A tenant's attempt. Another tenant's is not there.
    pub async fn own(&self, tenant: &TenantId, id: &ConnectionId) -> Result<Stored> {
        let unknown = || Error::NotFound { thing: "connection" };
        if !id.can_be_of(tenant) {
            return Err(unknown());
        }
        self.connections.find(id).await?.filter(|stored| stored.connection.tenant == *tenant).ok_or_else(unknown)
    }

    /// An action of a caller: the change and the audit's entry of it are one.
    pub async fn act<T>(
        &self,
        stored: &mut Stored,
        entry: &Entry,
        action: impl FnMut(&mut Connection, Timestamp) -> Result<T, Refused>,
    ) -> Result<T> {
        let now = self.clock.now();
        let mut action = action;
        let audited = [self.audit.adding(entry)?];
        self.connections.change_with(stored, now, &audited, |connection| Ok(action(connection, now)?)).await
    }

    /// Numbers are chosen by id. What the attempt does not know yet is looked for at Meta.
    pub async fn choose(&self, stored: &mut Stored, ids: &[PhoneNumberId], entry: &Entry) -> Result<()> {
        let now = self.clock.now();
        stored.connection.may_show_numbers(now)?;
        let found = if ids.iter().all(|id| stored.connection.number(id).is_some()) {
            Vec::new()
        } else {
            let mut found = self.look(&stored.connection).await?;
            found.retain(|found| ids.contains(&found.phone_number_id));
            found
        };
        let unknown = ids.iter().position(|id| {
            stored.connection.number(id).is_none() && !found.iter().any(|found| found.phone_number_id == *id)
        });
        if let Some(place) = unknown {
            return Err(Error::breaks(
                &format!("/phone_number_ids/{place}"),
                "expected a number that the permission given reaches",
            ));
        }
        self.act(stored, entry, |connection, now| {
            connection.know(found.clone());
            connection.choose(ids, now)
        })
        .await
    }

    /// The owner's PIN is sealed, and the number tried again.
    pub async fn resume(
        &self,
        stored: &mut Stored,
        only: Option<&PhoneNumberId>,
        pin: Option<&SecretString>,
        entry: &Entry,
    ) -> Result<()> {
        stored.connection.may_show_numbers(self.clock.now())?;
        let pin = match (only, pin) {
            (Some(id), Some(pin)) => {
                let version = stored.connection.number(id).and_then(|number| number.token_version).unwrap_or(1);
                Some(self.sealed_pin(&stored.connection, id, version, pin, true).await?)
            }
            _ => None,
        };
        self.act(stored, entry, |connection, now| {
            if let (Some(id), Some(pin)) = (only, &pin) {
                connection.give_pin(id, pin.clone(), now)?;
            }
            connection.resume(only, now)
        })
        .await
    }

    /// Works on an attempt within a request. What is left then, the sweeper does.
    pub async fn work_in_request(&self, stored: &mut Stored) -> Result<()> {
        self.work(stored, self.clock.now() + IN_REQUEST).await
    }

    /// The same, where an answer is given however it ends.
    pub async fn work_on(&self, stored: &mut Stored) {
        if let Err(error) = self.work_in_request(stored).await {
            tracing::error!(error = %error.chain(), "an attempt was left to the sweeper");
        }
    }

    /// Does what is to be done, one piece after the other, until nothing is due, somebody else has it, or time is up.
    pub async fn work(&self, stored: &mut Stored, until: Timestamp) -> Result<()> {
        let holder = self.draw();
        let now = self.clock.now();
        let first = |connection: &mut Connection| Ok::<_, Error>(connection.begin_next(&holder, now));
        let mut next = self.connections.change(stored, now, first).await?;
        while let Some(work) = next {
            let effect = self.perform(stored, &work).await?;
            next = match self.settle(stored, &holder, &work, effect, until).await {
                // Whoever took the work over goes on with it.
                Err(Error::Connection(Refused::Busy)) => return Ok(()),
                settled => settled?,
            };
        }
        Ok(())
    }

    async fn perform(&self, stored: &mut Stored, work: &Work) -> Result<Effect> {
        match self.attempt(stored, work).await {
            // The ciphertext is not this attempt's, or its key is gone: nothing can be asked of Meta with it.
            Err(Error::SealBroken) => {
                tracing::error!(connection = %stored.connection.id, "a token does not open");
                Ok(unopened(work))
            }
            attempted => attempted,
        }
    }

    async fn attempt(&self, stored: &mut Stored, work: &Work) -> Result<Effect> {
        match work {
            Work::Inspect => self.inspect(&stored.connection).await.map(Effect::Attempt),
            Work::Find => self.find(&stored.connection).await.map(Effect::Attempt),
            Work::Number { id, step } => self.number_step(stored, id, *step).await,
            Work::Leave { id } => self.leave(&stored.connection, id).await.map(Effect::Left),
        }
    }

    /// Notes what came of a piece of work and takes the next, in one write.
    async fn settle(
        &self,
        stored: &mut Stored,
        holder: &str,
        work: &Work,
        effect: Effect,
        until: Timestamp,
    ) -> Result<Option<Work>> {
        let now = self.clock.now();
        let (mut effect, mut writes) = (effect, Vec::new());
        if let Effect::Active(activating, learned) = effect {
            writes = activating;
            effect = Effect::Number(NumberOutcome::Done(learned));
        }
        let is_activation = !writes.is_empty();
        let change = |connection: &mut Connection| {
            if !connection.is_held_by(holder) {
                return Err(Error::Connection(Refused::Busy));
            }
            // Given up while the last step was done: then it must not become an account.
            if is_activation && !connection.is_alive(now) {
                return Err(Error::Outdated);
            }
            apply(connection, work, &effect, now);
            if now >= until {
                connection.let_go();
                return Ok(None);
            }
            Ok(connection.begin_next(holder, now))
        };
        match self.connections.change_with(stored, now, &writes, change).await {
            Err(Error::Outdated) if is_activation => {
                effect = Effect::Number(NumberOutcome::Superseded);
                let change = |connection: &mut Connection| {
                    apply(connection, work, &effect, now);
                    Ok::<_, Error>(connection.begin_next(holder, now))
                };
                self.connections.change(stored, now, change).await
            }
            settled => settled,
        }
    }

    /// The token as the attempt keeps it.
    async fn held(
        &self,
        connection: &Connection,
        token: &SecretString,
        expires_at: Option<Timestamp>,
    ) -> Result<HeldToken> {
        Ok(HeldToken {
            sealed: self.vault.seal(&connection.token_binding(), token).await?,
            sealed_at: self.clock.now(),
            expires_at,
            kind: None,
            subject: None,
            abilities: Vec::new(),
            wabas: Vec::new(),
        })
    }

    async fn token(&self, connection: &Connection) -> Result<std::sync::Arc<SecretString>> {
        let held = connection.token.as_ref().ok_or(Refused::NotAuthorized)?;
        self.vault.open(&connection.token_binding(), &held.sealed).await
    }

    async fn sealed_pin(
        &self,
        connection: &Connection,
        id: &PhoneNumberId,
        version: u64,
        pin: &SecretString,
        is_owners: bool,
    ) -> Result<HeldPin> {
        let binding = Binding::Pin { tenant: connection.tenant.clone(), number: id.clone(), version };
        Ok(HeldPin { sealed: self.vault.seal(&binding, pin).await?, version, is_owners })
    }

    fn draw(&self) -> String {
        hex::encode(&self.random.bytes::<16>())
    }
}

fn apply(connection: &mut Connection, work: &Work, effect: &Effect, now: Timestamp) {
    match (work, effect) {
        (_, Effect::Attempt(outcome)) => connection.settle_attempt(outcome.clone(), now),
        (Work::Number { id, step }, Effect::Number(outcome)) => {
            connection.settle_number(id, *step, outcome.clone(), now);
        }
        (Work::Leave { id }, Effect::Left(outcome)) => connection.settle_leaving(id, outcome.clone(), now),
        _ => {}
    }
}

fn unopened(work: &Work) -> Effect {
    let lasting =
        |step: StepName| Failure::Lasting(Setback::at(step, Obstacle::TokenInvalid, "its token does not open"));
    match work {
        Work::Inspect => Effect::Attempt(AttemptOutcome::Failed(lasting(AttemptStep::TokenInspected.into()))),
        Work::Find => Effect::Attempt(AttemptOutcome::Failed(lasting(AttemptStep::NumbersFound.into()))),
        Work::Number { step, .. } => Effect::Number(NumberOutcome::Failed(lasting((*step).into()))),
        Work::Leave { .. } => Effect::Left(Err(lasting(NumberStep::Subscribed.into()))),
    }
}
