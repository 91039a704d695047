//! What a person wrote has been read: first here, then at WhatsApp. Twice: the same again. Half: it is read here, and
//! asking again shows it at WhatsApp too.

use jiff::{SignedDuration, Timestamp};

use crate::{
    Error, Result,
    aws::{
        accounts::Accounts,
        messages::{Messages, Note},
        meta_app::MetaApps,
        vault::Vault,
    },
    clock::Clock,
    domain::{
        account::Account,
        conversation::{ConversationId, Head, Line},
        message::Stored,
        tenant::TenantId,
    },
    meta::Graph,
};

#[derive(Debug, Clone)]
pub struct MarkRead {
    pub accounts: Accounts,
    pub messages: Messages,
    pub vault: Vault,
    pub apps: MetaApps,
    pub graph: Graph,
    pub clock: Clock,
}

/// How often a head meets faster hands before that is an error.
const TRIES: usize = 8;
/// Meta takes no older ones: <https://developers.facebook.com/docs/whatsapp/cloud-api/guides/mark-message-as-read>.
const OLDEST: SignedDuration = SignedDuration::from_hours(24 * 30);

impl MarkRead {
    /// Gives the conversation as it is then, and its newest message.
    pub async fn mark(&self, tenant: &TenantId, id: ConversationId, typing: bool) -> Result<(Head, Option<Stored>)> {
        let now = self.clock.now();
        let head = self.mark_here(tenant, id, now).await?;
        let newest = self.messages.newest_heard(tenant, id, &head).await?;
        if let Some(message) = newest.filter(|message| is_recent(message, now)) {
            self.mark_there(tenant, &head, &message, typing).await?;
        }
        let last = match &head.last {
            Some(last) => self.messages.find(tenant, last).await?,
            None => None,
        };
        Ok((head, last))
    }

    async fn mark_here(&self, tenant: &TenantId, id: ConversationId, now: Timestamp) -> Result<Head> {
        for _ in 0..TRIES {
            let found = self.messages.head(tenant, &id).await?;
            let mut head = found.ok_or(Error::NotFound { thing: "conversation" })?;
            let was_read = head.unread == 0;
            head.unread = 0;
            if was_read || self.messages.save_head(tenant, &id, &mut head, now).await? {
                let line = Line { tenant: tenant.clone(), number: head.number.clone() };
                self.messages.note(&[Note::Read(line, id)], now).await?;
                return Ok(head);
            }
        }
        Err(Error::Outdated)
    }

    async fn mark_there(&self, tenant: &TenantId, head: &Head, message: &Stored, typing: bool) -> Result<()> {
        let account = self.accounts.find(&head.number).await?.filter(|account| account.tenant == *tenant);
        let Some(account) = account.filter(Account::may_send) else { return Ok(()) };
        let (Some(token), Some(wamid)) = (&account.hidden.token, &message.wamid) else { return Ok(()) };
        let token = self.vault.open(&account.token_binding(tenant, &head.number), token).await?;
        let app = self.apps.current().await?;
        Ok(self.graph.with(&app, &token).mark_read(&head.number, wamid, typing).await?)
    }
}

fn is_recent(message: &Stored, now: Timestamp) -> bool {
    u64::try_from((now - OLDEST).as_millisecond()).is_ok_and(|oldest| message.id.milliseconds() > oldest)
}
