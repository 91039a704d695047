//! `GET /oauth/start/{ticket}`: the browser of whoever owns the numbers goes to Meta.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use secrecy::ExposeSecret;

use super::Context;
use crate::{
    Error, Result,
    aws::oauth_states,
    http::{base_url::BaseUrl, pages},
};

pub(super) async fn open(
    State(context): State<Arc<Context>>,
    base: BaseUrl,
    method: Method,
    headers: HeaderMap,
    Path(ticket): Path<String>,
) -> Response {
    // A preview of the link looks without going.
    if method == Method::HEAD {
        return pages::guarded(StatusCode::OK.into_response());
    }
    let redirect = match visit(&context, &base, &ticket).await {
        Ok(redirect) => redirect,
        Err(error) => pages::refused(error, &headers, &base),
    };
    pages::guarded(redirect)
}

async fn visit(context: &Context, base: &BaseUrl, ticket: &str) -> Result<Response> {
    let opened = context.visits.open(ticket, &base.callback()).await?;
    let cookie = format!(
        "{}={}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite=Lax",
        opened.cookie_name,
        opened.cookie.expose_secret(),
        oauth_states::LIFETIME.as_secs()
    );
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| Error::Corrupt("a redirect".to_owned()));
    let headers = [(header::LOCATION, value(&opened.location)?), (header::SET_COOKIE, value(&cookie)?)];
    Ok((StatusCode::FOUND, headers).into_response())
}
