//! A message goes out once: each run of what sends one has an order of its own, which `send` has put on the queue.

use std::sync::{Arc, Mutex, PoisonError};

use benches::{Result, aws::Aws, process::Process, queue::Queue};
use tokio::process::Command;

use crate::subject::Subject;

/// Whom the case of `send` is to. Nobody gets two of what is gathered, for one person may get only so many at a time.
const PERSON: &str = "16505550107";
const ORDER: &str = "\"{{order}}\"";

#[derive(Debug, Clone, Default)]
pub(crate) struct Orders(Arc<Mutex<Vec<String>>>);

impl Orders {
    /// Lets `send` take so many messages, and takes their orders from the queue.
    pub(crate) async fn gather(&self, send: &Subject, aws: &Aws, count: usize) -> Result<()> {
        let command = Command::new(&send.program.executable);
        let mut process = Process::start(command, &send.environment, "orders", &send.title()).await?;
        process.ready().await?;
        for person in 0..count {
            let event = send.case.event.to_string().replace(PERSON, &format!("1650556{person:04}"));
            let (answer, _) = process.invoke(event.into()).await?;
            send.must_answer(&serde_json::from_slice(&answer)?)?;
        }
        process.end().await?;
        let url = send.environment.get("OUTBOUND_QUEUE").ok_or("send has no OUTBOUND_QUEUE")?;
        let orders = Queue::new(&aws.emulators.url(), url.clone()).drain().await?;
        if orders.len() < count {
            return Err(format!("{count} messages were accepted, and {} ordered", orders.len()).into());
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = orders;
        Ok(())
    }

    /// The event, with an order in it where one belongs there.
    pub(crate) fn put_into(&self, event: String) -> Result<String> {
        if !event.contains(ORDER) {
            return Ok(event);
        }
        let order = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().ok_or("no order is left")?;
        Ok(event.replace(ORDER, &serde_json::to_string(&order)?))
    }
}
