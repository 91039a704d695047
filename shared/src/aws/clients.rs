//! The AWS clients of a function: one HTTP client, one TLS stack (ring), no files read, no network before first use.

use std::{
    fmt,
    path::Path,
    sync::{Arc, LazyLock},
    time::Duration,
};

use aws_credential_types::Credentials;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::{
    Connector,
    tls::{self, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};

use super::{
    dead_letters::DeadLetters,
    direct::{Direct, Service},
    fifo::{Fifo, SQS},
    secrets::{SECRETS_MANAGER, Secrets},
};
use crate::{
    clock::Clock,
    env::{Env, EnvError},
};

/// Amazon Root CA 1 to 4 and Starfield G2: the roots of every AWS endpoint. Reading the system's bundle instead
/// costs a cold start 18 million instructions; `AWS_CA_BUNDLE` names a PEM file to use where a proxy re-signs TLS.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon_roots.pem");

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// A client that is made when it is first asked for: for what few calls need. Making one costs a start some 450,000
/// instructions, for each service's SDK reads a table of all regions with a dozen regular expressions in it.
pub type Later<Client> = Arc<LazyLock<Client, Box<dyn FnOnce() -> Client + Send>>>;

/// One that is made already, for those who would wait for it.
pub fn made<Client: Send + 'static>(client: Client) -> Later<Client> {
    Arc::new(LazyLock::new(Box::new(move || client)))
}

/// The client that tables share.
pub type Dynamodb = aws_sdk_dynamodb::Client;

/// What every client is built from.
#[derive(Clone)]
pub struct Aws {
    http: SharedHttpConnector,
    region: String,
    access_key: String,
    secret_key: String,
    session_token: Option<String>,
    endpoints: Endpoints,
}

/// `AWS_ENDPOINT_URL_<SERVICE>`, then `AWS_ENDPOINT_URL`: the SDK's builders ignore both without aws-config.
#[derive(Debug, Clone)]
struct Endpoints {
    dynamodb: Option<String>,
    kms: Option<String>,
    secrets_manager: Option<String>,
    sqs: Option<String>,
}

macro_rules! client {
    ($name:ident, $sdk:ident, $endpoint:ident) => {
        pub fn $name(&self) -> $sdk::Client {
            let credentials = $sdk::config::Credentials::new(
                &self.access_key,
                &self.secret_key,
                self.session_token.clone(),
                None,
                "environment",
            );
            let mut config = $sdk::Config::builder()
                .behavior_version($sdk::config::BehaviorVersion::v2026_01_12())
                .region($sdk::config::Region::new(self.region.clone()))
                .credentials_provider(credentials)
                // The credentials of an environment live as long as it does.
                .identity_cache($sdk::config::IdentityCache::no_cache())
                .retry_config($sdk::config::retry::RetryConfig::standard().with_max_attempts(3))
                .timeout_config(
                    $sdk::config::timeout::TimeoutConfig::builder()
                        .connect_timeout(CONNECT_TIMEOUT)
                        .operation_attempt_timeout(Duration::from_secs(3))
                        .operation_timeout(Duration::from_secs(8))
                        .build(),
                )
                .sleep_impl(TokioSleep::new())
                .http_client(self.http_client());
            config.set_endpoint_url(self.endpoints.$endpoint.clone());
            $sdk::Client::from_conf(config.build())
        }
    };
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Aws {
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        let endpoint = |service: &str| {
            env.optional(&format!("AWS_ENDPOINT_URL_{service}")).or_else(|| env.optional("AWS_ENDPOINT_URL"))
        };
        Ok(Self {
            http: connector(env.optional("AWS_CA_BUNDLE").as_deref())?,
            region: env.required("AWS_REGION")?,
            access_key: env.required("AWS_ACCESS_KEY_ID")?,
            secret_key: env.required("AWS_SECRET_ACCESS_KEY")?,
            session_token: env.optional("AWS_SESSION_TOKEN"),
            endpoints: Endpoints {
                dynamodb: endpoint("DYNAMODB"),
                kms: endpoint("KMS"),
                secrets_manager: endpoint("SECRETS_MANAGER"),
                sqs: endpoint("SQS"),
            },
        })
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    pub fn later<Client: 'static>(&self, make: fn(&Self) -> Client) -> Later<Client> {
        let aws = self.clone();
        Arc::new(LazyLock::new(Box::new(move || make(&aws))))
    }

    client!(dynamodb, aws_sdk_dynamodb, dynamodb);
    client!(kms, aws_sdk_kms, kms);
    client!(sqs, aws_sdk_sqs, sqs);

    pub fn secrets(&self, clock: Clock) -> Secrets {
        Secrets::new(self.direct(SECRETS_MANAGER, self.endpoints.secrets_manager.clone(), clock))
    }

    /// A queue to feed, or to let records wait in.
    pub fn fifo(&self, url: String, clock: Clock) -> Fifo {
        Fifo::new(self.direct(SQS, self.endpoints.sqs.clone(), clock), url)
    }

    /// What came to the dead letters of a queue.
    pub fn dead_letters(&self, url: String, home: String, clock: Clock) -> DeadLetters {
        DeadLetters::new(self.direct(SQS, self.endpoints.sqs.clone(), clock), url, home)
    }

    fn direct(&self, service: Service, endpoint: Option<String>, clock: Clock) -> Direct {
        let (access, secret) = (self.access_key.clone(), self.secret_key.clone());
        let credentials = Credentials::new(access, secret, self.session_token.clone(), None, "environment");
        Direct::new(service, self.http.clone(), endpoint, &self.region, credentials, clock)
    }

    fn http_client(&self) -> SharedHttpClient {
        let connector = self.http.clone();
        http_client_fn(move |_, _| connector.clone())
    }
}

fn connector(bundle: Option<&str>) -> Result<SharedHttpConnector, EnvError> {
    let unusable = |error: &dyn fmt::Display| EnvError::Invalid("AWS_CA_BUNDLE", error.to_string());
    let roots = match bundle {
        Some(path) => std::fs::read(Path::new(path)).map_err(|error| unusable(&error))?,
        None => AMAZON_ROOTS.to_vec(),
    };
    let trust = TlsContext::builder().with_trust_store(TrustStore::empty().with_pem_certificate(roots)).build();
    let connector = Connector::builder()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .tls_context(trust.map_err(|error| unusable(&error))?)
        .connector_settings(HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build())
        .sleep_impl(TokioSleep::new())
        // Longer than a warm environment idles between requests worth a saved handshake.
        .pool_idle_timeout(Duration::from_mins(10))
        .build();
    // Made once, here: the SDK's ready-made HTTP client parses the roots again for every service's client.
    Ok(SharedHttpConnector::new(connector))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aws(extra: &'static [(&str, &str)]) -> Aws {
        let env = Env::from_fn(move |name| match name {
            "AWS_REGION" => Some("eu-central-1".to_owned()),
            "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
            _ => extra.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()),
        });
        Aws::from_env(&env).unwrap()
    }

    /// Where a client really sends: a listener stands at the endpoint and sees the request's target.
    async fn target_seen_by(listener: tokio::net::TcpListener) -> String {
        use tokio::io::{AsyncBufReadExt, BufReader};
        let (stream, _) = listener.accept().await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(target) = line.to_ascii_lowercase().strip_prefix("x-amz-target: ") {
                return target.to_owned();
            }
        }
        String::new()
    }

    macro_rules! endpoint_test {
        ($test:ident, $variable:literal, $call:expr, $target:literal) => {
            #[tokio::test]
            async fn $test() {
                for variable in [$variable, "AWS_ENDPOINT_URL"] {
                    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                    let url = format!("http://{}", listener.local_addr().unwrap());
                    let env = Env::from_fn(move |name| match name {
                        "AWS_REGION" => Some("eu-central-1".to_owned()),
                        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
                        name if name == variable => Some(url.clone()),
                        // The general one must not win over the service's own.
                        "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:1".to_owned()),
                        _ => None,
                    });
                    let aws = Aws::from_env(&env).unwrap();
                    let call = $call;
                    let target = tokio::select! {
                        target = target_seen_by(listener) => target,
                        () = call(aws) => panic!("the call ended without reaching {variable}"),
                    };
                    assert_eq!(target, $target, "{variable}");
                }
            }
        };
    }

    endpoint_test!(
        the_dynamodb_client_goes_where_its_variable_says,
        "AWS_ENDPOINT_URL_DYNAMODB",
        async |aws: Aws| drop(aws.dynamodb().list_tables().send().await),
        "dynamodb_20120810.listtables"
    );
    endpoint_test!(
        the_kms_client_goes_where_its_variable_says,
        "AWS_ENDPOINT_URL_KMS",
        async |aws: Aws| drop(aws.kms().list_keys().send().await),
        "trentservice.listkeys"
    );
    endpoint_test!(
        secrets_are_read_where_their_variable_says,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        async |aws: Aws| drop(aws.secrets(Clock::system()).value("some", "AWSCURRENT").await),
        "secretsmanager.getsecretvalue"
    );
    endpoint_test!(
        the_sqs_client_goes_where_its_variable_says,
        "AWS_ENDPOINT_URL_SQS",
        async |aws: Aws| drop(aws.sqs().list_queues().send().await),
        "amazonsqs.listqueues"
    );
    endpoint_test!(
        a_queue_is_fed_where_the_variable_of_sqs_says,
        "AWS_ENDPOINT_URL_SQS",
        async |aws: Aws| drop(aws.fifo("some".to_owned(), Clock::system()).wait(&[("a".to_owned(), 1)]).await),
        "amazonsqs.changemessagevisibilitybatch"
    );

    #[test]
    fn a_bundle_that_cannot_be_read_is_named() {
        assert!(connector(Some("/nowhere.pem")).unwrap_err().to_string().starts_with("AWS_CA_BUNDLE is set to"));
        assert!(aws(&[]).endpoints.dynamodb.is_none());
    }
}
