//! A number's business profile.

use serde_json::{Map, Value, json};

use super::{
    graph::Session,
    wire::{Done, Page},
};
use crate::domain::{meta_error::MetaError, meta_id::PhoneNumberId, profile::ProfileChange};

const FIELDS: &str = "about,address,description,email,profile_picture_url,websites,vertical";

impl Session<'_> {
    pub async fn profile(&self, number: &PhoneNumberId) -> Result<Map<String, Value>, MetaError> {
        let path = format!("{number}/whatsapp_business_profile");
        let page: Page<Map<String, Value>> = self.get(&path, &[("fields", FIELDS)]).await?;
        let mut profile = page.data.into_iter().next().ok_or(MetaError::Unreadable)?;
        profile.remove("messaging_product");
        Ok(profile)
    }

    pub async fn change_profile(&self, number: &PhoneNumberId, change: &ProfileChange) -> Result<(), MetaError> {
        let mut body = change.0.clone();
        body.insert("messaging_product".to_owned(), json!("whatsapp"));
        let done: Done = self.post_object(&format!("{number}/whatsapp_business_profile"), &body).await?;
        done.check()
    }
}
