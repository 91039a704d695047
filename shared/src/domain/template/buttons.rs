//! What a template's buttons must be.

use std::collections::HashMap;

use super::definition::variables;
use crate::domain::check::{Part, each, filled, text};

const MOST: usize = 10;
const LONGEST_TEXT: usize = 25;
const LONGEST_URL: usize = 2000;
const LONGEST_CODE: usize = 15;
/// How many of a kind there may be, where that is fewer than of all.
const MOST_OF: [(&str, usize); 3] = [("url", 2), ("phone_number", 1), ("copy_code", 1)];

pub(super) fn lint(list: &Part<'_>) {
    each(1, MOST, button)(list);
    let kinds: Vec<String> = list.items().map(|button| kind(&button)).collect();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (button, kind) in list.items().zip(&kinds) {
        let count = seen.entry(kind).or_default();
        *count += 1;
        if let Some((_, most)) = MOST_OF.iter().find(|(of, most)| of == kind && *count > *most) {
            button.wrong_at("type", format!("there are more than {most} of these"));
        }
    }
    let is_reply = |kind: &String| kind == "quick_reply";
    let changes = kinds.windows(2).filter(|pair| is_reply(&pair[0]) != is_reply(&pair[1])).count();
    if changes > 1 {
        list.wrong("must have all quick replies together, before or behind the other buttons");
    }
}

fn kind(button: &Part<'_>) -> String {
    button.value["type"].as_str().unwrap_or_default().to_ascii_lowercase()
}

/// A kind Meta has added since is Meta's to judge.
fn button(button: &Part<'_>) {
    let Some(kind) = button.kind("type") else { return };
    match kind.as_str() {
        "quick_reply" | "flow" | "catalog" | "mpm" | "spm" | "voice_call" => {
            button.need("text", text(LONGEST_TEXT));
        }
        "url" => {
            button.need("text", text(LONGEST_TEXT));
            button.need("url", |url| address(button, url));
        }
        "phone_number" => {
            button.need("text", text(LONGEST_TEXT));
            button.need("phone_number", phone);
        }
        "copy_code" => {
            button.need("example", |example| {
                let one = example.items().next().unwrap_or_else(|| example.clone());
                text(LONGEST_CODE)(&one);
            });
        }
        "otp" => {
            button.may("text", text(LONGEST_TEXT));
            button.need("otp_type", |otp| one_time(button, otp));
        }
        _ => drop(button.may("text", text(LONGEST_TEXT))),
    }
}

fn address(button: &Part<'_>, url: &Part<'_>) {
    text(LONGEST_URL)(url);
    let Some(address) = url.text() else { return };
    if !address.starts_with("https://") && !address.starts_with("http://") {
        url.wrong("must begin with https:// or http://");
    }
    match variables(address).len() {
        0 => {}
        1 if !address.trim_end().ends_with("}}") => url.wrong("must have its variable at the end"),
        1 => {
            button.need("example", |example| {
                let first = example.items().next().unwrap_or_else(|| example.clone());
                filled(&first);
            });
        }
        _ => url.wrong("must have one variable at most"),
    }
}

fn phone(part: &Part<'_>) {
    let digits = part.scalar().map(|text| text.bytes().filter(u8::is_ascii_digit).count());
    if !digits.is_some_and(|digits| (5..=20).contains(&digits)) {
        part.wrong("must be a phone number with its country's code");
    }
}

fn one_time(button: &Part<'_>, kind: &Part<'_>) {
    let names_an_app = || {
        let has = |name: &str| button.get(name).is_some();
        has("supported_apps") || (has("package_name") && has("signature_hash"))
    };
    match kind.text().unwrap_or_default().to_ascii_uppercase().as_str() {
        "COPY_CODE" => {}
        "ONE_TAP" | "ZERO_TAP" if names_an_app() => {}
        "ONE_TAP" | "ZERO_TAP" => button.wrong_at("supported_apps", "is required"),
        _ => kind.wrong("must be one of COPY_CODE, ONE_TAP, ZERO_TAP"),
    }
}
