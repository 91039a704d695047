//! What Meta would refuse of a template, found before Meta is asked: names, variables, lengths, counts, examples.
//!
//! Where Meta names no limit there is none here; components, formats and buttons that nobody here knows are Meta's to judge.

use serde_json::Value;

use super::{Language, Name, buttons, definition::variables};
use crate::domain::check::{ANY, Part, each, filled, text};

const CATEGORIES: [&str; 3] = ["AUTHENTICATION", "MARKETING", "UTILITY"];
/// What some were called until 2023: Meta knows what it makes of these.
const FORMER_CATEGORIES: [&str; 2] = ["OTP", "TRANSACTIONAL"];
const FORMATS: [&str; 2] = ["NAMED", "POSITIONAL"];
const LONGEST_HEADER: usize = 60;
const LONGEST_BODY: usize = 1024;
const LONGEST_FOOTER: usize = 60;
const LEAST_CARDS: usize = 2;
const MOST_CARDS: usize = 10;
/// Of these a template has one at most.
const SINGLE: [&str; 5] = ["HEADER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL"];

/// What the parts need to know of the whole.
#[derive(Debug, Clone, Copy)]
struct Rules {
    is_named: bool,
    /// Meta's own text around a code.
    is_code: bool,
}

pub(super) fn lint(template: &Part<'_>) {
    if !template.value.is_object() {
        return template.wrong("must be an object");
    }
    template.need("name", parsed::<Name>);
    template.need("language", parsed::<Language>);
    template.need("category", |category| {
        let is_known = |known: &&str| category.text().is_some_and(|text| text.eq_ignore_ascii_case(known));
        if !CATEGORIES.iter().chain(&FORMER_CATEGORIES).any(is_known) {
            category.wrong(format!("must be one of {}", CATEGORIES.join(", ")));
        }
    });
    template.may("parameter_format", |format| {
        if !FORMATS.iter().any(|known| format.text().is_some_and(|text| text.eq_ignore_ascii_case(known))) {
            format.wrong(format!("must be one of {}", FORMATS.join(", ")));
        }
    });
    let says = |name: &str, wanted: &str| super::definition::is(template.value, name, wanted);
    let rules = Rules { is_named: says("parameter_format", "NAMED"), is_code: says("category", "AUTHENTICATION") };
    // One of Meta's library brings its own.
    if template.get("library_template_name").is_none() {
        template.need("components", |list| components(list, rules));
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(part: &Part<'_>) {
    match part.text().map(str::parse::<T>) {
        Some(Ok(_)) => {}
        Some(Err(error)) => part.wrong(error.to_string()),
        None => part.wrong("must be a text"),
    }
}

fn components(list: &Part<'_>, rules: Rules) {
    each(1, ANY, |component| {
        if let Some(kind) = component.kind("type") {
            one(component, &kind, LONGEST_BODY, rules);
        }
    })(list);
    single(list);
    // Where there is none at all that is said already.
    if list.value.as_array().is_some_and(|all| !all.is_empty()) && !has(list, "BODY") {
        list.wrong("must have a component of type BODY");
    }
}

fn one(component: &Part<'_>, kind: &str, longest_body: usize, rules: Rules) {
    match kind {
        "header" => header(component, rules),
        "body" => body(component, longest_body, rules),
        "footer" => footer(component, rules),
        "buttons" => {
            component.need("buttons", buttons::lint);
        }
        "carousel" => {
            component.need("cards", each(LEAST_CARDS, MOST_CARDS, |card| self::card(card, rules)));
        }
        _ => {}
    }
}

fn card(card: &Part<'_>, rules: Rules) {
    const LONGEST: usize = 160;
    card.need("components", |list| {
        each(1, ANY, |component| match component.kind("type").as_deref() {
            Some("carousel") => component.wrong("cannot be in a card"),
            Some(kind) => one(component, kind, LONGEST, rules),
            None => {}
        })(list);
        single(list);
        if list.value.is_array() && !has(list, "HEADER") {
            list.wrong("must have a component of type HEADER");
        }
    });
}

fn single(list: &Part<'_>) {
    for kind in SINGLE {
        let mut of_kind = list.items().filter(|component| super::definition::is(component.value, "type", kind));
        of_kind.next();
        of_kind.for_each(|again| again.wrong_at("type", format!("there is another {kind}")));
    }
}

fn has(list: &Part<'_>, kind: &str) -> bool {
    list.items().any(|component| super::definition::is(component.value, "type", kind))
}

fn header(header: &Part<'_>, rules: Rules) {
    let Some(format) = header.kind("format") else { return };
    match format.as_str() {
        "text" => {
            header.need("text", |part| {
                text(LONGEST_HEADER)(part);
                let names = names(part, rules);
                if names.len() > 1 {
                    part.wrong("must have one variable at most");
                } else {
                    examples(header, "header", &names, rules);
                }
            });
        }
        "image" | "video" | "gif" | "document" => {
            let sample = |example: &Part<'_>| drop(example.need("header_handle", each(1, ANY, filled)));
            header.need("example", sample);
        }
        _ => {}
    }
}

fn body(body: &Part<'_>, longest: usize, rules: Rules) {
    let check = |part: &Part<'_>| {
        text(longest)(part);
        examples(body, "body", &names(part, rules), rules);
    };
    // The text around a code is Meta's own.
    if rules.is_code {
        body.may("text", check);
    } else {
        body.need("text", check);
    }
}

fn footer(footer: &Part<'_>, rules: Rules) {
    let check = |part: &Part<'_>| {
        text(LONGEST_FOOTER)(part);
        if part.text().is_some_and(|text| !variables(text).is_empty()) {
            part.wrong("must have no variables");
        }
    };
    if rules.is_code {
        footer.may("text", check);
    } else {
        footer.need("text", check);
    }
}

/// The variables of a text. Numbers count from 1 without a gap; names are small letters.
fn names(part: &Part<'_>, rules: Rules) -> Vec<String> {
    let Some(text) = part.text() else { return Vec::new() };
    if text.matches("{{").count() != text.matches("}}").count() {
        part.wrong("has braces that open or close nothing");
        return Vec::new();
    }
    let names = variables(text);
    if rules.is_named {
        for name in names.iter().filter(|name| !is_word(name)) {
            part.wrong(format!("has the variable {name}: one by name is small letters, digits and underscores"));
        }
    } else if !(1..=names.len()).all(|place| names.contains(&place.to_string())) {
        part.wrong(
            "must have its variables numbered from 1 without a gap: {{1}}, {{2}}; or say parameter_format NAMED",
        );
    }
    names
}

fn is_word(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Each variable needs an example.
fn examples(component: &Part<'_>, of: &str, names: &[String], rules: Rules) {
    if names.is_empty() {
        return;
    }
    let Some(example) = component.get("example") else {
        return component.wrong_at("example", format!("is required: one for each variable ({})", names.join(", ")));
    };
    if rules.is_named {
        named_examples(&example, &format!("{of}_text_named_params"), names);
    } else {
        let name = format!("{of}_text");
        let Some(given) = example.get(&name) else { return example.wrong_at(&name, "is required") };
        let given = given.items().next().filter(|first| first.value.is_array()).unwrap_or(given);
        if given.items().count() < names.len() {
            given.wrong(format!("must have {} examples, one for each variable", names.len()));
        }
        given.items().for_each(|one| filled(&one));
    }
}

fn named_examples(example: &Part<'_>, list: &str, names: &[String]) {
    let Some(given) = example.get(list) else { return example.wrong_at(list, "is required") };
    for one in given.items() {
        one.need("param_name", filled);
        one.need("example", filled);
    }
    let given_names: Vec<&Value> = given.items().map(|one| &one.value["param_name"]).collect();
    for name in names.iter().filter(|name| !given_names.iter().any(|given| **given == ***name)) {
        given.wrong(format!("must have an example of {name}"));
    }
}
