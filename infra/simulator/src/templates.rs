//! Message templates: their texts, their review, and what messages are made from.

mod buttons;
mod change;
mod check;
mod create;
mod list;
mod review;
mod text;

use serde_json::json;

pub(crate) use change::{delete, edit, unpause};
pub(crate) use create::{create, generated};
pub(crate) use list::{list, show};
pub(crate) use review::{Decision, decide};
pub(crate) use text::{component, variables};

use crate::graph::GraphError;
use crate::world::{Template, World};

/// What ids of templates begin with.
const FAMILY: u64 = 9;

/// The template every WABA is born with.
pub(crate) fn hello_world(world: &mut World, waba: &str, now: i64) {
    let components = json!([
        {"type": "HEADER", "format": "TEXT", "text": "Hello World"},
        {"type": "BODY", "text": "Welcome and congratulations!! This message demonstrates your ability to send a message \
            notification from WhatsApp Business Platform’s Cloud API. Thank you for taking the time to test with us."},
        {"type": "FOOTER", "text": "WhatsApp Business API Team"},
    ]);
    let id = world.next_id(FAMILY);
    let template = Template {
        components,
        name: "hello_world".to_owned(),
        category: "UTILITY".to_owned(),
        status: "APPROVED".to_owned(),
        ..Template::new(id, waba, now)
    };
    world.templates.put(template.id.clone(), template);
}

impl Template {
    pub(super) fn new(id: String, waba: &str, now: i64) -> Self {
        Self {
            id,
            waba_id: waba.to_owned(),
            name: String::new(),
            language: "en_US".to_owned(),
            category: String::new(),
            previous_category: None,
            correct_category: None,
            status: "PENDING".to_owned(),
            rejected_reason: "NONE".to_owned(),
            components: json!([]),
            parameter_format: "POSITIONAL".to_owned(),
            message_send_ttl_seconds: None,
            cta_url_link_tracking_opted_out: None,
            quality: "UNKNOWN".to_owned(),
            is_auto_generated: false,
            review: None,
            edits: Vec::new(),
            created_at: now,
        }
    }
}

/// A refusal as Graph words them for templates: a subcode, and two texts for people.
fn refusal(subcode: i64, title: &str, text: impl Into<String>) -> GraphError {
    GraphError::new(100, "Invalid parameter").subcode(subcode).transient(false).for_people(title, text)
}

fn not_found(name: &str) -> GraphError {
    let text = format!("The message template {name} wasn't found for this account.");
    refusal(2593002, "Message Template Not Found", text)
}
