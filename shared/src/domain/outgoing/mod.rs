//! What a sender may ask for: Meta's own bodies, held to Meta's rules before Meta is asked.
//!
//! Where Meta names no limit there is none here, and what Meta may have added since is Meta's to judge: fields, types
//! of interactive messages, components, buttons, parameters and headers that nobody here knows pass as they are.

mod batch;
mod content;
mod emoji;
mod envelope;
mod interactive;
mod kind;
mod media;
mod recipient;
mod template;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::{check, template::Key, violation::Violation};
use check::{Findings, Part};
use envelope::{Envelope, KEPT_ELSEWHERE};

pub use batch::{Addressee, Batch, Filling, without};
pub use envelope::{OnUnknown, Options};
pub use kind::Kind;
pub use recipient::Recipient;

/// A message to be sent, as its sender wrote it and as Meta takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// To whom, where the body says it.
    pub recipient: Option<Recipient>,
    pub kind: Kind,
    /// What Meta takes, its `type` included, without who it is for and the sender's callback data.
    pub body: Map<String, Value>,
    /// The sender's own: kept here, never posted.
    pub callback_data: Option<String>,
}

impl Outgoing {
    /// The message and how to send it, or what is wrong with it: all of it, up to a hundred things.
    pub fn read(value: Value) -> Result<(Self, Options), Vec<Violation>> {
        let read = read(value, "")?;
        Ok((read.message, read.options))
    }

    /// Whether Meta takes it only from somebody who wrote within the last day.
    pub fn is_free_form(&self) -> bool {
        let has_category = self.body.get("category").is_some_and(|category| !category.is_null());
        !has_category && !matches!(self.kind, Kind::Template | Kind::Reaction)
    }

    /// The template it names, and all it says of it.
    pub fn template(&self) -> Option<(Key, &Value)> {
        let template = self.body.get(Kind::Template.as_str()).filter(|_| self.kind == Kind::Template)?;
        let name = template["name"].as_str()?.parse().ok()?;
        let language = template["language"]["code"].as_str()?.parse().ok()?;
        Some((Key { name, language }, template))
    }

    /// Whether such a message can be sent to such a recipient: needed where the body names none.
    pub fn suits(&self, recipient: &Recipient) -> Result<(), Violation> {
        let violation = |why: &str| Violation { pointer: "/type".to_owned(), detail: why.to_owned() };
        self.kind.suits(recipient.is_group).map_err(violation)
    }

    /// What goes to Graph.
    pub fn posted(&self, to: &Recipient, callback_data: &str) -> Value {
        Value::Object(posted(self.body.clone(), to, callback_data))
    }
}

/// What goes to Graph of a body that was kept.
pub fn posted(mut body: Map<String, Value>, to: &Recipient, callback_data: &str) -> Map<String, Value> {
    let mut add = |name: &str, text: &str| body.insert(name.to_owned(), Value::from(text));
    add("messaging_product", "whatsapp");
    add("recipient_type", if to.is_group { "group" } else { "individual" });
    if let Some(to) = &to.to {
        add("to", to);
    }
    if let Some(recipient) = &to.recipient {
        add("recipient", recipient);
    }
    add("biz_opaque_callback_data", callback_data);
    body
}

/// A message as it was read.
struct Read {
    message: Outgoing,
    options: Options,
    is_group: bool,
}

/// What stands at `pointer` in a body.
fn read(value: Value, pointer: &str) -> Result<Read, Vec<Violation>> {
    let findings = Findings::default();
    let envelope = check(&Part::whole(&value, pointer, &findings));
    let found = findings.all();
    match (envelope, value) {
        (Some(envelope), Value::Object(mut body)) if found.is_empty() => {
            body.retain(|name, _| !KEPT_ELSEWHERE.contains(&name.as_str()));
            body.insert("type".to_owned(), envelope.kind.as_str().into());
            let Envelope { kind, recipient, is_group, callback_data, options } = envelope;
            Ok(Read { message: Outgoing { recipient, kind, body, callback_data }, options, is_group })
        }
        _ => Err(found),
    }
}

fn check(body: &Part<'_>) -> Option<Envelope> {
    if !body.value.is_object() {
        body.wrong("must be an object");
        return None;
    }
    let envelope = Envelope::read(body)?;
    body.need(envelope.kind.as_str(), envelope.kind.rule());
    Some(envelope)
}
