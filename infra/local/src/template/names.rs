//! What `Ref` and `Fn::GetAtt` give for each resource: planned before anything exists, real once it does.

use std::collections::BTreeMap;

use serde_json::Value;

pub const ACCOUNT: &str = "000000000000";
pub const PARTITION: &str = "aws";
pub const REGION: &str = "us-east-1";
pub const STACK: &str = "patchbay";

/// The identities of all resources of a template, by logical id.
#[derive(Debug, Clone, Default)]
pub struct Names(BTreeMap<String, Identity>);

/// How other resources see one resource.
#[derive(Debug, Clone)]
pub struct Identity {
    pub reference: String,
    pub attributes: BTreeMap<&'static str, String>,
    /// A resource that needs nothing locally answers any attribute, for nobody uses the answer.
    any_attribute: bool,
}

impl Identity {
    pub fn new<const N: usize>(reference: impl Into<String>, attributes: [(&'static str, String); N]) -> Self {
        Self { reference: reference.into(), attributes: BTreeMap::from(attributes), any_attribute: false }
    }

    fn of_no_consequence(logical_id: &str) -> Self {
        Self { reference: format!("{STACK}-{logical_id}"), attributes: BTreeMap::new(), any_attribute: true }
    }
}

impl Names {
    pub fn insert(&mut self, logical_id: impl Into<String>, identity: Identity) {
        self.0.insert(logical_id.into(), identity);
    }

    pub fn contains(&self, logical_id: &str) -> bool {
        self.0.contains_key(logical_id)
    }

    pub fn reference(&self, logical_id: &str) -> Option<&str> {
        self.0.get(logical_id).map(|identity| identity.reference.as_str())
    }

    pub fn attribute(&self, logical_id: &str, attribute: &str) -> Option<String> {
        let identity = self.0.get(logical_id)?;
        let made_up = || identity.any_attribute.then(|| arn("local", &format!("{logical_id}/{attribute}")));
        identity.attributes.get(attribute).cloned().or_else(made_up)
    }

    /// The resource one of whose attributes has this value: how an ARN finds its way back.
    pub fn owner_of(&self, value: &str) -> Option<&str> {
        let owns = |identity: &Identity| {
            identity.reference == value || identity.attributes.values().any(|attribute| attribute == value)
        };
        self.0.iter().find(|(_, identity)| owns(identity)).map(|(logical_id, _)| logical_id.as_str())
    }
}

/// The name a table or queue gets: stack and logical id, as `CloudFormation`'s begin.
pub fn physical_name(logical_id: &str) -> String {
    format!("{STACK}-{logical_id}")
}

/// The identity a resource will have, as far as it can be known before it exists. `None`: an unknown type.
pub(super) fn planned(logical_id: &str, kind: &str, properties: &Value) -> Option<Identity> {
    let name = physical_name(logical_id);
    Some(match kind {
        "AWS::DynamoDB::Table" => {
            let table = arn("dynamodb", &format!("table/{name}"));
            let stream = format!("{table}/stream/local");
            Identity::new(name, [("Arn", table), ("StreamArn", stream)])
        }
        "AWS::SQS::Queue" => {
            let fifo = matches!(properties.get("FifoQueue"), Some(Value::Bool(true)));
            let name = if fifo { format!("{name}.fifo") } else { name };
            let url = format!("http://127.0.0.1/{ACCOUNT}/{name}");
            let queue = arn("sqs", &name);
            Identity::new(url.clone(), [("Arn", queue), ("QueueName", name), ("QueueUrl", url)])
        }
        "AWS::KMS::Key" => {
            let key = arn("kms", &format!("key/{name}"));
            Identity::new(name.clone(), [("Arn", key), ("KeyId", name)])
        }
        "AWS::SecretsManager::Secret" => {
            let secret = arn("secretsmanager", &format!("secret:{name}"));
            Identity::new(secret.clone(), [("Id", secret)])
        }
        "AWS::Serverless::Function" => {
            let function = arn("lambda", &format!("function:{name}"));
            Identity::new(name, [("Arn", function)])
        }
        "AWS::Serverless::HttpApi" => {
            let endpoint = format!("https://local.execute-api.{REGION}.amazonaws.com");
            Identity::new("local", [("ApiEndpoint", endpoint), ("ApiId", "local".to_owned())])
        }
        kind if PASSED_OVER.contains(&kind) => Identity::of_no_consequence(logical_id),
        _ => return None,
    })
}

/// What SAM makes beside the resources that are written down.
pub(super) fn implied(logical_id: &str, kind: &str, properties: &Value) -> Vec<(String, Identity)> {
    let implied: Vec<String> = match kind {
        "AWS::Serverless::Function" => {
            let events =
                properties.get("Events").and_then(Value::as_object).into_iter().flat_map(|events| events.keys());
            std::iter::once(format!("{logical_id}Role"))
                .chain(events.map(|event| format!("{logical_id}{event}")))
                .collect()
        }
        "AWS::Serverless::HttpApi" => {
            vec![format!("{logical_id}ApiGatewayDefaultStage"), format!("{logical_id}.Stage")]
        }
        _ => Vec::new(),
    };
    implied.into_iter().map(|id| (id.clone(), Identity::of_no_consequence(&id))).collect()
}

/// Resources that watch, log or permit: they need nothing on one machine.
pub const PASSED_OVER: &[&str] = &[
    "AWS::ApplicationInsights::Application",
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::ResourcePolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::ScheduleGroup",
    "AWS::SecretsManager::ResourcePolicy",
];

fn arn(service: &str, rest: &str) -> String {
    format!("arn:{PARTITION}:{service}:{REGION}:{ACCOUNT}:{rest}")
}
