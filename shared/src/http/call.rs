//! One call from end to end: its id and time, who made it, what the audit says of it, how a refusal is written.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use lambda_http::request::RequestContext;

use super::{
    problem::{Cause, Problem},
    routes::{self, Route},
};
use crate::{
    Error,
    aws::audit::Audit,
    clock::{Clock, Random},
    domain::{audit::Entry, credential::CredentialId, hex, tenant::TenantId},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the outermost layer needs.
#[derive(Debug, Clone)]
pub struct Edge {
    pub audit: Audit,
    pub clock: Clock,
    pub random: Random,
    pub routes: &'static [Route],
}

/// The call being answered, as a request extension.
#[derive(Debug)]
pub struct Call {
    pub request_id: String,
    pub at: Timestamp,
    route: String,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default, Clone)]
struct Noted {
    who: Option<CredentialId>,
    tenant: Option<TenantId>,
    on: Option<String>,
    is_audited: bool,
}

impl Call {
    /// Notes who is calling, and for whom.
    pub fn identified(&self, who: &CredentialId, tenant: Option<&TenantId>) {
        let mut noted = self.noted();
        noted.who = Some(who.clone());
        noted.tenant = tenant.cloned();
    }

    /// The audit entry of this call, for an effect that commits it together with itself.
    pub fn entry(&self, on: &str, tenant: Option<&TenantId>, status: u16) -> Entry {
        let noted = self.noted().clone();
        let tenant = tenant.cloned().or(noted.tenant);
        self.compose(&Noted { on: Some(on.to_owned()), tenant, ..noted }, status, None)
    }

    /// Notes what the call is about, however it ends.
    pub fn concerns(&self, on: &str, tenant: Option<&TenantId>) {
        let mut noted = self.noted();
        noted.on = Some(on.to_owned());
        if let Some(tenant) = tenant {
            noted.tenant = Some(tenant.clone());
        }
    }

    /// Notes that the entry is committed.
    pub fn audited(&self) {
        self.noted().is_audited = true;
    }

    fn compose(&self, noted: &Noted, status: u16, code: Option<&str>) -> Entry {
        Entry {
            at: self.at,
            request_id: self.request_id.clone(),
            tenant: noted.tenant.clone(),
            who: noted.who.clone(),
            what: self.route.clone(),
            on: noted.on.clone(),
            status,
            code: code.map(str::to_owned),
        }
    }

    /// What is left to be audited once the answer is known. Strangers are not: anyone could fill the table.
    fn outstanding(&self, response: &Response) -> Option<Entry> {
        let noted = self.noted().clone();
        if noted.is_audited || noted.who.is_none() {
            return None;
        }
        let code = response.extensions().get::<Problem>().map(|problem| problem.code);
        Some(self.compose(&noted, response.status().as_u16(), code))
    }

    fn noted(&self) -> std::sync::MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts the outermost layer around a function's routes, and answers what they do not know.
pub fn serve(router: Router, edge: Edge) -> Router {
    let answer = async |uri: Uri| unknown(&uri);
    router.fallback(answer).method_not_allowed_fallback(answer).layer(middleware::from_fn_with_state(edge, outermost))
}

fn unknown(uri: &Uri) -> Error {
    match routes::allowed(uri.path()) {
        Some(allowed) => Error::MethodNotAllowed { allowed },
        None => Error::NotFound { thing: "path" },
    }
}

async fn outermost(State(edge): State<Edge>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().cloned();
    let is_mutating = !request.method().is_safe();
    let call = Arc::new(Call {
        request_id: request_id(&request, &edge.random),
        at: edge.clock.now(),
        route: format!("{} {}", request.method(), path.as_ref().map_or("unknown", MatchedPath::as_str)),
        noted: Mutex::default(),
    });
    request.extensions_mut().insert(Arc::clone(&call));

    // What the route table does not know admits nobody, whatever the router thinks.
    let is_known = path.is_none_or(|path| routes::find(edge.routes, request.method(), path.as_str()).is_some());
    let mut response = if is_known { next.run(request).await } else { unknown(request.uri()).into_response() };

    if is_mutating && let Some(entry) = call.outstanding(&response) {
        // Nothing was changed (an effect commits its own entry), so the answer stands without it.
        if let Err(error) = edge.audit.add(&entry).await {
            tracing::error!(error = %error.chain(), request_id = call.request_id, "audit entry lost");
        }
    }
    if let Some(Cause(cause)) = response.extensions_mut().remove::<Cause>() {
        tracing::error!(request_id = call.request_id, route = call.route, cause, "failed");
    }
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = problem.render(&call.request_id, response);
    }
    // What we answer is somebody's: no cache keeps it.
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(&call.request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// API Gateway's own id, which its access log shows too; one of ours where there is no gateway.
fn request_id(request: &Request, random: &Random) -> String {
    match request.extensions().get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) if context.request_id.is_some() => {
            context.request_id.clone().unwrap_or_default()
        }
        _ => hex::encode(&random.bytes::<8>()),
    }
}
