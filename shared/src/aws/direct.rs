//! Calls to AWS made by hand, for services of which every start needs a call or two and no more.
//!
//! An SDK's client would cost each start 450,000 instructions and half a megabyte, and each call what goes through its
//! layers. A request is signed by the SDKs' own signer and goes through their HTTP client.

use std::{sync::Arc, time::Duration};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, SharedHttpConnector},
    identity::Identity,
    orchestrator::{HttpRequest, HttpResponse},
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Error, Result, clock::Clock};

const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// Between attempts at what may pass; after the last there is none.
const WAITS: [Option<Duration>; 3] = [Some(Duration::from_millis(100)), Some(Duration::from_millis(400)), None];

/// A service that speaks JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct Service {
    /// As it is said to people.
    pub title: &'static str,
    /// In addresses and signatures.
    pub name: &'static str,
    /// What operations are named under.
    pub target: &'static str,
    pub content_type: &'static str,
}

/// A service's address, and who calls.
#[derive(Debug, Clone)]
pub(super) struct Direct {
    service: Service,
    http: SharedHttpConnector,
    url: Arc<str>,
    region: Arc<str>,
    identity: Identity,
    clock: Clock,
}

/// What a service answered.
pub(super) enum Answer {
    Done(Vec<u8>),
    /// The kind of refusal, without its namespace. Nothing else that was said is repeated: it may quote the request.
    Refused(String),
}

/// How an attempt failed.
enum Failed {
    /// The next attempt may do better.
    Passing(Error),
    ForGood(Error),
}

#[derive(Deserialize)]
struct Refusal {
    /// Perhaps with a namespace before it.
    #[serde(rename = "__type", default)]
    kind: String,
}

impl Direct {
    pub(super) fn new(
        service: Service,
        http: SharedHttpConnector,
        endpoint: Option<String>,
        region: &str,
        credentials: Credentials,
        clock: Clock,
    ) -> Self {
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        let url = endpoint.unwrap_or_else(|| format!("https://{}.{region}.amazonaws.com{suffix}", service.name));
        Self { service, http, url: url.into(), region: region.into(), identity: credentials.into(), clock }
    }

    /// A call of which the answer says something.
    pub(super) async fn ask<Said: DeserializeOwned>(&self, operation: &str, question: &impl Serialize) -> Result<Said> {
        let said = self.tell(operation, question).await?;
        // What serde would say of it may quote it.
        serde_json::from_slice(&said).map_err(|_| self.failed(&"an answer that cannot be read"))
    }

    /// A call that is done, or an error.
    pub(super) async fn tell(&self, operation: &str, what: &impl Serialize) -> Result<Vec<u8>> {
        let body = serde_json::to_string(what).map_err(|error| self.failed(&error))?;
        match self.call(operation, &body).await? {
            Answer::Done(said) => Ok(said),
            Answer::Refused(kind) => Err(self.failed(&kind)),
        }
    }

    /// One call. What may pass is tried three times.
    pub(super) async fn call(&self, operation: &str, body: &str) -> Result<Answer> {
        for wait in WAITS {
            match (self.attempt(operation, body).await, wait) {
                (Ok(answer), _) => return Ok(answer),
                (Err(Failed::Passing(_)), Some(wait)) => tokio::time::sleep(wait).await,
                (Err(Failed::Passing(error) | Failed::ForGood(error)), _) => return Err(error),
            }
        }
        Err(self.failed(&"it did not answer"))
    }

    /// What is said where an answer is none of those that are expected.
    pub(super) fn failed(&self, cause: &dyn std::fmt::Display) -> Error {
        Error::aws(format!("{}: {cause}", self.service.title))
    }

    async fn attempt(&self, operation: &str, body: &str) -> Result<Answer, Failed> {
        let request = self.signed(operation, body).map_err(Failed::ForGood)?;
        let passing = |cause: &dyn std::fmt::Display| Failed::Passing(self.failed(cause));
        let answered = async {
            let response = self.http.call(request).await.map_err(|error| passing(&error))?;
            let status = response.status().as_u16();
            Ok((status, read(response).await.map_err(|error| passing(&error))?))
        };
        let (status, body) =
            tokio::time::timeout(ATTEMPT_TIMEOUT, answered).await.map_err(|elapsed| passing(&elapsed))??;
        if status == 200 {
            return Ok(Answer::Done(body));
        }
        let refusal: Refusal = serde_json::from_slice(&body).unwrap_or_else(|_| Refusal { kind: String::new() });
        let kind = refusal.kind.rsplit('#').next().unwrap_or_default();
        match kind {
            "ThrottlingException" | "RequestThrottled" => Err(passing(&kind)),
            _ if status >= 500 => Err(passing(&status)),
            _ if kind.is_empty() => Err(Failed::ForGood(self.failed(&format_args!("it answered {status}")))),
            _ => Ok(Answer::Refused(kind.to_owned())),
        }
    }

    fn signed(&self, operation: &str, body: &str) -> Result<HttpRequest> {
        let parameters = v4::SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name(self.service.name)
            .time(self.clock.now().into())
            .settings(SigningSettings::default())
            .build()
            .map_err(Error::aws)?
            .into();
        let target = format!("{}.{operation}", self.service.target);
        let headers = [("content-type", self.service.content_type), ("x-amz-target", &target)];
        let signable =
            SignableRequest::new("POST", &*self.url, headers.into_iter(), SignableBody::Bytes(body.as_bytes()))
                .map_err(Error::aws)?;
        let (instructions, _) = sign(signable, &parameters).map_err(Error::aws)?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").map_err(Error::aws)?;
        request.set_uri(&*self.url).map_err(Error::aws)?;
        for (name, value) in headers.into_iter().chain(instructions.headers()) {
            request.headers_mut().insert(name.to_owned(), value.to_owned());
        }
        Ok(request)
    }
}

async fn read(response: HttpResponse) -> Result<Vec<u8>, aws_smithy_types::byte_stream::error::Error> {
    Ok(ByteStream::new(response.into_body()).collect().await?.to_vec())
}
