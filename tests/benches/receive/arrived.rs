//! What has arrived in the inbound queue.

use benches::Result;
use serde_json::Value;

/// The messages in what was queued: our envelope, or a delivery as Meta wrote it.
pub(crate) fn message_ids(queued: &str) -> Result<Vec<String>> {
    let queued: Value = serde_json::from_str(queued)?;
    let units = each(&queued["units"]).map(|unit| &unit["raw"]);
    let changes = each(&queued["entry"]).flat_map(|entry| each(&entry["changes"]));
    let messages = changes.flat_map(|change| each(&change["value"]["messages"]));
    let id = |message: &Value| Ok(message["id"].as_str().ok_or("a queued message has no id")?.to_owned());
    units.chain(messages).map(id).collect()
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}
