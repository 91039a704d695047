//! A queue, seen from behind: what has really arrived in it.

use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::DeleteMessageBatchRequestEntry,
};
use local::template::REGION;

use crate::Result;

#[derive(Debug)]
pub struct Queue {
    client: Client,
    pub url: String,
}

impl Queue {
    pub fn new(endpoint: &str, url: String) -> Self {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new("benches", "local", None, None, "local"))
            .endpoint_url(endpoint)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::from_static(REGION))
            .build();
        Self { client: Client::from_conf(config), url }
    }

    /// Takes everything out.
    pub async fn drain(&self) -> Result<Vec<String>> {
        let mut bodies = Vec::new();
        loop {
            let received = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10).send().await?;
            let messages = received.messages.unwrap_or_default();
            if messages.is_empty() {
                return Ok(bodies);
            }
            let mut delete = self.client.delete_message_batch().queue_url(&self.url);
            for (index, message) in messages.into_iter().enumerate() {
                let entry = DeleteMessageBatchRequestEntry::builder().id(index.to_string());
                delete = delete.entries(entry.set_receipt_handle(message.receipt_handle).build()?);
                bodies.push(message.body.unwrap_or_default());
            }
            delete.send().await?;
        }
    }
}
