//! All items of a table whose partition begins with a tenant, found by going through the whole table: whatever leads to
//! them, or does not any more. Only the command that erases a tenant does this.

use aws_sdk_dynamodb::{Client, types::AttributeValue};

use super::transaction::{Item, Position};
use crate::{Error, Result, domain::tenant::TenantId};

/// Items that are looked at in one call, of whatever tenant.
const PAGE: i32 = 1_000;

/// Some of them, and where to go on.
pub(super) async fn page(
    client: &Client,
    table: &str,
    tenant: &TenantId,
    after: Option<Position>,
) -> Result<(Vec<Item>, Option<Position>)> {
    let answer = client
        .scan()
        .table_name(table)
        .consistent_read(true)
        // No tenant id has this letter: one that begins as another does is not meant.
        .filter_expression("begins_with(pk, :tenant)")
        .expression_attribute_values(":tenant", AttributeValue::S(format!("{tenant}#")))
        .limit(PAGE)
        .set_exclusive_start_key(after.map(Position::into_key))
        .send()
        .await
        .map_err(Error::aws)?;
    let next = answer.last_evaluated_key.as_ref().map(Position::of);
    Ok((answer.items.unwrap_or_default(), next))
}
