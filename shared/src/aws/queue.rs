//! A queue: how much waits in it.

use aws_sdk_sqs::{Client, types::QueueAttributeName};

use super::clients::Later;
use crate::{Error, Result};

#[derive(Debug, Clone)]
pub struct Queue {
    client: Later<Client>,
    pub name: &'static str,
    url: String,
}

/// How many messages a queue holds, as SQS estimates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    pub waiting: u64,
    pub in_flight: u64,
}

impl Queue {
    pub fn new(client: Later<Client>, name: &'static str, url: String) -> Self {
        Self { client, name, url }
    }

    pub async fn depth(&self) -> Result<Depth> {
        let (waiting, in_flight) = (
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        );
        let answer = self
            .client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(waiting.clone())
            .attribute_names(in_flight.clone())
            .send()
            .await
            .map_err(Error::aws)?;
        let number = |name: &QueueAttributeName| {
            let text = answer.attributes().and_then(|attributes| attributes.get(name));
            text.and_then(|text| text.parse().ok()).ok_or_else(|| Error::Corrupt(format!("{name} of {}", self.name)))
        };
        Ok(Depth { waiting: number(&waiting)?, in_flight: number(&in_flight)? })
    }
}
