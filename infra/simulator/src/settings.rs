//! What a number has set on its edges: kept as it was given, after the checks Meta documents.

use serde_json::{Map, Value, json};

use crate::graph::{Answer, Call, GraphError, Outcome};
use crate::meta::Meta;
use crate::world::World;

/// An edge, what it says before anybody set anything, whether it is a list of one, and what is checked.
struct Edge {
    name: &'static str,
    fields: &'static [&'static str],
    default: fn() -> Value,
    is_list: bool,
    check: fn(&Map<String, Value>) -> Result<(), GraphError>,
}

const EDGES: [Edge; 4] = [
    Edge {
        name: "whatsapp_commerce_settings",
        fields: &["is_cart_enabled", "is_catalog_visible"],
        default: || json!({"is_cart_enabled": true, "is_catalog_visible": false}),
        is_list: true,
        check: check_flags,
    },
    Edge {
        name: "conversational_automation",
        fields: &["enable_welcome_message", "prompts", "commands"],
        default: || json!({"enable_welcome_message": false, "prompts": [], "commands": []}),
        is_list: false,
        check: check_automation,
    },
    Edge {
        name: "settings",
        fields: &["calling", "user_identity_change", "payload_encryption", "storage_configuration"],
        default: || {
            json!({"payload_encryption": {"status": "disabled"}, "storage_configuration": {"status": "default"},
                "calling": {"status": "disabled", "call_icon_visibility": "visible", "callback_permission_status": "disabled",
                    "ip_addresses": {"default": []}}})
        },
        is_list: false,
        check: check_settings,
    },
    Edge {
        name: "whatsapp_business_encryption",
        fields: &["business_public_key"],
        default: || Value::Null,
        is_list: true,
        check: check_key,
    },
];

const MOST_PROMPTS: usize = 3;
const LONGEST_PROMPT: usize = 80;
const MOST_COMMANDS: usize = 30;
const LONGEST_COMMAND: usize = 32;
const LONGEST_DESCRIPTION: usize = 256;

pub(crate) fn is_edge(name: &str) -> bool {
    EDGES.iter().any(|edge| edge.name == name)
}

pub(crate) fn show(meta: &Meta, number: &str, edge: &str) -> Outcome {
    let edge = find(edge)?;
    let mut set = meta.read(|world| world.settings.get(&key(number, edge)).cloned()).unwrap_or_else(edge.default);
    if set.is_null() {
        return Ok(Answer::json(json!({"data": []})));
    }
    if set.get("business_public_key").is_some() {
        set["business_public_key_signature_status"] = "VALID".into();
    }
    if edge.name == "whatsapp_commerce_settings" {
        set["id"] = number.into();
    }
    Ok(Answer::json(if edge.is_list { json!({"data": [set]}) } else { set }))
}

/// What a number shows of its automation, once somebody has set it.
pub(crate) fn automation(world: &World, number: &str) -> Option<Value> {
    let mut set = world.settings.get(&format!("{number}/conversational_automation")).cloned()?;
    set["id"] = number.into();
    Some(set)
}

/// What is given changes, the rest stays.
pub(crate) fn change(meta: &Meta, call: &Call, number: &str, edge: &str) -> Outcome {
    let edge = find(edge)?;
    let given: Map<String, Value> = edge
        .fields
        .iter()
        .filter_map(|name| {
            Some(((*name).to_owned(), call.params.json(name).or_else(|| call.params.get(name).cloned())?))
        })
        .collect();
    if given.is_empty() {
        return Err(GraphError::invalid(format!("One of {} is required.", edge.fields.join(", "))));
    }
    (edge.check)(&given)?;
    meta.change(|world| {
        let mut set = world.settings.get(&key(number, edge)).cloned().unwrap_or_else(edge.default);
        match &mut set {
            Value::Object(set) => set.extend(given),
            nothing => *nothing = Value::Object(given),
        }
        world.settings.put(key(number, edge), set);
        Ok::<_, GraphError>(Answer::success())
    })
}

fn find(name: &str) -> Result<&'static Edge, GraphError> {
    EDGES.iter().find(|edge| edge.name == name).ok_or_else(|| GraphError::unknown_path(name))
}

fn key(number: &str, edge: &Edge) -> String {
    format!("{number}/{}", edge.name)
}

fn check_flags(given: &Map<String, Value>) -> Result<(), GraphError> {
    match given.iter().find(|(_, value)| !value.is_boolean()) {
        Some((name, _)) => Err(GraphError::new(100, format!("(#100) Param {name} must be a boolean."))),
        None => Ok(()),
    }
}

fn check_automation(given: &Map<String, Value>) -> Result<(), GraphError> {
    let list = |name: &str| given.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let refuse = |message: String| Err(GraphError::new(100, message));
    if list("prompts").len() > MOST_PROMPTS {
        return refuse(format!("Too many prompts provided. Maximum allowed is {MOST_PROMPTS}"));
    }
    if list("prompts").iter().any(|prompt| long(prompt, LONGEST_PROMPT)) {
        return refuse(format!("Prompt text exceeds maximum length of {LONGEST_PROMPT} characters"));
    }
    let commands = list("commands");
    if commands.len() > MOST_COMMANDS {
        return refuse(format!("Too many commands provided. Maximum allowed is {MOST_COMMANDS}"));
    }
    for (index, command) in commands.iter().enumerate() {
        let name = command["command_name"].as_str().unwrap_or_default();
        let is_word = !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
        if !is_word || long(&command["command_name"], LONGEST_COMMAND) {
            let message =
                "Invalid command name format. Command names must contain only alphanumeric characters and underscores";
            return refuse(message.to_owned());
        }
        if long(&command["command_description"], LONGEST_DESCRIPTION) {
            return refuse(format!("Command description exceeds maximum length of {LONGEST_DESCRIPTION} characters"));
        }
        if commands[..index].iter().any(|other| other["command_name"] == name) {
            return refuse(format!("Command names must be unique. Duplicate command name found: {name}"));
        }
    }
    Ok(())
}

fn long(text: &Value, most: usize) -> bool {
    text.as_str().is_some_and(|text| text.chars().count() > most)
}

fn check_settings(given: &Map<String, Value>) -> Result<(), GraphError> {
    match given.iter().find(|(_, value)| !value.is_object()) {
        Some((name, _)) => Err(GraphError::new(100, format!("(#100) Param {name} must be a JSON object."))),
        None => Ok(()),
    }
}

fn check_key(given: &Map<String, Value>) -> Result<(), GraphError> {
    let key = given.get("business_public_key").and_then(Value::as_str).unwrap_or_default();
    if key.trim().starts_with("-----BEGIN PUBLIC KEY-----") && key.trim().ends_with("-----END PUBLIC KEY-----") {
        return Ok(());
    }
    let error = GraphError::new(100, "Business public key is invalid");
    Err(error.for_people("Invalid Public Key", "The provided public key format is invalid"))
}
