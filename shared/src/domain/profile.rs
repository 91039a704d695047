//! A number's business profile, as people see it in WhatsApp: Meta's own fields, held to Meta's limits.

use serde_json::{Map, Value, json};

use super::{
    check::{Findings, Part, each, maybe_text, text},
    violation::Violation,
};

/// What is to change of it, as Graph takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileChange(pub Map<String, Value>);

const LONGEST_ABOUT: usize = 139;
const LONGEST: [(&str, usize); 3] = [("address", 256), ("description", 512), ("email", 128)];
const MOST_WEBSITES: usize = 2;
const LONGEST_WEBSITE: usize = 256;
/// Meta's `WhatsAppBusinessVertical`, and what it shows where none was chosen.
const VERTICALS: [&str; 23] = [
    "ALCOHOL",
    "APPAREL",
    "AUTO",
    "BEAUTY",
    "EDU",
    "ENTERTAIN",
    "EVENT_PLAN",
    "FINANCE",
    "GOVT",
    "GROCERY",
    "HEALTH",
    "HOTEL",
    "NONPROFIT",
    "NOT_A_BIZ",
    "ONLINE_GAMBLING",
    "OTC_DRUGS",
    "OTHER",
    "PHYSICAL_GAMBLING",
    "PROF_SERVICES",
    "RESTAURANT",
    "RETAIL",
    "TRAVEL",
    "UNDEFINED",
];

impl ProfileChange {
    /// What is absent stays; null takes away.
    pub fn read(value: Value) -> Result<Self, Vec<Violation>> {
        let findings = Findings::default();
        check(&Part::whole(&value, "", &findings));
        match (findings.all(), value) {
            (found, Value::Object(body)) if found.is_empty() => Ok(Self(as_graph_takes_it(body))),
            (found, _) => Err(found),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn check(profile: &Part<'_>) {
    if !profile.value.is_object() {
        return profile.wrong("must be an object");
    }
    profile.may("about", text(LONGEST_ABOUT));
    if profile.value.get("about").is_some_and(Value::is_null) {
        profile.wrong_at("about", "cannot be taken away, only changed");
    }
    for (name, longest) in LONGEST {
        profile.may(name, maybe_text(longest));
    }
    profile.may("email", |email| {
        if email.text().is_some_and(|text| !text.is_empty() && !text.contains('@')) {
            email.wrong("must be an email address");
        }
    });
    profile.may("websites", each(0, MOST_WEBSITES, website));
    profile.may("vertical", |vertical| {
        if !vertical.text().is_some_and(|text| VERTICALS.contains(&text)) {
            vertical.wrong(format!("must be one of {}", VERTICALS.join(", ")));
        }
    });
}

fn website(website: &Part<'_>) {
    text(LONGEST_WEBSITE)(website);
    if website.text().is_some_and(|text| !text.starts_with("https://") && !text.starts_with("http://")) {
        website.wrong("must begin with https:// or http://");
    }
}

/// Graph has no null: what is empty is nothing.
fn as_graph_takes_it(mut body: Map<String, Value>) -> Map<String, Value> {
    body.remove("messaging_product");
    for (name, value) in &mut body {
        if value.is_null() {
            *value = if name == "websites" { json!([]) } else { json!("") };
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_taken_as_it_is_and_null_takes_away() {
        let change = json!({"messaging_product": "whatsapp", "about": "Open", "websites": null, "email": null,
            "vertical": "RETAIL", "something_new": {"of": "Meta's"}});

        let read = ProfileChange::read(change).unwrap();

        assert_eq!(
            Value::Object(read.0),
            json!({"about": "Open", "websites": [], "email": "", "vertical": "RETAIL",
                "something_new": {"of": "Meta's"}})
        );
        assert!(ProfileChange::read(json!({})).unwrap().is_empty());
    }

    #[test]
    fn what_meta_would_refuse_is_pointed_at() {
        for (change, pointer) in [
            (json!([]), ""),
            (json!({"about": ""}), "/about"),
            (json!({"about": null}), "/about"),
            (json!({"about": "a".repeat(140)}), "/about"),
            (json!({"address": "a".repeat(257)}), "/address"),
            (json!({"description": "a".repeat(513)}), "/description"),
            (json!({"description": 1}), "/description"),
            (json!({"email": "a".repeat(129) + "@"}), "/email"),
            (json!({"email": "somebody"}), "/email"),
            (json!({"websites": ["https://a.example", "https://b.example", "https://c.example"]}), "/websites"),
            (json!({"websites": ["a.example"]}), "/websites/0"),
            (json!({"websites": [format!("https://{}", "a".repeat(249))]}), "/websites/0"),
            (json!({"websites": "https://a.example"}), "/websites"),
            (json!({"vertical": "BAKERY"}), "/vertical"),
        ] {
            let found = ProfileChange::read(change.clone()).unwrap_err();
            let pointers: Vec<&str> = found.iter().map(|one| one.pointer.as_str()).collect();
            assert_eq!(pointers, [pointer], "{change}");
        }
    }
}
