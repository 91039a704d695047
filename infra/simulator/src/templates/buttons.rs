//! What a template's buttons must be.

use serde_json::Value;

use super::check::{Rules, kind, long, missing};
use super::refusal;
use super::text::variables;
use crate::graph::GraphError;

const MOST: usize = 10;
const LONGEST_TEXT: usize = 25;
const LONGEST_URL: usize = 2000;
const LONGEST_CODE: usize = 15;
const LONGEST_PHONE: usize = 20;

/// A kind of button, how many a template may have, what it cannot do without, and what else must hold.
struct Button {
    kind: &'static str,
    most: usize,
    fields: &'static [&'static str],
    check: fn(&Value) -> Result<(), GraphError>,
}

const BUTTONS: [Button; 12] = [
    Button { kind: "APP", most: 1, fields: &["text"], check: nothing_else },
    Button { kind: "CATALOG", most: 1, fields: &["text"], check: nothing_else },
    Button { kind: "COPY_CODE", most: 1, fields: &["example"], check: check_code },
    Button { kind: "FLOW", most: 1, fields: &["text"], check: check_flow },
    Button { kind: "MPM", most: 1, fields: &["text"], check: nothing_else },
    Button { kind: "OTP", most: 1, fields: &["otp_type"], check: check_otp },
    Button { kind: "PHONE_NUMBER", most: 1, fields: &["text", "phone_number"], check: check_phone },
    Button { kind: "QUICK_REPLY", most: 10, fields: &["text"], check: nothing_else },
    Button { kind: "REQUEST_CONTACT_INFO", most: 1, fields: &[], check: nothing_else },
    Button { kind: "SPM", most: 1, fields: &["text"], check: nothing_else },
    Button { kind: "URL", most: 2, fields: &["text", "url"], check: check_url },
    Button { kind: "VOICE_CALL", most: 1, fields: &["text"], check: nothing_else },
];

pub(super) fn check(buttons: &Value, rules: Rules<'_>) -> Result<(), GraphError> {
    let list = buttons["buttons"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !(1..=MOST).contains(&list.len()) {
        return Err(missing("BUTTONS", "1 to 10 buttons"));
    }
    let kinds: Vec<String> = list.iter().map(kind).collect();
    for (button, kind) in list.iter().zip(&kinds) {
        let Some(known) = BUTTONS.iter().find(|known| known.kind == kind) else {
            let names: Vec<&str> = BUTTONS.iter().map(|known| known.kind).collect();
            let message =
                format!("(#100) Param type of a button must be one of {{{}}} - got \"{kind}\".", names.join(", "));
            return Err(GraphError::new(100, message));
        };
        if kinds.iter().filter(|other| *other == kind).count() > known.most {
            return Err(wrong(format!("A template has at most {} buttons of type {kind}.", known.most)));
        }
        if let Some(field) = known.fields.iter().find(|field| button[**field].is_null() || button[**field] == "") {
            return Err(missing("BUTTONS", field));
        }
        if (kind == "OTP") != (rules.category == "AUTHENTICATION") {
            return Err(wrong("Buttons of type OTP belong to authentication templates, and no others do.".to_owned()));
        }
        long(button["text"].as_str().unwrap_or_default(), LONGEST_TEXT, "button text")?;
        (known.check)(button)?;
    }
    contiguous(&kinds)
}

/// Quick replies stand together, before or after all others.
fn contiguous(kinds: &[String]) -> Result<(), GraphError> {
    let changes = kinds.windows(2).filter(|pair| (pair[0] == "QUICK_REPLY") != (pair[1] == "QUICK_REPLY")).count();
    if changes <= 1 { Ok(()) } else { Err(wrong("Quick replies and other buttons cannot be mixed.".to_owned())) }
}

fn check_url(button: &Value) -> Result<(), GraphError> {
    let url = button["url"].as_str().unwrap_or_default();
    long(url, LONGEST_URL, "button's url")?;
    let names = variables(url);
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        return Err(wrong("A button's url begins with https:// or http://.".to_owned()));
    }
    match names.len() {
        1 if !url.ends_with("}}") => Err(wrong("A button's url has its variable at the end.".to_owned())),
        1 if button["example"].is_null() => Err(missing("BUTTONS", "example")),
        0 | 1 => Ok(()),
        _ => Err(wrong("A button's url has one variable at most.".to_owned())),
    }
}

fn check_phone(button: &Value) -> Result<(), GraphError> {
    let phone = button["phone_number"].as_str().map_or_else(|| button["phone_number"].to_string(), str::to_owned);
    long(&phone, LONGEST_PHONE, "button's phone_number")?;
    let digits = phone.bytes().filter(u8::is_ascii_digit).count();
    if digits >= 5 { Ok(()) } else { Err(wrong("A button's phone_number is a phone number.".to_owned())) }
}

fn check_code(button: &Value) -> Result<(), GraphError> {
    let example = button["example"].as_str().or(button["example"][0].as_str()).unwrap_or_default();
    long(example, LONGEST_CODE, "code")
}

fn check_flow(button: &Value) -> Result<(), GraphError> {
    let ways = ["flow_id", "flow_name", "flow_json"];
    match ways.iter().filter(|way| !button[**way].is_null()).count() {
        1 => Ok(()),
        _ => Err(missing("BUTTONS", "one of flow_id, flow_name, flow_json")),
    }
}

fn check_otp(button: &Value) -> Result<(), GraphError> {
    let kind = button["otp_type"].as_str().unwrap_or_default().to_ascii_uppercase();
    let names_an_app = button["supported_apps"].is_array()
        || (button["package_name"].is_string() && button["signature_hash"].is_string());
    match kind.as_str() {
        "COPY_CODE" => Ok(()),
        "ONE_TAP" | "ZERO_TAP" if names_an_app => Ok(()),
        "ONE_TAP" | "ZERO_TAP" => Err(missing("BUTTONS", "supported_apps")),
        _ => Err(wrong("otp_type is COPY_CODE, ONE_TAP or ZERO_TAP.".to_owned())),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "stands in a table of checks")]
fn nothing_else(_: &Value) -> Result<(), GraphError> {
    Ok(())
}

fn wrong(text: String) -> GraphError {
    refusal(2388043, "Message template buttons are incorrect", text)
}
