//! Who is calling: an extractor that every handler but the public ones takes. What a route asks of its callers is
//! looked up in the route table, so that no handler can ask for less.

use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts, MatchedPath, OptionalFromRequestParts},
    http::{HeaderMap, header, request::Parts},
};

use super::{
    call::Call,
    routes::{self, Access, Route, Tenancy},
};
use crate::{
    Error, Result,
    domain::{
        bearer::Bearer,
        credential::{Credential, Kind},
        tenant::TenantId,
    },
    flow::admit::Gate,
};

const TENANT: &str = "patchbay-tenant";

/// An admitted caller: its credential, and the tenant this call concerns.
#[derive(Debug, Clone)]
pub struct Caller {
    pub credential: Arc<Credential>,
    pub tenant: Option<TenantId>,
    pub call: Arc<Call>,
}

/// How a router admits: the gate, and the table it goes by.
#[derive(Debug, Clone)]
pub struct Admission {
    pub gate: Gate,
    pub routes: &'static [Route],
}

impl<S> FromRequestParts<S> for Caller
where
    Admission: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let admission = Admission::from_ref(state);
        let call = parts.extensions.get::<Arc<Call>>().cloned().ok_or_else(|| unwired("a call"))?;
        let path = parts.extensions.get::<MatchedPath>().ok_or_else(|| unwired("a path"))?;
        let route = routes::find(admission.routes, &parts.method, path.as_str()).ok_or_else(|| unwired("a route"))?;

        let bearer = bearer(&parts.headers).ok_or(Error::Unauthenticated)?;
        let credential = admission.gate.admit(&bearer, &call.request_id).await?;
        call.identified(&credential.id, credential.tenant.as_ref());
        if credential.kind() == Kind::Key && parts.headers.contains_key(header::ORIGIN) {
            return Err(Error::KeyInBrowser);
        }
        allows(route.access, &credential)?;
        let tenant = concerned(route.tenancy, &credential, &parts.headers)?;
        call.identified(&credential.id, tenant.as_ref());
        Ok(Self { credential, tenant, call })
    }
}

/// On public routes: nobody, or somebody valid.
impl<S> OptionalFromRequestParts<S> for Caller
where
    Admission: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            <Self as FromRequestParts<S>>::from_request_parts(parts, state).await.map(Some)
        } else {
            Ok(None)
        }
    }
}

impl Caller {
    /// Whether a credential is within what this call concerns.
    pub fn may_end(&self, other: &Credential) -> bool {
        self.tenant.is_none() || other.tenant == self.tenant
    }

    /// Refuses a tenant in a body that is not the one the call concerns.
    pub fn must_concern(&self, named: Option<&TenantId>) -> Result<()> {
        match (&self.tenant, named) {
            (Some(own), Some(named)) if own != named => Err(Error::TenantMismatch),
            _ => Ok(()),
        }
    }
}

fn unwired(what: &str) -> Error {
    Error::Corrupt(format!("the router runs without {what}"))
}

/// None where there is no string of ours: that costs no look at any table.
fn bearer(headers: &HeaderMap) -> Option<Bearer> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, text) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Bearer::parse(text).ok()).flatten()
}

fn allows(access: Access, credential: &Credential) -> Result<()> {
    match (access, credential.kind()) {
        (Access::Key, Kind::Session) => Err(Error::KeyRequired),
        (Access::Session, Kind::Key) => Err(Error::SessionRequired),
        (Access::Scope(scope), _) if !credential.scopes.contains(scope) => Err(Error::ScopeMissing(scope)),
        _ => Ok(()),
    }
}

fn concerned(tenancy: Tenancy, credential: &Credential, headers: &HeaderMap) -> Result<Option<TenantId>> {
    let named = named_tenant(headers)?;
    match (&credential.tenant, named) {
        (Some(own), Some(named)) if *own != named => Err(Error::TenantMismatch),
        (Some(own), _) => Ok(Some(own.clone())),
        (None, None) if tenancy == Tenancy::One => Err(Error::TenantRequired),
        (None, named) => Ok(named),
    }
}

fn named_tenant(headers: &HeaderMap) -> Result<Option<TenantId>> {
    let malformed = |detail: String| Error::InvalidHeader { name: "Patchbay-Tenant", detail };
    let mut values = headers.get_all(TENANT).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let text = value.to_str().map_err(|error| malformed(error.to_string()))?;
            text.parse().map(Some).map_err(|error: crate::domain::tenant::InvalidTenantId| malformed(error.to_string()))
        }
        (Some(_), Some(_)) => Err(malformed("it stands twice".to_owned())),
    }
}
