//! What a message's objects must look like: shapes are tables, and this file is the one reader of them.
//!
//! As Meta's table of errors has it, a part that is missing is 131008, one that is there and wrong is 131009, and one
//! that nobody knows is 100.

use serde_json::Value;

use crate::graph::GraphError;

/// The parts an object may have.
#[derive(Debug)]
pub(crate) struct Shape(pub(crate) &'static [Field]);

#[derive(Debug)]
pub(crate) struct Field {
    name: &'static str,
    is_required: bool,
    rule: Rule,
}

pub(crate) const fn required(name: &'static str, rule: Rule) -> Field {
    Field { name, is_required: true, rule }
}

pub(crate) const fn optional(name: &'static str, rule: Rule) -> Field {
    Field { name, is_required: false, rule }
}

#[derive(Debug)]
pub(crate) enum Rule {
    /// A text of 1 to so many characters.
    Text(usize),
    /// A text that may be empty.
    Maybe(usize),
    Flag,
    /// From and to, both included.
    Number(f64, f64),
    OneOf(&'static [&'static str]),
    /// A link of at most so many characters.
    Link(usize),
    Object(&'static Shape),
    /// At least and at most so many.
    List(usize, usize, &'static Rule),
    /// Somebody else's business: checked elsewhere, or free.
    Any,
}

/// A part of a message, and where it stands in it: errors name it as Graph does, `text['body']`.
#[derive(Debug, Clone)]
pub(crate) struct Part<'a> {
    pub name: String,
    pub value: &'a Value,
}

impl<'a> Part<'a> {
    pub(crate) fn new(name: &str, value: &'a Value) -> Self {
        Self { name: name.to_owned(), value }
    }

    pub(crate) fn get(&self, field: &str) -> Option<Part<'a>> {
        let value = self.value.get(field).filter(|value| !value.is_null())?;
        Some(Part { name: format!("{}['{field}']", self.name), value })
    }

    pub(crate) fn need(&self, field: &str) -> Result<Part<'a>, GraphError> {
        self.get(field).ok_or_else(|| {
            GraphError::of(131008).details(format!("The parameter {}['{field}'] is required.", self.name))
        })
    }

    pub(crate) fn items(&self) -> impl Iterator<Item = Part<'a>> + use<'a> {
        let name = self.name.clone();
        let items = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().enumerate().map(move |(index, value)| Part { name: format!("{name}[{index}]"), value })
    }

    /// A scalar as text: Graph does not mind how it was written.
    pub(crate) fn text(&self) -> String {
        match self.value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
        }
    }

    pub(crate) fn text_of(&self, field: &str) -> Option<String> {
        self.get(field).map(|part| part.text())
    }

    /// It is there, and wrong.
    pub(crate) fn bad(&self, why: &str) -> GraphError {
        GraphError::of(131009).details(format!("Param {} {why}", self.name))
    }

    pub(crate) fn must_be(&self, shape: &Shape) -> Result<(), GraphError> {
        let Value::Object(fields) = self.value else { return Err(self.bad("must be a JSON object.")) };
        if let Some(unknown) = fields.keys().find(|key| !shape.0.iter().any(|field| field.name == *key)) {
            return Err(GraphError::new(
                100,
                format!("(#100) Unexpected key \"{unknown}\" on param \"{}\".", self.name),
            ));
        }
        for field in shape.0 {
            match self.get(field.name) {
                Some(part) => part.must_follow(&field.rule)?,
                None if field.is_required => return self.need(field.name).map(drop),
                None => {}
            }
        }
        Ok(())
    }

    pub(crate) fn must_follow(&self, rule: &Rule) -> Result<(), GraphError> {
        match rule {
            Rule::Text(max) => self.check_text(1, *max),
            Rule::Maybe(max) => self.check_text(0, *max),
            Rule::Flag if self.value.is_boolean() || matches!(self.text().as_str(), "true" | "false") => Ok(()),
            Rule::Flag => Err(self.bad("must be a boolean.")),
            Rule::Number(least, most) => match self.text().parse::<f64>() {
                Ok(number) if number >= *least && number <= *most => Ok(()),
                Ok(_) => Err(self.bad(&format!("must be between {least} and {most}."))),
                Err(_) => Err(self.bad("must be a number.")),
            },
            Rule::OneOf(names) if names.contains(&self.text().to_ascii_lowercase().as_str()) => Ok(()),
            Rule::OneOf(names) => {
                Err(self.bad(&format!("must be one of {{{}}} - got \"{}\".", names.join(", "), self.text())))
            }
            Rule::Link(max) => self.check_text(1, *max).and_then(|()| self.check_link()),
            Rule::Object(shape) => self.must_be(shape),
            Rule::List(least, most, rule) => self.check_list(*least, *most, rule),
            Rule::Any => Ok(()),
        }
    }

    fn check_text(&self, least: usize, most: usize) -> Result<(), GraphError> {
        if self.value.is_array() || self.value.is_object() {
            return Err(self.bad("must be a string."));
        }
        let length = self.text().chars().count();
        if length < least {
            return Err(self.bad("cannot be empty."));
        }
        if length > most {
            return Err(self.bad(&format!("must be at most {most} characters long.")));
        }
        Ok(())
    }

    fn check_link(&self) -> Result<(), GraphError> {
        let link = self.text();
        let address = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://"));
        match address {
            Some(address) if !address.is_empty() && !address.contains(char::is_whitespace) => Ok(()),
            _ => Err(self.bad("must be a valid URI.")),
        }
    }

    fn check_list(&self, least: usize, most: usize, rule: &Rule) -> Result<(), GraphError> {
        if !self.value.is_array() {
            return Err(self.bad("must be an array."));
        }
        let count = self.items().count();
        if !(least..=most).contains(&count) {
            return Err(self.bad(&format!("must have {least} to {most} elements, it has {count}.")));
        }
        self.items().try_for_each(|item| item.must_follow(rule))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const INNER: Shape = Shape(&[required("title", Rule::Text(3))]);
    const OUTER: Shape = Shape(&[
        optional("items", Rule::List(1, 2, &Rule::Object(&INNER))),
        optional("kind", Rule::OneOf(&["big", "small"])),
        optional("at", Rule::Number(-1.0, 1.0)),
        optional("url", Rule::Link(20)),
        optional("on", Rule::Flag),
    ]);

    fn refusal(value: &Value) -> Option<(i64, String)> {
        let answer = Part::new("thing", value).must_be(&OUTER).err()?.into_answer();
        let crate::graph::AnswerBody::Json(body) = answer.body else { return None };
        let text = body["error"]["error_data"]["details"].as_str().or_else(|| body["error"]["message"].as_str());
        Some((body["error"]["code"].as_i64()?, text?.to_owned()))
    }

    #[test]
    fn what_follows_the_table_passes() {
        let fine = json!({"items": [{"title": "abc"}], "kind": "BIG", "at": "0.5", "url": "http://a/b", "on": true});

        assert_eq!(refusal(&fine), None);
    }

    #[test]
    fn every_rule_names_the_part_that_breaks_it() {
        let cases = [
            (json!({"items": [{}]}), 131008, "The parameter thing['items'][0]['title'] is required."),
            (json!({"items": [{"title": ""}]}), 131009, "Param thing['items'][0]['title'] cannot be empty."),
            (
                json!({"items": [{"title": "über"}]}),
                131009,
                "Param thing['items'][0]['title'] must be at most 3 characters long.",
            ),
            (json!({"items": []}), 131009, "Param thing['items'] must have 1 to 2 elements, it has 0."),
            (json!({"items": {}}), 131009, "Param thing['items'] must be an array."),
            (json!({"kind": "huge"}), 131009, "Param thing['kind'] must be one of {big, small} - got \"huge\"."),
            (json!({"at": 1.5}), 131009, "Param thing['at'] must be between -1 and 1."),
            (json!({"url": "ftp://a"}), 131009, "Param thing['url'] must be a valid URI."),
            (json!({"on": "yes"}), 131009, "Param thing['on'] must be a boolean."),
            (json!({"of": 1}), 100, "(#100) Unexpected key \"of\" on param \"thing\"."),
            (json!("text"), 131009, "Param thing must be a JSON object."),
        ];

        for (value, code, details) in cases {
            assert_eq!(refusal(&value), Some((code, details.to_owned())), "{value}");
        }
    }
}
