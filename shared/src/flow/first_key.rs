//! The first key of a deployment: made by Secrets Manager at deploy, put into `credentials` by whoever comes first.
//!
//! Twice: the second finds it. Half: there is one write. After it was revoked: the tombstone stands, and stays.

use jiff::Timestamp;

use crate::{
    Result,
    aws::{
        audit::Audit,
        credentials::Credentials,
        stack_secret::StackSecret,
        transaction::{Outcome, Transactions},
    },
    clock::Clock,
    domain::{audit::Entry, bearer::Bearer, credential::Credential, scope::Scopes},
};

#[derive(Debug, Clone)]
pub struct FirstKey {
    pub secret: StackSecret,
    pub credentials: Credentials,
    pub audit: Audit,
    pub clock: Clock,
    pub transactions: Transactions,
}

impl FirstKey {
    /// Puts the hash of the stack secret's key where there is none. Says whether it did.
    pub async fn put_if_absent(&self, request_id: &str) -> Result<bool> {
        let key = self.secret.first_key().await?;
        if self.credentials.find(&key.id()).await?.is_some() {
            return Ok(false);
        }
        let now = self.clock.now();
        let credential = credential(&key, now);
        let entry = Entry {
            at: now,
            request_id: request_id.to_owned(),
            tenant: None,
            who: None,
            what: "first key".to_owned(),
            on: Some(key.id().to_string()),
            status: 201,
            code: None,
        };
        let writes = vec![self.credentials.adding(&credential)?, self.audit.adding(&entry)?];
        Ok(matches!(self.transactions.commit(writes).await?, Outcome::Committed))
    }
}

/// The first key as it is kept.
pub fn credential(key: &Bearer, now: Timestamp) -> Credential {
    Credential {
        id: key.id(),
        hash: key.hash(),
        name: Some("first key".to_owned()),
        tenant: None,
        scopes: Scopes::all(),
        created_at: now,
        created_by: None,
        expires_at: None,
        revoked_at: None,
    }
}
