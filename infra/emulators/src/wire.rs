//! What passes between the front door and a service: one request, and its answer or refusal. Knows no service's rules.

use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt;

/// The account and region of everything the emulators make.
pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const REGION: &str = "us-east-1";

/// An AWS service of the local stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    DynamoDb,
    DynamoDbStreams,
    Kms,
    SecretsManager,
    Sqs,
}

impl Service {
    /// Splits an `X-Amz-Target` header into the service and the operation.
    pub(crate) fn of_target(target: &str) -> Option<(Self, &str)> {
        let (prefix, operation) = target.split_once('.')?;
        let service = match prefix {
            "DynamoDB_20120810" => Self::DynamoDb,
            "DynamoDBStreams_20120810" => Self::DynamoDbStreams,
            "TrentService" => Self::Kms,
            "secretsmanager" => Self::SecretsManager,
            "AmazonSQS" => Self::Sqs,
            _ => return None,
        };
        Some((service, operation))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::DynamoDbStreams => "dynamodbstreams",
            Self::Kms => "kms",
            Self::SecretsManager => "secretsmanager",
            Self::Sqs => "sqs",
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Kms | Self::SecretsManager => "application/x-amz-json-1.1",
            Self::DynamoDb | Self::DynamoDbStreams | Self::Sqs => "application/x-amz-json-1.0",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One call of an SDK, as the front door read it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) caller: String,
    pub(crate) service: Service,
    pub(crate) operation: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// A fault asks that what this request delivers be delivered once more.
    pub(crate) deliver_twice: bool,
}

impl Request {
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Refusal::new(
                "SerializationException",
                format!("the request body is not what {} takes: {error}", self.operation),
            )
        })
    }
}

/// What a service answers: its own words, or those of a service behind it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn of(body: &impl Serialize) -> Result<Self, Refusal> {
        let body = serde_json::to_vec(body).map_err(|error| Refusal::internal(&error))?;
        Ok(Self { status: 200, body: body.into() })
    }

    pub(crate) fn empty() -> Self {
        Self { status: 200, body: Bytes::from_static(b"{}") }
    }

    pub(crate) fn is_success(&self) -> bool {
        self.status == 200
    }

    /// The code an SDK reports, where a service behind this one refused.
    pub(crate) fn error(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Typed {
            #[serde(rename = "__type")]
            kind: String,
        }
        if self.is_success() {
            return None;
        }
        let Typed { kind } = serde_json::from_slice(&self.body).ok()?;
        kind.rsplit('#').next().map(str::to_owned)
    }
}

/// Why one of our own services does not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// The `__type` of the body.
    pub(crate) kind: String,
    /// The code of the older query protocol, which the SQS clients read from `x-amzn-query-error`.
    pub(crate) query_code: Option<&'static str>,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status: 400, kind: kind.into(), query_code: None, message: message.into() }
    }

    /// The emulator itself is broken: the disk is full, say.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        Self { status: 500, ..Self::new("InternalFailure", format!("the emulator failed: {error}")) }
    }

    pub(crate) fn unknown_operation(operation: &str) -> Self {
        Self::new("UnknownOperationException", format!("the emulator has no operation {operation}"))
    }

    pub(crate) fn is_caller_at_fault(&self) -> bool {
        self.status < 500
    }

    /// The code an SDK reports.
    pub(crate) fn code(&self) -> &str {
        self.query_code.unwrap_or_else(|| self.kind.rsplit('#').next().unwrap_or(&self.kind))
    }
}
