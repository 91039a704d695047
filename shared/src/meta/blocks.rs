//! Whom a number hears nothing of any more.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::graph::Session;
use crate::domain::{
    meta_error::{MetaError, Refusal},
    meta_id::PhoneNumberId,
};

/// Some of those named could not be blocked, or unblocked. Here one is named at a time.
const SOME_FAILED: i64 = 139_100;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    block_users: Users,
}

#[derive(Default, Deserialize)]
struct Users {
    #[serde(default)]
    failed_users: Vec<Value>,
}

impl Session<'_> {
    /// `user` is a phone number with its plus sign, or a business-scoped id.
    pub async fn block(&self, number: &PhoneNumberId, user: &str) -> Result<(), MetaError> {
        self.change_blocks(Method::POST, number, user).await
    }

    pub async fn unblock(&self, number: &PhoneNumberId, user: &str) -> Result<(), MetaError> {
        self.change_blocks(Method::DELETE, number, user).await
    }

    async fn change_blocks(&self, method: Method, number: &PhoneNumberId, user: &str) -> Result<(), MetaError> {
        let body = Map::from_iter([
            ("messaging_product".to_owned(), json!("whatsapp")),
            ("block_users".to_owned(), json!([{ "user": user }])),
        ]);
        let answer: Answer = self.send_object(method, &format!("{number}/block_users"), &body).await?;
        if answer.block_users.failed_users.is_empty() {
            return Ok(());
        }
        // It comes with a 200.
        Err(MetaError::Refused(Refusal { code: SOME_FAILED, status: 200, ..Refusal::default() }))
    }
}
