//! The arrows of `shared` go down only: a table of who may use whom, checked against every `crate::` in the code.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Module → the siblings it may use. What is not in the table may be used by nobody and uses nobody.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &[]),
    ("env", &[]),
    ("error", &["domain"]),
    ("telemetry", &["env"]),
    ("lambda", &["error", "env"]),
    ("aws", &["domain", "clock", "env", "error"]),
    ("meta", &["domain", "env", "error"]),
    ("shown", &["domain"]),
    ("flow", &["aws", "meta", "shown", "domain", "clock", "error"]),
    ("http", &["flow", "aws", "meta", "shown", "domain", "clock", "env", "error"]),
    ("batch", &["flow", "aws", "meta", "domain", "clock", "env", "error"]),
    ("upkeep", &["flow", "aws", "meta", "domain", "clock", "env", "error"]),
    ("webhook", &["aws", "meta", "domain", "clock", "env", "error"]),
];

/// Crate → the modules it may appear in.
const CRATES: &[(&str, &[&str])] = &[
    ("axum", &["http", "lambda"]),
    ("lambda_http", &["http", "lambda"]),
    ("lambda_runtime", &["batch", "lambda", "upkeep", "webhook"]),
    ("aws_sdk_", &["aws"]),
    ("reqwest", &["meta"]),
    ("getrandom", &["clock"]),
];

fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/src");
    let mut found = Vec::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(&root).unwrap();
                let first = relative.components().next().unwrap().as_os_str().to_str().unwrap();
                let module = first.trim_end_matches(".rs").to_owned();
                found.push((module, path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

/// What stands behind every `crate::` in a file, nested braces of a `use` included.
fn used(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (place, _) in text.match_indices("crate::") {
        let rest = &text[place + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut name = String::new();
            for letter in list.chars() {
                match letter {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => names.push(std::mem::take(&mut name)),
                    letter if depth == 0 => name.push(letter),
                    _ => {}
                }
            }
            names.push(name);
        } else {
            names.push(rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect());
        }
    }
    let first = |name: &String| name.trim().split("::").next().unwrap_or_default().to_owned();
    names
        .iter()
        .map(first)
        .filter(|name| !name.is_empty())
        .map(|name| if name == "Error" || name == "Result" { "error".to_owned() } else { name })
        .collect()
}

fn breaches(sources: &[(String, PathBuf, String)]) -> Vec<String> {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut found = Vec::new();
    for (module, path, text) in sources.iter().filter(|(module, ..)| module != "lib") {
        let Some(allowed) = arrows.get(module.as_str()) else {
            found.push(format!("{module} is not in the table"));
            continue;
        };
        for name in used(text).iter().filter(|name| *name != module && !allowed.contains(&name.as_str())) {
            found.push(format!("{}: {module} uses {name}", path.display()));
        }
        if text.contains("super::super") {
            found.push(format!("{}: write crate::, so that the arrow is seen", path.display()));
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for (name, modules) in CRATES {
            let is_used = code.iter().any(|line| line.contains(name));
            if is_used && !modules.contains(&module.as_str()) {
                found.push(format!("{}: {module} uses the crate {name}", path.display()));
            }
        }
    }
    found
}

#[test]
fn arrows_go_down_only() {
    assert_eq!(breaches(&sources()), Vec::<String>::new());
}

#[test]
fn an_arrow_up_is_noticed() {
    let upward = ("domain".to_owned(), PathBuf::from("domain/x.rs"), "use crate::{aws::{a, b}, Error};".to_owned());
    let foreign = ("flow".to_owned(), PathBuf::from("flow/x.rs"), "let x = axum::Router::new();".to_owned());

    assert_eq!(
        breaches(&[upward, foreign]),
        ["domain/x.rs: domain uses aws", "domain/x.rs: domain uses error", "flow/x.rs: flow uses the crate axum"]
    );
}
