//! Components and the variables in their texts.

use serde_json::Value;

/// The component of a type, however its type is written.
pub(crate) fn component<'a>(components: &'a Value, kind: &str) -> Option<&'a Value> {
    let is_kind = |component: &&Value| component["type"].as_str().is_some_and(|given| given.eq_ignore_ascii_case(kind));
    components.as_array()?.iter().find(is_kind)
}

/// The names between `{{` and `}}`, each once, in order.
pub(crate) fn variables(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in text.split("{{").skip(1) {
        let Some((name, _)) = part.split_once("}}") else { continue };
        let name = name.trim().to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
