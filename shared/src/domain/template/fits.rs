//! Whether a message can fit the template it names. What is known of a template may be old: only what cannot be right is
//! refused, and that Meta would refuse with 132000 or 132012, after the message was accepted here.

use serde_json::Value;

use super::{
    Template,
    definition::{Definition, is},
    parameter::Filled,
};
use crate::domain::{
    check::{Findings, Part},
    violation::Violation,
};

/// What takes the place of a variable in a text.
const WORDS: [&str; 3] = ["text", "currency", "date_time"];

/// The `template` object of a message, at its place in the body.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    pub template: &'a Value,
    pub pointer: &'a str,
}

impl Template {
    /// What is wrong with a message that names it.
    pub fn misfits(&self, sent: Sent<'_>) -> Vec<Violation> {
        let known = self.graph.get("components").filter(|_| !self.is_gone());
        let Some(components) = known else { return Vec::new() };
        let findings = Findings::default();
        let whole = Part::whole(sent.template, sent.pointer, &findings);
        Fit(Components::of(&whole, "components")).check(Definition::of(Some(components)));
        findings.all()
    }
}

/// The components of a message or a card.
struct Components<'a> {
    /// What has them, for pointing at those that are missing.
    owner: Part<'a>,
    name: &'static str,
    all: Vec<Part<'a>>,
}

struct Fit<'a>(Components<'a>);

impl<'a> Components<'a> {
    fn of(owner: &Part<'a>, name: &'static str) -> Self {
        let all = owner.get(name).map(|list| list.items().collect()).unwrap_or_default();
        Self { owner: owner.clone(), name, all }
    }

    fn find(&self, kind: &str) -> Option<&Part<'a>> {
        self.all.iter().find(|part| is(part.value, "type", kind))
    }

    fn button(&self, index: usize) -> Option<&Part<'a>> {
        let is_it = |part: &&Part<'a>| is(part.value, "type", "button") && index_of(part) == Some(index);
        self.all.iter().find(is_it)
    }

    fn lacks(&self, what: impl Into<String>) {
        self.owner.wrong_at(self.name, what);
    }
}

impl Fit<'_> {
    fn check(&self, definition: Definition<'_>) {
        self.header(definition);
        self.text("body", &definition.body());
        self.buttons(definition.buttons());
        let cards = definition.cards();
        if !cards.is_empty() {
            self.cards(&cards);
        }
    }

    fn header(&self, definition: Definition<'_>) {
        let format = definition.format().unwrap_or_else(|| "TEXT".to_owned());
        if format == "TEXT" {
            return self.text("header", &definition.header());
        }
        // What is in a header of another format is Meta's to say.
        let Some(wanted) = Filled::of_header(&format) else { return };
        let parameters = self.0.find("header").map(parameters).unwrap_or_default();
        match (self.0.find("header"), parameters.as_slice()) {
            (_, [only]) if is(only.value, "type", wanted.name()) => {}
            (_, [only]) => only.wrong_at("type", format!("must be {}: the template's header is one", wanted.name())),
            (Some(header), _) => header.wrong_at("parameters", format!("must be one, of type {}", wanted.name())),
            (None, _) => {
                self.0.lacks(format!("must have a header with one parameter of type {}", wanted.name()));
            }
        }
    }

    /// As many texts as there are variables, and by their names where they have names.
    fn text(&self, of: &str, variables: &[String]) {
        let component = self.0.find(of);
        let given = component.map(parameters).unwrap_or_default();
        if given.len() != variables.len() {
            let names = if variables.is_empty() { String::new() } else { format!(" ({})", variables.join(", ")) };
            let detail = format!("must be {}{names}, there are {}", variables.len(), given.len());
            return match component {
                Some(component) => component.wrong_at("parameters", detail),
                None => self.0.lacks(format!("must have a {of} whose parameters {detail}")),
            };
        }
        for parameter in &given {
            if !WORDS.iter().any(|words| is(parameter.value, "type", words)) {
                parameter.wrong_at("type", "must be text, currency or date_time: it stands in a text");
            }
        }
        if variables.iter().any(|name| name.parse::<u32>().is_err()) {
            names(&given, variables);
        }
    }

    fn buttons(&self, buttons: &[Value]) {
        for part in self.0.all.iter().filter(|part| is(part.value, "type", "button")) {
            let Some(index) = index_of(part) else { continue };
            let Some(button) = buttons.get(index) else {
                part.wrong_at("index", format!("must be below {}: the template has no more buttons", buttons.len()));
                continue;
            };
            button_fits(part, button);
        }
        for (index, button) in buttons.iter().enumerate() {
            if let Some(wanted) = Filled::of_button(button).filter(|_| self.0.button(index).is_none()) {
                let wanted = wanted.name();
                self.0.lacks(format!("must have a button of index {index} with a parameter of type {wanted}"));
            }
        }
    }

    fn cards(&self, cards: &[Definition<'_>]) {
        let Some(carousel) = self.0.find("carousel") else {
            return self.0.lacks(format!("must have a carousel of {} cards", cards.len()));
        };
        let given: Vec<Part<'_>> = carousel.get("cards").map(|list| list.items().collect()).unwrap_or_default();
        if given.len() != cards.len() {
            return carousel.wrong_at("cards", format!("must be {}, there are {}", cards.len(), given.len()));
        }
        for (card, definition) in given.iter().zip(cards) {
            Fit(Components::of(card, "components")).check(*definition);
        }
    }
}

/// Each variable once, by its name.
fn names(given: &[Part<'_>], variables: &[String]) {
    for (place, parameter) in given.iter().enumerate() {
        let name = parameter.get("parameter_name").and_then(|name| name.text().map(str::to_owned));
        let earlier = given[..place].iter().filter_map(|other| other.value["parameter_name"].as_str());
        match name {
            Some(name) if !variables.contains(&name) => {
                parameter.wrong_at("parameter_name", format!("must be one of {}", variables.join(", ")));
            }
            Some(name) if earlier.clone().any(|other| other == name) => {
                parameter.wrong_at("parameter_name", "must differ from the others");
            }
            Some(_) => {}
            None => parameter.wrong_at("parameter_name", format!("is required: {}", variables.join(", "))),
        }
    }
}

fn button_fits(part: &Part<'_>, button: &Value) {
    let sub_types = sub_types(button);
    let is_right = |sub_type: &&str| is(part.value, "sub_type", sub_type);
    if !sub_types.is_empty() && !sub_types.iter().any(is_right) {
        part.wrong_at("sub_type", format!("must be {}, as the template's button is", sub_types.join(" or ")));
    }
    let is_fixed = is(button, "type", "URL") && Filled::of_button(button).is_none();
    if is_fixed && !parameters(part).is_empty() {
        part.wrong_at("parameters", "must be none: the template's address has no variable");
    }
}

fn parameters<'a>(component: &Part<'a>) -> Vec<Part<'a>> {
    component.get("parameters").map(|list| list.items().collect()).unwrap_or_default()
}

fn index_of(part: &Part<'_>) -> Option<usize> {
    part.get("index")?.scalar()?.parse().ok()
}

/// What a message calls a template's button; none where that is Meta's to say.
fn sub_types(button: &Value) -> &'static [&'static str] {
    match button["type"].as_str().unwrap_or_default().to_ascii_uppercase().as_str() {
        "URL" => &["url"],
        // Meta shows it as either.
        "OTP" => &["url", "copy_code"],
        "QUICK_REPLY" => &["quick_reply"],
        "COPY_CODE" => &["copy_code"],
        _ => &[],
    }
}
