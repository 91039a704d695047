//! Flows: forms in the chat.

use super::{FOOTER_FIELD, HEADER_FIELD, TYPE};
use crate::graph::GraphError;
use crate::messages::kinds::Sending;
use crate::messages::shape::{Part, Rule, Shape, optional, required};

pub(super) const FLOW: Shape = Shape(&[
    TYPE,
    HEADER_FIELD,
    required("body", Rule::Object(&Shape(&[required("text", Rule::Text(1024))]))),
    FOOTER_FIELD,
    required(
        "action",
        Rule::Object(&Shape(&[
            required("name", Rule::OneOf(&["flow"])),
            required("parameters", Rule::Object(&PARAMETERS)),
        ])),
    ),
]);

const PARAMETERS: Shape = Shape(&[
    required("flow_message_version", Rule::OneOf(&["3"])),
    optional("flow_id", Rule::Text(64)),
    optional("flow_name", Rule::Text(200)),
    optional("flow_token", Rule::Text(200)),
    required("flow_cta", Rule::Text(30)),
    optional("flow_action", Rule::OneOf(&["navigate", "data_exchange"])),
    optional(
        "flow_action_payload",
        Rule::Object(&Shape(&[optional("screen", Rule::Text(200)), optional("data", Rule::Any)])),
    ),
    optional("mode", Rule::OneOf(&["draft", "published"])),
]);

/// A flow is named by its id or its name; `data_exchange` starts at the business's endpoint, not on a screen.
pub(super) fn check(_: &Sending<'_>, part: &Part<'_>) -> Result<(), GraphError> {
    let parameters = part.need("action")?.need("parameters")?;
    match (parameters.get("flow_id"), parameters.get("flow_name")) {
        (None, None) => {
            let details = format!("{} needs flow_id or flow_name", parameters.name);
            return Err(GraphError::of(131008).details(details));
        }
        (Some(_), Some(name)) => return Err(name.bad("cannot be given beside flow_id.")),
        _ => {}
    }
    let exchanges = parameters.text_of("flow_action").as_deref() == Some("data_exchange");
    match parameters.get("flow_action_payload") {
        Some(payload) if exchanges => Err(payload.bad("cannot be given where flow_action is data_exchange.")),
        Some(payload) => payload.need("screen").map(drop),
        None => Ok(()),
    }
}
