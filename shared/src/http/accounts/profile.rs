//! `…/profile`: what people see of a business in WhatsApp.

use std::sync::Arc;

use axum::{Json, extract::State};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Context, Id};
use crate::{
    Error, Result,
    domain::{account::Account, profile::ProfileChange, time::rfc3339},
    http::{body::Body, caller::Caller, query::Parameters},
};

/// Meta's own fields by Meta's names.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProfileBody {
    /// `about`, `address`, `description`, `email`, `profile_picture_url`, `vertical`, `websites`: those that have
    /// something.
    #[serde(flatten)]
    graph: Map<String, Value>,
    /// When Meta showed it so.
    #[schemars(extend("format" = "date-time"))]
    updated_at: String,
}

/// What to change; what is absent stays, null takes away. All else that Meta takes passes.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "described here, read by `domain::profile`")]
pub struct ProfileChangeBody {
    #[schemars(length(min = 1, max = 139))]
    about: Option<String>,
    #[schemars(length(max = 256))]
    address: Option<String>,
    #[schemars(length(max = 512))]
    description: Option<String>,
    #[schemars(length(max = 128))]
    email: Option<String>,
    #[schemars(length(max = 2), inner(length(max = 256)))]
    websites: Option<Vec<String>>,
    /// Such as `RETAIL`.
    vertical: Option<String>,
    /// Of Meta's resumable upload.
    profile_picture_handle: Option<String>,
    #[serde(flatten)]
    meta: Map<String, Value>,
}

pub(super) async fn show(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    parameters: Parameters,
) -> Result<Json<ProfileBody>> {
    let account = context.own(&caller, &id).await?;
    parameters.finish()?;
    context.profile(&account, None).await
}

pub(super) async fn change(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Id(id): Id,
    body: Result<Body<Value>>,
) -> Result<Json<ProfileBody>> {
    let account = context.own(&caller, &id).await?;
    caller.call.concerns(id.as_str(), None);
    let change = ProfileChange::read(body?.value).map_err(Error::Unprocessable)?;
    context.profile(&account, Some(&change)).await
}

impl Context {
    async fn profile(&self, account: &Account, change: Option<&ProfileChange>) -> Result<Json<ProfileBody>> {
        let graph = self.profile.changed(account, change).await?;
        Ok(Json(ProfileBody { graph, updated_at: rfc3339(self.edge.clock.now()) }))
    }
}
