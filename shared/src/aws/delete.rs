//! One item taken away, where a condition holds.

use aws_sdk_dynamodb::operation::delete_item::{DeleteItemError, builders::DeleteItemFluentBuilder};

use crate::{Error, Result};

/// Where its condition does not hold, what stands there stays.
pub(super) async fn send(delete: DeleteItemFluentBuilder) -> Result<()> {
    let Err(error) = delete.send().await else { return Ok(()) };
    match error.as_service_error() {
        Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
        _ => Err(Error::aws(error)),
    }
}
