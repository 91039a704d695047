//! That something arrived for a number. The first time proves that its webhook works; later ones are noted at most once a
//! minute, apart from everything else: they are no change of the account.

use aws_sdk_dynamodb::types::Update;
use jiff::{SignedDuration, Timestamp};

use super::{Accounts, KEY, built, number, text};
use crate::{Result, domain::account::Account};

const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(1);

impl Accounts {
    /// Twice: the first proof stands. Of another life of the number nothing is noted.
    pub async fn heard(&self, account: &Account, now: Timestamp) -> Result<()> {
        let webhook = &account.webhook;
        if webhook.proved_at.is_none() {
            self.edit(&account.number, now, |current| {
                if current.hidden.generation == account.hidden.generation && current.webhook.proved_at.is_none() {
                    current.webhook.proved_at = Some(now);
                }
                Ok(())
            })
            .await?;
        }
        if webhook.last_event_at.is_some_and(|last| now < last + NOTED_EVERY) {
            return Ok(());
        }
        let noting = Update::builder()
            .table_name(&self.table)
            .key(KEY, text(account.number.as_str()))
            .update_expression("SET last_event_at = :now")
            .condition_expression(
                "generation = :generation AND (attribute_not_exists(last_event_at) OR last_event_at < :now)",
            )
            .expression_attribute_values(":now", text(&now.to_string()))
            .expression_attribute_values(":generation", number(account.hidden.generation));
        self.send(built(noting)?).await.map(|_| ())
    }
}
