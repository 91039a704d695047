//! One update that happens by itself, where its condition holds.

use aws_sdk_dynamodb::{Client, operation::update_item::UpdateItemError, types::Update};

use crate::{Error, Result};

/// Says whether its condition held.
pub(super) async fn send(client: &Client, update: Update) -> Result<bool> {
    let sent = client
        .update_item()
        .table_name(update.table_name)
        .set_key(Some(update.key))
        .update_expression(update.update_expression)
        .set_condition_expression(update.condition_expression)
        .set_expression_attribute_names(update.expression_attribute_names)
        .set_expression_attribute_values(update.expression_attribute_values)
        .send()
        .await;
    let Err(error) = sent else { return Ok(true) };
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
        _ => Err(Error::aws(error)),
    }
}
