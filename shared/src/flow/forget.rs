//! A person removes the app at Meta, or wants their data deleted: every token they gave before is thrown away.
//!
//! Twice: nothing is left to throw away. Half: the caller hears of it and asks again; what was done stays done. A token
//! sealed after the request was issued is another permission, and stays.

use crate::{
    Error, Result,
    aws::{accounts::Accounts, audit::Audit, connections::Connections},
    clock::Clock,
    domain::{
        account::{Account, State, StatusReason},
        audit::Entry,
        connection::Connection,
        tenant::TenantId,
    },
    meta::signed_request::SignedRequest,
};

const PAGE: i32 = 25;

#[derive(Debug, Clone)]
pub struct Forget {
    pub accounts: Accounts,
    pub connections: Connections,
    pub audit: Audit,
    pub clock: Clock,
}

impl Forget {
    /// Throws away what the person gave. `what` is the audit's word for it.
    pub async fn tokens_of(&self, request: &SignedRequest, what: &str, request_id: &str) -> Result<()> {
        let mut after = None;
        loop {
            let page = self.accounts.by_subject(&request.subject, PAGE, after).await?;
            for account in page.accounts.iter().filter(|account| account.hidden.sealed_at < request.issued_at) {
                self.account(account, request).await?;
                self.note(what, &account.tenant, account.number.as_str(), request_id).await?;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut after = None;
        loop {
            let page = self.connections.of_subject(&request.subject, after).await?;
            for id in &page.ids {
                let Some(mut stored) = self.connections.find(id).await? else { continue };
                let now = self.clock.now();
                let forget = |connection: &mut Connection| {
                    Ok::<_, Error>(connection.forget_subject(&request.subject, request.issued_at, now))
                };
                if self.connections.change(&mut stored, now, forget).await? {
                    self.note(what, &stored.connection.tenant, id.as_str(), request_id).await?;
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn account(&self, account: &Account, request: &SignedRequest) -> Result<()> {
        let now = self.clock.now();
        let reason = StatusReason::new(
            "deauthorized",
            "whoever gave this permission has withdrawn it at Meta",
            "Connect the number again, and allow access at Meta.",
            now,
        );
        self.accounts
            .edit(&account.number, now, |account| {
                let is_meant = account.hidden.subject.as_ref() == Some(&request.subject)
                    && account.hidden.sealed_at < request.issued_at;
                if is_meant {
                    account.fails(State::NeedsReconnect, reason.clone());
                    account.forget_token();
                }
                Ok(())
            })
            .await
            .map(|_| ())
    }

    async fn note(&self, what: &str, tenant: &TenantId, on: &str, request_id: &str) -> Result<()> {
        let entry = Entry {
            at: self.clock.now(),
            // Several things of one request.
            request_id: format!("{request_id}#{on}"),
            tenant: Some(tenant.clone()),
            who: None,
            what: what.to_owned(),
            on: Some(on.to_owned()),
            status: 200,
            code: None,
        };
        self.audit.add(&entry).await
    }
}
