//! What surrounds every message: to whom, of what type, in answer to what.

use serde_json::{Value, json};

use super::shape::{Part, Rule, Shape, required};
use crate::graph::{GraphError, Params};
use crate::world::World;

const CONTEXT: Shape = Shape(&[required("message_id", Rule::Text(512))]);
const LONGEST_CALLBACK_DATA: usize = 512;
const DIRECT_SEND_LIFE: std::ops::RangeInclusive<i64> = 30..=43_200;

#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) to: Option<String>,
    /// A business-scoped user id.
    pub(super) recipient: Option<String>,
    pub(super) kind: String,
    pub(super) content: Option<Value>,
    context: Option<Value>,
    pub(super) biz_opaque_callback_data: Option<String>,
    /// A direct send: business-initiated content without a template.
    pub(super) category: Option<String>,
    life: Option<i64>,
}

impl Envelope {
    pub(super) fn read(params: &Params) -> Result<Self, GraphError> {
        match params.text("recipient_type").as_deref() {
            None | Some("individual") => {}
            Some("group") => return Err(GraphError::invalid("Groups are not available for this phone number.")),
            Some(other) => {
                let message =
                    format!("(#100) Param recipient_type must be one of {{individual, group}} - got \"{other}\".");
                return Err(GraphError::new(100, message));
            }
        }
        let filled = |name: &str| params.text(name).filter(|text| !text.is_empty());
        let (to, recipient) = (filled("to"), filled("recipient"));
        if to.is_none() && recipient.is_none() {
            return Err(GraphError::missing("to"));
        }
        let kind = filled("type").unwrap_or_else(|| "text".to_owned());
        let context = params.json("context");
        if let Some(context) = &context {
            Part::new("context", context).must_be(&CONTEXT)?;
        }
        Ok(Self {
            content: params.json(&kind),
            biz_opaque_callback_data: callback_data(params)?,
            category: params.text("category"),
            life: params.number("message_send_ttl_seconds"),
            to,
            recipient,
            kind,
            context,
        })
    }

    /// Checks a `category` given with the message; gives what it is charged under.
    pub(super) fn direct_send(&self, world: &World, category: &str) -> Result<String, GraphError> {
        if !world.behaviour.direct_send {
            return Err(GraphError::invalid("Direct Send isn't enabled for this account"));
        }
        if !matches!(self.kind.as_str(), "text" | "interactive") {
            return Err(GraphError::invalid(
                "Param category can be given with messages of type text or interactive only.",
            ));
        }
        if !matches!(category, "utility" | "authentication") {
            let message =
                format!("(#100) Param category must be one of {{utility, authentication}} - got \"{category}\".");
            return Err(GraphError::new(100, message));
        }
        if self.life.is_some_and(|life| !DIRECT_SEND_LIFE.contains(&life)) {
            return Err(GraphError::invalid("Param message_send_ttl_seconds must be between 30 and 43200."));
        }
        Ok(category.to_owned())
    }

    /// Free-form content needs an open window; templates, reactions and direct sends do not.
    pub(super) fn needs_a_window(&self) -> bool {
        self.category.is_none() && !matches!(self.kind.as_str(), "template" | "reaction")
    }

    /// What a text or an interactive message says.
    pub(super) fn text(&self) -> String {
        let content = self.content.as_ref();
        let text = content.and_then(|content| content["body"].as_str().or(content["body"]["text"].as_str()));
        text.unwrap_or_default().to_owned()
    }

    /// The message as it is kept and shown.
    pub(super) fn stored(&self) -> Value {
        let mut stored = json!({"type": self.kind, self.kind.as_str(): self.content});
        if let Some(context) = &self.context {
            stored["context"] = context.clone();
        }
        stored
    }
}

fn callback_data(params: &Params) -> Result<Option<String>, GraphError> {
    let data = params.text("biz_opaque_callback_data");
    match &data {
        Some(given) if given.chars().count() > LONGEST_CALLBACK_DATA => {
            let details =
                format!("Param biz_opaque_callback_data must be at most {LONGEST_CALLBACK_DATA} characters long.");
            Err(GraphError::of(131009).details(details))
        }
        _ => Ok(data),
    }
}
