//! `GET …/media/{media_id}`: a file as it came, and nothing that a browser would run.

use std::{collections::HashMap, sync::Arc};

use axum::{
    extract::{Path, State},
    http::{
        HeaderValue,
        header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    },
    response::{IntoResponse, Response},
};

use super::Context;
use crate::{
    Error, Result,
    domain::{
        media::Shown,
        meta_id::{MediaId, PhoneNumberId},
    },
    http::{caller::Caller, query::Parameters},
};

pub(super) async fn fetch(
    State(context): State<Arc<Context>>,
    caller: Caller,
    Path(path): Path<HashMap<String, String>>,
    parameters: Parameters,
) -> Result<Response> {
    let unknown = |thing| Error::NotFound { thing };
    let number: Option<PhoneNumberId> = path.get("id").and_then(|id| id.parse().ok());
    let number = number.ok_or(unknown("account"))?;
    // What is no id of Meta's reaches no path of Graph's.
    let id: Option<MediaId> = path.get("media_id").and_then(|id| id.parse().ok());
    let id = id.ok_or(unknown("media"))?;
    parameters.finish()?;
    let file = context.files.download(caller.of_tenant()?, &number, &id).await?;
    let (kind, disposition) = match file.shown {
        Shown::Inline(kind) => (kind, "inline".to_owned()),
        Shown::Attachment => ("application/octet-stream", format!("attachment; filename=\"{id}\"")),
    };
    let mut response = file.bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.extend(HeaderValue::from_str(&disposition).ok().map(|value| (CONTENT_DISPOSITION, value)));
    Ok(response)
}
