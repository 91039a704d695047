//! Message templates of a WABA.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{graph::Session, wire};
use crate::domain::{
    meta_error::MetaError,
    meta_id::{TemplateId, WabaId},
    template::{Key, Name},
};

const FIELDS: &str = "id,name,language,status,category,sub_category,previous_category,correct_category,components,\
                      parameter_format,quality_score,rejected_reason,cta_url_link_tracking_opted_out,\
                      library_template_name,message_send_ttl_seconds";

/// What Meta says of a template that was handed in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HandedIn {
    #[serde(deserialize_with = "wire::id")]
    pub id: TemplateId,
    #[serde(default, deserialize_with = "wire::text")]
    pub status: Option<String>,
    #[serde(default, deserialize_with = "wire::text")]
    pub category: Option<String>,
}

impl Session<'_> {
    /// All of a WABA's templates, each as Meta shows it.
    pub async fn templates(&self, waba: &WabaId) -> Result<Vec<Map<String, Value>>, MetaError> {
        self.list(&format!("{waba}/message_templates"), FIELDS, &[]).await
    }

    /// The one of this name in this language.
    pub async fn template(&self, waba: &WabaId, key: &Key) -> Result<Option<Map<String, Value>>, MetaError> {
        let named = [("name", key.name.as_str())];
        let found: Vec<Map<String, Value>> = self.list(&format!("{waba}/message_templates"), FIELDS, &named).await?;
        // Meta looks for what contains the name.
        let is_it = |graph: &Map<String, Value>| {
            graph.get("name").is_some_and(|name| name == key.name.as_str())
                && graph.get("language").is_some_and(|language| language == key.language.as_str())
        };
        Ok(found.into_iter().find(is_it))
    }

    /// Hands a template in. What Meta makes of it, it tells later.
    pub async fn hand_in(&self, waba: &WabaId, template: &Map<String, Value>) -> Result<HandedIn, MetaError> {
        self.post_object(&format!("{waba}/message_templates"), template).await
    }

    /// Deletes a template, in one language or in all.
    pub async fn delete_template(&self, waba: &WabaId, name: &Name, one: Option<&TemplateId>) -> Result<(), MetaError> {
        let mut query = vec![("name", name.as_str())];
        query.extend(one.map(|id| ("hsm_id", id.as_str())));
        self.delete_where(&format!("{waba}/message_templates"), &query).await
    }
}
