//! A template's components as Meta writes them, read for what a message must fill in.

use std::collections::BTreeSet;

use serde_json::Value;

use super::parameter::{Filled, Parameter, Place};

/// Components, of a template or of one of its cards.
#[derive(Debug, Clone, Copy)]
pub(super) struct Definition<'a>(&'a [Value]);

impl<'a> Definition<'a> {
    pub(super) fn of(components: Option<&'a Value>) -> Self {
        Self(components.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default())
    }

    /// The component of a type, however the type is written.
    pub(super) fn component(self, kind: &str) -> Option<&'a Value> {
        self.0.iter().find(|component| is(component, "type", kind))
    }

    pub(super) fn buttons(self) -> &'a [Value] {
        list(self.component("BUTTONS"), "buttons")
    }

    pub(super) fn cards(self) -> Vec<Definition<'a>> {
        let cards = list(self.component("CAROUSEL"), "cards").iter();
        cards.map(|card| Definition::of(card.get("components"))).collect()
    }

    /// The format of a header; none where there is no header.
    pub(super) fn format(self) -> Option<String> {
        let header = self.component("HEADER")?;
        Some(header["format"].as_str().unwrap_or("TEXT").to_ascii_uppercase())
    }

    /// The variables of a header that is a text.
    pub(super) fn header(self) -> Vec<String> {
        let header = self.component("HEADER").filter(|_| self.format().as_deref() == Some("TEXT"));
        header.and_then(|header| header["text"].as_str()).map(variables).unwrap_or_default()
    }

    pub(super) fn body(self) -> Vec<String> {
        match self.component("BODY") {
            None => Vec::new(),
            Some(body) => match body["text"].as_str() {
                Some(text) => variables(text),
                // Of a template that sends a code the text is Meta's own, and its one variable the code.
                None => vec!["1".to_owned()],
            },
        }
    }

    pub(super) fn parameters(self) -> Vec<Parameter> {
        let mut found = Vec::new();
        self.collect(None, &mut found);
        for (card, definition) in self.cards().into_iter().enumerate() {
            definition.collect(Some(card), &mut found);
        }
        found
    }

    fn collect(self, card: Option<usize>, found: &mut Vec<Parameter>) {
        let mut add = |place, name: String, filled: Filled, example: Option<String>| {
            found.push(Parameter { place, card, name, kind: filled, example });
        };
        for name in self.header() {
            let example = self.component("HEADER").and_then(|header| example(header, "header", &name, 0));
            add(Place::Header, name, Filled::Text, example);
        }
        if let Some(filled) = self.format().and_then(|format| Filled::of_header(&format)) {
            add(Place::Header, filled.name().to_owned(), filled, None);
        }
        for (at, name) in self.body().into_iter().enumerate() {
            let example = self.component("BODY").and_then(|body| example(body, "body", &name, at));
            add(Place::Body, name, Filled::Text, example);
        }
        for (index, button) in self.buttons().iter().enumerate() {
            if let Some(filled) = Filled::of_button(button) {
                let example = button["example"].as_str().or(button["example"][0].as_str()).map(str::to_owned);
                let name = if filled == Filled::Text { "1" } else { filled.name() };
                add(Place::Button(index), name.to_owned(), filled, example);
            }
        }
    }

    /// What a person reads of it, by which two are told apart.
    pub(super) fn texts(self) -> BTreeSet<String> {
        let own = self.0.iter().filter_map(|component| component["text"].as_str());
        let of_buttons = self.buttons().iter().filter_map(|button| button["text"].as_str());
        own.chain(of_buttons).map(str::to_owned).chain(self.cards().into_iter().flat_map(Definition::texts)).collect()
    }
}

/// The names between `{{` and `}}`, each once, in order.
pub(super) fn variables(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in text.split("{{").skip(1) {
        let Some((name, _)) = part.split_once("}}") else { continue };
        let name = name.trim();
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Whether a member says this, in any case.
pub(super) fn is(value: &Value, name: &str, wanted: &str) -> bool {
    value[name].as_str().is_some_and(|text| text.eq_ignore_ascii_case(wanted))
}

fn list<'a>(value: Option<&'a Value>, name: &str) -> &'a [Value] {
    value.and_then(|value| value[name].as_array()).map(Vec::as_slice).unwrap_or_default()
}

/// By name, or by place: a header's is a list, a body's a list of lists.
fn example(component: &Value, of: &str, name: &str, at: usize) -> Option<String> {
    let examples = &component["example"];
    let named = examples[format!("{of}_text_named_params")].as_array();
    if let Some(named) = named {
        let found = named.iter().find(|one| one["param_name"] == *name)?;
        return found["example"].as_str().map(str::to_owned);
    }
    let by_place = &examples[format!("{of}_text")];
    let by_place = if by_place[0].is_array() { &by_place[0] } else { by_place };
    by_place[at].as_str().map(str::to_owned)
}
