//! What is done to a WABA and its numbers. All of it may be repeated.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{
    graph::Session,
    wire::{Done, Page},
};
use crate::domain::{
    meta_error::MetaError,
    meta_id::{PhoneNumberId, WabaId},
};

/// How a verification code reaches the owner of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeMethod {
    Sms,
    Voice,
}

/// What the WhatsApp Business app brings over, once and on the first day only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    Contacts,
    History,
}

const WHATSAPP: (&str, &str) = ("messaging_product", "whatsapp");

impl Session<'_> {
    /// The app hears of this WABA from now on.
    pub async fn subscribe(&self, waba: &WabaId) -> Result<(), MetaError> {
        self.done(&format!("{waba}/subscribed_apps"), &[]).await
    }

    /// It hears of it no more, of none of its numbers.
    pub async fn unsubscribe(&self, waba: &WabaId) -> Result<(), MetaError> {
        self.delete(&format!("{waba}/subscribed_apps")).await
    }

    /// The ids of the apps that hear of this WABA.
    pub async fn subscribed_apps(&self, waba: &WabaId) -> Result<Vec<String>, MetaError> {
        let page: Page<Value> = self.get(&format!("{waba}/subscribed_apps"), &[]).await?;
        let id = |row: &Value| match &row["whatsapp_business_api_data"]["id"] {
            Value::String(id) => Some(id.clone()),
            Value::Number(id) => Some(id.to_string()),
            _ => None,
        };
        Ok(page.data.iter().filter_map(id).collect())
    }

    /// Switches a number on. One without a PIN gets this one; one that has another refuses.
    pub async fn register(&self, number: &PhoneNumberId, pin: &SecretString) -> Result<(), MetaError> {
        self.done(&format!("{number}/register"), &[WHATSAPP, ("pin", pin.expose_secret())]).await
    }

    pub async fn deregister(&self, number: &PhoneNumberId) -> Result<(), MetaError> {
        self.done(&format!("{number}/deregister"), &[]).await
    }

    /// Changes the two-step PIN.
    pub async fn set_pin(&self, number: &PhoneNumberId, pin: &SecretString) -> Result<(), MetaError> {
        self.done(number.as_str(), &[("pin", pin.expose_secret())]).await
    }

    /// Sends the owner a code. `language` is like `en_US`.
    pub async fn request_code(
        &self,
        number: &PhoneNumberId,
        method: CodeMethod,
        language: &str,
    ) -> Result<(), MetaError> {
        let method = match method {
            CodeMethod::Sms => "SMS",
            CodeMethod::Voice => "VOICE",
        };
        self.done(&format!("{number}/request_code"), &[("code_method", method), ("language", language)]).await
    }

    pub async fn verify_code(&self, number: &PhoneNumberId, code: &SecretString) -> Result<(), MetaError> {
        self.done(&format!("{number}/verify_code"), &[("code", code.expose_secret())]).await
    }

    pub async fn request_sync(&self, number: &PhoneNumberId, kind: Sync) -> Result<(), MetaError> {
        let kind = match kind {
            Sync::Contacts => "smb_app_state_sync",
            Sync::History => "history",
        };
        // It answers with the request's id, of which nothing more is ever heard.
        let _: Value = self.post(&format!("{number}/smb_app_data"), &[WHATSAPP, ("sync_type", kind)]).await?;
        Ok(())
    }

    async fn done(&self, path: &str, fields: &[(&'static str, &str)]) -> Result<(), MetaError> {
        let done: Done = self.post(path, fields).await?;
        done.check()
    }
}
