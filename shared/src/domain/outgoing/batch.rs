//! One message to many: `{message, recipients: [{to | recipient, parameters?}]}`.
//!
//! `parameters` fill the template's body for one recipient: a list by order, or an object by name, each a text or
//! Meta's own parameter object. An object that has a list under `components` gives Meta's components in place of the
//! message's.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    Kind, Options, Outgoing, Read, Recipient,
    check::{Findings, Part, each},
    read,
    template::{components, parameter, words},
};
use crate::domain::{
    template::{Sent, Template},
    violation::Violation,
};

/// A message, and everyone it is for: a recipient that will not do stops nobody else.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    pub options: Options,
    /// Names no recipient.
    pub message: Outgoing,
    /// In the order of the body. Pointers into a recipient begin at that recipient.
    pub recipients: Vec<Result<Addressee, Vec<Violation>>>,
}

/// One of many whom a message is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Addressee {
    #[serde(flatten)]
    pub recipient: Recipient,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filling: Option<Filling>,
}

/// What is said to one recipient alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filling {
    /// The parameters of the template's body.
    Body(Vec<Value>),
    /// All components.
    Components(Vec<Value>),
}

const MOST_RECIPIENTS: usize = 1000;
const FIELDS: [&str; 3] = ["to", "recipient", "parameters"];
const COMPONENTS: &str = "components";

impl Batch {
    pub fn read(mut value: Value) -> Result<Self, Vec<Violation>> {
        let mut found = wrong_with(&value);
        let message = value.get_mut("message").map(Value::take).filter(|message| !message.is_null());
        match message.map(read_message) {
            Some(Ok(Read { message, options, is_group })) if found.is_empty() => {
                let addressee = |part| addressee(part, &message, is_group);
                let recipients = value["recipients"].as_array().into_iter().flatten().map(addressee).collect();
                Ok(Self { options, message, recipients })
            }
            Some(Err(wrong)) => {
                found.extend(wrong);
                Err(found)
            }
            _ => Err(found),
        }
    }
}

impl Batch {
    /// What of the message cannot fit its template, as it is for one recipient. What the recipient's own parameters are at
    /// fault for is pointed at there.
    pub fn misfits(&self, template: &Template, addressee: &Addressee) -> Vec<Violation> {
        const OF_MESSAGE: &str = "/message/template";
        let message = self.message.addressed(addressee);
        let Some((_, sent)) = message.template() else { return Vec::new() };
        let mut misfits = template.misfits(Sent { template: sent, pointer: OF_MESSAGE });
        let body = sent["components"].as_array().into_iter().flatten().position(is_body);
        for misfit in &mut misfits {
            let place = match (&addressee.filling, body) {
                (Some(Filling::Components(_)), _) => {
                    misfit.pointer.strip_prefix(OF_MESSAGE).map(|rest| format!("/parameters{rest}"))
                }
                (Some(Filling::Body(_)), Some(body)) => {
                    let own = format!("{OF_MESSAGE}/components/{body}/parameters");
                    misfit.pointer.strip_prefix(&own).map(|rest| format!("/parameters{rest}"))
                }
                _ => None,
            };
            misfit.pointer = place.unwrap_or_else(|| misfit.pointer.clone());
        }
        misfits
    }
}

/// The body of a batch without whoever is at these places: nobody is written to from there. None: it is no batch.
pub fn without(body: &str, places: &[usize]) -> Option<String> {
    let mut body: Value = serde_json::from_str(body).ok()?;
    for place in places {
        *body.get_mut("recipients")?.get_mut(place)? = json!({});
    }
    Some(body.to_string())
}

impl Outgoing {
    /// The message as it is for one recipient.
    #[must_use]
    pub fn addressed(&self, addressee: &Addressee) -> Self {
        let mut message = self.clone();
        message.recipient = Some(addressee.recipient.clone());
        let template = message.body.get_mut(Kind::Template.as_str()).and_then(Value::as_object_mut);
        if let (Some(filling), Some(template)) = (&addressee.filling, template) {
            filling.put_into(template);
        }
        message
    }
}

impl Filling {
    fn put_into(&self, template: &mut Map<String, Value>) {
        let parameters = match self {
            Self::Components(components) => {
                template.insert(COMPONENTS.to_owned(), components.clone().into());
                return;
            }
            Self::Body(parameters) => Value::from(parameters.clone()),
        };
        let components = template.entry(COMPONENTS).or_insert(Value::Null);
        if components.is_null() {
            *components = json!([]);
        }
        let Some(components) = components.as_array_mut() else { return };
        match components.iter_mut().find(|component| is_body(component)) {
            Some(body) => body["parameters"] = parameters,
            None => components.push(json!({"type": "body", "parameters": parameters})),
        }
    }
}

fn is_body(component: &Value) -> bool {
    component["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("body"))
}

/// What is wrong with the batch as such.
fn wrong_with(batch: &Value) -> Vec<Violation> {
    let findings = Findings::default();
    let whole = Part::whole(batch, "", &findings);
    for (name, part) in whole.members() {
        match name {
            "message" | "recipients" => {}
            "on_unknown" | "expires_in" | "force" => part.wrong("belongs into message"),
            _ => part.wrong("is not a field of a batch: it has message and recipients"),
        }
    }
    whole.need("message", |_| ());
    whole.need("recipients", each(1, MOST_RECIPIENTS, |_| ()));
    findings.all()
}

fn read_message(message: Value) -> Result<Read, Vec<Violation>> {
    let wrong = |place: &str, detail: &str| {
        let pointer = format!("/message{place}");
        Err(vec![Violation { pointer, detail: detail.to_owned() }])
    };
    let read = read(message, "/message")?;
    if let Some(recipient) = &read.message.recipient {
        let place = if recipient.to.is_some() { "/to" } else { "/recipient" };
        return wrong(place, "belongs into recipients");
    }
    if let Err(why) = read.message.kind.suits(read.is_group) {
        return wrong("/type", why);
    }
    Ok(read)
}

fn addressee(value: &Value, message: &Outgoing, is_group: bool) -> Result<Addressee, Vec<Violation>> {
    let findings = Findings::default();
    let part = Part::whole(value, "", &findings);
    for (name, part) in part.members().filter(|(name, _)| !FIELDS.contains(name)) {
        part.wrong(format!("is not a field of a recipient: {name} is for the message"));
    }
    let recipient = Recipient::read(&part, is_group);
    if recipient.is_none() && value.is_object() {
        part.wrong_at("to", "is required, or recipient");
    }
    let filling = part.get("parameters").and_then(|parameters| {
        if message.kind != Kind::Template {
            parameters.wrong("are for messages of type template only");
        }
        filling(&parameters)
    });
    match (recipient, findings.all()) {
        (Some(recipient), found) if found.is_empty() => Ok(Addressee { recipient, filling }),
        (_, found) => Err(found),
    }
}

fn filling(parameters: &Part<'_>) -> Option<Filling> {
    if let Some(list) = parameters.get(COMPONENTS).filter(|list| list.value.is_array()) {
        components(&list);
        return list.value.as_array().cloned().map(Filling::Components);
    }
    if parameters.value.is_object() {
        let named = parameters.members().map(|(name, part)| variable(Some(name), &part));
        return Some(Filling::Body(named.collect()));
    }
    if !parameters.value.is_array() {
        parameters.wrong("must be a list or an object");
    }
    Some(Filling::Body(parameters.items().map(|part| variable(None, &part)).collect()))
}

/// Meta's parameter object, from a text or from itself.
fn variable(name: Option<&str>, part: &Part<'_>) -> Value {
    let mut variable = match part.value {
        Value::Object(_) => {
            parameter(part);
            part.value.clone()
        }
        text => {
            words(part);
            json!({"type": "text", "text": text})
        }
    };
    if let Some(name) = name {
        variable["parameter_name"] = name.into();
    }
    variable
}
