//! `POST /_sim/media/{id}`: the media host gives something else than Graph said, or Graph a link to somewhere else.

use std::sync::Arc;

use axum::extract::{Json, Path, State};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, ControlError};
use crate::meta::Meta;

/// What is different from now on; what Graph said of the file's hash and size stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Served {
    bytes_base64: Option<String>,
    mime_type: Option<String>,
    url: Option<String>,
}

pub(crate) async fn change(
    State(meta): State<Arc<Meta>>,
    Path(id): Path<String>,
    Body(served): Body<Served>,
) -> Result<Json<Value>, ControlError> {
    let bytes = served.bytes_base64.map(|text| BASE64_STANDARD.decode(text)).transpose();
    let bytes = bytes.map_err(|_| ControlError::bad("bytes_base64 is not base64"))?;
    meta.change(|world| {
        let media = world.media.get_mut(&id).ok_or_else(|| ControlError::not_found("media"))?;
        media.served_type = served.mime_type.or(media.served_type.take());
        media.served_link = served.url.or(media.served_link.take());
        Ok::<_, ControlError>(())
    })?;
    if let Some(bytes) = bytes {
        meta.media.put(&id, &Bytes::from(bytes)).map_err(|error| ControlError::bad(error.to_string()))?;
    }
    Ok(Json(json!({"id": id})))
}
