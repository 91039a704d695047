//! Reading a value of Secrets Manager: the one call of that service there is, made by hand.
//!
//! Its SDK would cost each start of a function 450,000 instructions and half a megabyte. The request is signed by the
//! SDKs' own signer and goes through their HTTP client.

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
use secrecy::SecretString;
use serde::Deserialize;

use crate::{Error, Result, clock::Clock};

const TARGET: &str = "secretsmanager.GetSecretValue";
const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// Between attempts at what may pass; after the last there is none.
const WAITS: [Option<Duration>; 3] = [Some(Duration::from_millis(100)), Some(Duration::from_millis(400)), None];

#[derive(Debug, Clone)]
pub struct Secrets {
    http: SharedHttpConnector,
    url: Arc<str>,
    region: Arc<str>,
    identity: Identity,
    clock: Clock,
}

/// How an attempt failed.
enum Failed {
    /// The next attempt may do better.
    Passing(Error),
    ForGood(Error),
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "SecretString", default)]
    text: Option<SecretString>,
}

#[derive(Deserialize)]
struct Refusal {
    /// Perhaps with a namespace before it.
    #[serde(rename = "__type", default)]
    kind: String,
}

impl Secrets {
    pub(super) fn new(
        http: SharedHttpConnector,
        endpoint: Option<String>,
        region: &str,
        credentials: Credentials,
        clock: Clock,
    ) -> Self {
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        let url = endpoint.unwrap_or_else(|| format!("https://secretsmanager.{region}.amazonaws.com{suffix}"));
        Self { http, url: url.into(), region: region.into(), identity: credentials.into(), clock }
    }

    /// The value of a stage; none where there is no such secret, or no such stage of it.
    pub async fn value(&self, id: &str, stage: &str) -> Result<Option<SecretString>> {
        let body = serde_json::json!({ "SecretId": id, "VersionStage": stage }).to_string();
        for wait in WAITS {
            match (self.attempt(&body).await, wait) {
                (Ok(value), _) => return Ok(value),
                (Err(Failed::Passing(_)), Some(wait)) => tokio::time::sleep(wait).await,
                (Err(Failed::Passing(error) | Failed::ForGood(error)), _) => return Err(error),
            }
        }
        Err(Error::aws("Secrets Manager did not answer"))
    }

    async fn attempt(&self, body: &str) -> Result<Option<SecretString>, Failed> {
        let request = self.signed(body).map_err(Failed::ForGood)?;
        let passing = |cause: &dyn std::fmt::Display| Failed::Passing(Error::aws(format!("Secrets Manager: {cause}")));
        let answered = async {
            let response = self.http.call(request).await.map_err(|error| passing(&error))?;
            let status = response.status().as_u16();
            Ok((status, read(response).await.map_err(|error| passing(&error))?))
        };
        let (status, body) =
            tokio::time::timeout(ATTEMPT_TIMEOUT, answered).await.map_err(|elapsed| passing(&elapsed))??;
        if status == 200 {
            // What serde would say of it quotes it.
            let unreadable = |_| Failed::ForGood(Error::Corrupt("an answer of Secrets Manager".to_owned()));
            return serde_json::from_slice(&body).map(|answer: Answer| answer.text).map_err(unreadable);
        }
        let refusal: Refusal = serde_json::from_slice(&body).unwrap_or_else(|_| Refusal { kind: String::new() });
        let kind = refusal.kind.rsplit('#').next().unwrap_or_default();
        match kind {
            "ResourceNotFoundException" => Ok(None),
            "ThrottlingException" => Err(passing(&kind)),
            _ if status >= 500 => Err(passing(&status)),
            _ => Err(Failed::ForGood(Error::aws(format!("Secrets Manager answered {status} {kind}")))),
        }
    }

    fn signed(&self, body: &str) -> Result<HttpRequest> {
        let parameters = v4::SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name("secretsmanager")
            .time(self.clock.now().into())
            .settings(SigningSettings::default())
            .build()
            .map_err(Error::aws)?
            .into();
        let headers = [("content-type", CONTENT_TYPE), ("x-amz-target", TARGET)];
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
