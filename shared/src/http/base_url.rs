//! The address users reach this at: the one configured, else the gateway's own. Never a header, which anybody can send.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};
use lambda_http::request::RequestContext;

use crate::{
    Error, Result,
    domain::return_url::Origin,
    env::{Env, EnvError},
};

/// How this deployment is reached, and from where.
#[derive(Debug, Clone)]
pub struct Addresses {
    public_url: Option<String>,
    pub allowed_origins: Vec<Origin>,
}

/// `https://…`, without a slash at the end.
#[derive(Debug, Clone)]
pub struct BaseUrl(pub String);

impl Addresses {
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        let listed = env.optional("ALLOWED_ORIGINS").unwrap_or_default();
        let parse = |text: &str| {
            Origin::parse(text).ok_or_else(|| EnvError::Invalid("ALLOWED_ORIGINS", format!("{text} is no origin")))
        };
        Ok(Self {
            public_url: env.optional("PUBLIC_URL"),
            allowed_origins: listed
                .split(',')
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(parse)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl BaseUrl {
    /// Where Meta sends the browser back to.
    pub fn callback(&self) -> String {
        format!("{}/oauth/callback", self.0)
    }

    /// Where Meta is to send its webhooks.
    pub fn webhooks(&self) -> String {
        format!("{}/webhooks/whatsapp", self.0)
    }

    pub fn start(&self, ticket: &str) -> String {
        format!("{}/oauth/start/{ticket}", self.0)
    }
}

impl<S> FromRequestParts<S> for BaseUrl
where
    Addresses: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        if let Some(url) = Addresses::from_ref(state).public_url {
            return Ok(Self(url));
        }
        let domain = match parts.extensions.get::<RequestContext>() {
            Some(RequestContext::ApiGatewayV2(context)) => context.domain_name.clone(),
            _ => None,
        };
        let domain = domain.ok_or_else(|| Error::Corrupt("neither PUBLIC_URL nor a domain".to_owned()))?;
        let host = domain.split(':').next().unwrap_or_default();
        let scheme = if matches!(host, "localhost" | "127.0.0.1") { "http" } else { "https" };
        Ok(Self(format!("{scheme}://{domain}")))
    }
}
