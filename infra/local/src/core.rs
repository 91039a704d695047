//! What the parts of a running stack share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use emulators::{Clock, Emulators};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::clients::Clients;
use crate::files;
use crate::runtime::Pool;

pub(crate) struct Core {
    pub(crate) port: u16,
    pub(crate) functions: BTreeMap<String, Arc<Pool>>,
    pub(crate) clock: Clock,
    pub(crate) clock_file: PathBuf,
    pub(crate) emulators: Emulators,
    pub(crate) clients: Clients,
    /// URLs by logical id.
    pub(crate) queues: BTreeMap<String, String>,
}

impl Core {
    /// Moves the clock, and does what time would have done meanwhile.
    pub(crate) async fn advance(&self, seconds: u32) -> std::io::Result<()> {
        let by = SignedDuration::from_secs(i64::from(seconds));
        let offset = self.clock.offset().saturating_add(by);
        // The functions' clock first: nothing may happen to them at a time they do not know yet.
        files::replace(&self.clock_file, offset.as_millis().to_string().as_bytes())?;
        self.clock.advance(by);
        self.emulators.sweep_ttl().await;
        Ok(())
    }

    pub(crate) fn time(&self) -> Value {
        json!({ "now": format!("{:.3}", self.clock.now()), "advanced_seconds": self.clock.offset().as_secs() })
    }

    pub(crate) async fn state(&self) -> Value {
        let function = |pool: &Arc<Pool>| {
            let (idle, started) = pool.counts();
            json!({ "name": pool.function.name, "concurrency": pool.concurrency(), "idle": idle, "started": started })
        };
        let functions: BTreeMap<_, _> = self.functions.iter().map(|(id, pool)| (id, function(pool))).collect();
        let mut queues = BTreeMap::new();
        for (logical_id, url) in &self.queues {
            let described =
                self.clients.sqs.get_queue_attributes().queue_url(url).attribute_names("All".into()).send().await;
            let attributes = described.ok().and_then(|described| described.attributes).unwrap_or_default();
            let count = |name: &str| attributes.get(&name.into()).and_then(|count| count.parse::<u64>().ok());
            let counts = json!({
                "visible": count("ApproximateNumberOfMessages"),
                "in_flight": count("ApproximateNumberOfMessagesNotVisible"),
                "delayed": count("ApproximateNumberOfMessagesDelayed"),
            });
            queues.insert(logical_id, counts);
        }
        json!({ "clock": self.time(), "functions": functions, "queues": queues })
    }
}
