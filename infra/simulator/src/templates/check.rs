//! What a template's components must be, to Meta's limits, each breach with its subcode.

use serde_json::Value;

use super::text::{component, variables};
use super::{buttons, refusal};
use crate::graph::GraphError;

const LONGEST_HEADER: usize = 60;
const LONGEST_BODY: usize = 1024;
const LONGEST_FOOTER: usize = 60;
const LONGEST_CARD_BODY: usize = 160;
const FORMATS: [&str; 7] = ["DOCUMENT", "GIF", "IMAGE", "LOCATION", "PRODUCT", "TEXT", "VIDEO"];
const TYPES: [&str; 7] =
    ["BODY", "BUTTONS", "CALL_PERMISSION_REQUEST", "CAROUSEL", "FOOTER", "HEADER", "LIMITED_TIME_OFFER"];

/// What the checks need to know of the whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    pub(super) category: &'a str,
    pub(super) is_named: bool,
}

pub(super) fn check(components: &Value, rules: Rules<'_>) -> Result<(), GraphError> {
    known_and_single(components)?;
    let Some(body) = component(components, "BODY") else { return Err(missing("BODY", "a template has one")) };
    if let Some(header) = component(components, "HEADER") {
        check_header(header, rules)?;
    }
    if rules.category == "AUTHENTICATION" {
        check_code(body, components)?;
    } else {
        check_body(body, LONGEST_BODY, rules)?;
    }
    if let Some(footer) = component(components, "FOOTER") {
        check_footer(footer, rules)?;
    }
    if let Some(buttons) = component(components, "BUTTONS") {
        buttons::check(buttons, rules)?;
    }
    check_offer(components)?;
    component(components, "CAROUSEL").map_or(Ok(()), |carousel| check_carousel(carousel, rules))
}

fn known_and_single(components: &Value) -> Result<(), GraphError> {
    let Some(list) = components.as_array() else {
        return Err(GraphError::new(100, "(#100) Param components must be an array."));
    };
    let types: Vec<String> = list.iter().map(kind).collect();
    for (index, kind) in types.iter().enumerate() {
        if !TYPES.contains(&kind.as_str()) {
            let message = format!(
                "(#100) Param components[{index}]['type'] must be one of {{{}}} - got \"{kind}\".",
                TYPES.join(", ")
            );
            return Err(GraphError::new(100, message));
        }
        if types[..index].contains(kind) {
            return Err(refusal(2388043, "Unexpected components", format!("There is more than one {kind}.")));
        }
    }
    Ok(())
}

pub(super) fn kind(value: &Value) -> String {
    value["type"].as_str().unwrap_or_default().to_ascii_uppercase()
}

fn check_header(header: &Value, rules: Rules<'_>) -> Result<(), GraphError> {
    let wrong = |text: String| refusal(2388047, "Message header format is incorrect", text);
    let format = header["format"].as_str().unwrap_or("TEXT").to_ascii_uppercase();
    if !FORMATS.contains(&format.as_str()) {
        return Err(wrong(format!("The header's format is one of {}, not {format}.", FORMATS.join(", "))));
    }
    if format != "TEXT" {
        let needs_a_sample = !matches!(format.as_str(), "LOCATION" | "PRODUCT");
        let sample = header["example"]["header_handle"][0].as_str().unwrap_or_default();
        if needs_a_sample && !sample.contains("::") {
            return Err(missing("HEADER", "example.header_handle of an uploaded sample"));
        }
        return Ok(());
    }
    let text = header["text"].as_str().unwrap_or_default();
    let names = variables(text);
    if text.is_empty() || text.contains('\n') || names.len() > 1 {
        return Err(wrong("A header is one line of text with one variable at most.".to_owned()));
    }
    long(text, LONGEST_HEADER, "header")?;
    check_names(&names, rules, 2388047, "Message header format is incorrect")?;
    check_samples("HEADER", header, &names, rules)
}

fn check_body(body: &Value, longest: usize, rules: Rules<'_>) -> Result<(), GraphError> {
    let text = body["text"].as_str().unwrap_or_default();
    if text.trim().is_empty() {
        return Err(missing("BODY", "text"));
    }
    long(text, longest, "body")?;
    let names = variables(text);
    check_names(&names, rules, 2388072, "Message body format is incorrect")?;
    let text = text.trim();
    if text.starts_with("{{") || text.ends_with("}}") {
        let words = "Variables can't be at the start or end of the template.";
        return Err(refusal(2388299, "Leading or trailing params are not allowed", words));
    }
    let words = text.split_whitespace().filter(|word| !word.contains("{{")).count();
    if !names.is_empty() && words <= names.len() {
        let why = "This template contains too many variable parameters relative to the message length.";
        return Err(refusal(2388293, "Parameter words ratio exceeds limit", why));
    }
    check_samples("BODY", body, &names, rules)
}

/// An authentication template's text is Meta's own; the business chooses two switches and the button.
fn check_code(body: &Value, components: &Value) -> Result<(), GraphError> {
    if body.get("text").is_some() {
        let why = "The body of an authentication template is fixed: give add_security_recommendation, not text.";
        return Err(refusal(2388072, "Message body format is incorrect", why));
    }
    let codes = component(components, "BUTTONS").and_then(|buttons| buttons["buttons"].as_array());
    let has_one = codes.is_some_and(|buttons| buttons.len() == 1 && kind(&buttons[0]) == "OTP");
    if has_one { Ok(()) } else { Err(missing("BUTTONS", "one button of type OTP")) }
}

fn check_footer(footer: &Value, rules: Rules<'_>) -> Result<(), GraphError> {
    let wrong = |text: &str| Err(refusal(2388073, "Message footer format is incorrect", text));
    if rules.category == "AUTHENTICATION" {
        return match footer["code_expiration_minutes"].as_i64() {
            Some(1..=90) => Ok(()),
            _ => wrong("code_expiration_minutes is from 1 to 90."),
        };
    }
    let text = footer["text"].as_str().unwrap_or_default();
    if text.is_empty() || text.contains('\n') || !variables(text).is_empty() {
        return wrong("A footer is one line of text without variables.");
    }
    long(text, LONGEST_FOOTER, "footer")
}

fn check_offer(components: &Value) -> Result<(), GraphError> {
    let Some(offer) = component(components, "LIMITED_TIME_OFFER") else { return Ok(()) };
    let text = offer["limited_time_offer"]["text"].as_str().unwrap_or_default();
    if text.is_empty() {
        return Err(missing("LIMITED_TIME_OFFER", "limited_time_offer.text"));
    }
    long(text, 16, "limited_time_offer")?;
    match component(components, "FOOTER") {
        Some(_) => Err(refusal(2388073, "Message footer format is incorrect", "A limited-time offer has no footer.")),
        None => Ok(()),
    }
}

fn check_carousel(carousel: &Value, rules: Rules<'_>) -> Result<(), GraphError> {
    let cards = carousel["cards"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !(2..=10).contains(&cards.len()) {
        return Err(missing("CAROUSEL", "2 to 10 cards"));
    }
    let parts = |card: &Value| -> Vec<String> {
        card["components"].as_array().map(|parts| parts.iter().map(kind).collect()).unwrap_or_default()
    };
    for card in cards {
        let components = &card["components"];
        if parts(card) != parts(&cards[0]) {
            return Err(refusal(2388043, "Unexpected components", "All cards have the same components."));
        }
        let Some(header) = component(components, "HEADER") else {
            return Err(missing("CAROUSEL", "a header on each card"));
        };
        check_header(header, rules)?;
        if let Some(body) = component(components, "BODY") {
            check_body(body, LONGEST_CARD_BODY, rules)?;
        }
        if let Some(list) = component(components, "BUTTONS") {
            buttons::check(list, rules)?;
        }
    }
    Ok(())
}

/// Positional variables count from 1; named ones are words.
fn check_names(names: &[String], rules: Rules<'_>, subcode: i64, title: &str) -> Result<(), GraphError> {
    let is_word = |name: &String| {
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let fits = if rules.is_named {
        names.iter().all(is_word)
    } else {
        (1..=names.len()).all(|position| names.contains(&position.to_string()))
    };
    let what = if rules.is_named { "{{lower_case_names}}" } else { "{{1}}, {{2}} and so on, from 1 without gaps" };
    if fits { Ok(()) } else { Err(refusal(subcode, title, format!("Variables are written {what}."))) }
}

/// Every variable needs a sample value.
fn check_samples(kind: &str, part: &Value, names: &[String], rules: Rules<'_>) -> Result<(), GraphError> {
    let key = kind.to_ascii_lowercase();
    let example = &part["example"];
    let given = if rules.is_named {
        let samples = example[format!("{key}_text_named_params")].as_array();
        let has_one = |name: &&String| samples.is_some_and(|list| list.iter().any(|row| row["param_name"] == **name));
        names.iter().filter(has_one).count()
    } else {
        let list = &example[format!("{key}_text")];
        let list = if list[0].is_array() { &list[0] } else { list };
        list.as_array().map_or(0, Vec::len)
    };
    if given < names.len() { Err(missing(kind, "example")) } else { Ok(()) }
}

pub(super) fn long(text: &str, most: usize, what: &str) -> Result<(), GraphError> {
    if text.chars().count() <= most {
        return Ok(());
    }
    let why = format!("The {what} is longer than {most} characters.");
    Err(refusal(2388040, "Character Limit Exceeded", why))
}

pub(super) fn missing(kind: &str, field: &str) -> GraphError {
    let title = "Message template \"components\" param is missing expected field(s)";
    refusal(2388043, title, format!("component of type {kind} is missing expected field(s) ({field})"))
}
