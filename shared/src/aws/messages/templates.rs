//! What tenants know of their WABAs' templates. Each tenant has its own, so that nothing it reads is another's, also where
//! they share a WABA.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::{Client, operation::put_item::PutItemError, types::AttributeValue};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{seconds, text_key};
use crate::{
    Error, Result,
    aws::{
        changes::Change,
        transaction::{Item, Position},
    },
    domain::{
        meta_id::TemplateId,
        template::{Holder, Key, Known, Matter, Template},
    },
};

#[derive(Debug, Clone)]
pub struct Templates {
    client: Client,
    table: String,
}

/// Some of a holder's templates, by name, and where to go on.
#[derive(Debug)]
pub struct TemplatePage {
    pub templates: Vec<Template>,
    pub next: Option<Position>,
}

/// How often an edit meets faster ones before that is an error.
const TRIES: usize = 8;
/// One that is gone is remembered for as long as Meta keeps its name.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24 * 30);
/// When Meta's list was read last. It sorts before every name.
const MARKER: &str = "!";
const READ_AT: &str = "read_at";

#[derive(Serialize, Deserialize)]
struct Row {
    sk: String,
    id: TemplateId,
    /// As JSON text.
    graph: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category_changed_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category_changes_at: Option<Timestamp>,
    known: BTreeMap<Matter, Known>,
    updated_at: Timestamp,
    revision: u64,
}

impl Templates {
    pub fn new(client: Client, table: String) -> Self {
        Self { client, table }
    }

    pub async fn find(&self, holder: &Holder, key: &Key) -> Result<Option<Template>> {
        self.get(template_key(holder, key)).await?.map(read).transpose()
    }

    /// Reads a template, changes it, and saves it unless somebody else was faster; then again. None of `change`: there is
    /// none, and there is to be none. What changes nothing is not written.
    pub async fn edit(
        &self,
        holder: &Holder,
        key: &Key,
        now: Timestamp,
        change: impl Fn(Option<Template>) -> Option<Template>,
    ) -> Result<Option<Template>> {
        for _ in 0..TRIES {
            let before = self.find(holder, key).await?;
            let Some(mut template) = change(before.clone()) else { return Ok(None) };
            if before.as_ref() == Some(&template) || self.save(holder, &mut template, before.as_ref(), now).await? {
                return Ok(Some(template));
            }
        }
        Err(Error::aws("a template was changed by others without end"))
    }

    /// The next templates after `after`, by name and language; a page may be short.
    pub async fn page(&self, holder: &Holder, limit: i32, after: Option<Position>) -> Result<TemplatePage> {
        let query = self.client.query().table_name(&self.table).consistent_read(true).limit(limit);
        let answer = query
            .key_condition_expression("pk = :pk AND sk > :marker")
            .expression_attribute_values(":pk", AttributeValue::S(partition(holder)))
            .expression_attribute_values(":marker", AttributeValue::S(MARKER.to_owned()))
            .set_exclusive_start_key(after.map(Position::into_key))
            .send()
            .await
            .map_err(Error::aws)?;
        let templates = answer.items.unwrap_or_default().into_iter().map(read).collect::<Result<_>>()?;
        Ok(TemplatePage { templates, next: answer.last_evaluated_key.as_ref().map(Position::of) })
    }

    /// All of them, also those that are gone.
    pub async fn all(&self, holder: &Holder) -> Result<Vec<Template>> {
        const MOST: i32 = 1_000;
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = self.page(holder, MOST, after).await?;
            all.extend(page.templates);
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// Whether Meta's list was read, and nothing was told since of a template that was not in it.
    pub async fn is_read(&self, holder: &Holder) -> Result<bool> {
        let marker = self.get(text_key(partition(holder), MARKER.to_owned())).await?;
        Ok(marker.is_some_and(|marker| marker.contains_key(READ_AT)))
    }

    /// Notes that it was read; none: that it is to be read again.
    pub async fn note_read(&self, holder: &Holder, at: Option<Timestamp>) -> Result<()> {
        let mut marker = text_key(partition(holder), MARKER.to_owned());
        marker.extend(at.map(|at| (READ_AT.to_owned(), AttributeValue::S(at.to_string()))));
        self.client.put_item().table_name(&self.table).set_item(Some(marker)).send().await.map_err(Error::aws)?;
        Ok(())
    }

    /// Saves over what it was made from. Says whether it did.
    async fn save(
        &self,
        holder: &Holder,
        template: &mut Template,
        before: Option<&Template>,
        now: Timestamp,
    ) -> Result<bool> {
        template.revision = before.map_or(0, |before| before.revision) + 1;
        if before.is_none_or(|before| !before.looks_like(template)) {
            template.updated_at = now;
        }
        let put = self.client.put_item().table_name(&self.table).set_item(Some(write(holder, template)?));
        let put = match before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(before) => put
                .condition_expression("revision = :before")
                .expression_attribute_values(":before", AttributeValue::N(before.revision.to_string())),
        };
        let Err(error) = put.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(Error::aws(error)),
        }
    }

    async fn get(&self, key: Item) -> Result<Option<Item>> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key)).consistent_read(true);
        Ok(get.send().await.map_err(Error::aws)?.item)
    }
}

/// Whose a change is, where it is one of a template.
pub(super) fn holder_of(change: &Change) -> Option<Holder> {
    let (tenant, waba) = change.key("pk").ok()?.split_once("#t#")?;
    let holder = Holder { tenant: tenant.parse().ok()?, waba: waba.parse().ok()? };
    (change.key("sk").ok()? != MARKER).then_some(holder)
}

fn partition(holder: &Holder) -> String {
    format!("{}#t#{}", holder.tenant, holder.waba)
}

/// Where a template is, for a read of several things.
pub(super) fn template_key(holder: &Holder, key: &Key) -> Item {
    text_key(partition(holder), key.to_string())
}

pub(super) fn read(item: Item) -> Result<Template> {
    let row: Row = serde_dynamo::from_item(item)?;
    let corrupt = || Error::Corrupt(format!("the template {}", row.sk));
    Ok(Template {
        key: row.sk.parse().map_err(|_| corrupt())?,
        graph: serde_json::from_str(&row.graph).map_err(|_| corrupt())?,
        id: row.id,
        category_changed_at: row.category_changed_at,
        category_changes_at: row.category_changes_at,
        known: row.known,
        updated_at: row.updated_at,
        revision: row.revision,
    })
}

fn write(holder: &Holder, template: &Template) -> Result<Item> {
    let graph = serde_json::to_string(&template.graph).map_err(|error| Error::Corrupt(error.to_string()))?;
    let mut item: Item = serde_dynamo::to_item(Row {
        sk: template.key.to_string(),
        id: template.id.clone(),
        graph,
        category_changed_at: template.category_changed_at,
        category_changes_at: template.category_changes_at,
        known: template.known.clone(),
        updated_at: template.updated_at,
        revision: template.revision,
    })?;
    item.insert("pk".to_owned(), AttributeValue::S(partition(holder)));
    if template.is_gone() {
        item.insert("ttl".to_owned(), seconds(template.updated_at + REMEMBERED));
    }
    Ok(item)
}
