//! A token in place of another, and everything sealed that there is.

use jiff::Timestamp;

use super::{Accounts, EDIT_ATTEMPTS, KEY, millis, row};
use crate::{
    Error, Result,
    aws::transaction::Position,
    domain::{account::Account, sealed::Sealed},
};

/// Some of the accounts that hold anything sealed, and where to go on.
#[derive(Debug)]
pub struct Stock {
    pub accounts: Vec<Account>,
    /// The keys of those that cannot be read.
    pub unreadable: Vec<String>,
    pub next: Option<Position>,
}

impl Accounts {
    /// Puts a newer token, sealed for the version after, in the place of the one that `old` has. None: that is not
    /// the account's token any more, or a connection is about to bring one.
    pub async fn renew(
        &self,
        old: &Account,
        token: &Sealed,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<Account>> {
        let mut before = old.clone();
        for _ in 0..EDIT_ATTEMPTS {
            let mut account = before.clone();
            account.renews(token.clone(), old.hidden.token_version + 1, expires_at, now);
            account.settle(&before, now);
            let mut update = self.updating(&account, "(attribute_not_exists(claim_until) OR claim_until <= :now)")?;
            update.expression_attribute_values.get_or_insert_default().insert(":now".to_owned(), millis(now));
            if self.send(update).await? {
                return Ok(Some(account));
            }
            match self.find(&old.number).await? {
                Some(found) if found.has_token_of(old) && found != before => before = found,
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The next accounts after `after` that hold a token or a PIN, of any tenant, in no order that means anything.
    pub async fn stock(&self, limit: i32, after: Option<Position>) -> Result<Stock> {
        let answer = self
            .client
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .filter_expression("attribute_exists(tenant) AND (attribute_exists(#token) OR attribute_exists(pin))")
            .expression_attribute_names("#token", "token")
            .limit(limit)
            .set_exclusive_start_key(after.map(Position::into_key))
            .send()
            .await
            .map_err(Error::aws)?;
        let next = answer.last_evaluated_key.as_ref().map(Position::of);
        let mut stock = Stock { accounts: Vec::new(), unreadable: Vec::new(), next };
        for item in answer.items.unwrap_or_default() {
            let key = item.get(KEY).and_then(|key| key.as_s().ok()).cloned().unwrap_or_default();
            match row::read(Some(item)) {
                Ok(account) => stock.accounts.extend(account),
                Err(error) => {
                    tracing::error!(key, error = %error.chain(), "an account cannot be read");
                    stock.unreadable.push(key);
                }
            }
        }
        Ok(stock)
    }
}
