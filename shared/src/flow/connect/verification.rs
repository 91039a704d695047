//! A number that nobody has proved to be theirs is verified: Meta sends a code by SMS or call, and the number goes on once
//! the code is entered.

use secrecy::SecretString;

use super::Connect;
use crate::{
    Result,
    aws::connections::Stored,
    domain::{audit::Entry, connection::Refused, meta_id::PhoneNumberId},
    meta::number::CodeMethod,
};

impl Connect {
    /// Has a code sent. The connection's own numbers only: what the path names is a hint.
    pub async fn send_verification(
        &self,
        stored: &mut Stored,
        id: &PhoneNumberId,
        by_voice: bool,
        language: &str,
        entry: &Entry,
    ) -> Result<()> {
        self.check_known(stored, id)?;
        let (app, token) = (self.apps.current().await?, self.token(&stored.connection).await?);
        let method = if by_voice { CodeMethod::Voice } else { CodeMethod::Sms };
        self.audit.add(entry).await?;
        Ok(self.graph.with(&app, &token).request_code(id, method, language).await?)
    }

    /// Enters the code. The number is tried again at once.
    pub async fn verify(
        &self,
        stored: &mut Stored,
        id: &PhoneNumberId,
        code: &SecretString,
        entry: &Entry,
    ) -> Result<()> {
        self.check_known(stored, id)?;
        let (app, token) = (self.apps.current().await?, self.token(&stored.connection).await?);
        let session = self.graph.with(&app, &token);
        // Entered before, the answer having been lost: then it is done.
        if !session.number(id).await?.is_verified() {
            session.verify_code(id, code).await?;
        }
        self.act(stored, entry, |connection, now| connection.verified(id, now)).await
    }

    fn check_known(&self, stored: &Stored, id: &PhoneNumberId) -> Result<()> {
        stored.connection.may_show_numbers(self.clock.now())?;
        Ok(stored.connection.number(id).map(|_| ()).ok_or(Refused::UnknownNumber)?)
    }
}
