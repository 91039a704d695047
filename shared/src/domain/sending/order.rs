//! What the outbound queue carries: ids only. Nothing that is said is in a queue.

use serde::{Deserialize, Serialize};

use crate::domain::{
    conversation::{ConversationId, MessageId},
    meta_id::PhoneNumberId,
    tenant::TenantId,
};

/// One record of the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Order {
    /// A message is to be sent.
    Message {
        tenant: TenantId,
        number: PhoneNumberId,
        /// The life of the number it was accepted in.
        generation: u64,
        id: MessageId,
    },
    /// More of a batch is to be made into messages.
    Job { tenant: TenantId, number: PhoneNumberId, job: String },
}

impl Order {
    /// What goes one after the other: a conversation's messages, a number's batches.
    pub fn group(&self) -> String {
        match self {
            Self::Message { tenant, id, .. } => conversation_group(tenant, &id.conversation),
            Self::Job { tenant, number, .. } => format!("j#{tenant}#{number}"),
        }
    }
}

fn conversation_group(tenant: &TenantId, conversation: &ConversationId) -> String {
    format!("m#{tenant}#{}", conversation.hex())
}
