//! What SQS says when it refuses: the type of the JSON protocol with the code of the query protocol beside it.

use crate::wire::Refusal;

fn typed(kind: &str, query_code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { query_code: Some(query_code), ..Refusal::new(format!("com.amazonaws.sqs#{kind}"), message) }
}

fn coral(kind: &str, query_code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { query_code: Some(query_code), ..Refusal::new(format!("com.amazon.coral.service#{kind}"), message) }
}

pub(crate) fn no_such_queue() -> Refusal {
    typed("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
}

pub(crate) fn queue_exists(attribute: &str) -> Refusal {
    let message = format!("A queue already exists with the same name and a different value for attribute {attribute}");
    typed("QueueNameExists", "QueueAlreadyExists", message)
}

pub(crate) fn missing(parameter: &str) -> Refusal {
    let message = format!("The request must contain the parameter {parameter}.");
    coral("MissingRequiredParameterException", "MissingParameter", message)
}

pub(crate) fn invalid(message: impl Into<String>) -> Refusal {
    coral("InvalidParameterValueException", "InvalidParameterValue", message)
}

pub(crate) fn invalid_value(value: &str, parameter: &str, reason: &str) -> Refusal {
    invalid(format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"))
}

pub(crate) fn unknown_attribute(name: &str) -> Refusal {
    typed("InvalidAttributeName", "InvalidAttributeName", format!("Unknown Attribute {name}."))
}

pub(crate) fn invalid_attribute(name: &str) -> Refusal {
    typed("InvalidAttributeValue", "InvalidAttributeValue", format!("Invalid value for the parameter {name}."))
}

pub(crate) fn illegal_characters() -> Refusal {
    typed(
        "InvalidMessageContents",
        "InvalidMessageContents",
        "Invalid binary character was found in the message body, the set of allowed characters is \
         #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
    )
}

pub(crate) fn invalid_handle() -> Refusal {
    typed("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
}

pub(crate) fn expired_handle(handle: &str) -> Refusal {
    invalid_value(handle, "ReceiptHandle", "The receipt handle has expired.")
}

pub(crate) fn gone_message(handle: &str) -> Refusal {
    let reason = "Message does not exist or is not available for visibility timeout change.";
    invalid_value(handle, "ReceiptHandle", reason)
}

pub(crate) fn not_in_flight() -> Refusal {
    typed("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", "The message is not in flight.")
}

pub(crate) fn empty_batch(entries: &str) -> Refusal {
    let message = format!("There should be at least one {entries} in the request.");
    typed("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", message)
}

pub(crate) fn too_many_entries(count: usize) -> Refusal {
    let message = format!("Maximum number of entries per request are 10. You have sent {count}.");
    typed("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", message)
}

pub(crate) fn ids_not_distinct(id: &str) -> Refusal {
    let message = format!("Id {id} repeated.");
    typed("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", message)
}

pub(crate) fn invalid_entry_id() -> Refusal {
    typed(
        "InvalidBatchEntryId",
        "AWS.SimpleQueueService.InvalidBatchEntryId",
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
    )
}

pub(crate) fn batch_too_long(size: usize) -> Refusal {
    let message = format!("Batch requests cannot be longer than 1048576 bytes. You have sent {size} bytes.");
    typed("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", message)
}

pub(crate) fn over_limit() -> Refusal {
    typed("OverLimit", "OverLimit", "The maximum number of in flight messages, 120000, is reached.")
}

pub(crate) fn no_such_resource(message: &str) -> Refusal {
    typed("ResourceNotFoundException", "ResourceNotFoundException", message)
}
