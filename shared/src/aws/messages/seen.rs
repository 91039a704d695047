//! What a batch has to know before it can do anything, read in as few calls as can be: accounts, names, heads.

use std::collections::{HashMap, HashSet};

use super::{
    Messages,
    aliases::{alias_key, head_key, leads},
    conversation_key,
    gates::{self, gate_key},
    row,
    templates::{self, template_key},
    text_key,
};
use crate::{
    Result,
    aws::{accounts::Accounts, batch_get, transaction::Item},
    domain::{
        account::Account,
        conversation::{Alias, ConversationId, Head, Leads, Line, MessageId},
        message::Stored,
        meta_id::PhoneNumberId,
        sending::Gate,
        template::{Holder, Key, Template},
        tenant::TenantId,
    },
};

/// What is to be looked up.
#[derive(Debug, Default)]
pub struct Wanted {
    pub accounts: HashSet<PhoneNumberId>,
    pub aliases: HashSet<(Line, Alias)>,
    pub heads: HashSet<(Line, ConversationId)>,
    pub gates: HashSet<Line>,
    pub messages: HashSet<(TenantId, MessageId)>,
    pub templates: HashSet<(Holder, Key)>,
}

/// What was looked up. None: it is not there.
#[derive(Debug, Default)]
pub struct Seen {
    pub accounts: HashMap<PhoneNumberId, Option<Account>>,
    pub aliases: HashMap<(Line, Alias), Leads>,
    pub heads: HashMap<(Line, ConversationId), Option<Head>>,
    pub gates: HashMap<Line, Gate>,
    pub messages: HashMap<(TenantId, MessageId), Stored>,
    pub templates: HashMap<(Holder, Key), Option<Template>>,
    /// Of the heads that are not there, those that were erased.
    pub erased: HashSet<(Line, ConversationId)>,
}

impl Wanted {
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
            && self.aliases.is_empty()
            && self.heads.is_empty()
            && self.gates.is_empty()
            && self.messages.is_empty()
            && self.templates.is_empty()
    }
}

impl Messages {
    /// Looks it all up, and adds it to what has been seen.
    pub async fn look(&self, accounts: &Accounts, wanted: &Wanted, seen: &mut Seen) -> Result<()> {
        let mut keys: Vec<(&str, Item)> = wanted.accounts.iter().map(|id| accounts.key_of(id)).collect();
        let names: HashMap<_, _> =
            wanted.aliases.iter().map(|(line, alias)| (alias_key(line, alias), (line, alias))).map(by_text).collect();
        let heads_of: HashMap<_, _> =
            wanted.heads.iter().map(|(line, id)| (head_key(line, id), (line, id))).map(by_text).collect();
        let of_aliases = wanted.aliases.iter().map(|(line, alias)| alias_key(line, alias));
        let of_heads = wanted.heads.iter().map(|(line, id)| head_key(line, id));
        let gates_of: HashMap<_, _> = wanted.gates.iter().map(|line| (gate_key(line), line)).map(by_text).collect();
        let messages: HashMap<_, _> =
            wanted.messages.iter().map(|of| (message_key(&of.0, &of.1), of)).map(by_text).collect();
        let of_gates = wanted.gates.iter().map(gate_key);
        let of_messages = wanted.messages.iter().map(|(tenant, id)| message_key(tenant, id));
        let of_holders: HashMap<_, _> =
            wanted.templates.iter().map(|of| (template_key(&of.0, &of.1), of)).map(by_text).collect();
        let of_templates = wanted.templates.iter().map(|(holder, key)| template_key(holder, key));
        let ours = of_aliases.chain(of_heads).chain(of_gates).chain(of_messages).chain(of_templates);
        keys.extend(ours.map(|key| (self.table.as_str(), key)));

        seen.accounts.extend(wanted.accounts.iter().map(|id| (id.clone(), None)));
        seen.aliases.extend(wanted.aliases.iter().map(|name| (name.clone(), Leads::default())));
        seen.heads.extend(wanted.heads.iter().map(|head| (head.clone(), None)));
        seen.templates.extend(wanted.templates.iter().map(|template| (template.clone(), None)));
        for (table, item) in batch_get::items(&self.client, keys).await? {
            if table != self.table {
                seen.accounts.extend(Accounts::read(item)?.map(|account| (account.number.clone(), Some(account))));
                continue;
            }
            if !self.lives(&item) {
                continue;
            }
            let place = texts_of(&item);
            if let Some((line, alias)) = names.get(&place) {
                seen.aliases.insert(((*line).clone(), (*alias).clone()), leads(&item));
            } else if let Some((line, id)) = heads_of.get(&place) {
                let head = row::read_head(item)?;
                seen.erased.extend(head.is_none().then(|| ((*line).clone(), **id)));
                seen.heads.insert(((*line).clone(), **id), head);
            } else if let Some(line) = gates_of.get(&place) {
                seen.gates.insert((*line).clone(), gates::read(item)?);
            } else if let Some(of) = messages.get(&place) {
                seen.messages.insert((*of).clone(), self.whole(&of.0, item).await?);
            } else if let Some(of) = of_holders.get(&place) {
                seen.templates.insert((*of).clone(), Some(templates::read(item)?));
            }
        }
        self.lead_nowhere(seen).await
    }

    /// A name that still leads to somebody who was erased is nobody's: whoever meets one lets it lead nowhere.
    async fn lead_nowhere(&self, seen: &mut Seen) -> Result<()> {
        for ((line, alias), leads) in &mut seen.aliases {
            let is_erased = |id: &ConversationId| seen.erased.contains(&(line.clone(), *id));
            let gone: Vec<ConversationId> = leads.all().filter(is_erased).collect();
            if !gone.is_empty() {
                self.lead_away(line, &alias.key(), &gone).await?;
                leads.now = leads.now.filter(|id| !gone.contains(id));
                leads.before = leads.before.filter(|(id, _)| !gone.contains(id));
            }
        }
        Ok(())
    }
}

fn by_text<T>((key, of): (Item, T)) -> ((String, String), T) {
    (texts_of(&key), of)
}

fn texts_of(item: &Item) -> (String, String) {
    let text = |name| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
    (text("pk"), text("sk"))
}

fn message_key(tenant: &TenantId, id: &MessageId) -> Item {
    text_key(conversation_key(tenant, &id.conversation), id.sort_key())
}
