//! Somebody is not to write to a number any more, or may again: first at Meta, then here.
//!
//! Twice: the same again. Half: it is so at Meta, and asking again notes it here.

use super::token;
use crate::{
    Error, Result,
    aws::{
        accounts::Accounts,
        audit::Audit,
        messages::{Edited, Messages},
        meta_app::MetaApps,
        vault::Vault,
    },
    clock::Clock,
    domain::{
        audit::Entry,
        conversation::{Contact, ConversationId},
        meta_error::{Class, MetaError},
        tenant::TenantId,
    },
    meta::Graph,
};

#[derive(Debug, Clone)]
pub struct Block {
    pub accounts: Accounts,
    pub messages: Messages,
    pub audit: Audit,
    pub vault: Vault,
    pub apps: MetaApps,
    pub graph: Graph,
    pub clock: Clock,
}

impl Block {
    /// Blocks a person, or lets them write again.
    pub async fn set(&self, tenant: &TenantId, id: &ConversationId, is_blocked: bool, entry: &Entry) -> Result<Edited> {
        let unknown = || Error::NotFound { thing: "contact" };
        let (id, head) = self.messages.whole_conversation(tenant, id).await?.ok_or_else(unknown)?;
        let user = user(&head.contact).ok_or_else(|| Error::breaks("", "only a person can be blocked"))?;
        // The number may be another tenant's by now.
        let account = self.accounts.find(&head.number).await?.filter(|account| account.tenant == *tenant);
        let account = account.ok_or(Error::AccountDisconnected)?;
        let token = token::of(&self.vault, &account).await?;
        let app = self.apps.current().await?;
        let session = self.graph.with(&app, &token);
        let done = if is_blocked {
            session.block(&account.number, &user).await
        } else {
            session.unblock(&account.number, &user).await
        };
        match done {
            Ok(()) => {}
            // Meta lets nobody write again whom it does not know as blocked.
            Err(error) if !is_blocked && is_unknown(&error) => {}
            Err(error) => return Err(error.into()),
        }
        let (noted, now) = (self.audit.adding(entry)?, self.clock.now());
        let change = |contact: &mut Contact| contact.blocked = is_blocked;
        self.messages.edit_contact(tenant, &id, change, &noted, now).await?.ok_or_else(unknown)
    }
}

/// How Meta is told whom.
fn user(contact: &Contact) -> Option<String> {
    let phone = contact.phone.as_ref().map(|digits| format!("+{digits}"));
    phone.or_else(|| contact.user_id.clone()).filter(|_| contact.group_id.is_none())
}

fn is_unknown(error: &MetaError) -> bool {
    error.class() == Class::BlockListRefused && !error.is_temporary()
}
