//! Calls to Graph: the only place that knows HTTP and shows a token or the app's secret to anybody. What the HTTP and TLS
//! stacks copy of them on the way cannot be wiped.

use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, uri::Scheme};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::wire::{self, Done};
use crate::{
    domain::{
        hex,
        meta_app::MetaApp,
        meta_error::{MetaError, Refusal},
        sending::NOT_CONNECTED,
    },
    env::{Env, EnvError},
};

pub(super) const META: &str = "https://graph.facebook.com";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TIMEOUT_MS: u64 = 10_000;
/// A request on a connection that the other side has given up fails without telling whether it arrived.
const IDLE: Duration = Duration::from_secs(30);
/// What is longer is no answer of Graph's. A page of a hundred numbers with their health has some 200 KB.
const BODY_LIMIT: usize = 4 * 1024 * 1024;
const VERSION_HEADER: &str = "facebook-api-version";
/// Parameters whose values nobody may see.
const SECRET: [&str; 6] = ["appsecret_proof", "client_secret", "code", "fb_exchange_token", "input_token", "pin"];

/// Where Graph is, and the connections to it: made at the first call, one client per environment.
#[derive(Clone)]
pub struct Graph {
    pub(super) base: String,
    pub(super) version: String,
    timeout: Duration,
    http: Arc<OnceLock<reqwest::Client>>,
    /// Whether it was said already that Meta answers as another version than was asked.
    has_warned: Arc<AtomicBool>,
}

/// Calls with a customer's token.
#[derive(Debug, Clone, Copy)]
pub struct Session<'a> {
    pub(super) graph: &'a Graph,
    app: &'a MetaApp,
    pub(super) token: &'a SecretString,
}

/// Calls with the app's own credentials.
#[derive(Debug, Clone, Copy)]
pub struct AppSession<'a> {
    pub(super) graph: &'a Graph,
    pub(super) app: &'a MetaApp,
}

/// One call as it goes out.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) query: Vec<(&'static str, &'a str)>,
    pub(super) body: Body<'a>,
    pub(super) bearer: Option<&'a str>,
}

pub(super) enum Body<'a> {
    Empty,
    Form(Vec<(&'static str, &'a str)>),
    Json(Vec<(&'static str, &'a str)>),
    /// An object of the caller's, with nothing of ours in it.
    Object(&'a Map<String, Value>),
    /// A form of parts, as it goes out, and what stands between them.
    Parts {
        boundary: &'a str,
        bytes: &'a [u8],
    },
}

impl Call<'_> {
    /// The error without what Meta wrote, where that repeats a secret it was sent.
    fn hiding(&self, error: MetaError) -> MetaError {
        let hide = |text: Option<String>| text.filter(|text| !self.secrets().any(|secret| text.contains(secret)));
        let hidden = |refusal: Refusal| Refusal {
            details: hide(refusal.details),
            user_message: hide(refusal.user_message),
            fbtrace_id: hide(refusal.fbtrace_id),
            ..refusal
        };
        match error {
            MetaError::Refused(refusal) => MetaError::Refused(hidden(refusal)),
            MetaError::AppRefused(refusal) => MetaError::AppRefused(hidden(refusal)),
            MetaError::Unreachable(_) | MetaError::Unreadable => error,
        }
    }

    fn secrets(&self) -> impl Iterator<Item = &str> {
        let body = match &self.body {
            Body::Empty | Body::Object(_) | Body::Parts { .. } => &[],
            Body::Form(fields) | Body::Json(fields) => fields.as_slice(),
        };
        let named = self.query.iter().chain(body).filter(|(name, _)| SECRET.contains(name)).map(|(_, value)| *value);
        // The app's own token is its id and its secret.
        let borne = self.bearer.into_iter().flat_map(|token| [token, token.split_once('|').map_or(token, |(_, s)| s)]);
        named.chain(borne).filter(|secret| !secret.is_empty())
    }
}

impl Graph {
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        let base: String = env.required("GRAPH_URL")?;
        let base = base.trim_end_matches('/').to_owned();
        if !is_meta_or_here(&base) {
            let wanted = format!("tokens go to {META} or a loopback address only");
            return Err(EnvError::Invalid("GRAPH_URL", wanted));
        }
        let version: String = env.required("GRAPH_VERSION")?;
        if !is_version(&version) {
            return Err(EnvError::Invalid("GRAPH_VERSION", "a version of Graph looks like v25.0".to_owned()));
        }
        let timeout = match env.optional("GRAPH_TIMEOUT_MS") {
            Some(_) => env.required("GRAPH_TIMEOUT_MS")?,
            None => TIMEOUT_MS,
        };
        Ok(Self {
            base,
            version,
            timeout: Duration::from_millis(timeout),
            http: Arc::default(),
            has_warned: Arc::default(),
        })
    }

    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn with<'a>(&'a self, app: &'a MetaApp, token: &'a SecretString) -> Session<'a> {
        Session { graph: self, app, token }
    }

    pub fn of_app<'a>(&'a self, app: &'a MetaApp) -> AppSession<'a> {
        AppSession { graph: self, app }
    }

    /// One attempt. An answer that refuses is an error; no secret that was sent is in it.
    pub(super) async fn call<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, MetaError> {
        let answered = self.attempt(&call).await.and_then(|answered| answered.read());
        answered.map_err(|error| call.hiding(error)).inspect_err(|error| {
            let trace = error.refusal().and_then(|refusal| refusal.fbtrace_id.as_deref());
            tracing::warn!(method = %call.method, path = call.path, %error, fbtrace_id = trace, "a call to Meta failed");
        })
    }

    async fn attempt(&self, call: &Call<'_>) -> Result<Answered, MetaError> {
        let request = self.request(call)?;
        let mut response = self.http()?.execute(request).await.map_err(|error| unreachable(&error))?;
        self.compare_version(response.headers());
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(&error))? {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(MetaError::Unreadable);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answered { status, body: Zeroizing::new(body) })
    }

    fn request(&self, call: &Call<'_>) -> Result<reqwest::Request, MetaError> {
        let mut url = format!("{}/{}/{}", self.base, self.version, call.path);
        if !call.query.is_empty() {
            url = url + "?" + &form(&call.query);
        }
        let mut request = self.http()?.request(call.method.clone(), url);
        if let Some(token) = call.bearer {
            request = request.header(header::AUTHORIZATION, bearer(token)?);
        }
        let request = match &call.body {
            Body::Empty => request,
            Body::Form(fields) => request
                .header(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
                .body(form(fields)),
            Body::Json(fields) => {
                let fields: Map<_, _> =
                    fields.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
                request
                    .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
                    .body(Value::Object(fields).to_string())
            }
            Body::Object(object) => request
                .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(serde_json::to_vec(object).map_err(|_| MetaError::Unreadable)?),
            Body::Parts { boundary, bytes } => request
                .header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"))
                .body(bytes.to_vec()),
        };
        request.build().map_err(|error| unreachable(&error))
    }

    pub(super) fn http(&self) -> Result<&reqwest::Client, MetaError> {
        if let Some(client) = self.http.get() {
            return Ok(client);
        }
        let client = client(self.timeout).map_err(|error| unreachable(&error))?;
        Ok(self.http.get_or_init(|| client))
    }

    /// Meta answers a call to an expired version as a newer one, silently but for this header.
    fn compare_version(&self, headers: &HeaderMap) {
        let Some(answered) = headers.get(VERSION_HEADER).and_then(|value| value.to_str().ok()) else { return };
        if answered != self.version && !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                asked = self.version,
                answered,
                "Meta answers as another version: set GraphVersion to one it still has"
            );
        }
    }
}

impl Session<'_> {
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&'static str, &str)],
    ) -> Result<T, MetaError> {
        let proof = self.proof();
        let query = [query, &[("appsecret_proof", proof.as_str())]].concat();
        self.call(Call { method: Method::GET, path, query, body: Body::Empty, bearer: None }).await
    }

    /// What is given travels in the body, the proof with it.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        fields: &[(&'static str, &str)],
    ) -> Result<T, MetaError> {
        let proof = self.proof();
        let body = Body::Json([fields, &[("appsecret_proof", proof.as_str())]].concat());
        self.call(Call { method: Method::POST, path, query: Vec::new(), body, bearer: None }).await
    }

    /// What is given is the whole body; the proof travels beside it.
    pub(super) async fn post_object<T: DeserializeOwned>(
        &self,
        path: &str,
        object: &Map<String, Value>,
    ) -> Result<T, MetaError> {
        self.send_object(Method::POST, path, object).await
    }

    pub(super) async fn send_object<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        object: &Map<String, Value>,
    ) -> Result<T, MetaError> {
        let proof = self.proof();
        let query = vec![("appsecret_proof", proof.as_str())];
        self.call(Call { method, path, query, body: Body::Object(object), bearer: None }).await
    }

    pub(super) async fn post_parts<T: DeserializeOwned>(
        &self,
        path: &str,
        boundary: &str,
        bytes: &[u8],
    ) -> Result<T, MetaError> {
        let proof = self.proof();
        let query = vec![("appsecret_proof", proof.as_str())];
        let body = Body::Parts { boundary, bytes };
        self.call(Call { method: Method::POST, path, query, body, bearer: None }).await
    }

    pub(super) async fn delete(&self, path: &str) -> Result<(), MetaError> {
        self.delete_where(path, &[]).await
    }

    pub(super) async fn delete_where(&self, path: &str, query: &[(&'static str, &str)]) -> Result<(), MetaError> {
        let proof = self.proof();
        let query = [query, &[("appsecret_proof", proof.as_str())]].concat();
        let call = Call { method: Method::DELETE, path, query, body: Body::Empty, bearer: None };
        self.call(call).await.and_then(Done::check)
    }

    async fn call<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, MetaError> {
        let call = Call { bearer: Some(self.token.expose_secret()), ..call };
        self.graph.call(call).await
    }

    /// Who has stolen a token has no secret to prove it with.
    fn proof(&self) -> Zeroizing<String> {
        let mac = keyed(&self.app.secret).chain_update(self.token.expose_secret());
        Zeroizing::new(hex::encode(&mac.finalize().into_bytes()))
    }
}

impl AppSession<'_> {
    /// A GET with the app's own token, `id|secret`.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&'static str, &str)],
    ) -> Result<T, MetaError> {
        let token = Zeroizing::new(format!("{}|{}", self.app.id, self.app.secret.expose_secret()));
        let call =
            Call { method: Method::GET, path, query: query.to_vec(), body: Body::Empty, bearer: Some(token.as_str()) };
        self.graph.call(call).await
    }

    /// A POST that says the app's id and secret itself.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        fields: &[(&'static str, &str)],
    ) -> Result<T, MetaError> {
        let own = [("client_id", self.app.id.as_str()), ("client_secret", self.app.secret.expose_secret())];
        let body = Body::Form([&own[..], fields].concat());
        self.graph.call(Call { method: Method::POST, path, query: Vec::new(), body, bearer: None }).await
    }
}

/// An answer, whole.
struct Answered {
    status: StatusCode,
    body: Zeroizing<Vec<u8>>,
}

impl Answered {
    fn read<T: DeserializeOwned>(&self) -> Result<T, MetaError> {
        if !self.status.is_success() {
            return Err(wire::refusal(self.status.as_u16(), &self.body));
        }
        // Some refusals come with a 200.
        serde_json::from_slice(&self.body).map_err(|_| match wire::refusal(self.status.as_u16(), &self.body) {
            refused @ MetaError::Refused(_) => refused,
            _ => MetaError::Unreadable,
        })
    }
}

pub(super) fn keyed(secret: &SecretString) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    Hmac::new_from_slice(secret.expose_secret().as_bytes()).expect("any length")
}

/// A token that no header can carry is none of Meta's; it would say the same.
pub(super) fn bearer(token: &str) -> Result<HeaderValue, MetaError> {
    let text = Zeroizing::new(format!("Bearer {token}"));
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| MetaError::Refused(Refusal { code: 190, status: 401, ..Refusal::default() }))?;
    value.set_sensitive(true);
    Ok(value)
}

/// By kind alone: the error itself names the URL, and a URL may hold a proof or a token.
pub(super) fn unreachable(error: &reqwest::Error) -> MetaError {
    MetaError::Unreachable(if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        NOT_CONNECTED
    } else {
        "connection lost"
    })
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn client(timeout: Duration) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls())
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .pool_idle_timeout(IDLE)
        .build()
}

/// The roots are compiled in: a cold start reads no file.
fn tls() -> rustls::ClientConfig {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    #[expect(clippy::expect_used, reason = "ring has the default versions of TLS")]
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3");
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    // reqwest sets this for configurations of its own making only.
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

fn is_meta_or_here(base: &str) -> bool {
    if base == META {
        return true;
    }
    let Ok(uri) = base.parse::<Uri>() else { return false };
    let is_http = uri.scheme() == Some(&Scheme::HTTP) || uri.scheme() == Some(&Scheme::HTTPS);
    let is_plain = uri.path() == "/" && uri.query().is_none() && !base.contains(['@', '#', '?']);
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    is_http && is_plain && (host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

fn is_version(text: &str) -> bool {
    let is_number = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    text.strip_prefix('v').and_then(|rest| rest.split_once('.')).is_some_and(|(a, b)| is_number(a) && is_number(b))
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph").field("base", &self.base).field("version", &self.version).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_host_that_does_not_exist_is_not_named_with_what_was_sent_to_it() {
        let env = Env::from_fn(|name| match name {
            "GRAPH_URL" => Some(META.to_owned()),
            "GRAPH_VERSION" => Some("v25.0".to_owned()),
            _ => None,
        });
        // No such name can exist, and no configuration can name it.
        let graph = Graph { base: "https://nobody.invalid".to_owned(), ..Graph::from_env(&env).unwrap() };
        let query = vec![("input_token", "theTokenNobodyMaySee")];
        let call = Call { method: Method::GET, path: "debug_token", query, body: Body::Empty, bearer: None };

        let error = graph.call::<Value>(call).await.unwrap_err();

        assert_eq!(error, MetaError::Unreachable("no connection"));
    }
}
