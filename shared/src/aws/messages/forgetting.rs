//! Taking away what was said with somebody and what leads to it. All of it may be done twice.

use aws_sdk_dynamodb::types::{AttributeValue, Update};

use super::{
    Messages,
    aliases::{BEFORE, CONVERSATION, UNTIL, leads},
    conversation_key,
    lists::text,
    number_key, row, text_key,
};
use crate::{
    Error, Result,
    aws::{
        batch_write, delete, of_tenant,
        transaction::{Item, Position},
        update,
    },
    domain::{
        conversation::{Contact, ConversationId, Line},
        envelope::Elsewhere,
        message::Stored,
        tenant::TenantId,
    },
};

/// Items of a conversation that are read at a time.
const SAID: i32 = 100;

/// Some of what was said, to be taken away once nothing hangs on it any more.
#[derive(Debug)]
pub struct Hanging {
    /// Those that can be read.
    pub messages: Vec<Stored>,
    keys: Vec<(String, String)>,
}

/// Some of everything of a tenant.
#[derive(Debug)]
pub struct OfTenant(Vec<Item>);

impl Messages {
    /// The next of what was said in a conversation; none: nothing is left.
    pub async fn next_said(&self, tenant: &TenantId, id: ConversationId) -> Result<Option<Hanging>> {
        let partition = conversation_key(tenant, &id);
        let query = self.client.query().table_name(&self.table).consistent_read(true).limit(SAID);
        let page = query
            .key_condition_expression("pk = :conversation AND begins_with(sk, :messages)")
            .expression_attribute_values(":conversation", AttributeValue::S(partition))
            .expression_attribute_values(":messages", AttributeValue::S("m#".to_owned()))
            .send()
            .await
            .map_err(Error::aws)?;
        let items = page.items.unwrap_or_default();
        let mut hanging = Hanging { messages: Vec::new(), keys: keys_of(&items) };
        for item in items.into_iter().filter(|item| !row::is_part(item)) {
            match self.whole(tenant, item).await {
                Err(error @ Error::Aws(_)) => return Err(error),
                // One that cannot be read goes all the same.
                message => hanging.messages.extend(message.ok()),
            }
        }
        Ok((!hanging.keys.is_empty()).then_some(hanging))
    }

    pub async fn forget_said(&self, hanging: Hanging) -> Result<()> {
        self.forget_items(hanging.keys).await
    }

    /// Files that came with messages are a number's no more.
    pub async fn forget_files(&self, line: &Line, ids: Vec<String>) -> Result<()> {
        let partition = number_key(line, 'f');
        self.forget_items(ids.into_iter().map(|id| (partition.clone(), id)).collect()).await
    }

    /// What of a person is found by their names as they are known: whatever else there is, is found by looking through
    /// all ([`Messages::forget_names_of`]).
    pub async fn forget_marks(&self, line: &Line, ids: &[ConversationId], contact: &Contact) -> Result<()> {
        for alias in contact.aliases.iter().flat_map(|known| known.alias.spellings()) {
            self.forget_name(line, &alias.key(), ids).await?;
        }
        let unread = ids.iter().map(|id| (number_key(line, 'u'), id.hex()));
        let name = contact.name_to_search().into_iter();
        let named =
            name.flat_map(|name| ids.iter().map(move |id| (number_key(line, 'q'), format!("{name}#{}", id.hex()))));
        self.forget_items(unread.chain(named).collect()).await
    }

    /// Every name that leads or led to these conversations, or was led away: some of all names, and behind which to go on.
    pub async fn forget_names_of(
        &self,
        line: &Line,
        ids: &[ConversationId],
        after: Option<&str>,
    ) -> Result<Option<String>> {
        let (names, next) = self.behind(number_key(line, 'a'), after).await?;
        let led_here =
            |name: &&Item| leads(name).all().any(|id| ids.contains(&id)) || leads(name).all().next().is_none();
        for name in names.iter().filter(led_here) {
            if let Some(key) = text(name, "sk") {
                self.forget_name(line, key, ids).await?;
            }
        }
        Ok(next)
    }

    /// Every name by which these conversations are searched, likewise.
    pub async fn forget_searched(
        &self,
        line: &Line,
        ids: &[ConversationId],
        after: Option<&str>,
    ) -> Result<Option<String>> {
        let (mut names, next) = self.behind(number_key(line, 'q'), after).await?;
        let ends: Vec<String> = ids.iter().map(|id| format!("#{}", id.hex())).collect();
        names.retain(|name| text(name, "sk").is_some_and(|key| ends.iter().any(|end| key.ends_with(end))));
        let unread = ids.iter().map(|id| (number_key(line, 'u'), id.hex()));
        self.forget_items(keys_of(&names).into_iter().chain(unread).collect()).await?;
        Ok(next)
    }

    /// A name leads to these conversations no more. Where it leads, or led, to somebody else besides, that stays; one that
    /// leads nowhere any more goes.
    async fn forget_name(&self, line: &Line, key: &str, ids: &[ConversationId]) -> Result<()> {
        self.lead_away(line, key, ids).await?;
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(text_key(number_key(line, 'a'), key.to_owned())))
            .condition_expression("attribute_not_exists(#conversation) AND attribute_not_exists(#before)")
            .expression_attribute_names("#conversation", CONVERSATION)
            .expression_attribute_names("#before", BEFORE);
        delete::send(delete).await
    }

    pub(super) async fn lead_away(&self, line: &Line, key: &str, ids: &[ConversationId]) -> Result<()> {
        let key = text_key(number_key(line, 'a'), key.to_owned());
        for id in ids {
            for (name, remove) in [(CONVERSATION, "REMOVE #name"), (BEFORE, "REMOVE #name, #until")] {
                let mut update = Update::builder()
                    .table_name(&self.table)
                    .set_key(Some(key.clone()))
                    .update_expression(remove)
                    .condition_expression("#name = :gone")
                    .expression_attribute_names("#name", name)
                    .expression_attribute_values(":gone", AttributeValue::S(id.hex()));
                if name == BEFORE {
                    update = update.expression_attribute_names("#until", UNTIL);
                }
                update::send(&self.client, update.build().map_err(Error::aws)?).await?;
            }
        }
        Ok(())
    }

    /// Where some of the large units of a conversation lie; none: nothing is left of them.
    pub async fn blobs_of(&self, tenant: &TenantId, id: ConversationId) -> Result<Vec<Elsewhere>> {
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let page = query
            .key_condition_expression("pk = :conversation AND begins_with(sk, :blobs)")
            .expression_attribute_values(":conversation", AttributeValue::S(conversation_key(tenant, &id)))
            .expression_attribute_values(":blobs", AttributeValue::S(BLOB.to_owned()))
            .limit(SAID)
            .send()
            .await
            .map_err(Error::aws)?;
        let items = page.items.unwrap_or_default().into_iter();
        items.map(|item| Ok(serde_dynamo::from_item::<_, BlobRow>(item)?.blob)).collect()
    }

    pub async fn forget_blob(&self, tenant: &TenantId, id: ConversationId, blob: &Elsewhere) -> Result<()> {
        self.forget_items(vec![(conversation_key(tenant, &id), format!("{BLOB}{}", blob.id))]).await
    }

    /// Notes where a large unit of a conversation lies.
    pub async fn note_blob(
        &self,
        tenant: &TenantId,
        id: ConversationId,
        blob: &Elsewhere,
        until: jiff::Timestamp,
    ) -> Result<()> {
        let mut item: Item = serde_dynamo::to_item(BlobRow { blob: blob.clone() })?;
        item.extend(text_key(conversation_key(tenant, &id), format!("{BLOB}{}", blob.id)));
        item.insert("ttl".to_owned(), super::seconds(until));
        self.put_all(vec![item]).await
    }

    /// Some of everything of a tenant, where the large units among it lie, and where to go on.
    pub async fn of_tenant(
        &self,
        tenant: &TenantId,
        after: Option<Position>,
    ) -> Result<(OfTenant, Vec<Elsewhere>, Option<Position>)> {
        let (items, next) = of_tenant::page(&self.client, &self.table, tenant, after).await?;
        let is_blob = |item: &&Item| text(item, "sk").is_some_and(|key| key.starts_with(BLOB));
        let blobs = items.iter().filter(is_blob);
        let blobs = blobs.filter_map(|item| serde_dynamo::from_item::<_, BlobRow>(item.clone()).ok());
        let blobs = blobs.map(|row| row.blob).collect();
        Ok((OfTenant(items), blobs, next))
    }

    pub async fn forget_of_tenant(&self, OfTenant(items): OfTenant) -> Result<u64> {
        batch_write::delete(&self.client, &self.table, &items).await?;
        Ok(u64::try_from(items.len()).unwrap_or_default())
    }

    /// Any items. What is not there is gone.
    pub(super) async fn forget_items(&self, mut keys: Vec<(String, String)>) -> Result<()> {
        keys.sort_unstable();
        keys.dedup();
        let keys: Vec<Item> = keys.into_iter().map(|(pk, sk)| text_key(pk, sk)).collect();
        batch_write::delete(&self.client, &self.table, &keys).await
    }

    /// Some of the items of a partition, as many as an answer holds, and behind which to go on.
    pub(super) async fn behind(&self, partition: String, after: Option<&str>) -> Result<(Vec<Item>, Option<String>)> {
        let query = self.client.query().table_name(&self.table).consistent_read(true);
        let page = query
            .key_condition_expression("pk = :partition AND sk > :after")
            .expression_attribute_values(":partition", AttributeValue::S(partition))
            .expression_attribute_values(":after", AttributeValue::S(after.unwrap_or(" ").to_owned()))
            .send()
            .await
            .map_err(Error::aws)?;
        let next = page.last_evaluated_key.as_ref().and_then(|key| text(key, "sk")).map(str::to_owned);
        Ok((page.items.unwrap_or_default(), next))
    }
}

/// How the keys of large units begin.
const BLOB: &str = "b#";

#[derive(serde::Serialize, serde::Deserialize)]
struct BlobRow {
    blob: Elsewhere,
}

pub(super) fn keys_of(items: &[Item]) -> Vec<(String, String)> {
    items.iter().filter_map(|item| Some((text(item, "pk")?.to_owned(), text(item, "sk")?.to_owned()))).collect()
}
