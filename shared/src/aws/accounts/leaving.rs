//! Letting go of numbers and WABAs. Whoever unsubscribes a WABA holds it for that time, and only when nobody rests on
//! it: nobody can move in meanwhile, and once somebody has, nobody can begin.

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem, Update};
use jiff::Timestamp;

use super::{
    Accounts, DEFAULT, KEY, built,
    claims::{CLAIM, Waba},
    in_transaction, millis, tenant_key, text, waba_key,
};
use crate::{
    Error, Result,
    aws::transaction::Outcome,
    domain::{
        account::{Account, Due, Leaving, Work},
        meta_id::WabaId,
    },
};

/// The right to unsubscribe a WABA, until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    pub waba: WabaId,
    pub until: Timestamp,
}

/// Whether somebody may now finish what a disconnect began.
#[derive(Debug)]
pub enum Started {
    /// The account as it is now. No departure: others rest on the WABA.
    Yes { account: Box<Account>, departure: Option<Departure> },
    /// Somebody else is at it, or at the WABA: come again.
    Busy,
    /// A connection has claimed the number: nothing may be done to it at Meta's, as long as that stands.
    Claimed,
    /// Nothing is left to do, or the number is somebody's again.
    Over,
}

impl Accounts {
    /// Part of a transaction: the account is disconnected, is no resident of its WABA, and is not the default. Refused
    /// where the account, or whether it is the default, is not what was seen. `account` is what
    /// [`Account::disconnects`] and [`Account::settle`] made of it.
    pub fn disconnecting(&self, account: &Account, is_default: bool) -> Result<Vec<TransactWriteItem>> {
        let tenant = tenant_key(&account.tenant);
        let default = if is_default {
            let update = self
                .update(&tenant)
                .update_expression("REMOVE #default")
                .condition_expression("#default = :number")
                .expression_attribute_names("#default", DEFAULT)
                .expression_attribute_values(":number", text(account.number.as_str()));
            in_transaction(built(update)?)
        } else {
            let check = ConditionCheck::builder()
                .table_name(&self.table)
                .key(KEY, text(&tenant))
                .condition_expression("attribute_not_exists(#default) OR #default <> :number")
                .expression_attribute_names("#default", DEFAULT)
                .expression_attribute_values(":number", text(account.number.as_str()));
            TransactWriteItem::builder().condition_check(check.build().map_err(Error::aws)?).build()
        };
        Ok(vec![
            in_transaction(self.ending_claims(account)?),
            self.moving_out(&waba_key(&account.waba), &account.number)?,
            default,
        ])
    }

    /// A disconnect ends its own tenant's attempt to connect the number again, too.
    fn ending_claims(&self, account: &Account) -> Result<Update> {
        let mut update = self.updating(account, "")?;
        let remove = if update.update_expression.contains(" REMOVE ") { ", " } else { " REMOVE " };
        update.update_expression += remove;
        update.update_expression += CLAIM;
        Ok(update)
    }

    /// Takes up what a disconnect left to do, alone until `until`: nobody can claim the number before. Where nobody
    /// rests on the WABA, it is held too.
    pub async fn start_leaving(&self, account: &Account, until: Timestamp, now: Timestamp) -> Result<Started> {
        for _ in 0..ATTEMPTS {
            let seen = self.look(&account.number, &account.waba).await?;
            let Some(before) = seen.account.filter(|seen| seen.hidden.generation == account.hidden.generation) else {
                return Ok(Started::Over);
            };
            let Some(leaving) = before.hidden.leaving.clone() else { return Ok(Started::Over) };
            if seen.claim.is_some_and(|claim| now < claim.until) {
                return Ok(Started::Claimed);
            }
            let is_shared = !seen.waba.residents.is_empty();
            let held = if is_shared { None } else { seen.waba.leaving_until };
            if [leaving.until, held].into_iter().flatten().any(|held| now < held) {
                return Ok(Started::Busy);
            }
            let mut after = before.clone();
            after.hidden.leaving = Some(Leaving { until: Some(until), ..leaving });
            after.hidden.due = Some(Due { work: Work::Leaving, at: until });
            after.settle(&before, now);
            let waba = if is_shared { self.shared(&account.waba)? } else { self.holding(&account.waba, until, now)? };
            let mut taking = self.updating(&after, "(attribute_not_exists(claim_until) OR claim_until <= :now)")?;
            taking.expression_attribute_values.get_or_insert_default().insert(":now".to_owned(), millis(now));
            if let Outcome::Committed = self.transactions.commit(vec![in_transaction(taking), waba]).await? {
                let departure = (!is_shared).then(|| Departure { waba: account.waba.clone(), until });
                return Ok(Started::Yes { account: Box::new(after), departure });
            }
        }
        Ok(Started::Busy)
    }

    /// Takes the right to unsubscribe a WABA on which nobody rests. None: somebody does, or somebody else is at it.
    pub async fn depart(&self, waba: &WabaId, until: Timestamp, now: Timestamp) -> Result<Option<Departure>> {
        let holding = self.holding(waba, until, now)?;
        let is_held = matches!(self.transactions.commit(vec![holding]).await?, Outcome::Committed);
        Ok(is_held.then(|| Departure { waba: waba.clone(), until }))
    }

    /// Gives the right back: others may move in. One that has passed on is its new holder's.
    pub async fn departed(&self, departure: &Departure) -> Result<()> {
        let update = self
            .update(&waba_key(&departure.waba))
            .update_expression("REMOVE leaving_until")
            .condition_expression("leaving_until = :until")
            .expression_attribute_values(":until", millis(departure.until));
        self.send(built(update)?).await.map(|_| ())
    }

    /// How many numbers, of any tenant, rest on a WABA.
    pub async fn residents(&self, waba: &WabaId) -> Result<usize> {
        Ok(Waba::read(self.get(&waba_key(waba)).await?.as_ref())?.residents.len())
    }

    fn holding(&self, waba: &WabaId, until: Timestamp, now: Timestamp) -> Result<TransactWriteItem> {
        let update = self
            .update(&waba_key(waba))
            .update_expression("SET leaving_until = :until")
            .condition_expression(
                "attribute_not_exists(residents) AND (attribute_not_exists(leaving_until) OR leaving_until <= :now)",
            )
            .expression_attribute_values(":until", millis(until))
            .expression_attribute_values(":now", millis(now));
        Ok(in_transaction(built(update)?))
    }

    fn shared(&self, waba: &WabaId) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .key(KEY, text(&waba_key(waba)))
            .condition_expression("attribute_exists(residents)")
            .build()
            .map_err(Error::aws)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }
}

const ATTEMPTS: usize = 5;
