//! The front door: counts, breaks and passes on each request. The only place that knows of faults.

use crate::{
    Kill,
    calls::{Call, Calls},
    clock::Clock,
    dynamodb::{DynamoDb, Units, conflict},
    faults::{FaultKind, Faults},
    kms::Kms,
    secrets::Secrets,
    sqs::Sqs,
    wire::{Answer, Refusal, Request, Service},
};
use jiff::SignedDuration;
use std::fmt;

/// Everything behind one address.
pub(crate) struct Door {
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) calls: Calls,
    pub(crate) kill: Kill,
    pub(crate) dynamodb: DynamoDb,
    pub(crate) kms: Kms,
    pub(crate) secrets: Secrets,
    pub(crate) sqs: Sqs,
}

/// The connection breaks instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("a fault took the answer")]
pub(crate) struct Lost;

type Outcome = Result<Answer, Refusal>;

impl Door {
    /// Answers one request, or does to it what a fault asks for.
    pub(crate) async fn answer(&self, mut request: Request) -> Result<Outcome, Lost> {
        let mut call = self.begin(&request);
        if self.is_idle_poll(&request).await {
            let outcome = self.apply(&request, &mut call).await;
            return Ok(self.end(call, outcome));
        }
        let fault = self.faults.meet(&request.caller, request.service, &request.operation, call.resource.as_deref());
        call.fault = fault;
        request.deliver_twice = fault == Some(FaultKind::Duplicate) && request.operation == "ReceiveMessage";
        match fault {
            Some(FaultKind::Throttle) => return Ok(self.end(call, Err(throttled(request.service)))),
            Some(FaultKind::Fail) => return Ok(self.end(call, Err(failed(request.service)))),
            Some(FaultKind::Conflict) => return Ok(self.end(call, Ok(conflict(&request)))),
            Some(FaultKind::KillBefore) => {
                (self.kill)(&request.caller);
                return Err(self.lose(call));
            }
            Some(FaultKind::Delay(by)) => {
                let end = self.clock.now().saturating_add(by).unwrap_or(call.at);
                self.clock.sleep_until(end).await;
            }
            _ => {}
        }
        let outcome = self.apply(&request, &mut call).await;
        match fault {
            Some(FaultKind::KillAfter) => {
                (self.kill)(&request.caller);
                return Err(self.lose(call));
            }
            Some(FaultKind::LoseAnswer) => return Err(self.lose(call)),
            Some(FaultKind::Duplicate) if !request.deliver_twice => {
                let _ = self.apply(&request, &mut call).await;
            }
            _ => {}
        }
        Ok(self.end(call, outcome))
    }

    /// Lets a poll wait. One that finds nothing is no site: how often that happens is nobody's flow.
    async fn is_idle_poll(&self, request: &Request) -> bool {
        match (request.service, request.operation.as_str()) {
            (Service::Sqs, "ReceiveMessage") => !self.sqs.wait(request).await,
            (Service::DynamoDbStreams, _) => true,
            _ => false,
        }
    }

    async fn apply(&self, request: &Request, call: &mut Call) -> Outcome {
        match request.service {
            Service::DynamoDb | Service::DynamoDbStreams => {
                let (answer, Units { read, written }) = self.dynamodb.answer(request).await?;
                call.consumed_read_units += read;
                call.consumed_write_units += written;
                Ok(answer)
            }
            Service::Kms => self.kms.answer(request),
            Service::SecretsManager => self.secrets.answer(request),
            Service::Sqs => self.sqs.answer(request),
        }
    }

    fn begin(&self, request: &Request) -> Call {
        Call {
            at: self.clock.now(),
            took: SignedDuration::ZERO,
            caller: request.caller.clone(),
            service: request.service,
            operation: request.operation.clone(),
            resource: self.resource_of(request),
            index: DynamoDb::index_of(request),
            contexts: Kms::contexts_of(request),
            request_bytes: request.body.len(),
            answer_bytes: 0,
            status: 0,
            error: None,
            consumed_read_units: 0.0,
            consumed_write_units: 0.0,
            fault: None,
        }
    }

    fn end(&self, mut call: Call, outcome: Outcome) -> Outcome {
        call.took = self.clock.now().duration_since(call.at);
        match &outcome {
            Ok(answer) => {
                call.status = answer.status;
                call.answer_bytes = answer.body.len();
                call.error = answer.error();
            }
            Err(refusal) => {
                call.status = refusal.status;
                call.error = Some(refusal.code().to_owned());
            }
        }
        self.calls.add(call);
        outcome
    }

    fn lose(&self, mut call: Call) -> Lost {
        call.took = self.clock.now().duration_since(call.at);
        self.calls.add(call);
        Lost
    }

    fn resource_of(&self, request: &Request) -> Option<String> {
        match request.service {
            Service::DynamoDb => DynamoDb::tables_of(request),
            Service::DynamoDbStreams => None,
            Service::Kms => self.kms.label_of(request),
            Service::SecretsManager => Secrets::name_of(request),
            Service::Sqs => Sqs::queue_of(request),
        }
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

fn throttled(service: Service) -> Refusal {
    match service {
        Service::DynamoDb | Service::DynamoDbStreams => Refusal::new(
            "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded.",
        ),
        Service::Kms | Service::SecretsManager => Refusal::new("ThrottlingException", "Rate exceeded"),
        Service::Sqs => Refusal {
            query_code: Some("RequestThrottled"),
            ..Refusal::new("com.amazonaws.sqs#RequestThrottled", "Rate exceeded")
        },
    }
}

fn failed(service: Service) -> Refusal {
    let kind = match service {
        Service::DynamoDb | Service::DynamoDbStreams => "com.amazonaws.dynamodb.v20120810#InternalServerError",
        Service::Kms => "KMSInternalException",
        Service::SecretsManager => "InternalServiceError",
        Service::Sqs => "InternalFailure",
    };
    Refusal { status: 500, ..Refusal::new(kind, "a fault was armed for this request") }
}
