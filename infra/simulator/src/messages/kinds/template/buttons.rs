//! The buttons of a template message: which need a parameter, and which one.

use serde_json::Value;

use super::parameters;
use crate::graph::GraphError;
use crate::messages::shape::{Part, Rule};
use crate::templates::variables;

/// A kind of button: as the template names it, as a message names it, its parameter, and whether it must be there.
struct Button {
    kind: &'static str,
    sub_types: &'static [&'static str],
    parameter: &'static [&'static str],
    is_needed: fn(&Value) -> bool,
}

const BUTTONS: [Button; 11] = [
    Button { kind: "QUICK_REPLY", sub_types: &["quick_reply"], parameter: &["payload", "text"], is_needed: never },
    Button { kind: "URL", sub_types: &["url"], parameter: &["text"], is_needed: has_variable },
    Button { kind: "OTP", sub_types: &["url", "copy_code"], parameter: &["text", "coupon_code"], is_needed: always },
    Button { kind: "COPY_CODE", sub_types: &["copy_code"], parameter: &["coupon_code"], is_needed: always },
    Button { kind: "FLOW", sub_types: &["flow"], parameter: &["action"], is_needed: never },
    Button { kind: "CATALOG", sub_types: &["catalog"], parameter: &["action"], is_needed: never },
    Button { kind: "MPM", sub_types: &["mpm"], parameter: &["action"], is_needed: always },
    Button { kind: "SPM", sub_types: &["spm"], parameter: &["action"], is_needed: never },
    Button { kind: "VOICE_CALL", sub_types: &["voice_call"], parameter: &["ttl_minutes", "payload"], is_needed: never },
    Button { kind: "PHONE_NUMBER", sub_types: &[], parameter: &[], is_needed: never },
    Button { kind: "REQUEST_CONTACT_INFO", sub_types: &["request_contact_info"], parameter: &[], is_needed: never },
];

fn never(_: &Value) -> bool {
    false
}

fn always(_: &Value) -> bool {
    true
}

fn has_variable(button: &Value) -> bool {
    button["url"].as_str().is_some_and(|url| !variables(url).is_empty())
}

pub(super) fn check(sent: &[Part<'_>], approved: Option<&Value>) -> Result<(), GraphError> {
    let is_button = |part: &&Part<'_>| part.text_of("type").is_some_and(|kind| kind.eq_ignore_ascii_case("button"));
    let sent: Vec<&Part<'_>> = sent.iter().filter(is_button).collect();
    let approved = approved.and_then(|buttons| buttons["buttons"].as_array()).map(Vec::as_slice).unwrap_or_default();
    for part in &sent {
        let index = index(part)?;
        let button = approved.get(index).and_then(known);
        let button = button.ok_or_else(|| issue(format!("buttons: there is no button at index {index}")))?;
        check_one(part, index, button)?;
    }
    for (index, button) in approved.iter().enumerate() {
        let is_sent = sent.iter().any(|part| part.text_of("index").as_deref() == Some(index.to_string().as_str()));
        if known(button).is_some_and(|known| (known.is_needed)(button)) && !is_sent {
            return Err(missing(index, button["type"].as_str().unwrap_or_default()));
        }
    }
    Ok(())
}

fn check_one(part: &Part<'_>, index: usize, button: &Button) -> Result<(), GraphError> {
    let sub_type = part.need("sub_type")?.text().to_ascii_lowercase();
    if !button.sub_types.contains(&sub_type.as_str()) {
        return Err(issue(format!("buttons: Button at index {index} is of type {}, not {sub_type}", button.kind)));
    }
    let given = parameters::of(Some(part));
    let Some(parameter) = given.first() else { return Err(missing(index, button.kind)) };
    let kind = parameter.need("type")?.text().to_ascii_lowercase();
    if !button.parameter.contains(&kind.as_str()) {
        return Err(issue(format!(
            "buttons: Button at index {index} takes a parameter of type {}",
            button.parameter[0]
        )));
    }
    let content = parameter.need(&kind)?;
    match kind.as_str() {
        "text" => parameters::written("buttons", &content).map(drop),
        "payload" => content.must_follow(&Rule::Text(256)),
        "coupon_code" => content.must_follow(&Rule::Text(20)),
        _ => Ok(()),
    }
}

fn known(button: &Value) -> Option<&'static Button> {
    BUTTONS.iter().find(|known| button["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case(known.kind)))
}

fn index(part: &Part<'_>) -> Result<usize, GraphError> {
    let index = part.need("index")?;
    index.text().parse().map_err(|_| index.bad("must be a number."))
}

fn issue(details: String) -> GraphError {
    GraphError::of(132018).details(details)
}

fn missing(index: usize, kind: &str) -> GraphError {
    let mut name = kind.to_ascii_lowercase();
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    GraphError::of(131008).details(format!("buttons: Button at index {index} of type {name} requires a parameter"))
}
