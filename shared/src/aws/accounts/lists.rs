//! Accounts by tenant, by whoever gave their token, and by what is due. Indexes hold keys only and lag behind: the
//! accounts are read by key, and what is not any more what the index said is left out.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use jiff::Timestamp;

use super::{
    Accounts, DEFAULT, KEY,
    claims::Waba,
    row::{self, DUE, LIVING, due_by},
    tenant_key, text, waba_key,
};
use crate::{
    Error, Result,
    aws::{
        delete,
        transaction::{Item, Position},
    },
    domain::{
        account::Account,
        meta_id::{PhoneNumberId, SubjectId, WabaId},
        tenant::TenantId,
    },
};

/// One page of accounts, and where the next begins.
#[derive(Debug)]
pub struct Page {
    pub accounts: Vec<Account>,
    pub next: Option<Position>,
}

impl Accounts {
    /// A tenant's accounts, newest first; those that are disconnected after all others, and only where asked for.
    pub async fn list(
        &self,
        tenant: &TenantId,
        with_disconnected: bool,
        limit: i32,
        after: Option<Position>,
    ) -> Result<Page> {
        let living = if with_disconnected { "" } else { " AND begins_with(listed, :living)" };
        let mut query = self
            .index("by_tenant")
            .key_condition_expression(format!("tenant = :tenant{living}"))
            .expression_attribute_values(":tenant", text(tenant.as_str()))
            .scan_index_forward(false);
        if !with_disconnected {
            query = query.expression_attribute_values(":living", text(LIVING));
        }
        let is_wanted =
            |account: &Account| account.tenant == *tenant && (with_disconnected || !account.is_disconnected());
        self.page(query, limit, after, is_wanted).await
    }

    /// The accounts whose token this subject gave.
    pub async fn by_subject(&self, subject: &SubjectId, limit: i32, after: Option<Position>) -> Result<Page> {
        let query = self
            .index("by_subject")
            .key_condition_expression("subject = :subject")
            .expression_attribute_values(":subject", text(subject.as_str()));
        self.page(query, limit, after, |account| account.hidden.subject.as_ref() == Some(subject)).await
    }

    /// Every account that rests on a WABA, whoever's it is. A number that is only claimed has none.
    pub async fn on_waba(&self, waba: &WabaId) -> Result<Vec<Account>> {
        let residents = Waba::read(self.get(&waba_key(waba)).await?.as_ref())?.residents;
        let ids: Vec<PhoneNumberId> = residents.iter().filter_map(|id| id.parse().ok()).collect();
        let mut found = self.get_many(residents.into_iter().collect()).await?;
        let accounts = ids.iter().filter_map(|id| readable(id, found.remove(id.as_str())));
        Ok(accounts.filter(|account| account.waba == *waba && !account.is_disconnected()).collect())
    }

    /// A tenant that has no number has no default.
    pub async fn forget_default(&self, tenant: &TenantId) -> Result<()> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.table)
            .key(KEY, text(&tenant_key(tenant)))
            .condition_expression("attribute_not_exists(#default)")
            .expression_attribute_names("#default", DEFAULT);
        delete::send(delete).await
    }

    /// What has something due by then: what leaves first, each kind the longest overdue first; without a time, all that
    /// is to come back to. One partition has both kinds of work, so that one query finds them; a page may be short.
    pub async fn due(&self, by: Option<Timestamp>, limit: i32, after: Option<Position>) -> Result<Page> {
        let until = if by.is_some() { " AND due_at <= :by" } else { "" };
        let mut query = self
            .index("due")
            .key_condition_expression(format!("due = :due{until}"))
            .expression_attribute_values(":due", text(DUE));
        if let Some(by) = by {
            query = query.expression_attribute_values(":by", text(&due_by(by)));
        }
        let is_due = |account: &Account| account.hidden.due.is_some_and(|due| by.is_none_or(|by| due.at <= by));
        self.page(query, limit, after, is_due).await
    }

    fn index(&self, name: &str) -> QueryFluentBuilder {
        self.client.query().table_name(&self.table).index_name(name)
    }

    async fn page(
        &self,
        query: QueryFluentBuilder,
        limit: i32,
        after: Option<Position>,
        is_wanted: impl Fn(&Account) -> bool,
    ) -> Result<Page> {
        let answer = query
            .limit(limit)
            .set_exclusive_start_key(after.map(Position::into_key))
            .send()
            .await
            .map_err(Error::aws)?;
        let keys = answer.items.unwrap_or_default();
        let ids = keys.iter().filter_map(|item| item.get(KEY)?.as_s().ok()?.parse().ok());
        let ids: Vec<PhoneNumberId> = ids.collect();
        let mut found = self.get_many(ids.iter().map(ToString::to_string).collect()).await?;
        let accounts = ids.iter().filter_map(|id| readable(id, found.remove(id.as_str())));
        let accounts = accounts.filter(|account| is_wanted(account)).collect();
        Ok(Page { accounts, next: answer.last_evaluated_key.as_ref().map(Position::of) })
    }
}

/// One that cannot be read is left out: the others are none the worse for it.
fn readable(id: &PhoneNumberId, item: Option<Item>) -> Option<Account> {
    row::read(item).unwrap_or_else(|error| {
        tracing::error!(%id, error = %error.chain(), "an account cannot be read");
        None
    })
}
