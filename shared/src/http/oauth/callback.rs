//! `GET /oauth/callback`: the browser comes back from Meta, with a code or a refusal, and goes on to where it is awaited.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use secrecy::SecretString;

use super::{Context, page};
use crate::{
    Error, Result,
    domain::connection::{LIFETIME, Status},
    flow::connect::{Answer, Finished},
    http::{base_url::BaseUrl, cookies, pages},
};

pub(super) async fn finish(
    State(context): State<Arc<Context>>,
    base: BaseUrl,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let response = match end(&context, &base, &headers, query.as_deref().unwrap_or_default()).await {
        Ok(response) => response,
        Err(error) => pages::refused(error, &headers, &base),
    };
    pages::guarded(response)
}

async fn end(context: &Context, base: &BaseUrl, headers: &HeaderMap, query: &str) -> Result<Response> {
    let (state, answer) = read(query)?;
    let cookie = |name: &str| cookies::read(headers, name);
    let finished = context.visits.finish(&state, cookie, answer, &base.callback()).await?;
    let page = page::admission(context, &finished).await?;
    redirect(context, &finished, base, &page)
}

/// Meta's parameters; whatever else stands there is nobody's.
fn read(query: &str) -> Result<(String, Answer)> {
    let (mut state, mut code, mut refused) = (None, None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "state" => state = Some(value.into_owned()),
            "code" if !value.is_empty() => code = Some(SecretString::from(value.into_owned())),
            "error" => refused = Some(value == "access_denied"),
            _ => {}
        }
    }
    let answer = match (code, refused) {
        (Some(code), None) => Answer::Code(code),
        (_, refused) => Answer::Refused { is_denial: refused.unwrap_or_default() },
    };
    Ok((state.ok_or(Error::StateUnknown)?, answer))
}

/// To the dashboard, with what it needs to go on; without one, to our own page, which only this browser may see.
fn redirect(context: &Context, finished: &Finished, base: &BaseUrl, page: &page::Admitted) -> Result<Response> {
    let connection = &finished.stored.connection;
    let now = context.edge.clock.now();
    let status = connection.status_at(now);
    let header_of = |text: &str| HeaderValue::from_str(text).map_err(|_| Error::Corrupt("a redirect".to_owned()));
    let Some(return_url) = &connection.return_url else {
        let location = format!("{}/oauth/connections/{}", base.0, connection.id);
        let cookie = format!(
            "{}={}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite=Lax",
            page.cookie_name,
            page.cookie,
            LIFETIME.as_secs()
        );
        let headers = [(header::LOCATION, header_of(&location)?), (header::SET_COOKIE, header_of(&cookie)?)];
        return Ok((StatusCode::SEE_OTHER, headers).into_response());
    };
    let status = text(status);
    let error = connection.setback.as_ref().map(|setback| setback.obstacle.code());
    let mut parameters = vec![("patchbay_connection", connection.id.as_str()), ("patchbay_status", status.as_str())];
    parameters.extend(error.map(|code| ("patchbay_error", code)));
    parameters.extend(finished.verifier.as_deref().map(|verifier| ("patchbay_verifier", verifier)));
    let location = header_of(&return_url.with(&parameters))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

fn text(status: Status) -> String {
    serde_json::to_value(status).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
