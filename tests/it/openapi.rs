//! The committed document is what the code says.

use std::{fs, path::Path};

#[test]
fn the_committed_openapi_document_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let document = shared::http::openapi::document().unwrap();
    let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
    // `just openapi` writes it.
    if std::env::var_os("PATCHBAY_WRITE_OPENAPI").is_some() {
        fs::write(&path, &text).unwrap();
    }

    let committed = fs::read_to_string(&path).unwrap_or_default();

    assert!(committed == text, "docs/openapi.json is not what the code says: run `just openapi` and look at the diff");
}

#[test]
fn no_schema_of_an_answer_holds_a_secret_but_the_two_that_show_it_once() {
    let document = shared::http::openapi::document().unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();

    let holders: Vec<&str> = schemas
        .iter()
        .filter(|(_, schema)| {
            let properties = schema["properties"].as_object();
            properties.is_some_and(|properties| {
                // An account's `token` is what may be said of one.
                let is_text = |schema: &serde_json::Value| schema["type"] == "string" || schema["type"][0] == "string";
                let named = |name: &String| ["key", "token", "secret", "hash"].contains(&name.as_str());
                properties.iter().any(|(name, schema)| named(name) && is_text(schema))
            })
        })
        .map(|(name, _)| name.as_str())
        .collect();

    assert_eq!(holders, ["NewKeyBody", "NewSessionBody"]);
}
