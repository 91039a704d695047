//! The emulators with the template's resources in them, and the environment each function has there.

use std::{collections::BTreeMap, path::Path};

use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use emulators::{Emulators, Options};
use local::template::{Function, REGION, Template};
use serde::Deserialize;

use crate::{Result, build::root};

#[derive(Debug)]
pub struct Aws {
    pub emulators: Emulators,
    template: Template,
    /// What Meta signs with: the deployment knows the app that the simulator would be.
    pub app_secret: String,
    /// The first key of this deployment, which the sweeper has yet to put.
    pub operator_key: String,
}

/// As the template has it generated.
#[derive(Deserialize)]
struct StackSecret {
    prefix: String,
    secret: String,
}

impl Aws {
    pub async fn start(data: &Path) -> Result<Self> {
        let emulators = Emulators::start(Options::new(data)).await?;
        let parameters = local::meta::parameters();
        let document = local::template::document(&std::fs::read_to_string(root().join("template.yaml"))?)?;
        let template = local::provisioned(&document, &parameters, &emulators.url()).await?;
        let app_secret = parameters.get("MetaAppSecret").cloned().ok_or("the local Meta app has no secret")?;
        let mut aws = Self { emulators, template, app_secret, operator_key: String::new() };
        aws.operator_key = aws.read_operator_key().await?;
        Ok(aws)
    }

    async fn read_operator_key(&self) -> Result<String> {
        let id = self.function("sweeper")?.environment.get("STACK_SECRET").ok_or("the sweeper has no STACK_SECRET")?;
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new("benches", "local", None, None, "local"))
            .endpoint_url(self.emulators.url())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::from_static(REGION))
            .build();
        let held = aws_sdk_secretsmanager::Client::from_conf(config).get_secret_value().secret_id(id).send().await?;
        let StackSecret { prefix, secret } = serde_json::from_str(held.secret_string().unwrap_or_default())?;
        Ok(prefix + &secret)
    }

    /// What Lambda tells every function.
    pub fn environment(&self, name: &str) -> BTreeMap<String, String> {
        [
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_ENDPOINT_URL", &self.emulators.url()),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_FUNCTION_NAME", name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/measured"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "measured"),
            ("AWS_REGION", REGION),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_SESSION_TOKEN", "local"),
            ("LANG", "en_US.UTF-8"),
            ("TZ", ":UTC"),
            ("_HANDLER", "bootstrap"),
        ]
        .map(|(variable, value)| (variable.to_owned(), value.to_owned()))
        .into()
    }

    /// The same, and what the template adds.
    pub fn function_environment(&self, name: &str) -> Result<BTreeMap<String, String>> {
        let function = self.function(name)?;
        let mut environment = self.environment(name);
        let log = [("AWS_LAMBDA_LOG_FORMAT", &function.log_format), ("AWS_LAMBDA_LOG_LEVEL", &function.log_level)];
        environment.extend(log.into_iter().filter_map(|(variable, value)| Some((variable.to_owned(), value.clone()?))));
        environment.extend(function.environment.clone());
        Ok(environment)
    }

    /// How many requests a caller has made.
    pub fn calls_of(&self, caller: &str) -> usize {
        self.emulators.calls().iter().filter(|call| call.caller == caller).count()
    }

    pub async fn stop(self) {
        self.emulators.stop().await;
    }

    fn function(&self, name: &str) -> Result<&Function> {
        let found = self.template.functions.values().find(|function| function.name == name);
        Ok(found.ok_or_else(|| format!("template.yaml has no function whose binary is {name}"))?)
    }
}
