//! What moves: people, conversations, messages, and the webhooks that tell of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::webhooks::Held;

/// A customer as one business portfolio knows them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Person {
    pub user_id: String,
    pub parent_user_id: Option<String>,
    pub business_id: String,
    pub phone: Option<String>,
    pub name: String,
    pub username: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Conversation {
    pub last_inbound_at: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    Inbound,
    Outbound,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    pub id: String,
    pub phone_number_id: String,
    pub direction: Direction,
    /// The customer: their number where it is known to the business, their business-scoped id.
    pub phone: Option<String>,
    pub user_id: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// The message as it was posted to Graph, or as the webhook told it.
    pub content: Value,
    pub status: String,
    pub history: Vec<StatusAt>,
    /// `service`, `marketing`, …: what the statuses say it costs under.
    pub pricing_category: String,
    pub biz_opaque_callback_data: Option<String>,
    /// Seconds.
    pub at: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StatusAt {
    pub status: String,
    pub at: i64,
    /// How far the webhook that tells of it has come; `None` where nobody is told.
    pub webhook: Option<WebhookState>,
    pub webhook_uri: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum WebhookState {
    Pending,
    Delivered,
    Failed,
    Retrying,
}

/// One webhook POST until its 200.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// Nobody listens (or a fault dropped it): what it tells of happens all the same.
    pub url: Option<String>,
    pub body: String,
    pub tries: usize,
    /// Milliseconds of the clock.
    pub due_at: i64,
    /// The message and status this tells of; they become true when it first goes out.
    pub about: Option<(String, String)>,
    /// The number it concerns.
    #[serde(default)]
    pub number: Option<String>,
    #[serde(default)]
    pub held: Option<Held>,
}
