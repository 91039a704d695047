//! What Meta requires of every app: somebody who removes it is disconnected, and whoever wants their data deleted gets a
//! code to look up that it was.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::Serialize;

use super::Context;
use crate::{
    Error, Result,
    domain::{keyring::Purpose, proof, time::rfc3339},
    http::{base_url::BaseUrl, pages},
    meta::signed_request::{self, SignedRequest},
};

/// What Meta shows to whoever asked for the deletion.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Deletion {
    url: String,
    confirmation_code: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DeletionStatus {
    status: &'static str,
    deleted_at: String,
}

pub(super) async fn deauthorize(State(context): State<Arc<Context>>, body: Bytes) -> Result<StatusCode> {
    let request = verified(&context, &body).await?;
    context.forget.tokens_of(&request, "deauthorize", &request_id(&context)).await?;
    Ok(StatusCode::OK)
}

pub(super) async fn delete(State(context): State<Arc<Context>>, base: BaseUrl, body: Bytes) -> Result<Json<Deletion>> {
    let request = verified(&context, &body).await?;
    context.forget.tokens_of(&request, "data deletion", &request_id(&context)).await?;
    // It is done: the code is the proof of that, and says when. Nothing about the person is kept.
    let mut stamp = context.edge.random.bytes::<16>();
    stamp[8..].copy_from_slice(&context.edge.clock.now().as_millisecond().to_be_bytes());
    let stamp = BASE64_URL_SAFE_NO_PAD.encode(stamp);
    let keys = context.secret.keyring().await?;
    let confirmation_code = format!("{stamp}{}", proof::prove(&keys, Purpose::Deletion, &[&stamp]));
    let url = format!("{}/oauth/data-deletion/{confirmation_code}", base.0);
    Ok(Json(Deletion { url, confirmation_code }))
}

pub(super) async fn status(
    State(context): State<Arc<Context>>,
    base: BaseUrl,
    headers: HeaderMap,
    Path(code): Path<String>,
) -> Response {
    pages::guarded(match deleted_at(&context, &code).await {
        Err(error) => pages::refused(error, &headers, &base),
        Ok(at) if pages::wants_json(&headers) => {
            Json(DeletionStatus { status: "deleted", deleted_at: rfc3339(at) }).into_response()
        }
        Ok(at) => {
            let body = format!(
                "<p class=\"good\">The permissions you gave through Facebook were deleted here on {}.</p>\
                 <p>Nothing about your Facebook account is kept.</p>",
                at.strftime("%-d %B %Y, %H:%M UTC")
            );
            pages::page(StatusCode::OK, "Your data was deleted", &body, false)
        }
    })
}

async fn deleted_at(context: &Context, code: &str) -> Result<jiff::Timestamp> {
    /// 16 bytes as text.
    const STAMP: usize = 22;
    let unknown = || Error::NotFound { thing: "deletion" };
    let (stamp, proof) = code.split_at_checked(STAMP).ok_or_else(unknown)?;
    let keys = context.secret.keyring().await?;
    if !proof::is_proved(&keys, Purpose::Deletion, &[stamp], proof) {
        return Err(unknown());
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(stamp).map_err(|_| unknown())?;
    let at = bytes.last_chunk::<8>().map(|at| i64::from_be_bytes(*at)).ok_or_else(unknown)?;
    jiff::Timestamp::from_millisecond(at).map_err(|_| unknown())
}

async fn verified(context: &Context, body: &[u8]) -> Result<SignedRequest> {
    let app = context.connect.apps.current().await?;
    let field = form_urlencoded::parse(body).find(|(name, _)| name == "signed_request");
    let text = field.map(|(_, value)| value).ok_or(Error::NotSigned)?;
    signed_request::verify(&text, &app, context.edge.clock.now()).map_err(|_| Error::NotSigned)
}

fn request_id(context: &Context) -> String {
    crate::domain::hex::encode(&context.edge.random.bytes::<8>())
}
