//! What of a change in this table a reader can see, and what showing it takes besides.

use std::collections::{HashMap, HashSet};

use super::{HEAD, Messages, conversation_key, row, templates};
use crate::{
    Error, Result,
    aws::{changes::Change, transaction::Item},
    domain::{
        conversation::{ConversationId, Head, MessageId},
        message::Stored,
        template::{Holder, Template},
        tenant::TenantId,
    },
};

/// A message, a conversation or a template that changed.
#[derive(Debug)]
pub enum Changed {
    Message { tenant: TenantId, was: Option<Box<Stored>>, is: Box<Stored> },
    Conversation { tenant: TenantId, id: ConversationId, was: Option<Box<Head>>, is: Option<Box<Head>> },
    Template { holder: Holder, was: Option<Box<Template>>, is: Option<Box<Template>> },
}

/// What stands at the end of each conversation's way: itself, or the one it is a part of. What cannot be read is an error
/// of those alone who ask for it.
#[derive(Debug, Default)]
pub struct Whole {
    heads: HashMap<(TenantId, ConversationId), Result<Head>>,
    erased: HashSet<(TenantId, ConversationId)>,
}

/// Messages by their tenants and ids.
#[derive(Debug, Default)]
pub struct Found(HashMap<(TenantId, MessageId), Result<Stored>>);

/// How often a conversation may turn out to be a part of another.
const MERGES: usize = 8;

impl Messages {
    pub fn is_of(&self, change: &Change) -> bool {
        change.is_of(&self.table)
    }

    /// Whose a change is, and of which conversation: its key says so.
    pub fn whose(change: &Change) -> Option<(TenantId, ConversationId)> {
        Some((tenant_of(&change.key)?, row::conversation_of(&change.key)?))
    }

    /// Whether a change is of a conversation itself.
    pub fn is_of_head(change: &Change) -> bool {
        change.key("sk").is_ok_and(|key| key == HEAD)
    }

    /// Whose a change of a template is, and of which WABA.
    pub fn whose_template(change: &Change) -> Option<Holder> {
        templates::holder_of(change)
    }

    /// None: no reader sees it.
    pub async fn changed(&self, change: &Change) -> Result<Option<Changed>> {
        if let Some(holder) = Self::whose_template(change) {
            return template(holder, change);
        }
        let is_head = Self::is_of_head(change);
        let is_message = change.key("sk")?.starts_with("m#") && !row::is_part(&change.key);
        let whose = Self::whose(change).filter(|_| (is_head || is_message) && !change.is_expiry);
        let Some((tenant, id)) = whose else { return Ok(None) };
        let (was, is) = (change.was.clone(), change.is.clone());
        if is_head {
            // For whoever reads, what was erased is not there.
            let read =
                |item: Option<Item>| item.map(row::read_head).transpose().map(|head| head.flatten().map(Box::new));
            return Ok(Some(Changed::Conversation { tenant, id, was: read(was)?, is: read(is)? }));
        }
        // What a person's messages were is told by the conversation that is gone.
        let Some(is) = is else { return Ok(None) };
        let is = Box::new(self.whole(&tenant, is).await?);
        let was = match was {
            Some(was) => Some(Box::new(self.whole(&tenant, was).await?)),
            None => None,
        };
        Ok(Some(Changed::Message { tenant, was, is }))
    }

    /// The conversations that these are, or are parts of.
    pub async fn wholes(&self, ids: HashSet<(TenantId, ConversationId)>) -> Result<Whole> {
        let mut whole = Whole::default();
        let mut open: Vec<_> = ids.into_iter().collect();
        for _ in 0..MERGES {
            let keys = open.iter().map(|(tenant, id)| (conversation_key(tenant, id), HEAD.to_owned()));
            for item in self.items(keys.collect()).await? {
                let Some(key) = tenant_of(&item).zip(row::conversation_of(&item)) else { continue };
                match row::read_head(item).transpose() {
                    Some(head) => drop(whole.heads.insert(key, head)),
                    None => drop(whole.erased.insert(key)),
                }
            }
            let next = open.iter().filter_map(|key| {
                let winner = whole.heads.get(key)?.as_ref().ok()?.merged_into?;
                Some((key.0.clone(), winner))
            });
            open = next.filter(|key| !whole.heads.contains_key(key)).collect();
            if open.is_empty() {
                break;
            }
        }
        Ok(whole)
    }

    pub async fn messages(&self, ids: HashSet<(TenantId, MessageId)>) -> Result<Found> {
        let keys = ids.iter().map(|(tenant, id)| (conversation_key(tenant, &id.conversation), id.sort_key()));
        let mut found = Found::default();
        for item in self.items(keys.collect()).await? {
            let Some((tenant, id)) = tenant_of(&item).zip(row::id_of(&item)) else { continue };
            let message = match self.whole(&tenant, item).await {
                Err(error @ Error::Aws(_)) => return Err(error),
                message => message,
            };
            found.0.insert((tenant, id), message);
        }
        Ok(found)
    }
}

impl Whole {
    /// The conversation that an id stands for.
    pub fn of(&self, tenant: &TenantId, id: ConversationId) -> Result<Option<(ConversationId, &Head)>> {
        let mut id = id;
        for _ in 0..MERGES {
            match self.heads.get(&(tenant.clone(), id)) {
                None => return Ok(None),
                Some(Err(error)) => return Err(Error::Corrupt(error.to_string())),
                Some(Ok(head)) => match head.merged_into {
                    Some(winner) => id = winner,
                    None => return Ok(Some((id, head))),
                },
            }
        }
        Err(Error::Corrupt("conversations are parts of each other".to_owned()))
    }

    /// Whether it was erased: of what was said there nobody hears any more, however late they are told of it.
    pub fn is_erased(&self, tenant: &TenantId, id: ConversationId) -> bool {
        self.erased.contains(&(tenant.clone(), id))
    }
}

impl Found {
    pub fn get(&self, tenant: &TenantId, id: MessageId) -> Result<Option<&Stored>> {
        match self.0.get(&(tenant.clone(), id)) {
            None => Ok(None),
            Some(Ok(message)) => Ok(Some(message)),
            Some(Err(error)) => Err(Error::Corrupt(error.to_string())),
        }
    }
}

/// That one was deleted is shown once; what becomes of its mark is nobody's.
fn template(holder: Holder, change: &Change) -> Result<Option<Changed>> {
    let read = |item: &Option<Item>| item.clone().map(templates::read).transpose();
    let was = read(&change.was)?.filter(|was| !was.is_gone());
    let is = read(&change.is)?.filter(|is| was.is_some() || !is.is_gone());
    Ok(Some(Changed::Template { holder, was: was.map(Box::new), is: is.map(Box::new) }))
}

fn tenant_of(item: &Item) -> Option<TenantId> {
    item.get("pk")?.as_s().ok()?.split_once('#')?.0.parse().ok()
}
