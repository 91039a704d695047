//! Reading a value of Secrets Manager: the one call of that service there is.

use secrecy::SecretString;
use serde::Deserialize;

use super::direct::{Answer, Direct, Service};
use crate::{Error, Result};

pub(super) const SECRETS_MANAGER: Service = Service {
    title: "Secrets Manager",
    name: "secretsmanager",
    target: "secretsmanager",
    content_type: "application/x-amz-json-1.1",
};

#[derive(Debug, Clone)]
pub struct Secrets(Direct);

#[derive(Deserialize)]
struct Value {
    #[serde(rename = "SecretString", default)]
    text: Option<SecretString>,
}

impl Secrets {
    pub(super) fn new(service: Direct) -> Self {
        Self(service)
    }

    /// The value of a stage; none where there is no such secret, or no such stage of it.
    pub async fn value(&self, id: &str, stage: &str) -> Result<Option<SecretString>> {
        let body = serde_json::json!({ "SecretId": id, "VersionStage": stage }).to_string();
        match self.0.call("GetSecretValue", &body).await? {
            Answer::Done(body) => {
                // What serde would say of it quotes it.
                let unreadable = |_| Error::Corrupt("an answer of Secrets Manager".to_owned());
                serde_json::from_slice(&body).map(|value: Value| value.text).map_err(unreadable)
            }
            Answer::Refused(kind) if kind == "ResourceNotFoundException" => Ok(None),
            Answer::Refused(kind) => Err(self.0.failed(&kind)),
        }
    }
}
