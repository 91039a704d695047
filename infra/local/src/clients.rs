//! The SDK's own clients, pointed at the emulators.

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};

use serde_json::Value;

use crate::template::REGION;

/// One caller's clients; its name is its access key id, so that recorded calls say who called.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) kms: aws_sdk_kms::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) streams: aws_sdk_dynamodbstreams::Client,
}

/// The configuration of one service's client; they differ in type only.
macro_rules! client {
    ($service:ident, $url:expr, $caller:expr, $http:expr) => {
        $service::Client::from_conf(
            $service::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .credentials_provider(Credentials::new($caller, "local", None, None, "local"))
                .endpoint_url($url)
                .http_client($http.clone())
                .region(Region::from_static(REGION))
                .build(),
        )
    };
}

impl Clients {
    pub(crate) fn new(url: &str, caller: &str) -> Self {
        let http: SharedHttpClient = aws_smithy_http_client::Builder::new().build_http();
        Self {
            dynamodb: client!(aws_sdk_dynamodb, url, caller, http),
            kms: client!(aws_sdk_kms, url, caller, http),
            secrets: client!(aws_sdk_secretsmanager, url, caller, http),
            sqs: client!(aws_sdk_sqs, url, caller, http),
            streams: client!(aws_sdk_dynamodbstreams, url, caller, http),
        }
    }

    /// The first operator key, as the stack secret holds it.
    pub(crate) async fn first_key(&self, secret: Option<&str>) -> Option<String> {
        let held = self.secrets.get_secret_value().secret_id(secret?).send().await.ok()?.secret_string?;
        let held: Value = serde_json::from_str(&held).ok()?;
        Some(format!("{}{}", held.get("prefix")?.as_str()?, held.get("secret")?.as_str()?))
    }
}
