//! How a number is reserved for a connection, given back, and becomes an account. One owner, whoever races.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update,
    builders::{ConditionCheckBuilder, UpdateBuilder},
};
use jiff::Timestamp;

use super::{
    Accounts, DEFAULT, KEY, RESIDENTS, built, in_transaction, millis, number, row, tenant_key, text, waba_key,
};
use crate::{
    Error, Result,
    aws::transaction::{Item, Outcome},
    domain::{
        account::{Account, Claim, Fresh},
        meta_id::{PhoneNumberId, WabaId},
        tenant::TenantId,
    },
};

/// What came of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// Seal the new token under `token_version`. `rests`: the WABA has other residents.
    Yes { token_version: u64, rests: bool },
    /// Another tenant owns the number.
    Taken,
    /// Another connection is at it, or somebody is leaving the number or its WABA: a minute or two later it may go.
    Busy,
}

/// Whether anybody is left on the WABA of a claim that was given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// Nobody: see [`Accounts::depart`].
    Last,
    Shared,
}

/// A claim as the number's item has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) connection: String,
    pub(super) waba: String,
    pub(super) until: Timestamp,
}

/// A number and its WABA, each as it was a moment ago.
pub(super) struct Seen {
    pub(super) account: Option<Account>,
    pub(super) claim: Option<Standing>,
    pub(super) token_version: u64,
    pub(super) waba: Waba,
}

/// Who rests on a WABA, and until when somebody is leaving it.
#[derive(Default)]
pub(super) struct Waba {
    pub(super) residents: HashSet<String>,
    pub(super) leaving_until: Option<Timestamp>,
}

impl Accounts {
    /// Reserves a number for a connection and makes it a resident of its WABA, or says why not. Claiming again
    /// prolongs. A claim that has ended may be taken over by anybody, as long as nobody has.
    pub async fn claim(&self, claim: &Claim, now: Timestamp) -> Result<Claimed> {
        for _ in 0..ATTEMPTS {
            let seen = self.look(&claim.number, &claim.waba).await?;
            let owner = seen.account.as_ref().filter(|account| !account.is_disconnected());
            if owner.is_some_and(|owner| owner.tenant != claim.tenant) {
                return Ok(Claimed::Taken);
            }
            let own = claim.connection.as_str();
            let is_others = seen.claim.as_ref().is_some_and(|other| other.connection != own && now < other.until);
            let leaving = seen.account.as_ref().and_then(|account| account.hidden.leaving.as_ref()?.until);
            if is_others || [leaving, seen.waba.leaving_until].into_iter().flatten().any(|until| now < until) {
                return Ok(Claimed::Busy);
            }
            let neighbour = seen.waba.residents.iter().find(|resident| *resident != claim.number.as_str());
            let mut writes =
                vec![self.reserving(claim, now)?, self.moving_in(claim, neighbour.map(String::as_str), now)?];
            if let Some(stale) = seen.claim.as_ref().filter(|stale| stale.waba != claim.waba.as_str()) {
                let owned_there = owner.is_some_and(|owner| owner.waba.as_str() == stale.waba);
                if !owned_there {
                    writes.push(self.moving_out(&format!("waba#{}", stale.waba), &claim.number)?);
                }
            }
            if let Outcome::Committed = self.transactions.commit(writes).await? {
                return Ok(Claimed::Yes { token_version: seen.token_version + 1, rests: neighbour.is_some() });
            }
        }
        Ok(Claimed::Busy)
    }

    /// Gives a claim back, if it still is that connection's, and its place on the WABA, unless the number is owned.
    /// Doing it again changes nothing and gives the same answer.
    pub async fn release(&self, claim: &Claim) -> Result<Released> {
        for _ in 0..ATTEMPTS {
            let seen = self.look(&claim.number, &claim.waba).await?;
            let is_ours = |standing: &Standing| standing.connection == claim.connection.as_str();
            let owner = seen.account.as_ref().filter(|account| !account.is_disconnected());
            let is_owned = owner.is_some_and(|owner| owner.waba == claim.waba);
            let is_claimed =
                seen.claim.as_ref().is_some_and(|other| !is_ours(other) && other.waba == claim.waba.as_str());
            let stays = is_owned || is_claimed || !seen.waba.residents.contains(claim.number.as_str());
            let mut writes = Vec::new();
            if seen.claim.as_ref().is_some_and(is_ours) {
                writes.push(self.giving_back(claim, seen.account.as_ref())?);
            } else if !stays {
                writes.push(self.unchanged(&claim.number, &seen)?);
            }
            if !stays {
                writes.push(self.moving_out(&waba_key(&claim.waba), &claim.number)?);
            }
            let is_done = writes.is_empty() || matches!(self.transactions.commit(writes).await?, Outcome::Committed);
            if is_done {
                let left = Waba::read(self.get(&waba_key(&claim.waba)).await?.as_ref())?;
                return Ok(if left.residents.is_empty() { Released::Last } else { Released::Shared });
            }
        }
        Err(Error::aws("a claim was changed by others without end"))
    }

    /// Part of a transaction: the claim becomes an account, and the tenant's default where the tenant has none and
    /// did not have the number already. The first write is refused where the claim is not that connection's any more,
    /// or `before` is not what stands there.
    pub fn activating(&self, fresh: Fresh, before: Option<&Account>) -> Result<Vec<TransactWriteItem>> {
        let (claim, now) = (fresh.claim.clone(), fresh.now);
        let mut account = Account::activated(fresh, before);
        let same_life = before.filter(|before| before.hidden.generation == account.hidden.generation);
        let taking = match same_life {
            Some(before) => {
                account.settle(before, now);
                self.taking_again(&account, &claim)?
            }
            None => self.taking(&account, before, &claim)?,
        };
        let mut writes = vec![taking];
        if let Some(moved) = same_life.filter(|before| before.waba != account.waba) {
            writes.push(self.moving_out(&waba_key(&moved.waba), &account.number)?);
        }
        if same_life.is_none() {
            writes.push(self.first_of(&account.tenant, &account.number)?);
        }
        Ok(writes)
    }

    pub(super) async fn look(&self, id: &PhoneNumberId, waba: &WabaId) -> Result<Seen> {
        let mut items = self.get_many(vec![id.to_string(), waba_key(waba)]).await?;
        let waba = Waba::read(items.get(&waba_key(waba)))?;
        let item = items.remove(id.as_str());
        let claim = item.as_ref().map(Standing::read).transpose()?.flatten();
        let account = row::read(item)?;
        let token_version = account.as_ref().map_or(0, |account| account.hidden.token_version);
        Ok(Seen { account, claim, token_version, waba })
    }

    fn reserving(&self, claim: &Claim, now: Timestamp) -> Result<TransactWriteItem> {
        let update = self
            .update(claim.number.as_str())
            .update_expression(
                "SET claim_connection = :connection, claim_tenant = :tenant, claim_waba = :waba, claim_until = :until",
            )
            .condition_expression(format!(
                "(attribute_not_exists(tenant) OR #state = :disconnected OR tenant = :tenant) \
                 AND (attribute_not_exists(claim_connection) OR claim_connection = :connection OR claim_until <= :now) \
                 AND {NOBODY_LEAVES}"
            ))
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":disconnected", text("disconnected"))
            .expression_attribute_values(":connection", text(claim.connection.as_str()))
            .expression_attribute_values(":tenant", text(claim.tenant.as_str()))
            .expression_attribute_values(":waba", text(claim.waba.as_str()))
            .expression_attribute_values(":until", millis(claim.until))
            .expression_attribute_values(":now", millis(now));
        Ok(in_transaction(built(update)?))
    }

    /// While one of the others is there, nobody can have begun to leave the WABA for good.
    fn moving_in(&self, claim: &Claim, neighbour: Option<&str>, now: Timestamp) -> Result<TransactWriteItem> {
        let still_there = if neighbour.is_some() { " AND contains(residents, :neighbour)" } else { "" };
        let mut update = self
            .update(&waba_key(&claim.waba))
            .update_expression("ADD residents :number")
            .condition_expression(format!("{NOBODY_LEAVES}{still_there}"))
            .expression_attribute_values(":number", one(&claim.number))
            .expression_attribute_values(":now", millis(now));
        if let Some(neighbour) = neighbour {
            update = update.expression_attribute_values(":neighbour", text(neighbour));
        }
        Ok(in_transaction(built(update)?))
    }

    pub(super) fn moving_out(&self, waba_key: &str, id: &PhoneNumberId) -> Result<TransactWriteItem> {
        let update = self
            .update(waba_key)
            .update_expression("DELETE residents :number")
            .expression_attribute_values(":number", one(id));
        Ok(in_transaction(built(update)?))
    }

    fn giving_back(&self, claim: &Claim, account: Option<&Account>) -> Result<TransactWriteItem> {
        let connection = text(claim.connection.as_str());
        let Some(account) = account else {
            let delete = Delete::builder()
                .table_name(&self.table)
                .key(KEY, text(claim.number.as_str()))
                .condition_expression("claim_connection = :connection AND attribute_not_exists(tenant)")
                .expression_attribute_values(":connection", connection);
            return Ok(TransactWriteItem::builder().delete(delete.build().map_err(Error::aws)?).build());
        };
        let update = self
            .update(claim.number.as_str())
            .update_expression(format!("REMOVE {CLAIM}"))
            .condition_expression("claim_connection = :connection AND revision = :revision")
            .expression_attribute_values(":connection", connection)
            .expression_attribute_values(":revision", number(account.hidden.revision));
        Ok(in_transaction(built(update)?))
    }

    /// Nothing happens unless the number has the same owner and claim as a moment ago.
    fn unchanged(&self, id: &PhoneNumberId, seen: &Seen) -> Result<TransactWriteItem> {
        let mut check = ConditionCheck::builder().table_name(&self.table).key(KEY, text(id.as_str()));
        let mut conditions = Vec::new();
        let mut same = |check: ConditionCheckBuilder, name: &str, value: Option<AttributeValue>| match value {
            None => {
                conditions.push(format!("attribute_not_exists({name})"));
                check
            }
            Some(value) => {
                conditions.push(format!("{name} = :{name}"));
                check.expression_attribute_values(format!(":{name}"), value)
            }
        };
        check = same(check, "revision", seen.account.as_ref().map(|account| number(account.hidden.revision)));
        check = same(check, "claim_connection", seen.claim.as_ref().map(|claim| text(&claim.connection)));
        let check = check.condition_expression(conditions.join(" AND ")).build().map_err(Error::aws)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// A new life: whatever anybody kept on the number is gone.
    fn taking(&self, account: &Account, before: Option<&Account>, claim: &Claim) -> Result<TransactWriteItem> {
        let mut item = row::write(account)?;
        item.retain(|_, value| !value.is_null());
        let mut put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .expression_attribute_values(":connection", text(claim.connection.as_str()));
        put = match before {
            None => put.condition_expression("claim_connection = :connection AND attribute_not_exists(tenant)"),
            Some(before) => put
                .condition_expression("claim_connection = :connection AND revision = :before")
                .expression_attribute_values(":before", number(before.hidden.revision)),
        };
        Ok(TransactWriteItem::builder().put(put.build().map_err(Error::aws)?).build())
    }

    fn taking_again(&self, account: &Account, claim: &Claim) -> Result<TransactWriteItem> {
        let mut update = self.updating(account, "claim_connection = :connection")?;
        let remove = if update.update_expression.contains(" REMOVE ") { ", " } else { " REMOVE " };
        update.update_expression += remove;
        update.update_expression += CLAIM;
        let values = update.expression_attribute_values.get_or_insert_default();
        values.insert(":connection".to_owned(), text(claim.connection.as_str()));
        Ok(in_transaction(update))
    }

    fn first_of(&self, tenant: &TenantId, id: &PhoneNumberId) -> Result<TransactWriteItem> {
        let update = self
            .update(&tenant_key(tenant))
            .update_expression("SET #default = if_not_exists(#default, :number)")
            .expression_attribute_names("#default", DEFAULT)
            .expression_attribute_values(":number", text(id.as_str()));
        Ok(in_transaction(built(update)?))
    }

    pub(super) fn update(&self, key: &str) -> UpdateBuilder {
        Update::builder().table_name(&self.table).key(KEY, text(key))
    }
}

const ATTEMPTS: usize = 5;
pub(super) const CLAIM: &str = "claim_connection, claim_tenant, claim_waba, claim_until";
const NOBODY_LEAVES: &str = "(attribute_not_exists(leaving_until) OR leaving_until <= :now)";

fn one(id: &PhoneNumberId) -> AttributeValue {
    AttributeValue::Ss(vec![id.to_string()])
}

fn attribute(item: &Item, name: &str) -> Option<String> {
    item.get(name).and_then(|value| value.as_s().ok()).cloned()
}

fn moment(item: &Item, name: &str) -> Result<Option<Timestamp>> {
    let Some(value) = item.get(name).and_then(|value| value.as_n().ok()) else { return Ok(None) };
    value.parse().map_err(|_| Error::Corrupt(name.to_owned())).and_then(row::timestamp).map(Some)
}

impl Standing {
    fn read(item: &Item) -> Result<Option<Self>> {
        let (Some(connection), Some(until)) = (attribute(item, "claim_connection"), moment(item, "claim_until")?)
        else {
            return Ok(None);
        };
        Ok(Some(Self { connection, waba: attribute(item, "claim_waba").unwrap_or_default(), until }))
    }
}

impl Waba {
    pub(super) fn read(item: Option<&Item>) -> Result<Self> {
        let Some(item) = item else { return Ok(Self::default()) };
        let residents = item.get(RESIDENTS).and_then(|value| value.as_ss().ok());
        Ok(Self {
            residents: residents.into_iter().flatten().cloned().collect(),
            leaving_until: moment(item, "leaving_until")?,
        })
    }
}
