//! Undoing what was begun for a number that came to nothing: its place and its claim are given back, and where nobody
//! rests on its account any more, Meta's events for it are called off.

use jiff::SignedDuration;

use super::{Connect, failure::failure};
use crate::{
    Error, Result,
    aws::accounts::Released,
    domain::{
        account::Claim,
        connection::{Connection, Failure, Number, NumberStep, Obstacle, Setback},
        meta_id::PhoneNumberId,
    },
};

/// How long the account is held while we leave it.
const DEPARTING: SignedDuration = SignedDuration::from_secs(60);
/// How long a claim counts that nobody prolongs.
const CLAIM: SignedDuration = SignedDuration::from_mins(15);

impl Connect {
    pub(super) fn claim_of(&self, connection: &Connection, number: &Number) -> Claim {
        Claim {
            number: number.id().clone(),
            waba: number.found.waba.id.clone(),
            tenant: connection.tenant.clone(),
            connection: connection.id.clone(),
            until: self.clock.now() + CLAIM,
        }
    }

    pub(super) async fn leave(&self, connection: &Connection, id: &PhoneNumberId) -> Result<Result<(), Failure>> {
        let Some(number) = connection.number(id) else { return Ok(Ok(())) };
        let released = self.accounts.release(&self.claim_of(connection, number)).await?;
        if released == Released::Shared || !number.undo.subscription {
            return Ok(Ok(()));
        }
        let now = self.clock.now();
        let waba = &number.found.waba.id;
        // Somebody moved in, or leaves it already: then it is theirs.
        let Some(departure) = self.accounts.depart(waba, now + DEPARTING, now).await? else { return Ok(Ok(())) };
        if connection.token.is_none() {
            // Told where one looks, instead of tried for ever.
            self.accounts.departed(&departure).await?;
            let detail = "the permission is gone: Meta may still send this account's events here";
            return Ok(Err(Failure::Lasting(Setback::at(NumberStep::Subscribed, Obstacle::TokenInvalid, detail))));
        }
        let was_subscribed = number.step(NumberStep::Subscribed).is_over();
        let unsubscribed = self.unsubscribe(connection, waba).await;
        self.accounts.departed(&departure).await?;
        match unsubscribed {
            Ok(()) => Ok(Ok(())),
            // Whoever could not subscribe cannot unsubscribe, and need not.
            Err(Error::Meta(error)) if !error.is_temporary() && !was_subscribed => {
                tracing::debug!(error = %error, "nothing to unsubscribe");
                Ok(Ok(()))
            }
            Err(Error::Meta(error)) => Ok(Err(failure(NumberStep::Subscribed, &error))),
            Err(error) => Err(error),
        }
    }

    async fn unsubscribe(&self, connection: &Connection, waba: &crate::domain::meta_id::WabaId) -> Result<()> {
        let app = self.apps.current().await?;
        let token = self.token(connection).await?;
        Ok(self.graph.with(&app, &token).unsubscribe(waba).await?)
    }
}
