//! The SDK clients of one endpoint, without retries: a check wants the first answer.

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region, SharedHttpClient, retry::RetryConfig};

#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) streams: aws_sdk_dynamodbstreams::Client,
    pub(crate) kms: aws_sdk_kms::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
}

/// Each service's configuration is a type of its own.
macro_rules! client {
    ($service:ident, $id:expr, $url:expr, $http:expr) => {
        $service::Client::from_conf(
            $service::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .credentials_provider(Credentials::new($id, "secret", None, None, "tests"))
                .endpoint_url($url)
                .http_client($http.clone())
                .retry_config(RetryConfig::disabled())
                .build(),
        )
    };
}

impl Clients {
    pub(crate) fn new(url: &str) -> Self {
        Self::signed_by("contract", url)
    }

    /// Clients whose requests carry that access key id.
    pub(crate) fn signed_by(id: &str, url: &str) -> Self {
        let http: SharedHttpClient = aws_smithy_http_client::Builder::new().build_http();
        Self {
            dynamodb: client!(aws_sdk_dynamodb, id, url, http),
            streams: client!(aws_sdk_dynamodbstreams, id, url, http),
            kms: client!(aws_sdk_kms, id, url, http),
            secrets: client!(aws_sdk_secretsmanager, id, url, http),
            sqs: client!(aws_sdk_sqs, id, url, http),
        }
    }
}
