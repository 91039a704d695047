//! The steps of the attempt itself: what the token is, and what it reaches.

use std::collections::HashMap;

use jiff::SignedDuration;

use super::{Connect, failure::failure};
use crate::{
    Error, Result,
    domain::{
        connection::{
            AttemptOutcome, AttemptStep, ConnectedTo, Connection, Failure, Found, FoundWaba, Inspected, Obstacle,
            Setback,
        },
        meta_assets::{Number, Waba},
        meta_error::{Class, MetaError},
        meta_id::{PhoneNumberId, WabaId},
        tenant::TenantId,
    },
    meta::{
        Session,
        login::{TokenFacts, TokenKind},
    },
};

/// A user's token that ends sooner is exchanged for a long-lived one.
const SHORT: SignedDuration = SignedDuration::from_hours(48);
/// How many accounts of one permission are looked at.
const WABAS: usize = 200;

impl Connect {
    pub(super) async fn inspect(&self, connection: &Connection) -> Result<AttemptOutcome> {
        let failed = |failure| Ok(AttemptOutcome::Failed(failure));
        let app = match self.apps.current().await {
            Err(Error::MetaAppNotConfigured) => return failed(not_configured(AttemptStep::TokenInspected)),
            app => app?,
        };
        let token = self.token(connection).await?;
        let session = self.graph.of_app(&app);
        let facts = match session.inspect(&token).await {
            Ok(facts) => facts,
            Err(error) => return failed(failure(AttemptStep::TokenInspected, &error)),
        };
        if let Some(setback) = objection(&facts, &app.id) {
            return failed(Failure::Lasting(setback));
        }
        let now = self.clock.now();
        let is_short = facts.expires_at.is_some_and(|expires_at| expires_at < now + SHORT);
        let mut expires_at = facts.expires_at;
        let mut longer = None;
        if facts.kind == TokenKind::User && is_short {
            // Without it the number would work for an hour: better said now than then.
            match session.long_lived(&token).await {
                Ok(granted) => {
                    expires_at = granted.expires_in.and_then(|seconds| {
                        now.checked_add(SignedDuration::from_secs(i64::try_from(seconds).ok()?)).ok()
                    });
                    longer = Some((self.vault.seal(&connection.token_binding(), &granted.token).await?, now));
                }
                Err(error) => return failed(failure(AttemptStep::TokenInspected, &error)),
            }
        }
        Ok(AttemptOutcome::Inspected(Inspected {
            kind: facts.kind.to_string(),
            expires_at,
            subject: facts.subject,
            abilities: facts.scopes,
            wabas: facts.target_wabas,
            longer,
        }))
    }

    pub(super) async fn find(&self, connection: &Connection) -> Result<AttemptOutcome> {
        match self.look(connection).await {
            Ok(found) => Ok(AttemptOutcome::Found(found)),
            Err(Error::Meta(error)) => Ok(AttemptOutcome::Failed(failure(AttemptStep::NumbersFound, &error))),
            Err(Error::MetaAppNotConfigured) => Ok(AttemptOutcome::Failed(not_configured(AttemptStep::NumbersFound))),
            Err(Error::NothingShared) => {
                let setback = Setback::at(
                    AttemptStep::NumbersFound,
                    Obstacle::NoBusinessAccount,
                    "the permission names no WhatsApp account",
                );
                Ok(AttemptOutcome::Failed(Failure::Lasting(setback)))
            }
            Err(error) => Err(error),
        }
    }

    /// Every number the attempt's token reaches, as Meta shows it now.
    pub async fn look(&self, connection: &Connection) -> Result<Vec<Found>> {
        let app = self.apps.current().await?;
        let token = self.token(connection).await?;
        let session = self.graph.with(&app, &token);
        let wabas = reached(&session, connection).await?;
        if wabas.is_empty() {
            return Err(Error::NothingShared);
        }
        let mut found = Vec::new();
        let mut refused = None;
        for waba in &wabas {
            match self.in_waba(&session, &connection.tenant, waba).await {
                Ok(numbers) => found.extend(numbers),
                // One account that cannot be read does not hide the others.
                Err(Error::Meta(error)) if !error.is_temporary() => refused = Some(error),
                Err(error) => return Err(error),
            }
        }
        match refused {
            Some(error) if found.is_empty() => Err(error.into()),
            _ => Ok(found),
        }
    }

    /// The numbers of one account, with whose each is.
    pub(super) async fn in_waba(&self, session: &Session<'_>, tenant: &TenantId, id: &WabaId) -> Result<Vec<Found>> {
        let waba = session.waba(id).await?;
        let numbers = session.numbers_of(id).await?;
        let ids: Vec<PhoneNumberId> = numbers.iter().map(|number| number.id.clone()).collect();
        let owners = self.accounts.owners(&ids).await?;
        Ok(numbers.into_iter().map(|number| seen(&waba, number, &owners, tenant)).collect())
    }
}

type Owners = HashMap<PhoneNumberId, (TenantId, crate::domain::account::Status)>;

fn seen(waba: &Waba, number: Number, owners: &Owners, tenant: &TenantId) -> Found {
    use crate::domain::account::Status;
    let connected_to = match owners.get(&number.id) {
        Some((owner, _)) if owner != tenant => ConnectedTo::AnotherTenant,
        // What needs to be connected again is open to it.
        None | Some((_, Status::NeedsReconnect)) => ConnectedTo::Nobody,
        Some(_) => ConnectedTo::ThisTenant,
    };
    Found {
        waba: FoundWaba {
            id: waba.id.clone(),
            name: waba.name.clone(),
            currency: waba.currency.clone(),
            timezone_id: waba.timezone_id.clone(),
            business_id: waba.business_id.clone(),
        },
        display_phone_number: number.display_phone_number,
        verified_name: number.verified_name,
        quality_rating: number.quality_rating.map(String::from),
        code_verification_status: number.code_verification_status.map(String::from),
        is_on_biz_app: number.is_on_biz_app,
        status: number.status.map(String::from),
        phone_number_id: number.id,
        connected_to,
    }
}

/// The accounts a token reaches: those it names, else those of the person's businesses. What a browser or an operator
/// named is looked at too, with that token, which is the proof.
async fn reached(session: &Session<'_>, connection: &Connection) -> Result<Vec<WabaId>, MetaError> {
    let named = connection.token.as_ref().map(|token| token.wabas.clone()).unwrap_or_default();
    let mut wabas = if named.is_empty() { of_businesses(session).await? } else { named };
    for hinted in &connection.hinted_wabas {
        if !wabas.contains(hinted) && session.waba(hinted).await.is_ok() {
            wabas.push(hinted.clone());
        }
    }
    wabas.truncate(WABAS);
    Ok(wabas)
}

async fn of_businesses(session: &Session<'_>) -> Result<Vec<WabaId>, MetaError> {
    let businesses = match session.businesses().await {
        // Reading businesses is a permission of its own, which nobody needs for anything else.
        Err(error) if error.class() == Class::AbilityMissing => Vec::new(),
        businesses => businesses?,
    };
    let mut wabas: Vec<WabaId> = Vec::new();
    for business in &businesses {
        for waba in session.wabas_of(business).await? {
            if !wabas.contains(&waba) {
                wabas.push(waba);
            }
        }
    }
    Ok(wabas)
}

fn objection(facts: &TokenFacts, app_id: &str) -> Option<Setback> {
    let invalid = |detail: &str| Some(Setback::at(AttemptStep::TokenInspected, Obstacle::TokenInvalid, detail));
    if facts.app_id.as_deref() != Some(app_id) {
        return invalid("the token is another app's");
    }
    if !facts.is_valid {
        return invalid("Meta says that the token is not valid");
    }
    None
}

pub(super) fn not_configured(step: AttemptStep) -> Failure {
    Failure::Temporary(Setback::at(step, Obstacle::MetaAppNotConfigured, "no Meta app is configured"))
}
