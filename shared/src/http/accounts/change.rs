//! `PATCH /v1/accounts/{id}`: what a tenant may change of its account, over the version it has seen.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{Context, Id, version::IfMatch};
use crate::{
    Error, Result,
    domain::account::{Account, Change, METADATA_LIMIT},
    http::{body::Body, caller::Caller},
};

const LABEL: usize = 100;
const EXTERNAL_ID: usize = 255;

/// What to change; what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::option_option, reason = "absent, null and a value are three things here")]
pub struct ChangeBody {
    /// Null takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<String>", length(min = 1, max = 100))]
    label: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<String>", length(min = 1, max = 255))]
    external_id: Option<Option<String>>,
    /// Yours, up to 4 KB of JSON; it replaces what was there.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Map<String, Value>")]
    metadata: Option<Map<String, Value>>,
    /// False pauses the number.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "bool")]
    enabled: Option<bool>,
    /// True makes it the number that messages without a number go out from.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "bool")]
    default: Option<bool>,
}

/// What stands there counts, also where it is null: that is no way to say nothing.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

pub(super) async fn change(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    if_match: IfMatch,
    body: Result<Body<ChangeBody>>,
) -> Result<Response> {
    // Another tenant's account is not there, whatever is wrong with the request besides.
    context.own(&caller, &id).await?;
    let change = body?.value.change()?;
    let entry = caller.call.entry(id.as_str(), None, 200);
    let may = |account: &Account| if_match.allows(account);
    let kept = context.own.change(caller.of_tenant()?, &id, &change, may, &entry).await?;
    context.changed(&caller, kept).await
}

impl ChangeBody {
    fn change(self) -> Result<Change> {
        let is_within = |text: &Option<Option<String>>, most: usize| {
            text.as_ref().and_then(Option::as_ref).is_none_or(|text| (1..=most).contains(&text.chars().count()))
        };
        if !is_within(&self.label, LABEL) {
            return Err(Error::breaks("/label", format!("expected 1 to {LABEL} characters, or null")));
        }
        if !is_within(&self.external_id, EXTERNAL_ID) {
            return Err(Error::breaks("/external_id", format!("expected 1 to {EXTERNAL_ID} characters, or null")));
        }
        let size = self.metadata.as_ref().map_or(0, |metadata| Value::Object(metadata.clone()).to_string().len());
        if size > METADATA_LIMIT {
            return Err(Error::breaks("/metadata", format!("expected {METADATA_LIMIT} bytes of JSON at most")));
        }
        if self.default == Some(false) {
            return Err(Error::breaks("/default", "expected true: make another number the default instead"));
        }
        Ok(Change {
            label: self.label,
            external_id: self.external_id,
            metadata: self.metadata,
            enabled: self.enabled,
            make_default: self.default == Some(true),
        })
    }
}
