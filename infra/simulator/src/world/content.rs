//! What a business has made ready to send: media, templates; and how Meta takes what is sent.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An upload, or what a customer sent; its bytes lie in [`crate::media::Store`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Media {
    pub id: String,
    pub phone_number_id: String,
    pub mime_type: String,
    /// Hexadecimal.
    pub sha256: String,
    pub file_size: usize,
    pub file_name: String,
    pub uploaded_at: i64,
    pub expires_at: i64,
    /// What the media host says it is, where that is something else.
    #[serde(default)]
    pub served_type: Option<String>,
    /// The link that Graph gives, where that is another.
    #[serde(default)]
    pub served_link: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Template {
    pub id: String,
    pub waba_id: String,
    pub name: String,
    pub language: String,
    pub category: String,
    pub previous_category: Option<String>,
    pub correct_category: Option<String>,
    /// As it was last decided; [`Template::status_at`] knows whether a review has ended since.
    pub status: String,
    pub rejected_reason: String,
    pub components: Value,
    pub parameter_format: String,
    pub message_send_ttl_seconds: Option<i64>,
    pub cta_url_link_tracking_opted_out: Option<bool>,
    pub quality: String,
    /// Meta made it for a direct send.
    pub is_auto_generated: bool,
    pub review: Option<Review>,
    /// When it was edited since its approval.
    pub edits: Vec<i64>,
    pub created_at: i64,
}

/// A review under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Review {
    /// Milliseconds.
    pub ends_at: i64,
    pub verdict: String,
    /// The webhook that tells of it, if anyone listens.
    pub delivery: Option<String>,
}

impl Template {
    pub(crate) fn status_at(&self, now_ms: i64) -> &str {
        match &self.review {
            Some(review) if review.ends_at <= now_ms => &review.verdict,
            _ => &self.status,
        }
    }
}

/// What Meta makes of calls where it is free to choose: set by `POST /_sim/behaviour`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Behaviour {
    /// Refusals told by a `failed` status after a 200, not by the answer.
    pub late_refusals: Vec<i64>,
    /// How long a template is reviewed.
    pub review_ms: i64,
    /// `APPROVED`, `REJECTED`, or `PENDING` for ever.
    pub review_verdict: String,
    /// Whether WABAs may send with a `category` and no template.
    pub direct_send: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            late_refusals: vec![130403, 130472, 130497, 131026, 131042, 131048, 131049, 131050, 131053],
            review_ms: 2000,
            review_verdict: "APPROVED".to_owned(),
            direct_send: true,
        }
    }
}

/// A customer who cannot be reached, by `POST /_sim/recipients`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Unreachable {
    pub code: i64,
    /// How many more messages; `None` is for ever.
    pub times: Option<u64>,
}

/// How fast messages went, as a time up to which the allowance is used (milliseconds).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pace {
    pub used_until: i64,
}

/// A customer a number does not hear from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Blocked {
    /// As they were named.
    pub input: String,
    pub phone_number_id: String,
    pub user_id: String,
    pub phone: Option<String>,
}

/// What customers see of the business behind a number.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub about: Option<String>,
    pub address: Option<String>,
    pub description: Option<String>,
    pub email: Option<String>,
    pub picture_url: Option<String>,
    pub websites: Vec<String>,
    pub vertical: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct QrCode {
    pub phone_number_id: String,
    pub prefilled_message: String,
    pub created_at: i64,
}

/// A resumable upload; its bytes lie in [`crate::media::Store`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub length: usize,
    pub mime_type: String,
    pub name: String,
    pub offset: usize,
}
