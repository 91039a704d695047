//! A change as its event: the thing as its GET shows it, and the names of what is not as it was.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{Seen, Subject, Tell};
use crate::{
    Error, Result,
    aws::{accounts, accounts::Accounts, changes::Change, connections::Connections, messages, messages::Messages},
    domain::{
        account::Account,
        connection::Connection,
        conversation::{ConversationId, Head, Line},
        event::{Event, EventId, EventType},
        message::{Direction, Stored},
        meta_id::PhoneNumberId,
        template::{Holder, Template},
        tenant::TenantId,
    },
    shown::{
        account::AccountBody,
        connection::{ConnectionBody, Opening},
        conversation::{ContactBody, ConversationBody, MessageBody},
        template::TemplateBody,
    },
};

/// A thing as it is shown.
struct Shown {
    whole: Box<RawValue>,
    fields: BTreeMap<String, Box<RawValue>>,
}

/// An event but for what it shows.
struct About {
    kind: EventType,
    at: Timestamp,
    tenant: TenantId,
    number: Option<PhoneNumberId>,
    conversation: Option<ConversationId>,
}

impl Tell {
    pub(super) async fn show(
        &self,
        change: &Change,
        subject: &Subject,
        seen: &Seen,
        now: Timestamp,
    ) -> Result<Vec<Event>> {
        match subject {
            Subject::OfMessages(messages::Changed::Message { tenant, was, is }) => {
                message(change, tenant, was.as_deref(), is, seen)
            }
            Subject::OfMessages(messages::Changed::Conversation { tenant, id, was, is }) => {
                conversation(change, (tenant, *id), [was.as_deref(), is.as_deref()], seen, now)
            }
            Subject::OfMessages(messages::Changed::Template { holder, was, is }) => {
                template(change, holder, [was.as_deref(), is.as_deref()])
            }
            Subject::OfAccounts(accounts::Changed::Account { was, is }) => {
                self.account(change, was.as_deref(), is, now).await
            }
            Subject::OfAccounts(accounts::Changed::Default { tenant, was, is }) => {
                self.default(change, tenant, [was.as_ref(), is.as_ref()], now).await
            }
            Subject::Connection { was, is } => connection(change, was.as_deref(), is, now),
        }
    }

    /// That something changed which cannot be shown; nothing where it does not even say whose it is.
    pub(super) fn unshown(&self, change: &Change) -> Option<Event> {
        let about = |kind, tenant| About::of(kind, change.at, tenant);
        let about = if let Some(holder) = Messages::whose_template(change).filter(|_| self.messages.is_of(change)) {
            about(EventType::TemplateUpdated, holder.tenant)
        } else if self.messages.is_of(change) {
            let (tenant, id) = Messages::whose(change)?;
            let is_head = Messages::is_of_head(change);
            let kind = if is_head { EventType::ConversationUpdated } else { EventType::MessageUpdated };
            About { conversation: Some(id), ..about(kind, tenant) }
        } else if self.accounts.is_of(change) {
            let (tenant, number) = Accounts::whose(change)?;
            About { number, ..about(EventType::AccountUpdated, tenant) }
        } else {
            about(EventType::ConnectionUpdated, Connections::whose(change)?)
        };
        Some(about.event(change, Vec::new(), None))
    }

    async fn account(
        &self,
        change: &Change,
        was: Option<&Account>,
        is: &Account,
        now: Timestamp,
    ) -> Result<Vec<Event>> {
        let (default, unread) = self.beside(is).await?;
        let shown = |account: &Account| Shown::of(&AccountBody::of(account, default.as_ref(), unread, now));
        let mut events = Vec::new();
        let mut before = None;
        if let Some(was) = was {
            let mut was = was.clone();
            // That something arrived again is no change of the account.
            was.webhook.last_event_at = is.webhook.last_event_at;
            if was.tenant == is.tenant {
                before = Some(shown(&was)?);
            } else {
                // For its last owner it is gone.
                events.extend(About::account(&was, was.updated_at).told(change, Some(&shown(&was)?), None));
            }
        }
        events.extend(About::account(is, is.updated_at).told(change, before.as_ref(), Some(shown(is)?)));
        Ok(events)
    }

    /// Which number is the default is the tenant's, and shown on both that it concerns.
    async fn default(
        &self,
        change: &Change,
        tenant: &TenantId,
        numbers: [Option<&PhoneNumberId>; 2],
        now: Timestamp,
    ) -> Result<Vec<Event>> {
        let [was, is] = numbers;
        let mut events = Vec::new();
        for number in numbers.into_iter().flatten().filter(|_| was != is) {
            let Some(account) = self.accounts.find(number).await?.filter(|account| account.tenant == *tenant) else {
                continue;
            };
            let (_, unread) = self.beside(&account).await?;
            let [before, after] = [was, is].map(|default| Shown::of(&AccountBody::of(&account, default, unread, now)));
            events.extend(About::account(&account, change.at).told(change, Some(&before?), Some(after?)));
        }
        Ok(events)
    }

    /// What of an account stands elsewhere: its tenant's default, and how many conversations are unread.
    async fn beside(&self, account: &Account) -> Result<(Option<PhoneNumberId>, u64)> {
        let line = Line { tenant: account.tenant.clone(), number: account.number.clone() };
        Ok((self.accounts.default_of(&account.tenant).await?, self.unread.count(&line).await?))
    }
}

fn message(change: &Change, tenant: &TenantId, was: Option<&Stored>, is: &Stored, seen: &Seen) -> Result<Vec<Event>> {
    if seen.whole.is_erased(tenant, is.id.conversation) {
        return Ok(Vec::new());
    }
    let new = Head::new(is.number.clone(), is.received_at);
    // A message is put before the head that first tells of it.
    let (id, head) = seen.whole.of(tenant, is.id.conversation)?.unwrap_or((is.id.conversation, &new));
    let shown = |message: &Stored| Shown::of(&MessageBody::of(message, id, head, false));
    let is_received = was.is_none() && is.direction == Direction::Inbound;
    let about = About {
        kind: if is_received { EventType::MessageReceived } else { EventType::MessageUpdated },
        at: if was.is_none() { is.received_at } else { change.at },
        tenant: tenant.clone(),
        number: Some(is.number.clone()),
        conversation: Some(id),
    };
    let before = was.map(shown).transpose()?;
    Ok(about.told(change, before.as_ref(), Some(shown(is)?)).into_iter().collect())
}

fn conversation(
    change: &Change,
    (tenant, id): (&TenantId, ConversationId),
    [was, is]: [Option<&Head>; 2],
    seen: &Seen,
    now: Timestamp,
) -> Result<Vec<Event>> {
    let Some(head) = is.or(was) else { return Ok(Vec::new()) };
    // That it is gone is told by the change that took it away.
    if is.is_some() && seen.whole.is_erased(tenant, id) {
        return Ok(Vec::new());
    }
    let [before, after] = [was, is].map(|head| in_whole(tenant, id, head, seen, now));
    let ([was, was_contact], [is, is_contact]) = (before?, after?);
    let about = |kind, at: Option<Timestamp>| About {
        kind,
        at: at.unwrap_or(change.at),
        tenant: tenant.clone(),
        number: Some(head.number.clone()),
        conversation: Some(id),
    };
    let conversation = about(EventType::ConversationUpdated, Some(head.updated_at)).told(change, was.as_ref(), is);
    let contact =
        about(EventType::ContactUpdated, head.contact.updated_at).told(change, was_contact.as_ref(), is_contact);
    Ok([conversation, contact].into_iter().flatten().collect())
}

/// A conversation and its person, as they are shown: of a part of another, that other.
fn in_whole(
    tenant: &TenantId,
    id: ConversationId,
    head: Option<&Head>,
    seen: &Seen,
    now: Timestamp,
) -> Result<[Option<Shown>; 2]> {
    let whole = match head {
        Some(Head { merged_into: Some(winner), .. }) => seen.whole.of(tenant, *winner)?,
        head => head.map(|head| (id, head)),
    };
    let Some((id, head)) = whole else { return Ok([None, None]) };
    let last = match head.last {
        Some(last) => seen.messages.get(tenant, last)?,
        None => None,
    };
    let conversation = Shown::of(&ConversationBody::of(id, head, last, now))?;
    Ok([Some(conversation), Some(Shown::of(&ContactBody::of(id, head))?)])
}

/// What lets its bearer begin at Meta is in no event: who may read those may not do that.
fn connection(change: &Change, was: Option<&Connection>, is: &Connection, now: Timestamp) -> Result<Vec<Event>> {
    let shown = |connection: &Connection| Shown::of(&ConnectionBody::of(connection, Opening::default(), now));
    let about = About::of(EventType::ConnectionUpdated, is.updated_at, is.tenant.clone());
    let before = was.map(shown).transpose()?;
    Ok(about.told(change, before.as_ref(), Some(shown(is)?)).into_iter().collect())
}

/// It is its WABA's, and none of its numbers'.
fn template(change: &Change, holder: &Holder, [was, is]: [Option<&Template>; 2]) -> Result<Vec<Event>> {
    let shown = |template: &Template| Shown::of(&TemplateBody::of(&holder.waba, template));
    let at = is.map_or(change.at, |is| is.updated_at);
    let about = About::of(EventType::TemplateUpdated, at, holder.tenant.clone());
    let (was, is) = (was.map(shown).transpose()?, is.map(shown).transpose()?);
    Ok(about.told(change, was.as_ref(), is).into_iter().collect())
}

impl About {
    /// Of the tenant, and of none of its numbers.
    fn of(kind: EventType, at: Timestamp, tenant: TenantId) -> Self {
        Self { kind, at, tenant, number: None, conversation: None }
    }

    fn account(account: &Account, at: Timestamp) -> Self {
        let number = Some(account.number.clone());
        Self { number, ..Self::of(EventType::AccountUpdated, at, account.tenant.clone()) }
    }

    /// None: nothing that is shown has changed.
    fn told(self, change: &Change, was: Option<&Shown>, is: Option<Shown>) -> Option<Event> {
        let changed = difference(was, is.as_ref());
        (!changed.is_empty()).then(|| self.event(change, changed, is.map(|is| is.whole)))
    }

    fn event(self, change: &Change, changed: Vec<String>, data: Option<Box<RawValue>>) -> Event {
        let thing = self.number.as_ref().map_or("", PhoneNumberId::as_str);
        Event {
            id: EventId::of(&change.name(), self.kind, &self.tenant, thing),
            kind: self.kind,
            at: self.at,
            tenant: self.tenant,
            phone_number_id: self.number,
            conversation_id: self.conversation,
            changed,
            data,
        }
    }
}

impl Shown {
    fn of(body: &impl Serialize) -> Result<Self> {
        let corrupt = |error: serde_json::Error| Error::Corrupt(error.to_string());
        let whole = to_raw_value(body).map_err(corrupt)?;
        let fields = serde_json::from_str(whole.get()).map_err(corrupt)?;
        Ok(Self { whole, fields })
    }
}

/// The names of the fields that are not the same.
fn difference(was: Option<&Shown>, is: Option<&Shown>) -> Vec<String> {
    let names = |shown: Option<&Shown>| shown.map(|shown| shown.fields.keys().cloned().collect::<BTreeSet<_>>());
    let all = names(was).into_iter().chain(names(is)).flatten().collect::<BTreeSet<_>>();
    let field = |shown: Option<&Shown>, name: &String| {
        shown.and_then(|shown| shown.fields.get(name)).map(|value| value.get().to_owned())
    };
    all.into_iter().filter(|name| field(was, name) != field(is, name)).collect()
}
