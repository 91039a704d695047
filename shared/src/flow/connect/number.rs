//! The steps of one number. Each looks before it acts, so that doing it again is safe.

use secrecy::SecretString;

use super::{Connect, Effect, attempt::not_configured, failure::failure};
use crate::{
    Error, Result,
    aws::{accounts::Claimed, connections::Stored},
    domain::{
        account::{Ability, Facts, Fresh, TokenSummary},
        connection::{
            AttemptStep, Connection, Failure, Found, HeldPin, Learned, Number, NumberOutcome, NumberStep, Obstacle,
            Setback,
        },
        meta_error::{Class, MetaError},
        meta_id::PhoneNumberId,
        sealed::Binding,
    },
    meta::{Session, login::MESSAGING, number::Sync},
};

type Done = Result<Effect>;

impl Connect {
    pub(super) async fn number_step(&self, stored: &mut Stored, id: &PhoneNumberId, step: NumberStep) -> Done {
        let done = match step {
            NumberStep::OwnershipProved => self.prove(&stored.connection, id).await,
            NumberStep::Claimed => self.claim(stored, id).await,
            NumberStep::Subscribed => self.subscribe(stored, id).await,
            NumberStep::Registered => self.register(stored, id).await,
            NumberStep::SyncRequested => self.request_sync(&stored.connection, id).await,
            NumberStep::Active => self.activate(&stored.connection, id).await,
        };
        match done {
            Err(Error::Meta(error)) => Ok(failed(failure(step, &error))),
            Err(Error::MetaAppNotConfigured) => Ok(failed(not_configured(AttemptStep::NumbersFound))),
            done => done,
        }
    }

    /// In its account's list, with this token.
    async fn prove(&self, connection: &Connection, id: &PhoneNumberId) -> Done {
        let (app, token) = (self.apps.current().await?, self.token(connection).await?);
        let session = self.graph.with(&app, &token);
        let number = known(connection, id)?;
        let seen = self.in_waba(&session, &connection.tenant, &number.found.waba.id).await?;
        let lasting = |obstacle, detail: &str| {
            Ok(failed(Failure::Lasting(Setback::at(NumberStep::OwnershipProved, obstacle, detail))))
        };
        let Some(own) = seen.iter().find(|found| found.phone_number_id == *id) else {
            return lasting(Obstacle::NumberNotInWaba, "the account shared does not list this number");
        };
        if own.connected_to == crate::domain::connection::ConnectedTo::AnotherTenant {
            return lasting(Obstacle::NumberTaken, "it is connected to another customer");
        }
        let is_named =
            connection.token.as_ref().is_some_and(|token| token.abilities.iter().any(|name| name == MESSAGING));
        if !is_named && !session.may_message(id).await? {
            return lasting(Obstacle::TokenMissingAbility, "the permission does not include sending messages");
        }
        Ok(learned(Learned::Seen(seen)))
    }

    async fn claim(&self, stored: &mut Stored, id: &PhoneNumberId) -> Done {
        self.note(stored, |connection| connection.will_undo(id, |undo| undo.claim = true)).await?;
        let claim = self.claim_of(&stored.connection, known(&stored.connection, id)?);
        Ok(match self.accounts.claim(&claim, self.clock.now()).await? {
            Claimed::Yes { token_version, .. } => learned(Learned::Claimed { token_version }),
            Claimed::Busy => Effect::Number(NumberOutcome::Busy),
            Claimed::Taken => failed(Failure::Lasting(Setback::at(
                NumberStep::Claimed,
                Obstacle::NumberTaken,
                "it is connected to another customer",
            ))),
        })
    }

    /// That it may have been done is noted before it is: should all this come to nothing, and nobody rest on the account,
    /// it is undone.
    async fn subscribe(&self, stored: &mut Stored, id: &PhoneNumberId) -> Done {
        let (app, token) = (self.apps.current().await?, self.token(&stored.connection).await?);
        self.note(stored, |connection| connection.will_undo(id, |undo| undo.subscription = true)).await?;
        let waba = &known(&stored.connection, id)?.found.waba.id;
        // Also where it stands already: Meta takes it again.
        self.graph.with(&app, &token).subscribe(waba).await?;
        Ok(learned(Learned::Nothing))
    }

    async fn register(&self, stored: &mut Stored, id: &PhoneNumberId) -> Done {
        let (app, token) = (self.apps.current().await?, self.token(&stored.connection).await?);
        let session = self.graph.with(&app, &token);
        let shown = session.number(id).await?;
        // A number that lives on a phone is registered there. And what is registered stays so: Meta counts attempts.
        if shown.is_on_biz_app || shown.is_registered() {
            return Ok(Effect::Number(NumberOutcome::Skipped));
        }
        if !shown.is_verified() {
            let detail = "nobody has proved yet whose number it is";
            return Ok(failed(Failure::Lasting(Setback::at(
                NumberStep::Registered,
                Obstacle::NumberUnverified,
                detail,
            ))));
        }
        let pin = self.pin(stored, id).await?;
        match session.register(id, &pin).await {
            Ok(()) => Ok(learned(Learned::Nothing)),
            Err(error) => Ok(failed(failure(NumberStep::Registered, &error))),
        }
    }

    /// The PIN to register with: the owner's, the one the account had, or one drawn now and noted before it is used.
    async fn pin(&self, stored: &mut Stored, id: &PhoneNumberId) -> Result<std::sync::Arc<SecretString>> {
        let connection = &stored.connection;
        let number = known(connection, id)?;
        let binding = |version| Binding::Pin { tenant: connection.tenant.clone(), number: id.clone(), version };
        if let Some(HeldPin { sealed, version, .. }) = &number.pin {
            return self.vault.open(&binding(*version), sealed).await;
        }
        let before = self.accounts.find(id).await?.filter(|account| account.tenant == connection.tenant);
        if let Some((sealed, version)) = before.and_then(|account| account.hidden.pin) {
            return self.vault.open(&binding(version), &sealed).await;
        }
        let pin = std::sync::Arc::new(self.draw_pin());
        let version = number.token_version.unwrap_or(1);
        let held = self.sealed_pin(connection, id, version, &pin, false).await?;
        self.note(stored, |connection| connection.draw_pin(id, held.clone())).await?;
        Ok(pin)
    }

    /// Six digits, each number as likely as the next.
    pub fn draw_pin(&self) -> SecretString {
        const PINS: u32 = 1_000_000;
        let fair = u32::MAX - u32::MAX % PINS;
        loop {
            let drawn = u32::from_be_bytes(self.random.bytes());
            if drawn < fair {
                return format!("{:06}", drawn % PINS).into();
            }
        }
    }

    /// What the phone has, asked for once. The number works without it.
    async fn request_sync(&self, connection: &Connection, id: &PhoneNumberId) -> Done {
        if !known(connection, id)?.found.is_on_biz_app {
            return Ok(Effect::Number(NumberOutcome::Skipped));
        }
        let (app, token) = (self.apps.current().await?, self.token(connection).await?);
        let session = self.graph.with(&app, &token);
        for kind in [Sync::Contacts, Sync::History] {
            match session.request_sync(id, kind).await {
                Ok(()) => {}
                // Asked for before, or too late, or not shared: once is all there is.
                Err(error) if error.class() == Class::SyncRefused => {}
                Err(error) if error.is_temporary() => return Err(error.into()),
                Err(error) => {
                    let obstacle = failure(NumberStep::SyncRequested, &error).setback().obstacle;
                    return Ok(Effect::Number(NumberOutcome::Forgone(obstacle)));
                }
            }
        }
        Ok(learned(Learned::Nothing))
    }

    /// The token moves to the account without being opened, and number and attempt are saved together.
    async fn activate(&self, connection: &Connection, id: &PhoneNumberId) -> Done {
        let (app, token) = (self.apps.current().await?, self.token(connection).await?);
        let session = self.graph.with(&app, &token);
        let number = known(connection, id)?;
        let held = connection.token.as_ref().ok_or(crate::domain::connection::Refused::NotAuthorized)?;
        let facts = self.facts(&session, &number.found).await?;
        let status = facts.number_status.clone();
        let token_version =
            number.token_version.ok_or_else(|| Error::Corrupt("a claim without a version".to_owned()))?;
        let account =
            Binding::AccountToken { tenant: connection.tenant.clone(), number: id.clone(), version: token_version };
        let sealed = self.vault.rebind(&connection.token_binding(), &account, &held.sealed).await?;
        let before = self.accounts.find(id).await?;
        let fresh = Fresh {
            claim: self.claim_of(connection, number),
            facts,
            business: number.found.waba.business_id.clone(),
            coexistence: number.found.is_on_biz_app,
            external_id: connection.external_id.clone(),
            token: sealed,
            token_version,
            summary: TokenSummary {
                kind: held.kind.clone().unwrap_or_default(),
                expires_at: held.expires_at,
                abilities: vec![Ability::Manage, Ability::Message],
                checked_at: self.clock.now(),
            },
            subject: held.subject.clone(),
            sealed_at: held.sealed_at,
            pin: number.pin.as_ref().map(|pin| (pin.sealed.clone(), pin.version)),
            now: self.clock.now(),
        };
        Ok(Effect::Active(self.accounts.activating(fresh, before.as_ref())?, Learned::Connected { status }))
    }

    async fn facts(&self, session: &Session<'_>, found: &Found) -> Result<Facts, MetaError> {
        let (waba, number) = (session.waba(&found.waba.id).await?, session.number(&found.phone_number_id).await?);
        Ok(Facts::of(&waba, &number))
    }

    /// A change noted on the way, while the step goes on.
    async fn note(&self, stored: &mut Stored, change: impl Fn(&mut Connection)) -> Result<()> {
        let noted = |connection: &mut Connection| {
            change(connection);
            Ok::<_, Error>(())
        };
        self.connections.change(stored, self.clock.now(), noted).await
    }
}

fn known<'a>(connection: &'a Connection, id: &PhoneNumberId) -> Result<&'a Number> {
    connection.number(id).ok_or_else(|| Error::Corrupt("work on a number that is not there".to_owned()))
}

fn learned(learned: Learned) -> Effect {
    Effect::Number(NumberOutcome::Done(learned))
}

fn failed(failure: Failure) -> Effect {
    Effect::Number(NumberOutcome::Failed(failure))
}
