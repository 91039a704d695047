//! What an operator keeps of a person. The head is saved over the revision it was read in, together with the name it is
//! found by and the audit's entry of it.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use jiff::Timestamp;

use super::{HEAD, Messages, conversation_key, lists::partition, row, seconds, text_key};
use crate::{
    Error, Result,
    aws::transaction::{Item, Outcome, Transactions},
    domain::{
        conversation::{Contact, ConversationId, Head},
        tenant::TenantId,
    },
};

/// How often an edit meets faster ones before that is an error.
const EDIT_ATTEMPTS: usize = 8;
/// How often a person may turn out to be another, who turned out to be another.
const MERGES: usize = 8;

/// A conversation as it is now.
#[derive(Debug)]
pub struct Edited {
    pub id: ConversationId,
    pub head: Head,
    /// The audit's entry is committed; where nothing changed, it is not.
    pub is_noted: bool,
}

/// What an id of a conversation leads to.
#[derive(Debug)]
pub enum Met {
    Somebody(ConversationId, Box<Head>),
    /// Somebody was known by it, and was erased.
    Erased,
    /// Nobody is, or not yet.
    Nobody,
}

impl Messages {
    /// The conversation that an id stands for: of one that turned out to be a part of another, that other.
    pub async fn whole_conversation(
        &self,
        tenant: &TenantId,
        id: &ConversationId,
    ) -> Result<Option<(ConversationId, Head)>> {
        Ok(match self.meet(tenant, id).await? {
            Met::Somebody(id, head) => Some((id, *head)),
            Met::Erased | Met::Nobody => None,
        })
    }

    pub async fn meet(&self, tenant: &TenantId, id: &ConversationId) -> Result<Met> {
        let mut id = *id;
        for _ in 0..MERGES {
            let item = self.get(conversation_key(tenant, &id), HEAD.to_owned()).await?;
            let Some(item) = item else { return Ok(Met::Nobody) };
            let Some(head) = row::read_head(item)? else { return Ok(Met::Erased) };
            match head.merged_into {
                Some(winner) => id = winner,
                None => return Ok(Met::Somebody(id, Box::new(head))),
            }
        }
        Err(Error::Corrupt("conversations are parts of each other".to_owned()))
    }

    /// Changes what is kept of a person. None: nobody is known by that id.
    pub async fn edit_contact(
        &self,
        tenant: &TenantId,
        id: &ConversationId,
        change: impl Fn(&mut Contact),
        noted: &TransactWriteItem,
        now: Timestamp,
    ) -> Result<Option<Edited>> {
        for _ in 0..EDIT_ATTEMPTS {
            let Some((id, before)) = self.whole_conversation(tenant, id).await? else { return Ok(None) };
            let mut head = before.clone();
            change(&mut head.contact);
            if head == before {
                return Ok(Some(Edited { id, head, is_noted: false }));
            }
            head.contact.updated_at = Some(now);
            head.revision += 1;
            let mut writes = vec![self.saving(tenant, &id, &head, now)?, noted.clone()];
            writes.extend(self.renaming(tenant, &id, &before, &head, now)?);
            if matches!(Transactions::new(self.client.clone()).commit(writes).await?, Outcome::Committed) {
                return Ok(Some(Edited { id, head, is_noted: true }));
            }
        }
        Err(Error::Outdated)
    }

    fn saving(&self, tenant: &TenantId, id: &ConversationId, head: &Head, now: Timestamp) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(row::write_head(tenant, id, head, now + self.retention)?))
            .condition_expression("revision = :before")
            .expression_attribute_values(":before", AttributeValue::N((head.revision - 1).to_string()))
            .build();
        Ok(TransactWriteItem::builder().put(put.map_err(Error::aws)?).build())
    }

    /// The name a person is found by follows the one that is shown.
    fn renaming(
        &self,
        tenant: &TenantId,
        id: &ConversationId,
        before: &Head,
        head: &Head,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>> {
        let (old, new) = (before.contact.name_to_search(), head.contact.name_to_search());
        if old == new {
            return Ok(Vec::new());
        }
        let partition = partition(tenant, &head.number, 'q');
        let at = |name: String| text_key(partition.clone(), format!("{name}#{}", id.hex()));
        let mut writes = Vec::new();
        if let Some(old) = old {
            let delete = Delete::builder().table_name(&self.table).set_key(Some(at(old))).build();
            writes.push(TransactWriteItem::builder().delete(delete.map_err(Error::aws)?).build());
        }
        if let Some(new) = new {
            let mut item: Item = at(new);
            item.insert("ttl".to_owned(), seconds(now + self.retention));
            let put = Put::builder().table_name(&self.table).set_item(Some(item)).build();
            writes.push(TransactWriteItem::builder().put(put.map_err(Error::aws)?).build());
        }
        Ok(writes)
    }
}
