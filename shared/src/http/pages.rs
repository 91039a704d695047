//! Our own pages: plain HTML that needs nothing else, readable on a phone, with no script and nothing from elsewhere.

use std::sync::LazyLock;

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

use super::{
    base_url::BaseUrl,
    problem::{Cause, Problem},
};
use crate::Error;

const STYLE: &str = include_str!("pages.css");

/// Nothing may be loaded, run or framed; forms come back to us; the one style sheet is known by its hash.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"))
});

/// What every answer to a browser on its way to Meta or back carries.
pub fn guarded(mut response: Response) -> Response {
    const GUARDS: [(HeaderName, &str); 4] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    let headers = response.headers_mut();
    headers.extend(GUARDS.map(|(name, value)| (name, HeaderValue::from_static(value))));
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    response
}

/// A page. `body` is HTML: what comes from elsewhere has gone through [`escaped`].
pub fn page(status: StatusCode, title: &str, body: &str, refresh: bool) -> Response {
    let refresh = if refresh { r#"<meta http-equiv="refresh" content="3">"# } else { "" };
    let title = escaped(title);
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"robots\" content=\"noindex\">\
         {refresh}<title>{title}</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    );
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    (status, [(header::CONTENT_TYPE, kind)], html).into_response()
}

/// A refusal as a page, or as a problem document where that is asked for.
pub fn refused(error: Error, headers: &HeaderMap, base: &BaseUrl) -> Response {
    let again = if let Error::StateExpired { ticket } = &error { Some(base.start(ticket)) } else { None };
    let mut response = error.into_response();
    if wants_json(headers) {
        return response;
    }
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let button = again.map(|url| format!("<p><a class=\"button\" href=\"{}\">Start again</a></p>", escaped(&url)));
    let body = format!(
        "<p>{}</p><p class=\"remedy\">{}</p>{}<p class=\"code\">{}</p>",
        escaped(&sentence(&problem.detail)),
        escaped(&problem.remedy),
        button.unwrap_or_default(),
        problem.code
    );
    let mut shown = page(response.status(), "This did not work", &body, false);
    if let Some(cause) = response.extensions_mut().remove::<Cause>() {
        shown.extensions_mut().insert(cause);
    }
    shown
}

pub fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.contains("json") && !accepted.contains("text/html")
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).chain(['.']).collect()).unwrap_or_default()
}

/// Text as HTML shows it, in content and in quoted attributes.
pub fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            letter => html.push(letter),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_stays_text() {
        assert_eq!(escaped("<b class=\"x\">O'Neil & Söhne"), "&lt;b class=&quot;x&quot;&gt;O&#39;Neil &amp; Söhne");
    }

    #[test]
    fn the_policy_names_the_style_by_its_hash() {
        let policy = POLICY.to_str().unwrap();

        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    }
}
