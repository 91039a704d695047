//! The phone page at `/`: static files of this crate, on one origin and without inline script or style.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};

use crate::graph;
use crate::meta::Meta;

/// What strangers write is shown here, so nothing but our own files may run or load.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";

struct File {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

macro_rules! files {
    ($($name:literal $kind:ident,)*) => {
        [$(File { name: $name, kind: $kind, text: include_str!(concat!("../pages/", $name)) },)*]
    };
}

const INDEX: File = File { name: "index.html", kind: HTML, text: include_str!("../pages/index.html") };

const FILES: [File; 18] = files! {
    "base.css" STYLE,
    "phone.css" STYLE,
    "message.css" STYLE,
    "icon.svg" PICTURE,
    "icons.svg" PICTURE,
    "actions.js" SCRIPT,
    "app.js" SCRIPT,
    "composer.js" SCRIPT,
    "content.js" SCRIPT,
    "details.js" SCRIPT,
    "dom.js" SCRIPT,
    "interactive.js" SCRIPT,
    "message.js" SCRIPT,
    "panel.js" SCRIPT,
    "people.js" SCRIPT,
    "template.js" SCRIPT,
    "theme.js" SCRIPT,
    "wire.js" SCRIPT,
};

pub(crate) fn router() -> Router<Arc<Meta>> {
    Router::new()
        // Graph has calls at its root too.
        .route("/", get(|| async { INDEX.into_response() }).fallback(graph::answer))
        .route("/page/{name}", get(file))
}

async fn file(Path(name): Path<String>) -> Response {
    match FILES.into_iter().find(|file| file.name == name) {
        Some(file) => file.into_response(),
        None => (StatusCode::NOT_FOUND, "no such file of the page").into_response(),
    }
}

impl IntoResponse for File {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.kind),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            // A newer simulator has a newer page.
            (header::CACHE_CONTROL, "no-cache"),
        ];
        (headers, self.text).into_response()
    }
}
