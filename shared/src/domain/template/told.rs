//! What Meta tells of a template without being asked. News may come twice and in any order: what was said before what is
//! known changes nothing.
//!
//! Meta tells the second only. Of two news of one second the one that begins where the other ends is the later one; where
//! that is not told, the one that comes later.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Key, Template};
use crate::domain::meta_id::TemplateId;

/// One change of a webhook that is about a template.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    pub field: &'a str,
    pub value: &'a Value,
    /// When Meta said so.
    pub at: Timestamp,
}

/// What can be told apart from all else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    Status,
    Quality,
    Category,
    Components,
}

/// Since when something is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    pub at: Timestamp,
    /// What it was before, where that was told too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

const STATUS: &str = "message_template_status_update";
const QUALITY: &str = "message_template_quality_update";
const COMPONENTS: &str = "message_template_components_update";
const CATEGORY: &str = "template_category_update";
const DETECTION: &str = "template_correct_category_detection";

/// The fields of webhooks that are about templates.
pub const FIELDS: [&str; 5] = [STATUS, QUALITY, COMPONENTS, CATEGORY, DETECTION];

impl Matter {
    pub const ALL: [Self; 4] = [Self::Status, Self::Quality, Self::Category, Self::Components];

    /// The fields of Meta's that it is.
    pub(super) fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Status => &["status", "rejected_reason"],
            Self::Quality => &["quality_score"],
            Self::Category => &["category", "previous_category", "correct_category"],
            Self::Components => &["components"],
        }
    }
}

impl<'a> Told<'a> {
    /// Which template it is about.
    pub fn about(&self) -> Option<(Key, TemplateId)> {
        let name = self.text("message_template_name")?.parse().ok()?;
        let language = self.text("message_template_language")?.parse().ok()?;
        let id = match self.value.get("message_template_id")? {
            Value::String(id) => id.parse().ok()?,
            Value::Number(id) => id.to_string().parse().ok()?,
            _ => return None,
        };
        Some((Key { name, language }, id))
    }

    /// What is known of a template once this was told: of one that was never seen, what it says itself.
    pub fn takes_effect_on(&self, found: Option<Template>) -> Option<Template> {
        let (_, id) = self.about()?;
        match found {
            None => self.template(),
            Some(mut template) if template.id == id => {
                template.is_told(*self);
                Some(template)
            }
            // The name is another template's by now, or was when this was told.
            Some(template) if template.is_newer_than(self.at) => Some(template),
            Some(template) => self.template().map(|new| Template { revision: template.revision, ..new }),
        }
    }

    fn template(&self) -> Option<Template> {
        let (key, id) = self.about()?;
        let mut graph = json!({"id": id, "name": key.name.as_str(), "language": key.language.as_str()});
        if let Some(category) = self.text("message_template_category") {
            graph["category"] = category.into();
        }
        let Value::Object(graph) = graph else { return None };
        let mut template = Template::of(graph, self.at)?;
        template.known.clear();
        template.is_told(*self);
        Some(template)
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        self.value.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    fn matter(&self) -> Option<Matter> {
        Some(match self.field {
            STATUS => Matter::Status,
            QUALITY => Matter::Quality,
            COMPONENTS => Matter::Components,
            CATEGORY | DETECTION => Matter::Category,
            _ => return None,
        })
    }

    /// What it says that something was before.
    fn before(&self) -> Option<&'a str> {
        match self.field {
            QUALITY => self.text("previous_quality_score"),
            CATEGORY => self.text("previous_category"),
            _ => None,
        }
    }

    /// What it says that something is from now on.
    fn after(&self) -> Option<&'a str> {
        match self.field {
            QUALITY => self.text("new_quality_score"),
            CATEGORY => self.text("new_category"),
            _ => None,
        }
    }

    /// Some events say what was done about a status, and not what it is.
    fn status(&self) -> Option<&'a str> {
        match self.text("event")? {
            "REINSTATED" => Some("APPROVED"),
            "FLAGGED" | "LOCKED" => None,
            status => Some(status),
        }
    }
}

impl Template {
    /// Takes in what Meta told. Says nothing new where it is older than what is known.
    pub fn is_told(&mut self, told: Told<'_>) {
        let Some(matter) = told.matter() else { return };
        if self.is_gone() || self.knows_better(matter, told) {
            return;
        }
        let did = match matter {
            Matter::Status => self.is_told_status(told),
            Matter::Quality => self.is_told_quality(told),
            Matter::Category => self.is_told_category(told),
            Matter::Components => self.is_told_components(told),
        };
        if did {
            let before = told.before().map(str::to_owned);
            self.known.insert(matter, Known { at: told.at, before });
        }
    }

    fn knows_better(&self, matter: Matter, told: Told<'_>) -> bool {
        let Some(known) = self.known.get(&matter) else { return false };
        let (known_at, told_at) = (known.at.as_second(), told.at.as_second());
        if known_at != told_at {
            return known_at > told_at;
        }
        told.after().is_some() && known.before.as_deref() == told.after()
    }

    fn is_told_status(&mut self, told: Told<'_>) -> bool {
        let Some(status) = told.status() else { return false };
        self.set("status", status.into());
        let reason = told.text("reason").unwrap_or("NONE");
        self.set("rejected_reason", reason.into());
        true
    }

    fn is_told_quality(&mut self, told: Told<'_>) -> bool {
        let Some(score) = told.after() else { return false };
        self.set("quality_score", json!({"score": score, "date": told.at.as_second()}));
        true
    }

    fn is_told_category(&mut self, told: Told<'_>) -> bool {
        let done = told.text("previous_category").zip(told.text("new_category")).filter(|_| told.field == CATEGORY);
        if let Some((previous, category)) = done {
            self.set("category", category.into());
            self.set("previous_category", previous.into());
            // As Meta's list has it then.
            self.graph.remove("correct_category");
            self.category_changed_at = Some(told.at);
            self.category_changes_at = None;
            return true;
        }
        let Some(correct) = told.text("correct_category") else { return false };
        self.set("correct_category", correct.into());
        let at = told.value.get("category_update_timestamp").and_then(Value::as_i64);
        self.category_changes_at = at.and_then(|second| Timestamp::from_second(second).ok());
        true
    }

    /// It says the texts only: examples, formats and all else of what is known stay where the texts do.
    fn is_told_components(&mut self, told: Told<'_>) -> bool {
        let known = match self.graph.get("components") {
            Some(Value::Array(known)) => known.clone(),
            _ => return false,
        };
        let mut components: Vec<Value> = Vec::new();
        for mut component in known {
            match component["type"].as_str().unwrap_or_default().to_ascii_uppercase().as_str() {
                "BODY" => replace(&mut component, told.text("message_template_element")),
                "HEADER" if component["format"].as_str().is_none_or(|format| format.eq_ignore_ascii_case("TEXT")) => {
                    let Some(title) = told.text("message_template_title") else { continue };
                    replace(&mut component, Some(title));
                }
                "FOOTER" => {
                    let Some(footer) = told.text("message_template_footer") else { continue };
                    replace(&mut component, Some(footer));
                }
                "BUTTONS" => {
                    let Some(buttons) = buttons(told, &component) else { continue };
                    component["buttons"] = buttons;
                }
                _ => {}
            }
            components.push(component);
        }
        let has = |kind: &str| {
            components.iter().any(|one| one["type"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(kind)))
        };
        let mut new = Vec::new();
        if let Some(title) = told.text("message_template_title").filter(|_| !has("HEADER")) {
            new.push(json!({"type": "HEADER", "format": "TEXT", "text": title}));
        }
        if let Some(footer) = told.text("message_template_footer").filter(|_| !has("FOOTER")) {
            new.push(json!({"type": "FOOTER", "text": footer}));
        }
        if let Some(buttons) = buttons(told, &Value::Null).filter(|_| !has("BUTTONS")) {
            new.push(json!({"type": "BUTTONS", "buttons": buttons}));
        }
        components.extend(new);
        self.set("components", components.into());
        true
    }
}

/// An example is of the text that it was given with.
fn replace(component: &mut Value, text: Option<&str>) {
    let Some(text) = text.filter(|text| component["text"] != **text) else { return };
    component["text"] = text.into();
    if let Some(component) = component.as_object_mut() {
        component.remove("example");
    }
}

/// The buttons that were told, each as it is known where it is.
fn buttons(told: Told<'_>, known: &Value) -> Option<Value> {
    let buttons = told.value.get("message_template_buttons")?.as_array()?;
    let known = known["buttons"].as_array().map(Vec::as_slice).unwrap_or_default();
    let button = |(place, told): (usize, &Value)| {
        let mut button = json!({});
        for name in ["type", "text", "url", "phone_number"] {
            if let Some(value) = told.get(format!("message_template_button_{name}")).filter(|value| !value.is_null()) {
                button[name] = value.clone();
            }
        }
        let is_same = |known: &&Value| ["type", "text", "url"].iter().all(|name| known.get(name) == button.get(name));
        known.get(place).filter(is_same).cloned().unwrap_or(button)
    };
    Some(buttons.iter().enumerate().map(button).collect::<Vec<_>>())
        .filter(|buttons| !buttons.is_empty())
        .map(Value::from)
}
