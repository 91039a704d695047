//! Whom a message is for: the conversation that a name leads to, or a new one.

use std::collections::HashSet;

use jiff::Timestamp;

use super::Accept;
use crate::{
    Error, Result,
    aws::messages::{Seen, Wanted},
    domain::{
        account::Account,
        conversation::{Alias, Contact, ConversationId, Head, Line},
        meta_id::PhoneNumberId,
        outgoing::{Outgoing, Recipient},
        template::{Holder, Key},
        tenant::TenantId,
    },
};

/// Names, heads, and heads that others were merged into.
const ROUNDS: usize = 8;
/// How often somebody else may be faster before that is an error.
const TRIES: usize = 8;

type Found = (Account, ConversationId, Head, Recipient);

impl Accept {
    pub(super) async fn in_conversation(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        message: &Outgoing,
    ) -> Result<Found> {
        if let Some(recipient) = &message.recipient {
            let field = if recipient.to.is_some() { "/to" } else { "/recipient" };
            return Err(Error::breaks(field, "is not for you to say here: the conversation knows to whom"));
        }
        let found = self.messages.whole_conversation(tenant, &id).await?;
        let (id, head) = found.ok_or(Error::NotFound { thing: "conversation" })?;
        // The number may be another tenant's by now.
        let account = self.accounts.find(&head.number).await?.filter(|account| account.tenant == *tenant);
        let account = account.ok_or(Error::AccountDisconnected)?;
        let nobody = || Error::breaks("", "nothing that this person can be written to by is known");
        let recipient = recipient(&head.contact).ok_or_else(nobody)?;
        message.suits(&recipient).map_err(|violation| Error::Unprocessable(vec![violation]))?;
        self.must_fit(&account, message, &mut Seen::default()).await?;
        Ok((account, id, head, recipient))
    }

    pub(super) async fn to_somebody(
        &self,
        tenant: &TenantId,
        number: PhoneNumberId,
        message: &Outgoing,
        now: Timestamp,
    ) -> Result<Found> {
        let line = Line { tenant: tenant.clone(), number };
        // Another tenant's account is not there, whatever else is wrong.
        let recipient = message.recipient.clone();
        let aliases = recipient.iter().flat_map(|recipient| recipient.names().aliases()).collect::<Vec<_>>();
        let mut seen = self.look(&line, &aliases, self.guess(&line, message)).await?;
        let account = seen.accounts.remove(&line.number).flatten().filter(|account| account.tenant == *tenant);
        let account = account.ok_or(Error::NotFound { thing: "account" })?;
        let recipient = recipient.ok_or_else(|| Error::breaks("/to", "is required: to or recipient"))?;
        super::may_send(&account)?;
        self.must_fit(&account, message, &mut seen).await?;
        let alias = aliases.first().ok_or_else(|| Error::breaks("/to", "names nobody"))?;
        let (id, head) = self.whom(&line, alias, &recipient, &mut seen, now).await?;
        Ok((account, id, head, recipient))
    }

    /// The account, a template, and the conversations that names lead to.
    pub(super) async fn look(&self, line: &Line, aliases: &[Alias], template: Option<(Holder, Key)>) -> Result<Seen> {
        let mut seen = Seen::default();
        let accounts = HashSet::from([line.number.clone()]);
        let mut wanted = Wanted { accounts, templates: template.into_iter().collect(), ..Wanted::default() };
        let mut guessed = Vec::new();
        for alias in aliases {
            let name = (line.clone(), alias.clone());
            match self.known.leads(&name).and_then(|leads| leads.now) {
                Some(guess) => {
                    wanted.heads.insert((line.clone(), guess));
                    guessed.push((name, guess));
                }
                None => wanted.aliases.extend(alias.spellings().into_iter().map(|spelling| (line.clone(), spelling))),
            }
        }
        self.messages.look(&self.accounts, &wanted, &mut seen).await?;
        let mut wanted = Wanted::default();
        for (name, guess) in guessed {
            let head = seen.heads.get(&(line.clone(), guess)).and_then(Option::as_ref);
            if head.is_some_and(|head| head.merged_into.is_none() && head.contact.answers_to(&name.1)) {
                let leads = self.known.leads(&name).unwrap_or_default();
                seen.aliases.insert(name, leads);
            } else {
                self.known.forget(&name);
                let spellings = name.1.spellings().into_iter().map(|spelling| (line.clone(), spelling));
                wanted.aliases.extend(spellings);
            }
        }
        for _ in 0..ROUNDS {
            let named = seen.aliases.values().filter_map(|leads| leads.now);
            let merged = seen.heads.values().flatten().filter_map(|head| head.merged_into);
            let heads = named.chain(merged).map(|id| (line.clone(), id)).filter(|head| !seen.heads.contains_key(head));
            wanted.heads.extend(heads);
            if wanted.is_empty() {
                return Ok(seen);
            }
            self.messages.look(&self.accounts, &std::mem::take(&mut wanted), &mut seen).await?;
        }
        Err(Error::aws("conversations were merged without end"))
    }

    /// The conversation with whoever goes by a name. Somebody unknown is known from now on.
    pub(super) async fn whom(
        &self,
        line: &Line,
        alias: &Alias,
        recipient: &Recipient,
        seen: &mut Seen,
        now: Timestamp,
    ) -> Result<(ConversationId, Head)> {
        for _ in 0..TRIES {
            if let Some((spelling, id)) = leads(seen, line, alias) {
                let leads = seen.aliases[&(line.clone(), spelling.clone())];
                self.known.remember((line.clone(), spelling), leads);
                let head = seen.heads.get(&(line.clone(), id)).cloned().flatten();
                // A name is given before the head that first tells of it.
                return Ok((id, head.unwrap_or_else(|| Head::begun(line.number.clone(), &recipient.names(), now))));
            }
            let id = ConversationId::new(self.random.bytes());
            let head = Head::begun(line.number.clone(), &recipient.names(), now);
            if self.messages.begin(line, id, &head, alias, now).await? {
                return Ok((id, Head { revision: 1, ..head }));
            }
            *seen = self.look(line, std::slice::from_ref(alias), None).await?;
        }
        Err(Error::aws("a name was given to others without end"))
    }
}

/// Where a name leads now, in any of its spellings.
fn leads(seen: &Seen, line: &Line, alias: &Alias) -> Option<(Alias, ConversationId)> {
    alias.spellings().into_iter().find_map(|spelling| {
        let mut id = seen.aliases.get(&(line.clone(), spelling.clone()))?.now?;
        while let Some(winner) = seen.heads.get(&(line.clone(), id)).and_then(|head| head.as_ref()?.merged_into) {
            id = winner;
        }
        Some((spelling, id))
    })
}

/// The name a person is best written to by.
fn recipient(contact: &Contact) -> Option<Recipient> {
    if let Some(group) = &contact.group_id {
        return Some(Recipient { to: Some(group.clone()), recipient: None, is_group: true });
    }
    let to = contact.phone.as_ref().map(|digits| format!("+{digits}"));
    let user = contact.user_id.clone().filter(|_| to.is_none());
    (to.is_some() || user.is_some()).then_some(Recipient { to, recipient: user, is_group: false })
}
