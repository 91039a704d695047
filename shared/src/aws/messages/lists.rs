//! Lists of conversations and people. What has happened at a number is in its activity, newest first: a conversation is
//! shown at the item that has the time its head has, and skipped at all older ones.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::{
    HEAD, Messages, aliases, conversation_key,
    merged::{Entry, Merged, Range},
    number_key, row, sortable, text_key,
};
use crate::{
    Error, Result,
    aws::{
        batch_get,
        transaction::{Item, Position},
    },
    domain::{
        conversation::{ConversationId, Head, Line, MessageId, Shown, Standing, Wanted},
        hex,
        message::Stored,
        meta_id::PhoneNumberId,
        tenant::TenantId,
    },
};

/// How many items of activity a page looks at: one that finds little in them is short, and the next goes on behind.
const MOST_LOOKED_AT: usize = 2_000;
/// How many heads are read at once.
const AT_ONCE: usize = 50;

/// One page of conversations, each with where it stood when the list was begun, and below which the next begins.
#[derive(Debug)]
pub struct Listed {
    pub began: Option<Timestamp>,
    pub conversations: Vec<(Standing, Head)>,
    pub next: Option<Standing>,
}

/// One page of people, and where the next begins.
#[derive(Debug)]
pub struct People {
    pub people: Vec<(ConversationId, Head)>,
    pub next: Option<Position>,
}

impl Messages {
    /// The conversations of these numbers that are wanted, newest first.
    pub async fn list(
        &self,
        tenant: &TenantId,
        numbers: &[PhoneNumberId],
        wanted: &Wanted,
        shown: Option<&Shown>,
        limit: usize,
    ) -> Result<Listed> {
        match self.candidates(tenant, numbers, wanted).await? {
            Some(few) => self.among(tenant, few, wanted, shown, limit).await,
            None => self.down(tenant, numbers, wanted, shown, limit).await,
        }
    }

    /// The heads of those that are there.
    async fn heads(&self, tenant: &TenantId, ids: &[ConversationId]) -> Result<HashMap<ConversationId, Head>> {
        let keys = ids.iter().map(|id| (conversation_key(tenant, id), HEAD.to_owned())).collect();
        let read = |item: Item| {
            let id = row::conversation_of(&item).ok_or_else(|| Error::Corrupt("the key of a head".to_owned()))?;
            Ok(row::read_head(item)?.map(|head| (id, head)))
        };
        self.items(keys).await?.into_iter().filter_map(|item| read(item).transpose()).collect()
    }

    /// The messages of those that are there.
    pub async fn find_many(&self, tenant: &TenantId, ids: &[MessageId]) -> Result<HashMap<MessageId, Stored>> {
        let keys = ids.iter().map(|id| (conversation_key(tenant, &id.conversation), id.sort_key())).collect();
        let mut found = HashMap::new();
        for item in self.items(keys).await? {
            let message = self.whole(tenant, item).await?;
            found.insert(message.id, message);
        }
        Ok(found)
    }

    /// Any items, in any order.
    pub(super) async fn items(&self, mut keys: Vec<(String, String)>) -> Result<Vec<Item>> {
        keys.sort_unstable();
        keys.dedup();
        let keys = keys.into_iter().map(|(pk, sk)| (self.table.as_str(), text_key(pk, sk))).collect();
        let items = batch_get::items(&self.client, keys).await?.into_iter().map(|(_, item)| item);
        Ok(items.filter(|item| self.lives(item)).collect())
    }

    /// Of a few that are known already.
    async fn among(
        &self,
        tenant: &TenantId,
        few: Vec<ConversationId>,
        wanted: &Wanted,
        shown: Option<&Shown>,
        limit: usize,
    ) -> Result<Listed> {
        let found = self.heads(tenant, &few).await?;
        let moved: Vec<ConversationId> = found.values().filter_map(|head| head.merged_into).collect();
        let found = found.into_iter().chain(self.heads(tenant, &moved).await?);
        let mut found: HashMap<ConversationId, Head> =
            found.filter(|(_, head)| head.merged_into.is_none() && wanted.takes(head)).collect();
        let newest = || found.values().map(|head| head.updated_at).max();
        let began = shown.map(|shown| shown.began).or_else(newest);
        let mut standings: Vec<Standing> = found.iter().filter_map(|(id, head)| head.standing(*id, began)).collect();
        standings.retain(|standing| shown.is_none_or(|shown| *standing < shown.below));
        standings.sort_unstable_by(|one, other| other.cmp(one));
        let next = (standings.len() > limit).then(|| standings[limit - 1].clone());
        standings.truncate(limit);
        let taken = standings.into_iter();
        let conversations = taken.filter_map(|standing| Some((found.remove(&standing.conversation)?, standing)));
        let conversations = conversations.map(|(head, standing)| (standing, head)).collect();
        Ok(Listed { began, conversations, next })
    }

    /// Of all there are.
    async fn down(
        &self,
        tenant: &TenantId,
        numbers: &[PhoneNumberId],
        wanted: &Wanted,
        shown: Option<&Shown>,
        limit: usize,
    ) -> Result<Listed> {
        let below = shown.map(|shown| &shown.below);
        let highest = below.map_or_else(|| "~".to_owned(), |below| format!("{}#~", sortable(below.at)));
        let range = |number| Range {
            partition: partition(tenant, number, 'r'),
            lowest: "0".to_owned(),
            highest: highest.clone(),
        };
        let mut merged = Merged::<Standing>::new(self, numbers.iter().map(range).collect(), below, 100);
        let mut listed = Listed { began: shown.map(|shown| shown.began), conversations: Vec::new(), next: None };
        for _ in 0..MOST_LOOKED_AT.div_ceil(AT_ONCE) {
            let mut met = Vec::new();
            while met.len() < AT_ONCE
                && let Some(standing) = merged.next().await?
            {
                met.push(standing);
            }
            listed.began = listed.began.or_else(|| met.first().map(|newest| newest.at));
            let ids: Vec<ConversationId> = met.iter().map(|standing| standing.conversation).collect();
            let heads = self.heads(tenant, &ids).await?;
            let is_over = met.len() < AT_ONCE;
            for standing in met {
                let stands = |head: &Head| {
                    head.merged_into.is_none()
                        && head.standing(standing.conversation, listed.began).as_ref() == Some(&standing)
                };
                let head = heads.get(&standing.conversation).filter(|head| stands(head) && wanted.takes(head));
                if head.is_some() && listed.conversations.len() == limit {
                    return Ok(listed);
                }
                listed.conversations.extend(head.map(|head| (standing.clone(), head.clone())));
                listed.next = Some(standing);
            }
            if is_over {
                return Ok(Listed { next: None, ..listed });
            }
        }
        Ok(listed)
    }

    /// The people that a number knows, by phone number, then by user id.
    pub async fn people(&self, line: &Line, limit: i32, after: Option<Position>) -> Result<People> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            // Groups, which sort before phones, are no people.
            .key_condition_expression("pk = :partition AND sk > :groups")
            .expression_attribute_values(":partition", AttributeValue::S(number_key(line, 'a')))
            .expression_attribute_values(":groups", AttributeValue::S("g#~".to_owned()))
            .limit(limit)
            .set_exclusive_start_key(after.map(Position::into_key))
            .send()
            .await
            .map_err(Error::aws)?;
        let items = answer.items.unwrap_or_default();
        let aliases: Vec<(&str, ConversationId)> =
            items.iter().filter_map(|item| Some((text(item, "sk")?, aliases::leads(item).now?))).collect();
        let ids: Vec<ConversationId> = aliases.iter().map(|(_, id)| *id).collect();
        let mut heads = self.heads(&line.tenant, &ids).await?;
        // Somebody with several names is shown at one of them.
        let is_listed = |key: &str, head: &Head| head.contact.listed_as().is_some_and(|alias| alias.key() == key);
        let person = |(key, id): (&str, ConversationId)| {
            let head = heads.remove(&id)?;
            if is_listed(key, &head) {
                return Some((id, head));
            }
            heads.insert(id, head);
            None
        };
        let people = aliases.into_iter().filter_map(person).collect();
        Ok(People { people, next: answer.last_evaluated_key.as_ref().map(Position::of) })
    }
}

/// The partition of one kind of item of one number.
pub(super) fn partition(tenant: &TenantId, number: &PhoneNumberId, kind: char) -> String {
    number_key(&Line { tenant: tenant.clone(), number: number.clone() }, kind)
}

/// A text of an item, where it is there.
pub(super) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

impl Entry for Standing {
    type Standing = Self;

    fn standing(&self) -> Self {
        self.clone()
    }

    fn moment(&self) -> u64 {
        self.at.as_millisecond().unsigned_abs()
    }

    fn read(item: Item, _: &mut Vec<Item>) -> Result<Vec<Self>> {
        touched(&item).ok_or_else(|| Error::Corrupt("an item of activity".to_owned()))
    }
}

fn touched(item: &Item) -> Option<Vec<Standing>> {
    let (_, number) = text(item, "pk")?.rsplit_once('#')?;
    let number: PhoneNumberId = number.parse().ok()?;
    let (milliseconds, _) = text(item, "sk")?.split_once('#')?;
    let at = Timestamp::from_millisecond(milliseconds.parse().ok()?).ok()?;
    let standing = |touched: &AttributeValue| {
        let conversation = ConversationId::new(hex::decode(text(touched.as_m().ok()?, "c")?)?);
        Some(Standing { at, number: number.clone(), conversation })
    };
    item.get("touched")?.as_l().ok()?.iter().map(standing).collect()
}
