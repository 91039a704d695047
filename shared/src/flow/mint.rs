//! Making and ending keys and sessions: the credential, its audit entry and its receipt in one transaction.
//!
//! Twice: the receipt refuses the second. Half: nothing, or all of it. An answer lost on its way leaves a credential
//! nobody can use, which is listed and can be revoked.

use crate::{
    Error, Result,
    aws::{
        audit::Audit,
        credentials::Credentials,
        receipts::Receipts,
        transaction::{Outcome, Transactions},
    },
    clock::{Clock, Random},
    domain::{
        audit::Entry,
        bearer::Bearer,
        credential::{Credential, Kind, Order},
        idempotency::Repetition,
    },
};

#[derive(Debug, Clone)]
pub struct Mint {
    pub transactions: Transactions,
    pub credentials: Credentials,
    pub receipts: Receipts,
    pub audit: Audit,
    pub clock: Clock,
    pub random: Random,
}

impl Mint {
    /// Makes what `minter` ordered. The string is in the result and nowhere else.
    pub async fn make(
        &self,
        order: Order,
        minter: &Credential,
        repetition: Option<&Repetition>,
        audited: impl FnOnce(&Credential) -> Entry,
    ) -> Result<(Credential, Bearer)> {
        let now = self.clock.now();
        let granted = order.granted_by(minter);
        let (scopes, expires_at) = match granted {
            Ok(granted) => granted,
            Err(refused) => return Err(self.unless_made_before(repetition, refused.into()).await),
        };
        let bearer = Bearer::generate(order.kind, || self.random.bytes());
        let credential = Credential {
            id: bearer.id(),
            hash: bearer.hash(),
            name: order.name,
            tenant: order.tenant,
            scopes,
            created_at: now,
            created_by: Some(minter.id.clone()),
            expires_at,
            revoked_at: None,
        };
        // The minter may have been revoked since this process read its row.
        let mut writes = vec![
            self.credentials.unless_revoked(&minter.id)?,
            self.credentials.adding(&credential)?,
            self.audit.adding(&audited(&credential))?,
        ];
        if let Some(repetition) = repetition {
            writes.push(self.receipts.noting_secret(repetition, &credential.id, now)?);
        }
        match (self.transactions.commit(writes).await?, repetition) {
            (Outcome::Committed, _) => Ok((credential, bearer)),
            (Outcome::Refused { index: MINTER, .. }, _) => Err(Error::Unauthenticated),
            (Outcome::Refused { found: Some(found), .. }, Some(repetition)) => {
                Err(Receipts::refusal(found, repetition, now))
            }
            (Outcome::Refused { .. }, _) => Err(Error::Corrupt("a new credential met an old one".to_owned())),
        }
    }

    /// What to say to a request that is refused now: if the same one succeeded before, that.
    pub async fn unless_made_before(&self, repetition: Option<&Repetition>, refused: Error) -> Error {
        let Some(repetition) = repetition else { return refused };
        match self.receipts.earlier(repetition, self.clock.now()).await {
            Ok(earlier) => earlier.unwrap_or(refused),
            Err(error) => error,
        }
    }

    /// Ends a credential. Says whether it did: it may have been ended between our look and our write.
    pub async fn end(&self, credential: &Credential, entry: &Entry) -> Result<bool> {
        let ending = match credential.kind() {
            Kind::Key => self.credentials.revoking(credential, self.clock.now())?,
            Kind::Session => self.credentials.removing(&credential.id)?,
        };
        match self.transactions.commit(vec![ending, self.audit.adding(entry)?]).await? {
            Outcome::Committed => Ok(true),
            Outcome::Refused { index: 0, .. } => Ok(false),
            Outcome::Refused { .. } => Err(Error::Corrupt("an audit entry stood there already".to_owned())),
        }
    }
}

/// The place of the minter's check in the transaction.
const MINTER: usize = 0;
